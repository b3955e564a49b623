"""What a desktop and its client exchange beside pixels and input: clipboard text and sound, by real clients. The guest
is a program of the tests in oriel-console's place, which offers, pastes and plays at command."""
import array
import math
import os
import shutil
import signal
import socket
import subprocess
import time
import unittest

import lib

RATE = 48000
WORDS = "Grüße\nzweite Zeile\n\nπ ≈ 3 · 😀 end"


class Aside(lib.Case):
    def start_guest(self, *control, gateway=()):
        self.start_screen()
        self.vnc_socket = self.dir / "display.sock"  # nobody speaks on it: the guest needs no display
        self.display = socket.socket(socket.AF_UNIX)
        self.display.bind(str(self.vnc_socket))
        self.display.listen()
        self.addCleanup(self.display.close)
        libexec = self.dir / "libexec"
        libexec.mkdir()
        shutil.copy2(lib.BIN / "oriel-session", libexec / "oriel-session")
        shutil.copy2(lib.BIN / "oriel-test-guest", libexec / "oriel-console")
        self.start_control("--vnc-password", self.dir, *control)
        self.start_gateway(f"libexec_dir={libexec}", *gateway)

    def connect(self, *more, wants=3, **named):
        known = self.events().count("\nwants 0 3") if wants else 0
        client = super().connect(*more, **named)
        self.wait_log("control", "stats conn=")
        lib.wait_for("the session's wishes", lambda: not wants or self.events().count("\nwants 0") > known)
        return client

    def guest(self, command):
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
            sock.sendto(command.encode(), str(self.dir / "guest.sock"))

    def events(self):
        path = self.dir / "guest.events"
        return path.read_text() if path.exists() else ""

    def wait_guest(self, word, count=1, seconds=20.0):
        """The numbers of the newest such event, once there are so many."""

        def find():
            seen = [line.split()[1:] for line in self.events().splitlines() if line.split()[0] == word]
            return len(seen) >= count and [int(part) for part in seen[-1]]

        return lib.wait_for(f"{count} times '{word}' from the guest", find, seconds)

    # ---- the client's clipboard ----

    def copy_at_client(self, data, is_heard=True):
        """xclip stays as the selection's owner."""
        path = self.dir / "copied"
        path.write_bytes(data)
        known = self.events().count("client-offers")
        owner = self.start("xclip", "xclip", "-selection", "clipboard", "-t", "UTF8_STRING", "-quiet", "-i", path,
                           env={"DISPLAY": self.display_name})
        if is_heard:
            self.wait_guest("client-offers", known + 1)
        return owner

    def paste_at_client(self, seconds=20):
        """None: it cannot be had, which xfreerdp tells nobody."""
        try:
            done = subprocess.run(["xclip", "-selection", "clipboard", "-t", "UTF8_STRING", "-o"], capture_output=True,
                                  timeout=seconds, check=False, env={**os.environ, "DISPLAY": self.display_name})
        except subprocess.TimeoutExpired:
            return None
        return done.stdout if done.returncode == 0 and done.stdout else None

    def assert_pasted_at_client(self, data):
        """Not at once: xfreerdp 3.10 gives only the first byte to whoever pastes a text first, and nothing to whoever
        pastes while an offer is on its way."""
        lib.wait_for("the guest's text at the client", lambda: self.paste_at_client(3) == data)

    def paste_targets(self):
        done = subprocess.run(["xclip", "-selection", "clipboard", "-t", "TARGETS", "-o"], capture_output=True, text=True,
                              timeout=10, check=False, env={**os.environ, "DISPLAY": self.display_name})
        return done.stdout if done.returncode == 0 else None

    def paste_at_guest(self):
        """What the guest gets; None: it cannot be had."""
        path = self.dir / "pasted"
        path.unlink(missing_ok=True)
        known = self.events().count("pasted ")
        self.guest(f"paste {path}")
        lib.wait_for("the guest's paste", lambda: self.events().count("pasted ") > known, 30)
        return path.read_bytes() if path.exists() else None

    def copy_at_guest(self, data):
        path = self.dir / "guest-copied"
        path.write_bytes(data)
        self.guest(f"offer {path}")
        lib.wait_for("the client to hear of it", lambda: "UTF8_STRING" in (self.paste_targets() or ""))

    def big(self, size):
        """Text of about this many bytes, with every kind of character in it."""
        line = "0123456789 äöü 😀 " * 5 + "\n"
        return (line * (size // len(line.encode()))).encode()

    def check_both_ways(self, longest=900000):
        for data in (WORDS.encode(), b"x", self.big(longest)):
            self.copy_at_guest(data)
            self.assert_pasted_at_client(data)
            owner = self.copy_at_client(b"client: " + data)
            # Not at once: xfreerdp 2 announces a text twice, and the second offer takes back the first.
            lib.wait_for("the client's text in the guest", lambda: self.paste_at_guest() == b"client: " + data)
            self.end(owner)

    def test_text_goes_both_ways_when_it_is_pasted(self):
        self.start_guest()
        client = self.connect("+clipboard")
        self.check_both_ways()
        with self.subTest("nothing was asked for that nobody pasted"):
            asked = self.events().count("client-asks")
            self.copy_at_guest(b"not looked at")
            time.sleep(1)
            self.assertEqual(self.events().count("client-asks"), asked)
        with self.subTest("CR LF and CR of the client are LF in the guest"):
            owner = self.copy_at_client(b"one\r\ntwo\nthree")
            self.assertEqual(self.paste_at_guest(), b"one\ntwo\nthree")
            self.end(owner)
        with self.subTest("a text over the cap cannot be had, and the connection lives"):
            owner = self.copy_at_client(self.big(3 << 20))
            self.assertIsNone(self.paste_at_guest())
            self.end(owner)
            self.copy_at_guest(self.big(3 << 20))
            self.assertIsNone(self.paste_at_client(3))
        with self.subTest("a guest that answers nothing costs the client's paste five seconds"):
            self.guest("hang 1")
            self.copy_at_guest(b"never")
            self.assertIsNone(self.paste_at_client(7))
            self.guest("hang 0")
        with self.subTest("a client that answers nothing costs the guest's paste as much"):
            owner = self.copy_at_client(b"never")
            owner.send_signal(signal.SIGSTOP)
            self.assertIsNone(self.paste_at_guest())
            owner.send_signal(signal.SIGCONT)
            self.end(owner)
            self.check_both_ways(1000)
        self.assertIsNone(client.poll())

    def test_policy_lets_text_one_way_only(self):
        self.start_guest("--clipboard", "1", "--clipboard-max", "1000")  # to the guest
        client = self.connect("+clipboard")
        owner = self.copy_at_client(WORDS.encode())
        self.assertEqual(self.paste_at_guest(), WORDS.encode())
        self.end(owner)
        owner = self.copy_at_client(b"x" * 1001)
        self.assertIsNone(self.paste_at_guest())
        self.end(owner)
        (self.dir / "secret").write_text("secret")
        self.guest(f"offer {self.dir / 'secret'}")
        time.sleep(1)
        self.assertIsNone(self.paste_at_client(3))
        self.assertNotIn("client-asks", self.events())
        self.assertIsNone(client.poll())

    def test_freerdp_2(self):
        """sdl-freerdp3 of SDL 2 has no clipboard."""
        self.start_guest()
        client = self.connect("+clipboard", program="xfreerdp")
        self.check_both_ways(30000)
        self.assertIsNone(client.poll())

    def test_tigervnc(self):
        """It gives and takes text while its window has the focus; its own cap is 256 KiB."""
        self.start_guest(gateway=self.make_certificate())
        client = self.connect_vnc("-SetPrimary=0", "-SendPrimary=0")
        lib.wait_for("the session's wishes", lambda: "\nwants 0 1" in self.events())
        window, _, _ = self.window()
        self.x("xdotool", "windowfocus", window)
        self.check_both_ways(100000)
        self.assertIsNone(client.poll())

    # ---- sound ----

    def connect_with_sound(self, *more, **named):
        """The client plays to a sound server of the test's own, which records what is heard, in time."""
        home = self.dir / "home"
        home.mkdir(mode=0o700, exist_ok=True)
        env = {"HOME": str(home), "XDG_RUNTIME_DIR": str(home), "PULSE_SERVER": f"unix:{home}/pulse.sock"}
        self.start("pulse", "pulseaudio", "-n", "--daemonize=no", "--exit-idle-time=-1", "--use-pid-file=no",
                   "--load=module-null-sink sink_name=ear rate=48000 channels=2",
                   f"--load=module-native-protocol-unix auth-anonymous=1 socket={home}/pulse.sock", env=env)
        lib.wait_for("the sound server", (home / "pulse.sock").exists)
        self.heard_path = self.dir / "heard.raw"
        self.start("parec", "parec", "--device=ear.monitor", "--format=s16le", "--rate=48000", "--channels=2",
                   "--latency-msec=20", "--raw", self.heard_path, env=env)
        lib.wait_for("the recorder", lambda: len(self.heard()) > 0)
        old = dict(os.environ)
        os.environ.update(env)
        try:
            return self.connect("/sound:sys:pulse", *more, **named)
        finally:
            os.environ.clear()
            os.environ.update(old)

    def heard(self):
        """Samples of the left channel."""
        data = self.heard_path.read_bytes() if self.heard_path.exists() else b""
        return array.array("h", data[: len(data) & ~3])[0::2]

    def loud(self, samples):
        return [i for i, value in enumerate(samples) if abs(value) > 500]

    def assert_sine(self, samples, hz, seconds):
        loud = self.loud(samples)
        self.assertTrue(loud, "nothing was heard")
        part = samples[loud[0] : loud[-1] + 1]
        self.assertGreater(len(part), 0.95 * seconds * RATE)
        self.assertLess(len(part), 1.02 * seconds * RATE)
        gaps = max(b - a for a, b in zip(loud, loud[1:]))
        self.assertLess(gaps, RATE // 200, "a gap")
        crossings = sum(a < 0 <= b for a, b in zip(part, part[1:]))
        self.assertAlmostEqual(crossings * RATE / len(part), hz, delta=hz * 0.01)
        mean = sum(part) / len(part)
        power = math.sqrt(sum((value - mean) ** 2 for value in part) / len(part))
        self.assertAlmostEqual(power / (12000 / math.sqrt(2)), 1, delta=0.1)

    def test_what_the_guest_plays_is_heard(self):
        self.start_guest()
        client = self.connect_with_sound("/log-filters:com.freerdp.channels.rdpsnd.client:DEBUG")
        for attempt in range(4):  # a client that gets no processor for 100 ms rightly misses something
            known = len(self.heard())
            self.guest("tone 440 2000")
            self.wait_guest("tone-over", attempt + 1)
            time.sleep(0.5)
            try:
                self.assert_sine(self.heard()[known:], 440, 2)
                break
            except AssertionError:
                if attempt == 3:
                    raise
        with self.subTest("silence costs nothing"):
            self.guest("tone 0 60000")
            time.sleep(1.5)
            before = self.log("client").count("Wave2PDU")
            self.assertGreater(before, 50)
            time.sleep(1)
            self.assertEqual(self.log("client").count("Wave2PDU"), before)
        with self.subTest("who was away hears nothing of the past"):
            known = len(self.heard())
            self.guest("tone 880 4000")
            lib.wait_for("the tone", lambda: len(self.loud(self.heard()[known:])) > RATE // 2)
            client.send_signal(signal.SIGSTOP)
            time.sleep(2)
            client.send_signal(signal.SIGCONT)
            lib.wait_for("the tone's end", lambda: self.events().endswith("tone-over 192000 0\n"))
            time.sleep(1)
            heard = self.loud(self.heard()[known:])
            self.assertLess(heard[-1] - heard[0], 4.5 * RATE)
            self.assertLess(len(heard), 2.6 * RATE)
        self.assertIsNone(client.poll())

    def test_a_vnc_server_gives_and_takes_text_and_is_heard(self):
        """The real console between a VNC server (extended clipboard, QEMU's audio extension) and the client."""
        copied = self.dir / "guest-copied"
        copied.write_text(WORDS)
        self.start_all(vncd=["--clipboard", str(copied), "--sine", "440"])
        client = self.connect_with_sound("+clipboard", wants=0)
        lib.wait_for("the tone", lambda: len(self.loud(self.heard())) > RATE // 4)
        self.vncd.send_signal(signal.SIGHUP)
        self.assert_pasted_at_client(WORDS.encode())
        self.copy_at_client("zurück: äöü 😀".encode(), is_heard=False)
        self.wait_log("events", "cut utf8 .*zurück: äöü 😀")
        self.assertIsNone(client.poll())

    def test_policy_without_sound_is_silent(self):
        self.start_guest("--sound", "0", "--clipboard", "0")
        client = self.connect_with_sound("+clipboard", wants=0)
        self.guest("tone 440 1000")
        self.wait_guest("tone-over")
        self.assertNotIn("wants", self.events())
        self.assertEqual(self.loud(self.heard()), [])
        self.assertIsNone(client.poll())


if __name__ == "__main__":
    unittest.main()
