#!/usr/bin/env python3
"""Golden images with a real libvirtd, QEMU and the tiny guest: one is made (and vmpool killed meanwhile), desktops begin as its copies and are
somebody of their own, one dies and the others don't notice, and another version's image is made while the first one serves.

Usage: vm_golden.py SOURCE_DIR VMPOOL TOOL       ORIEL_TINY: as vm_pool.py"""
import hashlib
import pathlib
import sys
import time

from vm_rig import crash_of, expect, play, run

# Its card comes last: the guest may have to find it yet.
LOOK = """for i in 1 2 3 4 5 6 7 8 9 10; do [ -e /sys/class/net/eth0/address ] && break; sleep 1; done
printf '%s\\n' "$(hostname)" "$(cat /etc/machine-id)" "$(cat /sys/class/net/eth0/address)" "$(head -c 16 /dev/urandom | md5sum)" "$(date +%s)" """


def made(rig):
    return {line.split(" ")[0]: line.split(" ") for line in rig.tool_out("made", rig.store).splitlines()}


def spares(rig, count, version="1"):
    rows = [r for r in rig.rows() if r["lease"] == "free" and r["ready"] == "ready" and r["template_version"] == version]
    return rows if len(rows) >= count else None


def files_of(rig, golden):
    memory = next(pathlib.Path("/dev/shm").glob(f"oriel-*/{golden}.ram"))
    disk = next(rig.state.glob(f"images/*/golden/{golden}/disk.qcow2"))
    return memory, disk


def digest(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def make(rig):
    rig.until("a golden image is begun", lambda: rig.golden(state="building") and rig.domains())
    expect(not [r for r in rig.rows() if r["power"] != "absent"], "no desktop boots by itself meanwhile")
    rig.kill()
    rig.start()
    golden = rig.until("vmpool is killed in the middle of it; it is made all the same", lambda: rig.golden(state="ready", how="instant"))
    expect(len(rig.goldens()) == 1, "and it is the only one")
    return golden["id"]


def who_they_are(rig, rows):
    people = []
    for row in rows:
        before = time.time()
        lines = rig.inside(row["domain"], LOOK).split("\n")
        people.append(lines[:4])
        off = max(before - 1 - int(lines[4]), int(lines[4]) - time.time())
        expect(off <= 2, f"{row['domain']}: its clock is within two seconds of ours ({max(off, 0):.1f})")
        expect(lines[0] == row["domain"], "its host name is its own")
        xml = run("virsh", "-c", rig.uri, "dumpxml", row["domain"])
        expect(f"<mac address='{lines[2]}'" in xml, "its card is the one that it was given")
        expect("<memballoon model='none'/>" in xml, "it has no balloon, which would change everybody's memory")
    for what, values in zip(("host name", "machine id", "card", "random numbers"), zip(*people)):
        expect(len(set(values)) == len(values), f"no two have the same {what}")


def killed(rig, rows, golden, before):
    crash_of(rig, rows[0]["domain"])
    rig.until("one dies and is seen to", lambda: not [r for r in spares(rig, 0) if r["id"] == rows[0]["id"]])
    expect(rig.agent(rows[1]["domain"], "guest-ping") == {}, "another does not notice")
    rig.until("there are two again", lambda: spares(rig, 2))
    expect([digest(path) for path in files_of(rig, golden)] == before, "nobody wrote to the image's memory and disk")


def saved(rig, row):
    """By an administrator, at libvirt: all of its memory is in that file, also what was the image's."""
    boot = "cat /proc/sys/kernel/random/boot_id; hostname"
    before = rig.inside(row["domain"], boot)
    rig.kill()  # it would start what is not running
    file = rig.dir / "saved"
    run("virsh", "-c", rig.uri, "save", row["domain"], file)
    expect(row["domain"] not in rig.domains("--state-running"), "a copy is saved")
    run("virsh", "-c", rig.uri, "restore", file)
    rig.until("and restored", lambda: rig.answers(row["domain"]))
    expect(rig.inside(row["domain"], boot) == before, "where it was")
    rig.start("accel=qemu")


def another_version(rig, golden):
    session, desktop, _ = rig.tool_out("login", rig.store, "ann").split()
    rig.tool_out("version", rig.store, "tiny")
    rig.poke()
    rig.until("another version's image is begun", lambda: rig.golden(state="building", version="2"))
    expect(rig.golden(id=golden)["state"] == "ready", "the first one serves meanwhile")
    rig.until("what was taken is made up for by its copies", lambda: rig.golden(version="2", state="building") and spares(rig, 2) or rig.golden(version="2", state="ready"))
    rig.until("then the other one serves", lambda: rig.golden(state="ready", version="2"))
    rig.until("and spares are its copies", lambda: spares(rig, 2, "2"))
    expect(desktop in [r["id"] for r in rig.rows() if r["user"] == "ann"], "who works goes on working")
    expect(rig.golden(id=golden) is not None, "and keeps the image under them")
    rig.tool_out("end", rig.store, session)
    rig.until("with its last copy it goes", lambda: not rig.golden(id=golden))
    expect(not list(pathlib.Path("/dev/shm").glob(f"oriel-*/{golden}*")) and not list(rig.state.glob(f"images/*/golden/{golden}*")), "with all of its files")


def story(rig):
    rig.tool_out("spares", rig.store, "2")
    rig.tool_out("method", rig.store, "auto")
    rig.start("accel=qemu")
    golden = make(rig)
    rows = rig.until("two copies are ready at once", lambda: spares(rig, 2))
    expect(all(made(rig)[r["id"]][1:3] == [golden, "copy"] for r in rows), "their rows say so")
    before = [digest(path) for path in files_of(rig, golden)]
    who_they_are(rig, rows)
    saved(rig, rows[1])
    killed(rig, rows, golden, before)
    another_version(rig, golden)


if __name__ == "__main__":
    sys.exit(play(story))
