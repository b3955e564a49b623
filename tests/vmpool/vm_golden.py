#!/usr/bin/env python3
"""Golden images with a real libvirtd, QEMU and the tiny guest: one is made (and vmpool killed meanwhile), desktops begin as its copies and are
somebody of their own, one is saved, one moves to another host while it runs, one dies and the others don't notice, and another version's image
is made while the first one serves.

Usage: vm_golden.py SOURCE_DIR VMPOOL TOOL       ORIEL_TINY: as vm_pool.py"""
import hashlib
import os
import pathlib
import re
import subprocess
import sys
import time

from vm_rig import crash_of, expect, play, run

# Its card comes last: the guest may have to find it yet.
LOOK = """for i in 1 2 3 4 5 6 7 8 9 10; do [ -e /sys/class/net/eth0/address ] && break; sleep 1; done
printf '%s\\n' "$(hostname)" "$(cat /etc/machine-id)" "$(cat /sys/class/net/eth0/address)" "$(head -c 16 /dev/urandom | md5sum)" "$(date +%s)"
ip link set eth0 up
for i in 1 2 3 4 5 6 7 8 9 10; do [ "$(cat /sys/class/net/eth0/carrier)" = 1 ] && break; sleep 1; done
cat /sys/class/net/eth0/carrier"""


# What lives in memory only: a program and what it was told, a file, what has been read and written since the machine was frozen, and who it is.
LEAVE = """mkdir -p /run; head -c 2000000 /dev/urandom >/run/moved-file
MOVED=left-before-the-move sleep 100000 </dev/null >/dev/null 2>&1 & echo $! >/run/moved-pid"""
RECALL = """tr '\\0' '\\n' <"/proc/$(cat /run/moved-pid)/environ" | grep ^MOVED=
md5sum </run/moved-file; cat /bin/* /usr/sbin/* /mod/* 2>/dev/null | md5sum
cat /proc/sys/kernel/random/boot_id; hostname; cat /etc/machine-id /sys/class/net/eth0/address"""


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
        expect(lines[5] == "1", "and it has a link by now")
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


def virsh(uri, *args):
    return run("virsh", "-c", uri, "-q", *args)


def take_along(rig, uri, xml):
    """The other host has the network and its filters, under the same names."""
    file = rig.dir / "take"
    for kind, make, names in (("nwfilter", "nwfilter-define", re.findall(r"<filterref filter='([^']+)'", xml)),
                              ("net", "net-create", re.findall(r"<source network='([^']+)'", xml))):
        for name in names:
            file.write_text(virsh(rig.uri, f"{kind}-dumpxml", name))
            virsh(uri, make, file)


def of_no_image(xml):
    """The same machine on a host without the image: the block of memory has its name, and no file."""
    bare, count = re.subn(r"memory-backend-file(,id=oriel\.golden,size=\d+M),mem-path=[^,']*(,x-use-canonical-path-for-ramblock-id=off)[^']*'",
                          r"memory-backend-ram\1\2'", xml)
    expect(count == 1 and ".ram" not in bare, "its definition for another host has no image")
    return bare


def moved(rig, row, golden):
    """By an administrator, with libvirt, to another host: a second libvirtd, whose network and folders are its own; disks are shared."""
    name, file = row["domain"], rig.dir / "moved.xml"
    rig.inside(name, LEAVE)
    before = rig.inside(name, RECALL)
    expect("left-before-the-move" in before and name in before, "a program runs in a copy")
    rig.kill()  # it would start what is not running
    home, folder = rig.uri, rig.dir / "w"
    try:
        there = run(rig.private, "start", folder, "--until", os.getpid()).strip()
        xml = virsh(home, "dumpxml", "--migratable", name)
        take_along(rig, there, xml)
        file.write_text(of_no_image(xml))
        virsh(home, "migrate", "--live", "--unsafe", "--xml", file, name, there, "--migrateuri", f"unix://{rig.dir}/move.sock")
        expect(name not in rig.domains("--state-running"), "it moves to another host while it runs")
        rig.uri = there
        maps = pathlib.Path(f"/proc/{(folder / 'run/qemu' / (name + '.pid')).read_text()}/maps").read_text()
        expect("/qemu" in maps and golden not in maps, "where nothing of the image's memory is mapped")
        rig.until("it answers there", lambda: rig.answers(name))
        expect(rig.inside(name, RECALL) == before, "and all of its memory has come along: its programs, its files, what it shared, who it is")
    finally:
        rig.uri = home
        subprocess.run([rig.private, "kill", folder], capture_output=True, timeout=120, check=False)
    rig.start("accel=qemu")
    rig.until("its row is seen to", lambda: not [r for r in spares(rig, 0) if r["id"] == row["id"]])


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
    moved(rig, rows[1], golden)
    expect([digest(path) for path in files_of(rig, golden)] == before, "the image is as it was")
    rig.until("there are two again", lambda: spares(rig, 2))
    another_version(rig, golden)


if __name__ == "__main__":
    sys.exit(play(story))
