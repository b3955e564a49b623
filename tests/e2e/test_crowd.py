"""Five hundred people behind one address log in at the portal while somebody beside them tries one password after the other,
and somebody who is under attack from everywhere logs in, too. oriel-web and broker are real, and have no other settings than
where they are and what a password costs."""
import asyncio
import collections
import contextlib
import http.client
import json
import pathlib
import shutil
import socket
import ssl
import subprocess
import tempfile
import unittest

import lib

CROWD, GUESSES, ATTACKERS = 500, 40, 60
PASSWORD = "password-crowd"


class Admin(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("oriel", timeout=30)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect(self.path)


class Crowd(unittest.TestCase):
    def launch(self, program, *settings):
        args = [lib.BIN / program, "--config", "/dev/null"]
        for setting in (f"run_dir={self.dir}/run", "user=", *settings):
            args += ["--set", setting]
        with open(self.dir / f"{program}.log", "ab") as log:
            process = subprocess.Popen(list(map(str, args)), stderr=log, start_new_session=True)
        self.addCleanup(process.wait, 20)
        self.addCleanup(process.terminate)

    def setUp(self):
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="oriel-crowd."))
        self.dir.chmod(0o755)
        self.addCleanup(shutil.rmtree, self.dir)
        self.port = lib.free_port()
        (self.dir / "web").mkdir()
        self.launch("oriel-broker", f"state_dir={self.dir}/state", "password_cost=minimal")
        lib.wait_for("the broker", (self.dir / "run/broker.sock").exists, 20)
        self.launch("oriel-web", f"state_dir={self.dir}/web", f"web_dir={self.dir}", "https_address=*",
                    f"https_port={self.port}", f"origins=https://localhost:{self.port}")
        lib.wait_for("oriel-web", self.answers, 20)
        self.trust = ssl.create_default_context()
        self.trust.check_hostname, self.trust.verify_mode = False, ssl.CERT_NONE

    def answers(self):
        with contextlib.suppress(OSError):
            socket.create_connection(("127.0.0.1", self.port), 1).close()
            return True
        return False

    def add_users(self, *names):
        admin = Admin(str(self.dir / "run/broker.sock"))
        for name in names:
            admin.request("POST", "/v1/users", json.dumps({"name": name, "password": PASSWORD}))
            answer = admin.getresponse()
            self.assertEqual((answer.status, bool(answer.read())), (201, True))
        admin.close()

    async def log_in(self, user, password, source="127.0.0.1"):
        """The answer's status."""
        body = json.dumps({"user": user, "password": password})
        head = (f"POST /api/v1/login HTTP/1.1\r\nHost: localhost:{self.port}\r\nOrigin: https://localhost:{self.port}\r\n"
                f"Sec-Fetch-Site: same-origin\r\nContent-Type: application/json\r\nConnection: close\r\nContent-Length: {len(body)}\r\n\r\n")
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port, ssl=self.trust, local_addr=(source, 0))
        writer.write((head + body).encode())
        await writer.drain()
        line = await asyncio.wait_for(reader.readline(), 200)
        writer.close()
        return int(line.split()[1])

    async def all(self, tries):
        return collections.Counter(await asyncio.gather(*tries))

    async def journey(self):
        crowd = [f"person{i}" for i in range(CROWD)]
        spray = await self.all(self.log_in(name, "Summer2026!") for name in crowd[:GUESSES])
        self.assertEqual(spray, {401: GUESSES})
        attack = await self.all(self.log_in("victim", f"guess {i}", f"127.0.1.{i + 1}") for i in range(ATTACKERS))
        self.assertEqual(attack, {401: ATTACKERS})

        async def go_on():
            while True:
                await self.all([*(self.log_in(f"nobody{i}", "Summer2026!") for i in range(5)),
                                *(self.log_in("victim", "guess", f"127.0.1.{i + 1}") for i in range(5))])

        attacker = asyncio.create_task(go_on())
        people = await self.all([*(self.log_in(name, PASSWORD) for name in crowd), self.log_in("victim", PASSWORD, "127.0.2.1")])
        attacker.cancel()
        self.assertEqual(people, {200: CROWD + 1})

    def test_nobody_is_locked_out(self):
        self.add_users("victim", *(f"person{i}" for i in range(CROWD)))
        asyncio.run(self.journey())


if __name__ == "__main__":
    unittest.main()
