"""Native VNC viewers: TigerVNC's, and a program of libvncclient, at the gateway's VNC port."""
import socket
import ssl
import struct
import subprocess
import time
import unittest

import lib

RAW, LED, QEMU_KEY = 0, -261, -258


class RawViewer:
    """VeNCrypt X509Plain, Raw, and the guest's lock keys; nothing more."""

    def __init__(self, port, ca):
        sock = socket.create_connection(("127.0.0.1", port), 20)
        for answer, wanted in ((b"RFB 003.008\n", 12), (b"\x13", 2), (b"\0\2", 2), (b"\0\0\1\6", 6)):
            self.sock = sock
            self.read(wanted)
            sock.sendall(answer)
        self.read(1)
        self.sock = ssl.create_default_context(cafile=ca).wrap_socket(sock, server_hostname="localhost")
        user, password = lib.USER.encode(), lib.PASSWORD.encode()
        self.sock.sendall(struct.pack(">II", len(user), len(password)) + user + password)
        assert self.read(4) == bytes(4)
        self.sock.sendall(b"\1")
        self.size = struct.unpack(">HH", self.read(4))
        self.read(16)
        self.name = self.read(struct.unpack(">I", self.read(4))[0])
        self.sock.sendall(struct.pack(">BxHiii", 2, 3, LED, QEMU_KEY, RAW))

    def read(self, count):
        data = b""
        while len(data) < count:
            part = self.sock.recv(count - len(data))
            if not part:
                raise EOFError
            data += part
        return data

    def press(self, keysym, keycode):
        for is_down in (1, 0):
            self.sock.sendall(struct.pack(">BBHII", 255, 0, is_down, keysym, keycode))

    def update(self):
        """Asks for one, and returns the lock keys that it has, or None."""
        leds = None
        self.sock.sendall(struct.pack(">BBHHHH", 3, 1, 0, 0, *self.size))
        assert self.read(2)[0] == 0
        for _ in range(struct.unpack(">H", self.read(2))[0]):
            _, _, width, height, encoding = struct.unpack(">HHHHi", self.read(12))
            if encoding == LED:
                leds = self.read(1)[0]
            elif encoding == RAW:
                self.read(4 * width * height)
        return leds


