#!/usr/bin/env python3
"""A console on the D-Bus display of a real QEMU with the tiny guest: the picture, input, sizes, and a console that stops or dies.

Usage: vm_qemu.py SOURCE_DIR TOOL [DIE_AT_LIBRARY | --bench N]      ORIEL_TINY: a folder that guest/tiny/build filled (else it is built)
ORIEL_QEMU: another QEMU than the system's, or what runs it
Exit 77: this machine can't run it (no QEMU); ctest shows that as skipped."""
import contextlib
import json
import os
import pathlib
import re
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "guest"))
import tiny_build  # noqa: E402

SKIP = 77
DEADLINE_S = 120
FREEZE_MAX_S = 0.5  # protocols/qemu/qemu_display.c: HANDSHAKE_MAX_US
QEMU = os.environ.get("ORIEL_QEMU", "qemu-system-x86_64")


def expect(holds, fact):
    print(("ok   " if holds else "FAIL ") + fact, flush=True)
    if not holds:
        raise SystemExit(1)


class Qmp:
    def __init__(self, path):
        self.sock = socket.socket(socket.AF_UNIX)
        deadline = time.monotonic() + DEADLINE_S
        while True:
            try:
                self.sock.connect(str(path))
                break
            except OSError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.05)
        self.sock.settimeout(DEADLINE_S)
        self.buffer = b""
        self.receive()
        self.ask("qmp_capabilities")

    def receive(self):
        while b"\n" not in self.buffer:
            self.buffer += self.sock.recv(65536)
        line, self.buffer = self.buffer.split(b"\n", 1)
        return json.loads(line)

    def ask(self, command, fd=None, **arguments):
        text = json.dumps({"execute": command, "arguments": arguments}).encode()
        socket.send_fds(self.sock, [text], [] if fd is None else [fd])
        while True:
            answer = self.receive()
            if "error" in answer:
                raise RuntimeError(answer)
            if "return" in answer:
                return answer["return"]


def rows_of(ppm):
    width, height = (int(n) for n in ppm.split(b"\n", 3)[1].split())
    pixels = ppm[-width * height * 3:]
    return width, height, [pixels[y * width * 3:(y + 1) * width * 3] for y in range(height)]


class Guest:
    def __init__(self, tiny):
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="oriel-qemu-"))
        self.log = open(self.dir / "log", "wb")
        self.process = subprocess.Popen([
            QEMU, "-machine", "pc-q35-7.2,accel=tcg", "-cpu", "max", "-m", "384", "-nodefaults", "-no-user-config",
            "-display", "dbus,p2p=yes", "-vnc", "none", "-qmp", f"unix:{self.dir}/qmp,server=on,wait=off",
            "-device", "virtio-vga,id=gpu,max_outputs=2,xres=1280,yres=800", "-device", "qemu-xhci", "-device", "usb-tablet", "-device", "virtio-keyboard-pci",
            "-kernel", str(tiny / "vmlinux"), "-initrd", str(tiny / "initrd"), "-serial", f"file:{self.dir}/serial",
            "-append", "console=ttyS0 quiet loglevel=3 tsc=reliable panic=1"],
            stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log)
        self.qmp = Qmp(self.dir / "qmp")

    def open_display(self, protocol):
        ours, qemus = socket.socketpair()
        self.qmp.ask("getfd", fd=qemus.fileno(), fdname="display")
        self.qmp.ask("add_client", protocol=protocol, fdname="display")
        qemus.close()
        return ours

    def shot(self):
        path = self.dir / "qemu.ppm"
        self.qmp.ask("screendump", filename=str(path))
        return path.read_bytes()

    def head_shot(self, head):
        """Width, height and the rows of one head's picture."""
        path = self.dir / f"head{head}.ppm"
        self.qmp.ask("screendump", filename=str(path), device="gpu", head=head)
        return rows_of(path.read_bytes())

    def answers_within(self, duration_s):
        """The longest that QEMU's main loop took to answer, asked all the time."""
        worst, end = 0.0, time.monotonic() + duration_s
        while time.monotonic() < end:
            begin = time.monotonic()
            self.qmp.ask("query-status")
            worst = max(worst, time.monotonic() - begin)
            time.sleep(0.02)
        return worst

    def memory_mib(self):
        for line in open(f"/proc/{self.process.pid}/status", encoding="ascii"):
            if line.startswith("RssAnon:"):
                return int(line.split()[1]) // 1024
        return 0

    def close(self):
        self.process.kill()
        self.process.wait()
        shutil.rmtree(self.dir, ignore_errors=True)


