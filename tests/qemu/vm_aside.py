#!/usr/bin/env python3
"""What stands beside the picture, through a real QEMU: clipboard text from its D-Bus display to VNC and back, a
console on each, QEMU's own clipboard between them as it is between a display and the guest's agent (its D-Bus display
is told only what has a serial: the agent's), and the sound of the machine by VNC. Exit 77: no QEMU here."""
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from vm_qemu import QEMU, SKIP, Console, Guest, Qmp, expect  # noqa: E402

TRIES = 100


class Machine(Guest):
    """Nothing but firmware: the clipboard is QEMU's."""

    def __init__(self, audio="none", display="dbus,p2p=yes"):  # pylint: disable=super-init-not-called
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="oriel-aside-"))
        self.log = open(self.dir / "log", "wb")
        self.process = subprocess.Popen([
            QEMU, "-machine", "pc-q35-7.2,accel=tcg,pcspk-audiodev=a", "-m", "64", "-nodefaults",
            "-no-user-config", "-audiodev", f"{audio},id=a", "-display", display,
            "-vnc", "none,audiodev=a", "-qmp", f"unix:{self.dir}/qmp,server=on,wait=off",
            "-device", "virtio-vga"], stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log)
        self.qmp = Qmp(self.dir / "qmp")


def arrives(giver, taker, text):
    """Copied at one end, it is there for the other; the ends ask for their clipboards a moment after they have a picture."""
    for _ in range(TRIES):
        giver.tell(f"copy {text}")
        time.sleep(0.2)
        if taker.tell("paste") == f"text {text}":
            return True
    return False


def beep(machine):
    """The PC's speaker, by its ports: channel 2 of the timer at 1193182 / 1193 = 1000 Hz, then on."""
    for port, value in ((0x43, 0xB6), (0x42, 1193 & 0xFF), (0x42, 1193 >> 8), (0x61, 3)):
        machine.qmp.ask("human-monitor-command", **{"command-line": f"o /b {port:#x} {value:#x}"})


def is_heard(console):
    for _ in range(TRIES):
        time.sleep(0.1)
        heard, loud = (int(word) for word in console.tell("sound").split())
        if heard > 48000 and loud > 0:
            return True
    return False


def main():
    tool = pathlib.Path(sys.argv[1])
    if not shutil.which(QEMU):
        return SKIP
    machine = Machine()
    try:
        dbus, vnc = Console(machine, tool, "dbus"), Console(machine, tool, "vnc")
        for console in (dbus, vnc):
            console.tell("want 1")
        expect(vnc.tell("paste") == "nothing", "nobody has copied yet")
        expect(arrives(dbus, vnc, "from D-Bus: Gr\u00fc\u00dfe \u20ac"), "text goes from the D-Bus display to VNC")
        other = Console(machine, tool, "vnc")
        other.tell("want 1")
        expect(arrives(vnc, other, "from VNC: \u00e9t\u00e9 \U0001f426"), "text goes from VNC to VNC")
        other.close()
        dbus.close()
        again = Console(machine, tool, "dbus")
        again.tell("want 1")
        expect(arrives(again, vnc, "from the next console"), "a new console takes the clipboard over")
        expect(machine.answers_within(1) < 1, "QEMU's main loop runs")
        again.close()
        vnc.tell("want 2")
        beep(machine)
        expect(is_heard(vnc), "the speaker is heard through VNC")
        vnc.close()
    finally:
        machine.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