class Vnc(lib.Case):
    def start_all(self, *args, gateway=(), **more):
        super().start_all(*args, gateway=[*self.make_certificate(), *gateway], **more)

    def look(self, name="look", password=lib.PASSWORD):
        """libvncclient's program, and where it writes what it sees."""
        path = self.dir / f"{name}.ppm"
        process = self.start(name, lib.BIN / "oriel-test-vnclook", "localhost", self.vnc_port(), self.dir / "localhost.crt",
                             lib.USER, path, env={"ORIEL_LOOK_PASSWORD": password})
        return process, path

    def test_picture_is_exact_and_input_arrives(self):
        self.start_all()
        client = self.connect_vnc()
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
        self.x("xdotool", "click", 4)
        self.wait_log("events", r"pointer x=300 y=200 buttons=0x08")
        self.assertIsNone(client.poll())
        self.end(client)
        self.wait_log("control", "close conn=.* client_closed")
        lib.wait_for("the session to end", lambda: not self.workers("oriel-session"))

    def test_source_follows_the_viewers_window_also_to_an_odd_size(self):
        self.start_all(size="800x600")
        self.connect_vnc()
        self.assert_exact("800x600")
        window, _, _ = self.window()
        self.x("xdotool", "windowsize", window, 1201, 901)
        self.wait_log("events", r"size 1201x901 ok")
        self.assert_exact("1201x901")

    def test_every_encoding_shows_the_same_pixels(self):
        self.start_all()
        for i, options in enumerate((["-PreferredEncoding=Tight", "-NoJPEG"], ["-PreferredEncoding=ZRLE"],
                                     ["-PreferredEncoding=Raw"], ["-FullColour=0", "-LowColourLevel=2"])):
            client = self.connect_vnc("-AutoSelect=0", *options, name=f"client{i}")
            self.wait_log("control", "stats conn=", i + 1)
            if "-FullColour=0" in options:
                lib.wait_for("a picture", lambda: self.mean(self.shot(), "1024x768+0+0") > 0.02)
            else:
                self.assert_exact()
            self.end(client)
            self.wait_log("control", "close conn=.* client_closed", i + 1)

    def test_film_moves_and_is_exact_once_it_rests(self):
        self.start_all(scene="video", vncd=["--fps", "30", "--echo"])
        self.connect_vnc("-AutoSelect=0", "-PreferredEncoding=Tight", "-QualityLevel=6")
        self.wait_log("control", "stats conn=")
        window, _, _ = self.window()
        self.x("xdotool", "windowfocus", window)
        self.x("xdotool", "mousemove", 5, 700)
        area = "600x400+200+180"  # of the film
        lib.wait_for("a film", lambda: self.different_pixels(self.shot("one", area), self.shot("other", area)) > 100000)
        self.x("xdotool", "key", "F12")  # it stops
        self.wait_log("events", "key down=0 .*code=0x58")
        self.assert_exact()

    def test_wrong_password_is_refused_in_words(self):
        self.start_all()
        self.connect_vnc(password="wrong", is_shown=False)
        self.wait_log("client", r"name or the password is wrong\.\s+\(auth_failed\)")
        lib.wait_for("the session to end", lambda: not self.workers("oriel-session"))

    def test_no_password_without_tls(self):
        self.start_all()
        for types in ("VncAuth", "None", "TLSPlain", "X509None"):
            self.connect_vnc(f"-SecurityTypes={types}", name=f"client-{types}", is_shown=False)
            self.wait_log(f"client-{types}", r"(?s)No (matching|valid)\s.*(security|VeNCrypt)")
        self.assertNotIn("login", self.log("control"))

    def test_refusal_after_login_is_shown(self):
        self.start_all(control=["--close-after-ms", "8000", "--close-reason", "host_full"])
        self.connect_vnc()
        self.assert_exact()
        lib.wait_for("the reason on the screen", lambda: self.different_pixels(self.shot(area="1024x768+0+0"),
                                                                              self.dump_path) > 300000)
        lib.wait_for("the session to end", lambda: not self.workers("oriel-session"))

    def test_stopped_viewer_costs_nothing_and_goes_on(self):
        self.start_all(scene="video", vncd=["--fps", "25"])
        client = self.connect_vnc()
        self.assert_stopped_costs_nothing(client)

    def test_libvncclient_sees_the_same_pixels(self):
        self.start_all()
        _, path = self.look()
        dump = self.dump()
        lib.wait_for("the picture, pixel by pixel", lambda: path.exists() and self.is_same(path, dump))
        refused, _ = self.look("refused", password="wrong")
        self.assertNotEqual(refused.wait(20), 0)
        self.assertIn("auth_failed", self.log("refused"))

    def is_same(self, one, other):
        """False also for another size, which compare calls an error."""
        done = subprocess.run(["compare", "-metric", "AE", str(one), str(other), "null:"], capture_output=True,
                              text=True, timeout=60, check=False)
        return done.returncode == 0

    def test_lock_keys_of_the_guest_are_told(self):
        self.start_all()
        viewer = RawViewer(self.vnc_port(), self.dir / "localhost.crt")
        self.addCleanup(viewer.sock.close)
        viewer.update()
        lib.wait_for("keys at the guest", lambda: viewer.press(ord("a"), 0x1E) or time.sleep(0.2)
                     or "code=0x1e" in self.log("events"))
        for leds in (4, 0):
            viewer.press(0xFFE5, 0x3A)
            lib.wait_for(f"lock keys {leds}", lambda leds=leds: viewer.update() == leds)

    def test_switched_off_or_without_its_port_the_rest_is_served(self):
        self.start_all(gateway=["vnc_enabled=false"])
        self.assertNotIn("VNC", self.log("gateway"))
        self.assertEqual(self.end(self.gateway), 0)
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            super().start_gateway(f"vnc_port={taken.getsockname()[1]}")
            self.assertIn("VNC is not served", self.log("gateway"))
            socket.create_connection(("127.0.0.1", self.port), 5).close()


if __name__ == "__main__":
    unittest.main()
