"""What bad input gets, with everything real: each refusal has its reason at the client and in the audit, and nobody
else notices."""
import json
import os
import signal
import socket
import time
import unittest

import lib
import lib_full

NOT_FOUND = "ERRINFO_CB_DESTINATION_NOT_FOUND"
NOT_FREE = "ERRINFO_CB_DESTINATION_POOL_NOT_FREE"
PRIVILEGES = "ERRINFO_SERVER_INSUFFICIENT_PRIVILEGES"
FAILED = "ERRINFO_CB_SESSION_ONLINE_VM_SESSMON_FAILED"


class Refusals(lib_full.Case):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        if cls.stack.call("user", "show", "dora").returncode != 0:
            cls.stack.add_user("dora")
            cls.stack.oriel("user", "add", "erik", "--no-password")

    def tearDown(self):
        super().tearDown()
        self.assertIsNone(self.stack.processes["gateway"].poll())
        self.assertIsNone(self.stack.processes["broker"].poll())
        self.assertIsNone(self.stack.processes["vmpool"].poll())

    def pool(self, name, user, *more):
        self.stack.oriel("pool", "add", name, *more)
        self.stack.oriel("entitlement", "add", user, name)
        self.addCleanup(self.stack.call, "pool", "remove", name)
        self.addCleanup(self.stack.call, "entitlement", "remove", user, name)

    def static(self, name, user, target, *more):
        self.pool(name, user, "--kind", "static")
        done = self.stack.oriel("desktop", "add", "--pool", name, "--vnc", target, *more)
        self.addCleanup(self.stack.call, "desktop", "remove", done["id"], "--force")
        return done["id"]

    def test_who_may_not(self):
        for what, user, password, reason, info in (
                ("wrong password", "bob", "wrong", "auth_failed", PRIVILEGES),
                ("unknown person", "nobody", "wrong", "auth_failed", PRIVILEGES),
                ("no password at all", "erik", "wrong", "auth_failed", PRIVILEGES),
                ("no entitlement", "dora", lib_full.PASSWORD, "not_entitled", PRIVILEGES),
                ("no such pool", "bob@nowhere", lib_full.PASSWORD, "no_such_pool", NOT_FOUND)):
            with self.subTest(what):
                client = self.rdp(user, password=password, name=what.replace(" ", "-"))
                self.assert_refused(client, reason, info)
        with self.subTest("disabled"):
            self.stack.oriel("user", "set", "bob", "--disable")
            self.addCleanup(self.stack.oriel, "user", "set", "bob", "--enable")
            self.assert_refused(self.rdp("bob", name="disabled"), "account_disabled", PRIVILEGES)

    def test_what_there_is_not(self):
        with self.subTest("two pools and none chosen"):
            self.pool("second", "carol", "--kind", "static")
            self.assert_refused(self.rdp("carol", name="ambiguous"), "pool_ambiguous", NOT_FOUND)
        with self.subTest("a pool without desktops"):
            self.assert_refused(self.rdp("carol@second", name="empty"), "pool_full", NOT_FREE)
        with self.subTest("pool at its maximum"):
            self.pool("tight", "dora", "--kind", "floating", "--template", "tiny", "--spares", 0, "--max", 0 + 1)
            self.stack.oriel("entitlement", "add", "bob", "tight")
            self.addCleanup(self.stack.call, "entitlement", "remove", "bob", "tight")
            first = self.rdp("dora@tight", name="first")
            lib.wait_for("dora's desktop", lambda: self.stack.desktop_of("dora", "tight"), lib_full.BOOT_S)
            self.window()
            lib.wait_for("the waiting screen", lambda: 0.001 < self.mean(self.shot("waiting"), "1024x768+0+0") < 0.4, 20)
            self.assert_refused(self.rdp("bob@tight", name="full"), "pool_full", NOT_FREE)
            self.assertIsNone(first.poll())
            self.assert_guest(seconds=lib_full.BOOT_S)
            self.stack.oriel("session", "logoff", self.stack.session_of("dora", "tight")["id"])
        with self.subTest("maintenance"):
            self.stack.oriel("pool", "set", "second", "--maintenance")
            self.assert_refused(self.rdp("carol@second", name="maintenance"), "pool_maintenance", "ERRINFO_SERVER_DENIED_CONNECTION")

    def test_templates_that_are_missing_corrupt_or_too_large(self):
        about = json.loads((self.stack.tiny / "tiny.json").read_text())
        bad = self.stack.dir / "pub/bad.qcow2"
        bad.write_bytes(b"QFI\xfb" + bytes(range(256)) * 64)
        common = ("--kernel", self.stack.tiny / about["kernel"], "--initrd", self.stack.tiny / about["initrd"], "--memory")
        cases = (("missing", self.stack.dir / "pub/none.qcow2", 192, "template_missing", NOT_FOUND),
                 ("corrupt", bad, 192, "template_corrupt", NOT_FOUND),
                 ("large", self.stack.tiny / about["disk"], 1048576, "host_full", NOT_FREE))
        for name, path, memory, _, _ in cases:
            self.stack.oriel("template", "add", name, "--kind", "kernel", "--path", path, *common, memory)
            self.pool(f"p-{name}", "dora", "--kind", "floating", "--template", name, "--spares", 1, "--max", 2)
        for name, _, _, reason, info in cases:
            with self.subTest(name):
                lib.wait_for("the pool's problem", lambda: self.stack.oriel("pool", "show", f"p-{name}")["problem"] == reason, lib_full.BOOT_S)
                self.assert_refused(self.rdp(f"dora@p-{name}", name=name), reason, info)

    def reasons_for(self, client):
        rows = self.stack.audit("--reason", "any")
        return {row["reason"] for row in rows if row["client"].split(":")[0] == client.relay.source}

    def test_displays_that_are_down_or_lie(self):
        folder = self.stack.dir / "pub"
        good = self.login("alice", name="other")
        with self.subTest("nothing listens"):
            self.static("down", "dora", f"unix:{folder}/nothing.sock")
            self.assert_refused(self.rdp("dora@down", name="down"), "console_unreachable", NOT_FOUND)
        for lie, reason in (("garbage-banner", "console_protocol"), ("bad-password", "console_auth"), ("rect-outside", "console_protocol")):
            with self.subTest(lie):
                path = folder / f"{lie}.sock"
                self.start(f"liar-{lie}", lib.BIN / "oriel-test-liar", lie, "--unix", path)
                lib.wait_for("the liar", path.exists)
                path.chmod(0o777)
                self.static(f"p-{lie}", "dora", f"unix:{path}")
                client = self.rdp(f"dora@p-{lie}", name=lie)

                def is_told():
                    log = self.stack.log("gateway")[self.marks["gateway"]:]
                    return f"reason={reason}" in log or reason in self.reasons_for(client)

                lib.wait_for(f"{reason} for {lie}", is_told, lib_full.BOOT_S)
                self.end(client)
        self.assertIsNone(good.poll())
        self.assert_guest()

    def test_static_desktop_with_a_password(self):
        secret = self.dir / "vnc-password"
        secret.write_text("vncpass\n")
        self.start_vncd("pattern", "1024x768", "--password", "vncpass")
        self.dir.chmod(0o755)
        self.vnc_socket.chmod(0o777)
        desktop = self.static("static", "dora", f"unix:{self.vnc_socket}", "--password-file", secret)
        lib.wait_for("vmpool to find it", lambda: self.stack.desktops(id=desktop)[0]["is_ready"], 60)
        client = self.rdp("dora@static")
        lib.wait_for("the log-in", lambda: self.stack.session_of("dora", "static") or client.poll() is not None, 30)
        self.assertIsNone(client.poll(), self.stack.desktops(id=desktop))
        self.assert_exact(seconds=60)
        self.focus()
        self.x("xdotool", "key", "a")
        self.wait_log("events", r"key down=0 .*code=0x1e")

    def another_oriel(self):
        """Shows the pattern by RDP; its certificate, and how desktops are added that are it."""
        secret = self.dir / "rdp-password"
        secret.write_text(lib.PASSWORD + "\n")
        self.start_vncd("pattern", "1024x768")
        self.start_control()
        self.start_gateway("vnc_enabled=false")
        login = ("--rdp", f"127.0.0.1:{self.port}", "--user", lib.USER, "--password-file", secret)

        def add(pool, *more):
            desktop = self.stack.oriel("desktop", "add", "--pool", pool, *login, *more)["id"]
            self.addCleanup(self.stack.call, "desktop", "remove", desktop, "--force")
            lib.wait_for("vmpool to find it", lambda: self.stack.desktops(id=desktop)[0]["is_ready"], 60)
            return desktop

        return self.fingerprint_of(self.dir / "state/gateway/rdp.crt"), add

    def test_static_machine_of_another_driver_by_rdp(self):
        """Libvirt's test driver has the machine's power, and an RDP server its display."""
        fingerprint, add = self.another_oriel()
        self.pool("lab", "dora", "--kind", "static")
        desktop = add("lab", "--machine", "test", "--uri", "test:///default", "--fingerprint", fingerprint)
        row = self.stack.oriel("desktop", "show", desktop)
        self.assertEqual((row["machine"], row["rdp"]), ("test@test:///default", f"127.0.0.1:{self.port}"))
        client = self.rdp("dora@lab")
        self.assert_exact(seconds=60)
        self.assertIsNone(client.poll())

    def test_static_desktop_by_rdp(self):
        """The desktop is another Oriel; without its certificate nobody comes in."""
        fingerprint, add = self.another_oriel()
        self.pool("office", "dora", "--kind", "static")
        desktop = add("office")
        client = self.rdp("dora@office", name="unknown")
        lib.wait_for("the refusal", lambda: fingerprint in self.stack.log("gateway")[self.marks["gateway"]:], 30)
        self.assertNotIn("login conn=", self.log("control"))
        self.end(client)
        self.stack.oriel("desktop", "remove", desktop, "--force")
        desktop = add("office", "--fingerprint", fingerprint)
        self.assertEqual(self.stack.oriel("desktop", "show", desktop)["rdp_user"], lib.USER)
        client = self.rdp("dora@office")
        self.assert_exact(seconds=60)
        self.focus()
        self.x("xdotool", "key", "a")
        self.wait_log("events", r"key down=0 .*code=0x1e")
        self.assertIsNone(client.poll())

    def test_garbage_is_counted_and_disturbs_nobody(self):
        client = self.login("alice", name="other")
        flood = self.relay()
        for i in range(40):
            with socket.create_connection(("127.0.0.1", flood.port)) as sock:
                sock.sendall(os.urandom(200) if i % 2 else b"\x16\x03\x01" + os.urandom(100))
                sock.settimeout(10)
                try:
                    while sock.recv(4096):
                        pass
                except OSError:
                    pass

        def rows():
            prefix = flood.source.rsplit(".", 1)[0] + "."
            return [row for row in self.stack.audit("--reason", "any") if row["client"].startswith(prefix)]

        lib.wait_for("all of them in the audit", lambda: sum(row["count"] for row in rows()) >= 40, 30)
        by_minute = {}
        for row in rows():
            key = (row["time_ms"] // 60000, row["reason"])
            by_minute[key] = by_minute.get(key, 0) + 1
        self.assertLessEqual(max(by_minute.values()), 11, "ten rows, and one that counts")
        self.assert_guest()
        self.assertIsNone(client.poll())

    def test_strangers_are_turned_away_from_the_sockets(self):
        code = """
import os, socket, sys
os.setgroups([]); os.setgid(65534); os.setuid(65534)
path, kind = sys.argv[1:]
sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM if kind == "stream" else socket.SOCK_SEQPACKET)
sock.settimeout(10)
try:
    sock.connect(path)
    sock.send(b"GET /v1/users HTTP/1.1\\r\\nHost: oriel\\r\\n\\r\\n" if kind == "stream" else b"\\1\\0\\13\\0\\0\\0\\0\\0")
    answer = sock.recv(4096)
except OSError as fault:
    answer = repr(fault).encode()
print(answer.decode(errors="replace"))
"""
        for name, kind in (("broker.sock", "stream"), ("gateway.sock", "packet"), ("console.sock", "packet")):
            with self.subTest(name):
                answer = lib_full.run("python3", "-c", code, self.stack.dir / "run" / name, kind).strip()
                self.assertRegex(answer, r"^($|PermissionError|ConnectionReset|BrokenPipe|HTTP/1.1 403)")
        self.assertEqual(self.stack.oriel("status")["gateways"], 1)

    def test_libvirt_down(self):
        client = self.login("alice", name="other")
        pid = self.stack.libvirt_pid()
        os.kill(pid, signal.SIGSTOP)
        try:
            time.sleep(1)
            self.assert_guest()
            self.assertIsNone(client.poll())
        finally:
            os.kill(pid, signal.SIGCONT)
        self.pool("cold", "dora", "--kind", "floating", "--template", "tiny", "--spares", 0, "--max", 1)
        self.stack.kill_libvirt()
        try:
            lib.wait_for("the host to be down", lambda: self.stack.oriel("host", "list")["hosts"][0]["state"] == "down", 60)
            lib.wait_for("the pool's problem", lambda: self.stack.oriel("pool", "show", "cold")["problem"] == "hypervisor_down", 60)
            self.assert_refused(self.rdp("dora@cold", name="down"), "hypervisor_down", FAILED)
            self.assert_guest()
            self.assertIsNone(client.poll())
        finally:
            self.stack.start_libvirt()
        lib.wait_for("the host to be up", self.stack.is_host_up, 60)


if __name__ == "__main__":
    unittest.main()
