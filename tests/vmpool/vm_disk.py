#!/usr/bin/env python3
"""A host whose disk fills up under a person's desktop: it stands still, is told, and goes on with all that is in it.

Usage: vm_disk.py SOURCE_DIR VMPOOL TOOL       ORIEL_TINY: a folder that guest/tiny/build filled (else it is built)
Exit 77: this machine can't run it (no root, no QEMU, no mounts); ctest shows that as skipped."""
import os
import sqlite3
import subprocess
import sys

import vm_rig
from vm_rig import SKIP, expect, play, run

LEFT, WRITTEN = 2 << 20, 12 << 20
BOOT = "cat /proc/sys/kernel/random/boot_id"


def alarms(rig):
    with sqlite3.connect(f"file:{rig.store}?mode=ro", uri=True) as store:
        return store.execute("SELECT reason, object, text FROM alarm").fetchall()


def fill(path, left):
    with open(path, "wb") as file:
        room = os.statvfs(path.parent)
        file.write(b"\1" * max(0, room.f_bavail * room.f_frsize - left))


class SmallRig(vm_rig.Rig):
    """Its images are on a disk of their own, which libvirtd has to see as we do."""

    def start_libvirtd(self):
        images = self.state / "images"
        images.mkdir()
        vm_rig.run("mount", "-t", "tmpfs", "-o", "size=256m,mode=755", "oriel", images)
        super().start_libvirtd()

    def close(self):
        super().close()
        subprocess.run(["umount", self.state / "images"], check=False)


def story(rig):
    images = rig.state / "images"
    rig.start("reserve_disk_mib=16")
    rig.until("a spare becomes ready", rig.ready)
    desktop = rig.tool_out("login", rig.store, "ann").split()[1]
    domain = rig.row(desktop)["domain"]
    rig.until("its agent answers", lambda: rig.answers(domain))
    boot = rig.inside(domain, BOOT)
    expect("error_policy='stop'" in run("virsh", "-c", rig.uri, "dumpxml", domain), "its disk stops it rather than failing in it")
    fill(images / "filler", LEFT)
    write = f"dd if=/dev/zero of=/dev/vda bs=65536 count={WRITTEN // 65536} conv=fsync && touch /tmp/written"
    rig.agent(domain, "guest-exec", path="/bin/busybox", arg=["sh", "-c", write])
    rig.until("a full disk stops it", lambda: "I/O error" in run("virsh", "-c", rig.uri, "domstate", "--reason", domain))
    rig.until("its row says why", lambda: rig.row(desktop)["reason"] == "guest.no_space" and rig.row(desktop)["power"] == "suspended")
    rig.until("its host has the alarm", lambda: any(reason == "guest.no_space" and object_.startswith("host:") and desktop in text
                                                    for reason, object_, text in alarms(rig)))
    expect(rig.row(desktop)["user"] == "ann" and rig.row(desktop)["lease"] in ("assigned", "in_use"), "it is still hers")
    (images / "filler").unlink()
    rig.until("with room it goes on", lambda: rig.row(desktop)["power"] == "running" and rig.row(desktop)["ready"] == "ready")
    rig.until("and writes to the end", lambda: rig.answers(domain) and "/tmp/written" in rig.inside(domain, "ls /tmp/written"))
    expect(rig.inside(domain, BOOT) == boot, "without having booted again")
    rig.until("and the alarm is over", lambda: not any(reason.startswith("guest.") for reason, _, _ in alarms(rig)))


if __name__ == "__main__":
    vm_rig.Rig = SmallRig
    sys.exit(play(story, ("mount",)) if os.geteuid() == 0 else SKIP)
