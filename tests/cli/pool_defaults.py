#!/usr/bin/env python3
"""What `oriel pool defaults` prints is what a new pool gets, what the gateway begins with, and what the documents promise.
   pool_defaults.py BIN_DIR"""
import json
import pathlib
import re
import subprocess
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "broker"))
from openapi_world import World  # noqa: E402

BIN = pathlib.Path(sys.argv.pop(1))
HOUR = 3600
PROMISED = {
    "floating.disconnect_timeout_s": 2 * HOUR, "floating.idle_timeout_s": 4 * HOUR, "floating.max_session_s": 0,
    "dedicated.disconnect_timeout_s": 0, "dedicated.idle_timeout_s": 0, "dedicated.max_session_s": 0,
    "floating.warn_first_s": 300, "floating.warn_last_s": 60, "dedicated.warn_first_s": 300, "dedicated.warn_last_s": 60,
    "floating.spare_max_age_s": 24 * HOUR, "floating.max_per_user": 1, "dedicated.max_per_user": 1,
    "client.handshake_deadline_s": 30, "client.client_silent_s": 60,
}


class Defaults(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.world = World(BIN / "oriel-broker")
        cls.world.__enter__()
        cls.addClassCleanup(cls.world.__exit__, None)

    def oriel(self, *words):
        done = subprocess.run([BIN / "oriel", "--socket", self.world.dir / "run/broker.sock", *words], capture_output=True, text=True, timeout=60)
        self.assertEqual(done.returncode, 0, f"{words}: {done.stderr}")
        return done.stdout

    def printed(self):
        """The words that an administrator reads: {"floating.spares": "0", ...}"""
        return dict(line.split(None, 1) for line in self.oriel("pool", "defaults").splitlines() if len(line.split(None, 1)) == 2)

    def test_what_is_promised_is_printed(self):
        printed = self.printed()
        self.assertEqual({key: printed.get(key) for key in PROMISED}, {key: str(value) for key, value in PROMISED.items()})

    def test_a_new_pool_of_each_kind_has_what_is_printed(self):
        printed, told = self.printed(), json.loads(self.oriel("pool", "defaults", "--json"))
        for kind in ("floating", "dedicated", "static"):
            template = [] if kind == "static" else ["--template", self.template()]
            self.oriel("pool", "add", f"new-{kind}", "--kind", kind, *template)
            pool = json.loads(self.oriel("pool", "show", f"new-{kind}", "--json"))
            self.assertGreater(len(told[kind]), 30)
            for key, value in told[kind].items():
                if key != "template":
                    self.assertEqual(pool.get(key), value, f"{kind}.{key}")
                    self.assertIn(f"{kind}.{key}", printed)

    def template(self):
        return json.loads(self.oriel("template", "list", "--json"))["templates"][0]["name"]

    def test_the_gateway_begins_with_what_is_printed_and_may_be_told_otherwise(self):
        def dumped(*words):
            text = subprocess.run([BIN / "oriel-gateway", "--dump-config", "--config", "/dev/null", *words], check=True, capture_output=True,
                                  text=True, timeout=60).stdout
            return dict(re.findall(r"^(\w+): (\S+)$", text, re.M))
        printed = self.printed()
        for key in ("handshake_deadline_s", "client_silent_s"):
            self.assertEqual(dumped()[key], printed[f"client.{key}"])
            self.assertEqual(dumped("--set", f"{key}=77")[key], "77")
            self.assertIn(key, printed["client.note"])  # so nobody takes these for what their gateway does
        self.assertIn("gateway.yaml", printed["client.note"])


if __name__ == "__main__":
    unittest.main(verbosity=2)