class Console:
    """The tool, with its console, on a display."""

    def __init__(self, guest, tool, kind, environment=None):
        self.guest, self.lines = guest, []
        display = guest.open_display("@dbus-display" if kind == "dbus" else "vnc")
        keep = os.dup(display.fileno())
        display.close()
        self.process = subprocess.Popen(
            ["sh", "-c", 'exec "$0" "$1" 3<&"$2"', str(tool), kind, str(keep)], pass_fds=[keep], stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, bufsize=0, env={**os.environ, **(environment or {})})
        os.close(keep)
        if environment and "ORIEL_DIE_AT" in environment:
            return
        expect(self.next() == "open", f"the {kind} display opens")

    def next(self, timeout_s=DEADLINE_S):
        text = b""
        deadline = time.monotonic() + timeout_s
        while not text.endswith(b"\n"):
            ready, _, _ = select.select([self.process.stdout], [], [], max(0, deadline - time.monotonic()))
            byte = self.process.stdout.read(1) if ready else b""
            if not byte:
                return None
            text += byte
        return text.decode().strip()

    def tell(self, command):
        self.process.stdin.write((command + "\n").encode())
        return self.next()

    def shot(self):
        path = self.guest.dir / "console.ppm"
        self.tell(f"shot {path}")
        return path.read_bytes()

    def shows_what_qemu_has(self):
        """Also while the guest's clock goes on: QEMU's picture before or after ours is the same as ours."""
        for _ in range(100):
            before, ours, after = self.guest.shot(), self.shot(), self.guest.shot()
            if ours in (before, after):
                return True
            time.sleep(0.1)
        return False

    def close(self):
        self.process.stdin.close()
        self.process.wait(timeout=60)


def shows_both_heads(console, places):
    """The console's picture is QEMU's two, each at its place."""
    for _ in range(100):
        before = [console.guest.head_shot(head) for head in range(2)]
        _, _, rows = rows_of(console.shot())
        after = [console.guest.head_shot(head) for head in range(2)]
        found = 0
        for (x, y), one, other in zip(places, before, after):
            seen = [rows[y + row][x * 3:(x + one[0]) * 3] for row in range(one[1])]
            found += seen in (one[2], other[2])
        if found == 2:
            return True
        time.sleep(0.1)
    return False


def test_heads(guest, console):
    """The client's second monitor stands left of its first; the guest's is right of it."""
    console.tell("heads 800 0 1024 768 0 100 800 600")
    expect(console.tell("wait 1824 768") == "ok", "two heads: the guest follows, and both are one picture")
    expect(shows_both_heads(console, [(800, 0), (0, 100)]), "two heads: each is where the client's monitor is, exact")
    start = len((guest.dir / "serial").read_bytes())
    console.tell("pointer 200 300 0")
    deadline, at = time.monotonic() + DEADLINE_S, []
    while not at and time.monotonic() < deadline:
        time.sleep(0.1)
        at = re.findall(r"pointer (\d+) (\d+)", (guest.dir / "serial").read_bytes()[start:].decode())
    expect(bool(at) and abs(int(at[-1][0]) - 1224) <= 2 and abs(int(at[-1][1]) - 200) <= 2,
           f"two heads: the pointer is on the second one ({at[-1:]})")
    expect(shows_both_heads(console, [(800, 0), (0, 100)]), "two heads: and what it changed is exact")
    console.tell("size 1024 768")
    expect(console.tell("wait 1024 768") == "ok", "two heads: one again")
    expect(console.shows_what_qemu_has(), "two heads: and its picture is exact")


