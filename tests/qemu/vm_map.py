#!/usr/bin/env python3
"""A picture in memory that a real QEMU (9.2 or later) shares with a console: it is the guest's, with one head and two, also
while it changes; what it costs beside copies; a console that stops holds QEMU up no longer than a second, and nothing piles up.

Usage: vm_map.py SOURCE_DIR TOOL DIE_AT_LIBRARY [--bench]      ORIEL_TINY, ORIEL_QEMU: as for vm_qemu.py
Exit 77: no such QEMU here (scripts/deps --qemu10 installs one)."""
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from vm_qemu import QEMU, SKIP, Console, expect, shows_both_heads, tiny_guest, wait_said  # noqa: E402

WATCH_S = 8
SHARES_SINCE = (9, 2)
ASK_MAX_S = 1.0  # QEMU's own limit for a call that it waits for


def version():
    if not shutil.which(QEMU):
        return (0, 0)
    text = subprocess.run([QEMU, "--version"], check=True, capture_output=True, text=True).stdout
    return tuple(int(n) for n in re.search(r"version (\d+)\.(\d+)", text).groups())


def cpu_s(pid):
    words = pathlib.Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")


def console_pid(console):
    return int(console.tell("frames 1").split()[1])


def shared_files(pid):
    """Memory files of others that the console has open; None: only root may look."""
    names = []
    try:
        for link in pathlib.Path(f"/proc/{pid}/fd").iterdir():
            names.append(os.readlink(link))
    except PermissionError:
        return None
    return [name for name in names if name.startswith("/memfd:") and "oriel" not in name]


def press_motion(console):
    for code, is_down in (("0x1d", 1), ("0x38", 1), ("0x1e", 1), ("0x1e", 0), ("0x38", 0), ("0x1d", 0)):
        console.tell(f"key {code} {is_down}")


def watch(guest, console):
    """Frames a second, and the console's and QEMU's shares of a processor."""
    pid = console_pid(console)
    ours, qemus = cpu_s(pid), cpu_s(guest.process.pid)
    frames = int(console.tell(f"frames {WATCH_S * 1000}").split()[0])
    return frames / WATCH_S, (cpu_s(pid) - ours) / WATCH_S, (cpu_s(guest.process.pid) - qemus) / WATCH_S


def test_picture(guest, console):
    expect(console.tell("wait 1280 800") == "ok", "the guest's size arrives")
    expect(console.shows_what_qemu_has(), "the picture is QEMU's, pixel for pixel")
    shared = shared_files(console_pid(console))
    expect(shared is None or len(shared) == 1, f"the console reads QEMU's memory ({shared})")
    console.tell("size 1024 768")
    expect(console.tell("wait 1024 768") == "ok", "the guest follows the wanted size")
    expect(console.shows_what_qemu_has(), "and its picture is exact")
    console.tell("heads 0 0 1024 768 1024 0 800 600")
    expect(console.tell("wait 1824 768") == "ok", "two heads: the guest follows")
    expect(shows_both_heads(console, [(0, 0), (1024, 0)]), "two heads: both are exact")
    shared = shared_files(console_pid(console))
    expect(shared is None or len(shared) == 2, f"two heads: both are shared ({shared})")
    console.tell("size 1920 1080")
    expect(console.tell("wait 1920 1080") == "ok", "one head again")


def compare(guest, tool, library, console):
    """The same guest, painting all the time, by the map and by copies. Takes the console."""
    press_motion(console)
    wait_said(guest, b"motion on", "the guest paints all the time")
    seen = {"map": watch(guest, console)}
    console.close()
    copy = Console(guest, tool, "dbus", {"LD_PRELOAD": str(library), "ORIEL_NO_FDS": "1"})
    expect(copy.tell("wait 1920 1080") == "ok", "the picture by copies")
    expect(not shared_files(console_pid(copy)), "nothing is shared then")
    seen["copy"] = watch(guest, copy)
    copy.close()
    for kind, (fps, ours, qemus) in seen.items():
        print(f"{kind}: {fps:.1f} fps, console {ours * 100:.1f} %, QEMU {qemus * 100:.0f} %", flush=True)
    return seen


def test_motion(guest, tool, library, console):
    seen = compare(guest, tool, library, console)
    expect(all(fps > 0 for fps, _, _ in seen.values()), "both ways the picture goes on")
    for which, name in ((1, "the console's"), (2, "QEMU's")):
        shared, copied = (seen[kind][which] / seen[kind][0] for kind in ("map", "copy"))
        print(f"     {name} work for a shared frame: {shared / copied:.2f} of that for a copied one", flush=True)


def test_stop(guest, tool):
    for number, name in ((signal.SIGSTOP, "SIGSTOP"), (signal.SIGKILL, "SIGKILL")):
        console = Console(guest, tool, "dbus")
        expect(console.tell("wait 1920 1080") == "ok", f"{name}: the picture is there")
        before = guest.memory_mib()
        console.tell(f"signal {int(number)}")
        worst = guest.answers_within(2.5)
        over = console.next()
        print(f"     {name}: {over}; QEMU's slowest answer {worst * 1000:.0f} ms, its memory {guest.memory_mib()} MiB", flush=True)
        expect(over is not None and over.startswith("over "), f"{name}: vmpool's side ends the display")
        expect(worst < 2 * ASK_MAX_S, f"{name}: QEMU goes on answering")
        expect(guest.memory_mib() < before + 256, f"{name}: nothing piles up in it")
        console.close()
    console = Console(guest, tool, "dbus")
    expect(console.tell("wait 1920 1080") == "ok", "the picture is back with a new console")
    press_motion(console)
    wait_said(guest, b"motion off", "the guest rests")
    expect(console.shows_what_qemu_has(), "and the picture is QEMU's")
    if "ORIEL_SHOT" in os.environ:
        pathlib.Path(os.environ["ORIEL_SHOT"]).write_bytes(console.shot())
    console.close()


def main():
    tool, library = (pathlib.Path(word) for word in sys.argv[2:4])
    if version() < SHARES_SINCE:
        print(f"skipped: QEMU {'.'.join(map(str, version()))} shares no memory; {'.'.join(map(str, SHARES_SINCE))} or later does")
        return SKIP
    with tiny_guest(tool) as guest:
        console = Console(guest, tool, "dbus")
        wait_said(guest, b"QEMU Virtio Keyboard", "the guest has painted and has its keyboard")
        if "--bench" in sys.argv:
            console.tell("size 1920 1080")
            expect(console.tell("wait 1920 1080") == "ok", "the guest follows the wanted size")
            compare(guest, tool, library, console)
            return 0
        test_picture(guest, console)
        test_motion(guest, tool, library, console)
        test_stop(guest, tool)
    return 0


if __name__ == "__main__":
    sys.exit(main())
