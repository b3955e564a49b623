#!/usr/bin/python3
"""Holds docs/openapi.yaml and the broker to each other: every route, role and query name is in both; a client that is generated from the
description calls every operation, with bodies that its schemas allow and with such that they don't, as every role; and every answer, also
to the component tests that need a gateway, is one that the description allows. Usage: openapi.py SOURCE_DIR TESTS_DIR"""
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest
import urllib.parse

import jsonschema
import yaml

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from openapi_caller import Caller  # noqa: E402
from openapi_world import World  # noqa: E402

SOURCE = pathlib.Path(sys.argv[1])
TESTS = pathlib.Path(sys.argv[2])
BROKER = TESTS.parent / "bin/oriel-broker"
PAGE = re.search(r'#define ORL_API_PAGE_QUERY "([^"]+)"', (SOURCE / "broker/api_page.h").read_text())[1]
WORD = re.compile(r"[A-Z]{2,}")
# Component tests whose answers need a gateway or a clock, by the name behind test_broker_; the generated client sees the rest.
ASKERS = ("certificates", "message", "portal_desktops", "portal_factor", "watching")
# Only of a host that took an upload: tests/vmpool.
NEED_A_HOST = {("POST", path) for path in ("/v1/templates/{name}/import", "/v1/templates/{name}/build", "/v1/jobs/{id}/seal")}


def server_routes():
    """{(method, path as the description writes it): (role, query names)} from the table that the broker is built of."""
    table = (SOURCE / "broker/api_routes.c").read_text().split("orl_api_routes[]")[1]
    routes = {}
    for method, path, role, query in re.findall(r'\{(GET|POST|PATCH|DELETE), "([^"]+)", (\w+), \w+,\s*((?:NULL|PAGE|"[^"]*"|\s)+)\}', table):
        names = " ".join(PAGE if part == "PAGE" else part.strip('"') for part in re.findall(r'PAGE|"[^"]*"', query))
        routes[method, WORD.sub(lambda word: "{" + word[0].lower() + "}", path)] = (role.lower(), set(names.split()))
    assert len(routes) == len(re.findall(r"\{(?:GET|POST|PATCH|DELETE),", table)), "a row of the table was not read"
    return routes


class OpenApi(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.doc = yaml.safe_load((SOURCE / "docs/openapi.yaml").read_text())
        cls.routes = server_routes()
        cls.seen = {}
        cls.folder = pathlib.Path(tempfile.mkdtemp(prefix="oriel-openapi."))
        cls.addClassCleanup(shutil.rmtree, cls.folder, ignore_errors=True)
        cls.askers = {name: cls.start_asker(name) for name in ASKERS}
        cls.operations = {(method.upper(), path): op for path, item in cls.doc["paths"].items() for method, op in item.items()}

    @classmethod
    def start_asker(cls, name):
        """They wait more than they work: all of them at once, beside the generated client."""
        asker = subprocess.Popen([TESTS / f"test_broker_{name}"], env={**os.environ, "ORIEL_API_TRACE": str(cls.folder / name)},
                                 stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        cls.addClassCleanup(asker.wait)
        cls.addClassCleanup(asker.terminate)
        return asker

    def validate(self, schema, value, what):
        whole = {**schema, "components": self.doc["components"]}
        faults = [f"{'/'.join(map(str, fault.path))}: {fault.message}" for fault in jsonschema.Draft202012Validator(whole).iter_errors(value)]
        self.assertEqual(faults, [], what)

    def operation_of(self, method, target):
        path = urllib.parse.urlsplit(target).path
        for (known, pattern), op in self.operations.items():
            if known == method and re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", pattern), path):
                return pattern, op
        return None, None

    def test_every_route_is_described_and_nothing_else(self):
        self.assertEqual(set(self.operations), set(self.routes))

    def test_roles_queries_and_path_words_are_the_servers(self):
        for key, op in self.operations.items():
            role, names = self.routes[key]
            parameters = op.get("parameters", [])
            self.assertEqual(op["x-oriel-role"], role, key)
            self.assertEqual({p["name"] for p in parameters if p["in"] == "query"}, names, key)
            self.assertEqual({p["name"] for p in parameters if p["in"] == "path"}, set(re.findall(r"\{(\w+)\}", key[1])), key)
        ids = [op["operationId"] for op in self.operations.values()]
        self.assertEqual(len(ids), len(set(ids)))

    def test_every_reference_leads_somewhere(self):
        text = json.dumps(self.doc)
        for section, name in re.findall(r'"#/components/(\w+)/(\w+)"', text):
            self.assertIn(name, self.doc["components"][section])
        for name, schema in self.doc["components"]["schemas"].items():
            jsonschema.Draft202012Validator.check_schema(schema)
            self.assertIn(f"#/components/schemas/{name}\"", text, "nobody uses it")

    def test_every_answer_is_as_described(self):
        for name, asker in self.askers.items():
            asker.wait(300)  # whether it passes is its own affair
            for line in (self.folder / name).read_text().splitlines():
                row = json.loads(line)
                self.see(row["method"], row["path"], row["status"], row["body"])

    def see(self, method, target, status, body):
        """An answer is one that the description has."""
        pattern, op = self.operation_of(method, target)
        what = f"{method} {target}: {status} {json.dumps(body)[:600]}"
        if status >= 400:
            self.validate({"$ref": "#/components/schemas/Problem"}, body, what)
        else:
            self.assertIsNotNone(op, what)
            self.assertIn(str(status), op["responses"], what)
            schema = op["responses"][str(status)].get("content", {}).get("application/json", {}).get("schema")
            if schema is not None:
                self.validate(schema, body, what)
        if op is not None:
            self.seen.setdefault((method, pattern), set()).add(status)

    def test_zz_every_operation_was_seen_to_work_and_to_refuse(self):
        """After the others: unittest goes by name."""
        never = [key for key in self.operations if key not in NEED_A_HOST and not any(status < 400 for status in self.seen.get(key, ()))]
        self.assertEqual(never, [], f"never seen to work: {never}")
        for key, op in self.operations.items():
            wanted = set()
            if "requestBody" in op:
                wanted.add(400)
            elif "{" in key[1] and op["x-oriel-role"] != "user":  # their own pools are "not entitled", whether they are there or not
                wanted.add(404)
            if op["x-oriel-role"] not in ("web", "user"):
                wanted.add(403)
            self.assertLessEqual(wanted, self.seen[key], key)


    # ---- the generated client ----

    def test_a_generated_client_calls_everything(self):
        with World(BROKER) as world:
            caller = Caller(self, world)
            caller.call_all()
            caller.refuse_all()
            caller.remove_all()
            caller.roles()
            self.assertEqual(caller.faults, [], "\n".join(caller.faults))


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], "-v", *sys.argv[3:]])
