"""A line of 1 Mbit/s, 50 ms each way, made by tests/fakes/relay.c: a key is answered while a video plays, nothing
piles up before the line, and the picture is back when the line is. Numbers are printed; what is asserted is compared
with the same line without a limit, in the same run."""
import re
import statistics
import subprocess
import time
import unittest

import lib

RATE_KBIT_S = 1000
DELAY_MS = 50
COLOURS = 6  # of --echo, one after the other; a new client expects the first
BUFFER_MS = 500  # what a careless sender makes a key wait
SIZE = "800x600"
F12 = r"key down=1 .*code=0x58"  # with --echo: nothing moves, until the next one


class SlowLine(lib.Case):
    def start_relay(self):
        self.relay = subprocess.Popen(
            [lib.BIN / "oriel-test-relay", "--to", str(self.port), "--delay", str(DELAY_MS), "--buffer", str(BUFFER_MS)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.started.append(self.relay)
        self.addCleanup(self.relay.stdout.close)
        self.addCleanup(self.relay.stdin.close)
        self.port = int(self.relay.stdout.readline().split()[1])

    def tell(self, command):
        self.relay.stdin.write(command + "\n")
        self.relay.stdin.flush()
        return self.relay.stdout.readline()

    def peak_bytes(self):
        """Most that waited before the line to the client since the last look."""
        return int(re.search(r"down .*peak=(\d+)", self.tell("status"))[1])

    def keys(self, name, seconds, count):
        """Milliseconds from each key press to its answer, and the frames a second that came before them."""
        client = self.start(name, lib.BIN / "oriel-bench-client", self.port, lib.USER, lib.PASSWORD, SIZE, seconds, count,
                            0, "0,0,0,0", env={"HOME": str(self.dir)})
        self.wait_log(name, "begin ")
        self.peak_bytes()
        self.wait_log(name, "end ")
        self.assertEqual(client.wait(60), 0)
        log = self.log(name)
        begin, end = (int(re.search(word + r" frames=(\d+)", log)[1]) for word in ("begin", "end"))
        times = [(int(seen) - int(sent)) / 1000 for sent, seen in re.findall(r"sent_us=(\d+) seen_us=(\d+)", log)]
        self.assertTrue(all(ms > 0 for ms in times), "a key was not answered")
        self.assertEqual(len(times), count)
        return times, (end - begin) / seconds

    def test_a_key_is_answered_while_a_video_plays(self):
        self.start_vncd("video", SIZE, "--echo", "--fps", "25")
        self.start_control()
        self.start_gateway()
        self.start_relay()
        free, _ = self.keys("free", 1, COLOURS)
        self.tell(f"rate {RATE_KBIT_S}")
        slow, frames = self.keys("slow", 4, 12)
        peak = self.peak_bytes()
        base, answer = statistics.median(free), statistics.median(slow)
        print(f"key to answer: no limit {base:.0f} ms; {RATE_KBIT_S} kbit/s {answer:.0f} ms, at most {max(slow):.0f} ms; "
              f"{frames:.0f} frames/s; at most {peak * 8 / RATE_KBIT_S:.0f} of {BUFFER_MS} ms waited before the line")
        self.assertGreaterEqual(base, 2 * DELAY_MS)
        self.assertLess(answer, base + BUFFER_MS / 3)
        self.assertLess(peak * 8 / RATE_KBIT_S, BUFFER_MS / 2)
        self.assertGreater(frames, 2)

    def pause(self):
        """Stops the video or lets it go on, once that key has come through."""
        known = len(re.findall(F12, self.log("events")))
        window, _, _ = self.window()
        self.x("xdotool", "windowfocus", window, "key", "F12")
        self.wait_log("events", F12, known + 1)

    def assert_back(self, what):
        start = time.monotonic()
        self.assert_exact(SIZE)
        print(f"{what}: exact after {time.monotonic() - start:.1f} s, screenshots included")

    def test_the_picture_is_back_when_the_line_is(self):
        self.start_screen()
        self.start_vncd("video", SIZE, "--fps", "25", "--echo")
        self.start_control()
        self.start_gateway()
        self.start_relay()
        client = self.connect(size=SIZE)
        self.wait_log("control", "stats conn=")
        lib.wait_for("the picture", lambda: self.mean(self.shot(), f"{SIZE}+0+0") > 0.02)
        self.tell(f"rate {RATE_KBIT_S}")
        time.sleep(3)
        first = self.shot("slow", area=f"{SIZE}+0+0")
        lib.wait_for("the video to go on", lambda: self.different_pixels(first, self.shot("next", f"{SIZE}+0+0")) > 0)
        self.pause()
        self.tell("rate 0")
        self.assert_back("the line is fast again")
        self.pause()
        self.tell(f"rate {RATE_KBIT_S}")
        time.sleep(1)
        self.tell("stop")
        time.sleep(3)
        self.tell("go")
        self.pause()
        self.tell("rate 0")
        self.assert_back("the line stood still for 3 s")
        self.assertIsNone(client.poll())


if __name__ == "__main__":
    unittest.main()
