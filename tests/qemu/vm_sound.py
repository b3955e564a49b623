#!/usr/bin/env python3
"""What a machine plays, on the D-Bus display of a real QEMU (9.2 or later; 7.2 dies of a listener for sound): heard while it is
wanted and not else, beside VNC, by one console after the other; one that stops or dies with sound playing holds QEMU up for nothing.

Usage: vm_sound.py TOOL      ORIEL_QEMU: as for vm_qemu.py
Exit 77: no such QEMU here (scripts/deps --qemu10 installs one)."""
import pathlib
import signal
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from vm_aside import TRIES, Machine, beep, is_heard  # noqa: E402
from vm_map import SHARES_SINCE, version  # noqa: E402
from vm_qemu import FREEZE_MAX_S, SKIP, Console, expect  # noqa: E402

CLIPBOARD, SOUND = 1, 2  # ORL_WANT_*


def heard_bytes(console):
    return int(console.tell("sound").split()[0])


def goes_on(console):
    before = heard_bytes(console)
    return any(time.sleep(0.1) or heard_bytes(console) > before + 48000 for _ in range(TRIES))


def falls_silent(console):
    """What was under way when nobody listened any more has come."""
    for _ in range(TRIES):
        before = heard_bytes(console)
        time.sleep(0.3)
        if heard_bytes(console) == before:
            return True
    return False


def test_wanted(console):
    console.tell(f"want {CLIPBOARD}")
    time.sleep(0.5)
    expect(heard_bytes(console) == 0, "nothing comes that nobody listens to")
    for turn in ("", "again "):
        console.tell(f"want {CLIPBOARD | SOUND}")
        expect(is_heard(console) and goes_on(console), f"the speaker is {turn}heard through the D-Bus display")
        console.tell(f"want {CLIPBOARD}")
        expect(falls_silent(console), f"and nothing comes {turn}when nobody listens any more")


def test_stop(machine, tool, number, name):
    console = Console(machine, tool, "dbus")
    console.tell(f"want {SOUND}")
    expect(is_heard(console), f"{name}: the machine is heard")
    before = machine.memory_mib()
    console.tell(f"signal {int(number)}")
    worst = machine.answers_within(2.5)
    over = console.next()
    print(f"     {name}: {over}; QEMU's slowest answer {worst * 1000:.0f} ms, its memory {machine.memory_mib()} MiB", flush=True)
    expect(over is not None and over.startswith("over "), f"{name}: vmpool's side ends the display")
    expect(worst < 2 * FREEZE_MAX_S, f"{name}: QEMU goes on answering")
    expect(machine.memory_mib() < before + 64, f"{name}: nothing piles up in it")
    console.close()


def main():
    tool = pathlib.Path(sys.argv[1])
    if version() < SHARES_SINCE:
        print(f"skipped: QEMU {'.'.join(map(str, version()))} takes no listener for sound; "
              f"{'.'.join(map(str, SHARES_SINCE))} or later does")
        return SKIP
    machine = Machine("dbus,out.frequency=48000", "dbus,p2p=yes,audiodev=a")
    try:
        console, vnc = Console(machine, tool, "dbus"), Console(machine, tool, "vnc")
        beep(machine)
        test_wanted(console)
        vnc.tell(f"want {SOUND}")
        console.tell(f"want {SOUND}")
        expect(is_heard(vnc) and goes_on(console), "both hear it, by VNC and by the D-Bus display")
        vnc.close()
        console.close()
        for number, name in ((signal.SIGSTOP, "SIGSTOP"), (signal.SIGKILL, "SIGKILL")):
            test_stop(machine, tool, number, name)
        console = Console(machine, tool, "dbus")
        console.tell(f"want {SOUND}")
        expect(is_heard(console), "the next console hears it")
        console.close()
    finally:
        machine.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