def wait_said(guest, text, fact):
    deadline = time.monotonic() + DEADLINE_S
    while text not in (guest.dir / "serial").read_bytes() and time.monotonic() < deadline:
        time.sleep(0.1)
    expect(time.monotonic() < deadline, fact)


def shows_input(console):
    still = console.shot()
    console.tell("key 0x1e 1")
    console.tell("key 0x1e 0")
    changed = any(time.sleep(0.1) or console.shot() != still for _ in range(100))
    return changed and console.shows_what_qemu_has()


def wait_keys(guest, start, expected, fact):
    """expected: (code, "down" or "up") in order, in what the guest said since start."""
    deadline, got = time.monotonic() + DEADLINE_S, []
    while len(got) < len(expected) and time.monotonic() < deadline:
        time.sleep(0.1)
        text = (guest.dir / "serial").read_bytes()[start:].decode()
        got = [(int(code), way) for code, way in re.findall(r"key (\d+) (down|up)\r?\n", text)]
    if got != expected:
        print(f"     {len(got)} of {len(expected)}; got {got[:200]}", flush=True)
    expect(got == expected, fact)


def said_bytes(guest):
    return (guest.dir / "serial").stat().st_size


def test_typing(guest, console):
    """The guest says each key that it gets; what its keyboard drops, it never gets."""
    letters = [0x10, 0x12, 0x14, 0x16, 0x18, 0x1e, 0x20, 0x22, 0x24, 0x26, 0x2c, 0x2e, 0x30, 0x32]
    for gap_ms in (0, 5, 20, 60):
        start, expected = said_bytes(guest), []
        for i in range(100):
            code = letters[i % len(letters)]
            for way in ("down", "up"):
                console.tell(f"key {code} {1 if way == 'down' else 0}")
                expected.append((code, way))
            time.sleep(gap_ms / 1000)
        wait_keys(guest, start, expected, f"100 keys every {gap_ms} ms arrive, in order")
    start, expected = said_bytes(guest), []
    for sign, code, is_shifted in (("H", 35, True), ("i", 23, False), ("!", 2, True), ("\xe9", 0, False)):
        console.tell(f"sym {ord(sign)} 1")
        console.tell(f"sym {ord(sign)} 0")
        press = [(code, "down")] if code else []
        expected += [(42, "down"), *press, (42, "up")] if is_shifted else press
        expected += [(code, "up")] if code else []
    wait_keys(guest, start, expected, "characters without scancodes are typed as a US keyboard has them")
    caps = [(58, "down"), (58, "up")]
    start = said_bytes(guest)
    for locks in (4, 4, 0, 0):  # ORL_LOCK_CAPS
        console.tell(f"locks {locks}")
    console.tell("key 0x10 1")
    console.tell("key 0x10 0")
    wait_keys(guest, start, caps + caps + [(16, "down"), (16, "up")], "lock keys are pressed where they differ, before what is typed next")


def test_stop(guest, tool, console, number, name):
    """A console that stops, or dies, while the guest paints as fast as it can."""
    console.tell(f"signal {number}")
    begin, worst, before = time.monotonic(), guest.answers_within(2.5), guest.memory_mib()
    over = console.next()
    print(f"     {name}: {over}; QEMU's slowest answer {worst * 1000:.0f} ms, its memory {before} MiB", flush=True)
    expect(over is not None and over.startswith("over "), f"{name}: vmpool's side ends the display")
    expect(worst < 2 * FREEZE_MAX_S and time.monotonic() - begin < DEADLINE_S, f"{name}: QEMU goes on answering")
    console.close()
    console = Console(guest, tool, "dbus")
    expect(console.tell("wait 1024 768") == "ok", f"{name}: the picture is back with a new console")
    return console


