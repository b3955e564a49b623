"""The first slice: a real client, gateway, session and console around a synthetic desktop."""
import os
import signal
import socket
import time
import unittest

import lib


class Slice(lib.Case):
    def test_picture_is_exact_and_input_arrives(self):
        self.start_all()
        client = self.connect()
        self.wait_log("control", "stats conn=")
        self.assert_exact()
        window, _, _ = self.window()
        self.x("xdotool", "windowfocus", window)
        self.x("xdotool", "mousemove", 100, 120)
        self.x("xdotool", "key", "a")
        self.x("xdotool", "key", "Right")
        self.wait_log("events", r"key down=1 .*code=0x1e")
        self.wait_log("events", r"key down=0 .*code=0x1e")
        self.wait_log("events", r"key down=1 .*code=0x(cd|14d)")
        self.x("xdotool", "mousemove", 300, 200, "click", 1)
        self.wait_log("events", r"pointer x=300 y=200 buttons=0x01")
        self.wait_log("events", r"pointer x=300 y=200 buttons=0x00")
        self.assertIsNone(client.poll())
        self.end(client)
        self.wait_log("control", "close conn=.* client_closed")
        lib.wait_for("the session to end", lambda: not self.workers("oriel-session"))

    def test_thumbnail_is_the_desktops_picture(self):
        self.start_all()
        self.control.send_signal(signal.SIGUSR2)  # nobody there
        self.connect()
        self.wait_log("control", "stats conn=")
        self.assert_exact()
        self.control.send_signal(signal.SIGUSR2)
        self.wait_log("control", "thumb conn=")
        small = self.dir / "small.png"
        self.convert(self.dump(), "-filter", "box", "-resize", "266x200!", small)
        self.assertEqual(self.convert(self.run_dir / "thumb.jpg", "-format", "%m %wx%h", "info:"), "JPEG 266x200")
        error = self.convert(small, self.run_dir / "thumb.jpg", "-metric", "RMSE", "-compare", "-format", "%[distortion]", "info:")
        self.assertLess(float(error), 0.06)

    def test_source_follows_the_clients_size(self):
        self.start_all(size="800x600")
        self.connect("+dynamic-resolution")
        self.wait_log("events", r"size 1024x768 ok")
        self.assert_exact("1024x768")
        window, _, _ = self.window()
        self.x("xdotool", "windowsize", window, 1200, 900)
        self.wait_log("events", r"size 1200x900 ok")
        self.assert_exact("1200x900")

    def test_refusing_source_is_fitted_not_black(self):
        self.start_all(size="800x600", vncd=["--refuse-resize"])
        self.connect("+dynamic-resolution", size="800x600")
        self.assert_exact("800x600")
        window, _, _ = self.window()
        self.x("xdotool", "windowsize", window, 1200, 900)
        self.wait_log("events", r"size 1200x900 refused")

        def is_filled():
            shot = self.shot()
            corners = ["60x60+1100+800", "60x60+1100+60", "60x60+60+800"]
            return all(self.mean(shot, area) > 0.02 for area in corners)

        lib.wait_for("the fitted picture", is_filled)
        self.x("xdotool", "mousemove", 600, 450)
        self.wait_log("events", r"pointer x=400 y=300")
        self.x("xdotool", "windowsize", window, 800, 600)
        self.assert_exact("800x600")

    def test_clients_without_graphics_pipeline_or_h264(self):
        self.start_all()
        for i, options in enumerate((["-gfx"], ["/network:modem"])):
            client = self.connect(*options, name=f"client{i}")
            self.wait_log("control", "stats conn=", i + 1)
            self.assert_exact()
            self.end(client)
            self.wait_log("control", "close conn=.* client_closed", i + 1)

    def test_stopped_client_costs_nothing_and_goes_on(self):
        self.start_all(scene="video", vncd=["--fps", "25"])
        client = self.connect()
        self.assert_stopped_costs_nothing(client)

    def test_refusal_after_login_is_shown(self):
        self.start_all(control=["--close-after-ms", "3000", "--close-reason", "host_full"])
        client = self.connect()
        self.assert_exact()
        lib.wait_for("the reason on the screen", lambda: self.different_pixels(self.shot(area="1024x768+0+0"),
                                                                              self.dump_path) > 300000)
        client.wait(20)
        self.assertIn("ERRINFO_CB_DESTINATION_POOL_NOT_FREE", self.log("client"))

    def test_lost_desktop_is_a_notice_until_it_is_back(self):
        self.start_all()
        client = self.connect()
        self.assert_exact()
        self.end(self.vncd, signal.SIGKILL)
        lib.wait_for("the notice", lambda: self.different_pixels(self.shot(area="1024x768+0+0"), self.dump_path) > 300000)
        self.vnc_socket.unlink()
        self.start_vncd()
        self.assert_exact()
        self.assertIsNone(client.poll())

    def test_wrong_password_is_refused(self):
        self.start_all()
        client = self.connect(password="wrong")
        self.assertNotEqual(client.wait(30), 0)
        self.assertIn("ERRINFO_SERVER_INSUFFICIENT_PRIVILEGES", self.log("client"))
        self.assertIn("login conn=", self.log("control"))
        self.assertNotIn("console conn=", self.log("control"))
        lib.wait_for("the session to end", lambda: not self.workers("oriel-session"))

    def test_waiting_shows_a_notice_then_the_desktop(self):
        self.start_all(control=["--wait-ms", "4000"])
        self.connect()
        self.window()
        lib.wait_for("the waiting screen", lambda: self.mean(self.shot("notice"), "1024x768+0+0") > 0.001)
        self.assertNotIn("console conn=", self.log("control"))
        self.assert_exact()

    def test_garbage_does_not_disturb_a_session(self):
        self.start_all(gateway=["handshake_deadline_s=3", "max_half_open_per_address=12"])
        client = self.connect()
        self.assert_exact()
        held = []
        for i in range(60):
            sock = socket.create_connection(("127.0.0.1", self.port))
            if i % 3 == 0:
                sock.sendall(os.urandom(600))
            elif i % 3 == 1:
                sock.sendall(b"\x03\x00\x00\x13\x0e\xe0\x00\x00\x00\x00\x00\x01\x00\x08\x00\x01\x00\x00\x00" + os.urandom(64))
            held.append(sock)
        self.assert_exact()
        self.assertIsNone(client.poll())
        lib.wait_for("the silent ones to be ended", lambda: len(self.workers("oriel-session")) == 1, 15)
        for sock in held:
            sock.close()
        self.assert_exact()
        second = self.connect(name="second")
        self.wait_log("control", "login conn=", 2)
        self.wait_log("control", "stats conn=", 2)
        self.assertIsNone(second.poll())

    def test_killed_console_comes_back(self):
        self.start_all()
        client = self.connect()
        self.assert_exact()
        for pid in self.workers("oriel-console"):
            os.kill(pid, signal.SIGKILL)
        self.wait_log("events", "client in", 2)
        self.assert_exact()
        self.assertIsNone(client.poll())
        self.assertEqual(self.log("control").count("login conn="), 1)

    def test_killed_session_is_told_and_the_person_returns(self):
        self.start_all()
        client = self.connect()
        self.assert_exact()
        for pid in self.workers("oriel-session"):
            os.kill(pid, signal.SIGKILL)
        self.wait_log("control", "close conn=.* session_crashed")
        client.wait(20)
        self.connect(name="again")
        self.assert_exact()
        self.assertEqual(self.log("events").count("client in"), 1, "the console was kept")

    def test_killed_gateway_leaves_nothing_and_starts_again(self):
        self.start_all()
        client = self.connect()
        self.assert_exact()
        workers = self.workers("oriel-session") + self.workers("oriel-console")
        self.assertEqual(len(workers), 2)
        certificate = (self.dir / "state/gateway/rdp.crt").read_bytes()
        self.end(self.gateway, signal.SIGKILL)
        lib.wait_for("session and console to die", lambda: not any(os.path.exists(f"/proc/{pid}") for pid in workers))
        client.wait(20)
        self.start_gateway()
        self.assertEqual((self.dir / "state/gateway/rdp.crt").read_bytes(), certificate)
        self.connect(name="again")
        self.assert_exact()

    def test_broker_restart_keeps_the_session(self):
        self.start_all()
        client = self.connect()
        self.assert_exact()
        self.end(self.control, signal.SIGKILL)
        self.assert_exact()
        self.start_control()
        self.wait_log("control", "broker up", 2)
        self.wait_log("control", "stats conn=", 2)
        self.assertIsNone(client.poll())

    def test_close_by_the_broker_ends_the_session(self):
        self.start_all()
        client = self.connect()
        self.assert_exact()
        self.control.send_signal(signal.SIGUSR1)
        client.wait(20)
        lib.wait_for("the session to end", lambda: not self.workers("oriel-session"))

    def test_stop_is_polite_and_quick(self):
        self.start_all()
        client = self.connect()
        self.assert_exact()
        self.assertEqual(self.end(self.gateway), 0)
        client.wait(20)
        self.wait_log("control", "close conn=.* shutdown")


if __name__ == "__main__":
    unittest.main()
