"""SIGKILL at any moment, then started again: no desktop is given twice, none leaks, the person is back at the same one."""
import os
import signal
import unittest

import lib
import lib_full


class Kills(lib_full.Case):
    def setUp(self):
        super().setUp()
        self.client = self.login("alice", "+auto-reconnect", "/auto-reconnect-max-retries:20")
        self.desktop = self.stack.desktop_of("alice")["id"]
        self.session = self.stack.session_of("alice")["id"]

    def tearDown(self):
        with self.subTest("afterwards"):
            self.stack.assert_given_once()
            self.stack.assert_nothing_leaked()
        super().tearDown()

    def kill_workers(self, program):
        pids = self.stack.workers(program)
        self.assertTrue(pids, f"no {program}")
        for pid in pids:
            os.kill(pid, signal.SIGKILL)

    def assert_same_desktop(self):
        lib.wait_for("the session to be active", lambda: self.stack.session_of("alice")["state"] == "active", 60)
        self.assert_guest()
        self.assertEqual(self.stack.desktop_of("alice")["id"], self.desktop)
        self.assertEqual(self.stack.session_of("alice")["id"], self.session)

    def test_console(self):
        mark = len(self.stack.log("vmpool"))
        self.kill_workers("oriel-console")
        lib.wait_for("another console", lambda: "console opened" in self.stack.log("vmpool")[mark:], 30)
        self.assert_same_desktop()
        self.assertIsNone(self.client.poll(), "the client does not notice")

    def test_session(self):
        before = self.client.relay.total
        self.kill_workers("oriel-session")
        lib.wait_for("an audit row", lambda: self.stack.audit("--reason", "session_crashed", "--object", f"session:{self.session}"), 20)
        lib.wait_for("the client's next connection", lambda: self.client.relay.total > before or self.client.poll() is not None, 40)
        if self.client.poll() is not None:
            self.rdp("alice", name="again")
        self.assert_same_desktop()

    def test_gateway(self):
        workers = self.stack.workers("oriel-session") + self.stack.workers("oriel-console")
        self.stack.restart("gateway")
        lib.wait_for("session and console to die", lambda: not any(lib_full.is_running(pid) for pid in workers))
        self.end(self.client)
        self.rdp("alice", name="again")
        self.assert_same_desktop()

    def test_broker(self):
        self.stack.end("broker", signal.SIGKILL)
        self.assert_guest()
        refused = self.rdp("bob", name="refused")
        self.assertNotEqual(refused.wait(40), 0)
        self.assertIn("ERRINFO_CB_SESSION_ONLINE_VM_SESSMON_FAILED", self.log("refused"))
        self.stack.start_broker()
        self.assertIsNone(self.client.poll())
        self.assert_same_desktop()
        lib.wait_for("the gateway's link", lambda: self.stack.oriel("status")["gateways"] == 1, 30)

    def test_vmpool_in_the_middle_of_a_clone(self):
        spare = self.stack.wait_spare()[0]["id"]
        bob = self.rdp("bob", name="bob")
        lib.wait_for("bob's desktop", lambda: self.stack.desktop_of("bob"), 60)
        lib.wait_for("another spare in the making", lambda: [row for row in self.stack.desktops(lease="free") if row["id"] != spare], 60)
        self.stack.restart("vmpool")
        self.assertEqual(self.stack.desktop_of("bob")["id"], spare)
        self.stack.wait_spare()
        self.assertIsNone(self.client.poll())
        self.stack.oriel("session", "logoff", self.stack.session_of("bob")["id"])
        bob.wait(30)
        self.assert_same_desktop()

    def test_libvirtd(self):
        pid = self.stack.qemu_pid(self.stack.desktop_of("alice")["domain"])
        self.stack.kill_libvirt()
        self.assert_guest()
        self.stack.start_libvirt()
        lib.wait_for("the host to be up", self.stack.is_host_up, 60)
        self.assertTrue(lib_full.is_running(pid))
        self.assertIsNone(self.client.poll())
        self.assert_same_desktop()

    def test_all_at_once(self):
        self.stack.restart("gateway", "broker", "vmpool", "libvirt")
        self.end(self.client)
        self.rdp("alice", name="again")
        self.assert_same_desktop()


if __name__ == "__main__":
    unittest.main()
