"""What a person does at the portal, seen at native clients and real machines. The requests are those that oriel-web would
bring; browsers are tests/browser's."""
import base64
import hashlib
import hmac
import http.client
import json
import socket
import struct
import time
import unittest

import lib
import lib_full

PRIVILEGES = "ERRINFO_SERVER_INSUFFICIENT_PRIVILEGES"


class Socket(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("oriel", timeout=30)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(30)
        self.sock.connect(self.path)


class Person:
    """Somebody's browser."""

    def __init__(self, stack, user, client):
        self.path = str(stack.dir / "run/broker.sock")
        self.headers = {"X-Oriel-Client": client, "Content-Type": "application/json"}
        self.user = user

    def call(self, method, path, **body):
        connection = Socket(self.path)
        connection.request(method, path, json.dumps(body), self.headers)
        answer = connection.getresponse()
        cookie = answer.getheader("Set-Cookie")
        if cookie:
            self.headers["Cookie"] = cookie.split(";")[0]
        data = json.loads(answer.read() or b"null")
        connection.close()
        return answer.status, data

    def do(self, method, path, **body):
        status, data = self.call(method, path, **body)
        assert status in (200, 202), f"{method} {path}: {status} {data}"
        return data

    def log_in(self, password=lib_full.PASSWORD, **more):
        return self.do("POST", "/v1/login", user=self.user, password=password, **more)

    def desktop(self, pool="main"):
        return next(row for row in self.do("GET", "/v1/me/desktops")["desktops"] if row["pool"] == pool)


def code_of(secret, ahead=0):
    """RFC 6238."""
    digest = hmac.new(base64.b32decode(secret), struct.pack(">Q", int(time.time()) // 30 + ahead), hashlib.sha1).digest()
    at = digest[-1] & 15
    return f"{(struct.unpack('>I', digest[at:at + 4])[0] & 0x7FFFFFFF) % 1000000:06}"


class Portal(lib_full.Case):
    def person(self, user):
        person = Person(self.stack, user, f"192.0.2.{1 + hash(self.id()) % 250}:1")
        person.log_in()
        return person

    def test_restart_keeps_the_session_and_the_client(self):
        person = self.person("alice")
        ticket = person.do("POST", "/v1/me/desktops/main/rdp")
        client = self.login(ticket["user"], password=ticket["password"], name="ticket")
        session, desktop = self.stack.session_of("alice"), self.stack.desktop_of("alice")
        self.assertEqual((person.desktop()["state"], person.desktop()["protocol"]), ("active", "rdp"))
        serial = self.listen("alice")
        boots = serial.count(r"input Power Button")
        person.do("POST", "/v1/me/desktops/main/restart")
        lib.wait_for("the guest to boot again", lambda: serial.count(r"input Power Button") > boots, 120)
        lib.wait_for("vmpool to see it", lambda: person.desktop()["power"] == "running" and person.desktop()["is_ready"], 120)
        self.assert_guest()
        self.assertIsNone(client.poll())
        self.assertEqual(self.stack.session_of("alice")["id"], session["id"])
        self.assertEqual((self.stack.desktop_of("alice")["id"], self.stack.desktop_of("alice")["version"]),
                         (desktop["id"], desktop["version"]))
        person.do("POST", "/v1/me/desktops/main/logoff")
        self.assertEqual(client.wait(30) is None, False)
        self.assertEqual(person.desktop()["state"], "none")

    def test_a_second_factor_keeps_passwords_out_of_native_clients(self):
        self.stack.add_user("totp", "main")
        self.addCleanup(self.stack.call, "user", "set", "totp", "--reset-totp")
        person = self.person("totp")
        secret = person.do("POST", "/v1/me/totp", password=lib_full.PASSWORD)["secret"]
        person.do("POST", "/v1/me/totp/confirm", code=code_of(secret))
        self.assert_refused(self.rdp("totp", name="password"), "second_factor", PRIVILEGES)
        again = Person(self.stack, "totp", "192.0.2.251:1")
        self.assertEqual(again.call("POST", "/v1/login", user="totp", password=lib_full.PASSWORD)[1]["code"],
                         "second_factor")
        again.log_in(code=code_of(secret, 1))
        ticket = again.do("POST", "/v1/me/desktops/main/rdp")
        client = self.login(ticket["user"], password=ticket["password"], name="ticket")

        with self.subTest("a new password ends what was opened with the old one, within five seconds"):
            began = time.monotonic()
            again.do("POST", "/v1/me/password", old=lib_full.PASSWORD, new="another-password")
            client.wait(5)
            self.assertLess(time.monotonic() - began, 5)
            self.assert_audited(client, "access.revoked", session=self.stack.session_of("totp")["id"])
            self.assertEqual(person.call("GET", "/v1/me")[0], 401)
            self.assertEqual(again.call("GET", "/v1/me")[0], 200)
        self.assertEqual(again.do("POST", "/v1/me/desktops/main/logoff").keys(), {"audit"})


if __name__ == "__main__":
    unittest.main()
