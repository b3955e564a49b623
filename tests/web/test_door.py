"""Who may connect, how many, and who a load balancer's client is."""
import ipaddress
import json
import os
import pathlib
import pwd
import socket
import struct
import unittest

from rig import SANITIZED, Rig, lib

SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"


def proxy(client="203.0.113.7", port=4711, command=0x21, family=0x11, extra=b"", length=None):
    address = ipaddress.ip_address(client)
    body = address.packed + ipaddress.ip_address("192.0.2.1" if address.version == 4 else "2001:db8::2").packed
    body += struct.pack(">HH", port, 443) + extra
    return SIGNATURE + struct.pack(">BBH", command, family, len(body) if length is None else length) + body


class Door(Rig):
    def client_of(self, before):
        body = self.ask("GET", "/api/v1/me", sock=self.tls(before))[2]
        return json.loads(body)["headers"]["X-Oriel-Client"]

    def test_a_trusted_balancer_says_who_its_client_is(self):
        self.begin("proxy_trust=127.0.0.0/8,2001:db8::/32")
        self.assertEqual(self.client_of(proxy()), "203.0.113.7:4711")
        self.assertEqual(self.client_of(proxy(extra=b"\x04\0\x03abc")), "203.0.113.7:4711")
        self.assertEqual(self.client_of(proxy("2001:db8::7", family=0x21)), "[2001:db8::7]:4711")
        self.assertEqual(self.client_of(proxy("::ffff:203.0.113.9", family=0x21)), "203.0.113.9:4711")
        self.assertRegex(self.client_of(SIGNATURE + b"\x20\0\0\0"), r"^127\.0\.0\.1:\d+$")
        slow = self.tcp()
        for byte in proxy()[:-1]:
            slow.sendall(bytes([byte]))
        slow.close()
        self.assertEqual(self.client_of(proxy()), "203.0.113.7:4711")

    def test_a_trusted_balancer_without_a_head_is_refused(self):
        self.begin("proxy_trust=127.0.0.1")
        for head in (b"", b"PROXY TCP4 203.0.113.7 192.0.2.1 1 2\r\n", proxy(command=0x22), proxy(command=0x11),
                     proxy(family=0x12), proxy(family=0x31), proxy(length=4), proxy(length=600, extra=b"x" * 600),
                     proxy(family=0x21), b"\0" * 16):
            with self.assertRaises(OSError, msg=head):
                self.tls(head)
        self.assertEqual(self.client_of(proxy()), "203.0.113.7:4711")
        self.assertLess(self.log("web").count("client refused"), 11)

    def test_from_others_the_head_is_no_tls(self):
        self.begin("proxy_trust=127.0.0.2")
        with self.assertRaises(OSError):
            self.tls(proxy())
        self.assertEqual(self.ask("GET", "/")[0], 200)
        self.assertEqual(self.ask("GET", "/api/v1/me", sock=self.tls(proxy(), source=("127.0.0.2", 0)))[0], 200)

    def test_connections_of_one_address_have_a_bound(self):
        self.begin("max_connections_per_address=3")
        held = [self.tls() for _ in range(3)]
        with self.assertRaises(OSError):
            self.tls()
        self.assertEqual(self.ask("GET", "/", sock=self.tls(source=("127.0.0.9", 0)))[0], 200)
        self.assertEqual(self.ask("GET", "/", sock=held[0])[0], 200)
        held[1].close()

        def has_room():
            try:
                return self.tls()
            except OSError:
                return None

        lib.wait_for("room", has_room)

    def test_connections_have_a_bound_and_a_rate(self):
        self.begin("max_connections=2", "max_rate_per_address=20")
        held = [self.tls(), self.tls(source=("127.0.0.9", 0))]
        with self.assertRaises(OSError):
            self.tls(source=("127.0.0.10", 0))
        for sock in held:
            sock.close()
        closed = 0
        for _ in range(40):
            raw = socket.create_connection(("127.0.0.1", self.port), timeout=10)
            raw.settimeout(0.3)
            try:
                closed += raw.recv(1) == b""
            except TimeoutError:
                pass
            except OSError:
                closed += 1
            raw.close()
        self.assertGreaterEqual(closed, 20)
        self.assertLessEqual(self.log("web").count("client refused"), 10)

    @unittest.skipIf(SANITIZED, "sanitized builds have no sandbox")
    def test_it_is_confined_before_the_first_browser(self):
        self.begin()
        self.assertEqual(self.ask("GET", "/")[0], 200)
        status = (pathlib.Path("/proc") / str(self.web.pid) / "status").read_text()
        for line in (r"Seccomp:\s+2", r"NoNewPrivs:\s+1", r"Threads:\s+1", r"CapEff:\s+0+", r"CapPrm:\s+0+"):
            self.assertRegex(status, f"(?m)^{line}$")
        if os.geteuid() == 0:
            self.assertEqual(os.readlink(f"/proc/{self.web.pid}/root"), str(self.run_dir))
        kinds = [os.readlink(f"/proc/{self.web.pid}/fd/{fd}") for fd in os.listdir(f"/proc/{self.web.pid}/fd")]
        files = [kind for kind in kinds if kind.startswith("/") and not kind.startswith(("/dev/null", "/dev/urandom"))]
        # Its log, and the two slots of an uploaded certificate: opened before it was confined, for the next one.
        self.assertEqual(sorted(pathlib.Path(path).name for path in files if not path.endswith("web.log")), ["uploaded-a", "uploaded-b"])

    @unittest.skipIf(os.geteuid() != 0, "only root can become another user")
    def test_root_is_given_up(self):
        nobody = pwd.getpwnam("nobody")
        os.chmod(self.dir, 0o755)
        state = self.dir / "state"
        state.mkdir(mode=0o755)
        self.begin("user=nobody", f"state_dir={state}")
        status = (pathlib.Path("/proc") / str(self.web.pid) / "status").read_text()
        for kind, number in (("Uid", nobody.pw_uid), ("Gid", nobody.pw_gid)):
            self.assertRegex(status, rf"{kind}:\s+{number}\s+{number}\s+{number}\s+{number}\n")
        key = state / "web/web.key"
        self.assertEqual((key.stat().st_uid, key.stat().st_mode & 0o777), (nobody.pw_uid, 0o600))
        self.assertEqual(self.ask("GET", "/")[0], 200)

    def test_what_the_configuration_says_must_make_sense(self):
        import subprocess
        for setting in ("origins=http://a.example", "origins=https://A.example", "origins=https://a.example/",
                        "proxy_trust=localhost", "proxy_trust=10.0.0.0/33", "certificate=/nonexistent"):
            run = subprocess.run([lib.BIN / "oriel-web", "--config", "/dev/null", "--set", "user=", "--set", setting, "--set",
                                  f"state_dir={self.state}", "--set", "https_port=0", "--set", f"run_dir={self.run_dir}",
                                  "--set", "https_address=127.0.0.1"],
                                 capture_output=True, text=True, timeout=20, check=False)
            self.assertEqual(run.returncode, 1, setting)
            self.assertIn(setting.split("=")[0], run.stderr)
        self.start_web()


if __name__ == "__main__":
    unittest.main()
