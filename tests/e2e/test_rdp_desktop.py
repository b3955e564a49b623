"""A desktop that is shown by RDP: a client, Oriel, and behind it as the desktop another Oriel, whose own desktop is the
synthetic one. The console is a release build's, in its sandbox."""
import re

import lib


class RdpDesktop(lib.Case):
    """The inner Oriel is the one that lib starts; it is the target. Clients look at the outer one."""

    def start_both(self, password=lib.PASSWORD, fingerprint=None, size="1024x768"):
        self.start_all(size=size)
        self.inner_port = self.port
        self.start_outer(fingerprint or self.fingerprint_of(self.dir / "state/gateway/rdp.crt"), password)

    def start_outer(self, fingerprint, password=lib.PASSWORD):
        run_dir = self.dir / "outer"
        run_dir.mkdir()
        self.start("outer-control", lib.BIN / "fake_control", "--dir", run_dir, "--user", lib.USER, "--password", lib.PASSWORD,
                   "--vnc", self.inner_port, "--rdp", fingerprint, "--vnc-password", password)
        self.outer_port = lib.free_port()
        settings = (f"run_dir={run_dir}", f"state_dir={self.dir / 'outer-state'}", f"rdp_port={self.outer_port}",
                    "rdp_address=127.0.0.1", "vnc_enabled=false", "user=", "session_user=", "log_level=debug")
        self.outer = self.start("outer-gateway", lib.BIN / "oriel-gateway", *(part for s in settings for part in ("--set", s)))
        self.wait_log("outer-gateway", "vmpool: connected")

    def connect_outer(self, *more, **how):
        self.port = self.outer_port
        try:
            return self.connect(*more, **how)
        finally:
            self.port = self.inner_port

    def test_picture_input_and_size_go_through(self):
        self.start_both()
        client = self.connect_outer("+dynamic-resolution")
        self.assert_exact()
        window, _, _ = self.window()
        self.x("xdotool", "windowfocus", window)
        self.x("xdotool", "key", "a")
        self.wait_log("events", r"key down=1 .*code=0x1e")
        self.wait_log("events", r"key down=0 .*code=0x1e")
        self.x("xdotool", "mousemove", 300, 200, "click", 1)
        self.wait_log("events", r"pointer x=300 y=200 buttons=0x01")
        self.wait_log("events", r"pointer x=300 y=200 buttons=0x00")
        self.x("xdotool", "windowsize", window, 1200, 900)
        self.wait_log("events", r"size 1200x900 ok")
        self.assert_exact("1200x900")
        self.assertIsNone(client.poll())
        self.end(client)
        self.wait_log("outer-control", "close conn=.* client_closed")
        self.assertEqual(self.end(self.outer), 0)

    def test_a_target_that_goes_away_comes_back(self):
        self.start_both(size="800x600")
        self.connect_outer(size="800x600")
        self.assert_exact("800x600")
        self.end(self.gateway)
        self.wait_log("outer-gateway", "reason=console_(lost|unreachable)")
        self.start_gateway()
        self.assert_exact("800x600", seconds=30)

    def test_a_wrong_password_is_tried_once(self):
        self.start_both(password="wrong")
        self.connect_outer()
        self.wait_log("outer-gateway", "reason=console_auth")
        self.assertEqual(len(re.findall("login conn=", self.log("control"))), 1, "tried once")

    def start_nla(self, password):
        """A server that wants network level authentication, on FreeRDP's server library; it serves once."""
        self.start_screen()
        self.make_certificate()
        self.dump_path = self.dir / "dump.ppm"
        self.server = self.start("server", lib.BIN.parent / "tests/rdp_demo_server", "--cert", self.dir / "localhost.crt", "--key",
                                 self.dir / "localhost.key", "--security", "nla", "--ticket", lib.PASSWORD, "--size", "800x600",
                                 "--dump", self.dump_path)
        self.wait_log("server", r"listening \d+")
        self.inner_port = self.port = int(re.search(r"listening (\d+)", self.log("server"))[1])
        self.start_outer(self.fingerprint_of(self.dir / "localhost.crt"), password)
        self.connect_outer(size="800x600")

    def test_network_level_authentication_with_the_right_password(self):
        self.start_nla(lib.PASSWORD)
        self.wait_log("server", "ready ")
        self.vncd = self.server  # who dumps its picture
        self.assert_exact("800x600")
        self.assertIn("proof user=alice", self.log("server"))

    def test_network_level_authentication_with_a_wrong_password(self):
        self.start_nla("wrong")
        self.wait_log("outer-gateway", "reason=console_auth")
        self.assertNotIn("ready ", self.log("server"))

    def test_another_certificate_gets_no_password(self):
        self.start_both(fingerprint="00" * 32)
        self.connect_outer()
        self.wait_log("outer-gateway", r"reason=console\.certificate")
        self.assertNotIn("login conn=", self.log("control"))