def test_death_in_handshake(guest, tool, library):
    """QEMU's main loop stands still in a listener's handshake: whoever does it may die at any point of it."""
    for at, where in ((1, "when QEMU begins to authenticate"), (2, "half-way in it"), (4, "before its question is answered")):
        console = Console(guest, tool, "dbus", {"LD_PRELOAD": str(library), "ORIEL_DIE_AT": str(at)})
        worst = guest.answers_within(0.5)
        code = console.process.wait(timeout=60)
        expect(code == -signal.SIGKILL and worst < 2 * FREEZE_MAX_S, f"who does the handshake dies {where}: QEMU goes on answering")
        console.close()
    console = Console(guest, tool, "dbus")
    expect(console.tell("wait 1024 768") == "ok", "and the next one has the picture")
    console.close()


def test(guest, tool, library):
    console = Console(guest, tool, "dbus")
    wait_said(guest, b"QEMU Virtio Keyboard", "the guest has painted and has its keyboard")
    wait_said(guest, b"QEMU USB Tablet", "the guest has its tablet")
    expect(console.tell("wait 1280 800") == "ok", "the guest's size arrives")
    expect(console.shows_what_qemu_has(), "the picture is QEMU's, pixel for pixel")
    expect(shows_input(console), "a key reaches the guest and its echo is exact")
    still = console.shot()  # the guest may open its tablet after its keyboard
    moved = any(console.tell(f"pointer {300 + i} 300 0") and (time.sleep(0.1) or console.shot() != still) for i in range(100))
    expect(moved and console.shows_what_qemu_has(), "the pointer reaches the guest")
    test_typing(guest, console)
    console.tell("size 1024 768")
    expect(console.tell("wait 1024 768") == "ok", "the guest follows the wanted size")
    expect(console.shows_what_qemu_has(), "and its picture is exact")
    test_heads(guest, console)
    for code in ("0x1d", "0x38", "0x1e"):  # Ctrl+Alt+A: the guest paints all the time
        console.tell(f"key {code} 1")
    for code in ("0x1e", "0x38", "0x1d"):
        console.tell(f"key {code} 0")
    wait_said(guest, b"motion on", "the guest paints all the time")
    quiet_mib = guest.memory_mib()
    console = test_stop(guest, tool, console, int(signal.SIGSTOP), "SIGSTOP")
    console = test_stop(guest, tool, console, int(signal.SIGKILL), "SIGKILL")
    expect(guest.memory_mib() < quiet_mib + 1024, "what QEMU had queued is gone")
    other = Console(guest, tool, "dbus")
    said = other.tell("wait 1024 768")
    expect(said == "ok", f"a second opening works ({said})")
    expect((console.next() or "").startswith("over "), "and ends the first")
    console.close()
    other.close()
    if library:
        test_death_in_handshake(guest, tool, library)


def bench(guest, tool, count):
    wait_said(guest, b"QEMU Virtio Keyboard", "the guest has painted and has its keyboard")
    for kind in ("dbus", "vnc"):
        console = Console(guest, tool, kind)
        console.tell("wait 1280 800")
        times = sorted(int(t) / 1000 for t in console.tell(f"latency 0x1e {count}").split())
        console.close()
        print(f"{kind}: key to pixel p50 {times[len(times) // 2]:.1f} ms, p95 {times[len(times) * 95 // 100]:.1f} ms, "
              f"{times[0]:.1f} to {times[-1]:.1f} ms, n={len(times)}", flush=True)


@contextlib.contextmanager
def tiny_guest(tool):
    guest = Guest(tiny_build.folder(tool.resolve().parents[1]))
    try:
        yield guest
    finally:
        guest.close()


def main():
    tool = pathlib.Path(sys.argv[2])
    if not shutil.which(QEMU):
        return SKIP
    with tiny_guest(tool) as guest:
        if "--bench" in sys.argv:
            bench(guest, tool, int(sys.argv[-1]))
        else:
            test(guest, tool, sys.argv[3] if len(sys.argv) > 3 else None)
    return 0


if __name__ == "__main__":
    sys.exit(main())
