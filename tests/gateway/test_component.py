"""The gateway with a program of ours in the session's place: it may be hostile, and gets nothing by it."""
import os
import pathlib
import pwd
import signal
import socket
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "e2e"))
import lib


class Rig(lib.Case):
    def begin(self, *settings, control=()):
        libexec = self.dir / "libexec"
        libexec.mkdir()
        for name in ("oriel-session", "oriel-console"):
            (libexec / name).symlink_to(lib.BIN / "fake_session")
        self.vnc_socket = self.dir / "nobody.sock"
        self.start_control(*control)
        for name in ("gateway.sock", "console.sock"):
            path = self.run_dir / name
            lib.wait_for(name, path.exists)
            path.chmod(0o666)
        self.start_gateway(f"libexec_dir={libexec}", *settings)

    def dial(self, what):
        sock = socket.create_connection(("127.0.0.1", self.port))
        sock.settimeout(20)
        self.addCleanup(sock.close)
        sock.sendall(what.encode())
        return sock

    def read_to_end(self, sock):
        text = b""
        try:
            while part := sock.recv(4096):
                text += part
        except ConnectionResetError:
            pass
        return text.decode()

    def read_until(self, sock, wanted):
        text = ""
        while wanted not in text:
            part = sock.recv(4096).decode()
            self.assertTrue(part, f"'{wanted}' did not come, but: {text}")
            text += part
        return text


class Gateway(Rig):
    def test_a_session_gets_what_it_needs_and_nothing_else(self):
        os.environ["ORIEL_E2E_SECRET"] = "not for children"
        self.addCleanup(os.environ.pop, "ORIEL_E2E_SECRET")
        self.begin()
        text = self.read_until(self.dial("I"), "env ORIEL_LOG")
        self.assertIn("leader 1", text)
        self.assertIn("no_new_privs 1", text)
        self.assertIn("core 0", text)
        self.assertIn("start_fds 3", text)
        # 0, 1, 2, control, and what came with START: client, certificate, key.
        fds = [line for line in text.splitlines() if line.startswith("fds ")][0].split()[1:]
        self.assertEqual(sorted(int(fd) for fd in fds), list(range(7)))
        self.assertNotIn("ORIEL_E2E_SECRET", text)

    @unittest.skipUnless(os.geteuid() == 0, "only root can become another user")
    def test_root_is_given_up(self):
        nobody, daemon = pwd.getpwnam("nobody"), pwd.getpwnam("daemon")
        self.dir.chmod(0o755)
        self.begin("user=daemon", "session_user=nobody")
        status = pathlib.Path(f"/proc/{self.gateway.pid}/status").read_text()
        for kind, number in (("Uid", daemon.pw_uid), ("Gid", daemon.pw_gid)):
            self.assertRegex(status, rf"{kind}:\s+{number}\s+{number}\s+{number}\s+{number}\n")
        self.assertRegex(status, r"CapEff:\s+0+\n")
        text = self.read_until(self.dial("I"), "env ORIEL_LOG")
        self.assertIn(f"uid {nobody.pw_uid} gid {nobody.pw_gid}\n", text)
        key = self.dir / "state/gateway/rdp.key"
        self.assertEqual((key.stat().st_uid, key.stat().st_mode & 0o777), (daemon.pw_uid, 0o600))

    def test_a_login_leads_to_plan_and_console(self):
        self.begin()
        text = self.read_until(self.dial("L"), "got notice")
        self.assertIn("got plan", text)
        self.wait_log("control", "login conn=")
        self.wait_log("control", "console conn=")
        self.wait_log("control", "stats conn=.* a0000000000000000000000000000001")

    def test_a_wrong_password_gets_the_reason_and_no_more(self):
        self.begin()
        text = self.read_to_end(self.dial("W"))
        self.assertEqual(text.split("\n")[:2], ["got close fds 0", "reason auth_failed"])
        self.assertNotIn("console conn=", self.log("control"))

    def test_hostile_messages_kill_the_session(self):
        self.begin()
        for i, what in enumerate("phksuanGBX"):
            text = self.read_to_end(self.dial(what))
            for word in ("hash", "plan", "surface", "console"):
                self.assertNotIn(f"got {word}", text, what)
            self.wait_log("control", "close conn=.* session_crashed", i + 1)
            lib.wait_for("the session to be killed", lambda: not self.workers("oriel-session"))
        self.assertNotIn("console conn=", self.log("control"))
        self.assertNotIn("unexpected", self.log("control"))
        self.read_until(self.dial("L"), "got plan")

    def test_a_second_login_kills(self):
        self.begin(control=["--wait-ms", "3000"])
        self.read_to_end(self.dial("T"))
        self.wait_log("control", "close conn=.* session_crashed")
        self.assertEqual(self.log("control").count("login conn="), 1)

    def test_a_crash_is_told(self):
        self.begin()
        self.read_to_end(self.dial("C"))
        self.wait_log("control", "close conn=.* session_crashed")

    def test_a_goodbye_is_told(self):
        self.begin()
        self.read_to_end(self.dial("E"))
        self.wait_log("control", "close conn=.* client_closed")

    def test_who_hangs_is_killed_at_the_deadline(self):
        self.begin("handshake_deadline_s=1")
        self.assertEqual(self.read_to_end(self.dial("H")), "")
        self.wait_log("control", "close conn=.* handshake_timeout")
        lib.wait_for("the session to be killed", lambda: not self.workers("oriel-session"))

    def test_too_many_half_open_are_turned_away(self):
        self.begin("max_half_open_per_address=3")
        held = [self.dial("H") for _ in range(3)]
        lib.wait_for("three sessions", lambda: len(self.workers("oriel-session")) == 3)
        self.assertEqual(self.read_to_end(self.dial("I")), "")
        self.assertEqual(len(self.workers("oriel-session")), 3)
        for sock in held:
            sock.close()
        for pid in self.workers("oriel-session"):
            os.kill(pid, signal.SIGKILL)
        lib.wait_for("room again", lambda: not self.workers("oriel-session"))
        self.read_until(self.dial("I"), "leader 1")

    def test_a_killed_spawner_ends_the_gateway_and_all_it_started(self):
        self.begin()
        self.dial("H")
        lib.wait_for("a session", lambda: self.workers("oriel-session"))
        session = self.workers("oriel-session")[0]
        for pid in lib.children_of(self.gateway.pid):
            os.kill(pid, signal.SIGKILL)
        self.assertNotEqual(self.gateway.wait(10), 0)
        lib.wait_for("the session to die", lambda: not os.path.exists(f"/proc/{session}"))

    def test_no_broker_is_a_reason(self):
        self.begin()
        self.end(self.control, signal.SIGKILL)
        self.wait_log("gateway", "broker: not connected")
        self.assertIn("reason broker_down", self.read_to_end(self.dial("L")))

    def test_a_flood_is_logged_in_a_few_lines(self):
        self.begin("max_half_open_per_address=1")
        self.dial("H")
        lib.wait_for("a session", lambda: self.workers("oriel-session"))
        for _ in range(60):
            self.read_to_end(self.dial("H"))
        self.assertLessEqual(self.log("gateway").count("client refused"), 10)


if __name__ == "__main__":
    unittest.main()
