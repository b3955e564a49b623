#!/usr/bin/env python3
"""Golden images with a real libvirtd, QEMU and the tiny guest: one is made (and vmpool killed meanwhile), desktops begin as its copies and are
somebody of their own, one dies and the others don't notice, and another version's image is made while the first one serves.

Usage: vm_golden.py SOURCE_DIR VMPOOL TOOL       ORIEL_TINY: as vm_pool.py"""
import base64
import hashlib
import json
import os
import pathlib
import shutil
import subprocess
import sys
import time

import vm_pool
from vm_pool import Failed, expect, run

# Its card comes last: the guest may have to find it yet.
LOOK = """for i in 1 2 3 4 5 6 7 8 9 10; do [ -e /sys/class/net/eth0/address ] && break; sleep 1; done
printf '%s\\n' "$(hostname)" "$(cat /etc/machine-id)" "$(cat /sys/class/net/eth0/address)" "$(head -c 16 /dev/urandom | md5sum)" "$(date +%s)" """


class Rig(vm_pool.Rig):
    def goldens(self):
        names = ("id", "state", "percent", "version", "how", "took_ms")
        return [dict(zip(names, line.split(" "))) for line in self.tool_out("goldens", self.store).splitlines()]

    def golden(self, **wanted):
        return next((g for g in self.goldens() if all(g[key] == value for key, value in wanted.items())), None)

    def made(self):
        return {line.split(" ")[0]: line.split(" ") for line in self.tool_out("made", self.store).splitlines()}

    def spares(self, count, version="1"):
        rows = [r for r in self.rows() if r["lease"] == "free" and r["ready"] == "ready" and r["version_of"] == version]
        return rows if len(rows) >= count else None

    def rows(self):
        names = ("id", "version", "lease", "power", "ready", "domain", "user", "overlay", "reason", "version_of")
        lines = self.tool_out("list", self.store).splitlines()
        return [dict(zip(names, line.split(" "))) for line in lines if not line.startswith(("host", "pool"))]

    def agent(self, domain, command, **arguments):
        text = json.dumps({"execute": command, "arguments": arguments})
        return json.loads(run("virsh", "-c", self.uri, "-q", "qemu-agent-command", domain, text))["return"]

    def inside(self, domain, script):
        pid = self.agent(domain, "guest-exec", **{"path": "/bin/sh", "arg": ["-c", script], "capture-output": True})["pid"]
        for _ in range(200):
            state = self.agent(domain, "guest-exec-status", pid=pid)
            if state["exited"]:
                return base64.b64decode(state.get("out-data", "")).decode()
            time.sleep(0.1)
        raise Failed(f"{domain}: a program does not end")


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
    vm_pool.crash_of(rig, rows[0]["domain"])
    rig.until("one dies and is seen to", lambda: not [r for r in rig.spares(0) if r["id"] == rows[0]["id"]])
    expect(rig.agent(rows[1]["domain"], "guest-ping") == {}, "another does not notice")
    rig.until("there are two again", lambda: rig.spares(2))
    expect([digest(path) for path in files_of(rig, golden)] == before, "nobody wrote to the image's memory and disk")


def another_version(rig, golden):
    session, desktop, _ = rig.tool_out("login", rig.store, "ann").split()
    rig.tool_out("version", rig.store, "tiny")
    rig.tool_out("poke", rig.state / "console.sock")
    rig.until("another version's image is begun", lambda: rig.golden(state="building", version="2"))
    expect(rig.golden(id=golden)["state"] == "ready", "the first one serves meanwhile")
    rig.until("what was taken is made up for by its copies", lambda: rig.golden(version="2", state="building") and rig.spares(2) or rig.golden(version="2", state="ready"))
    rig.until("then the other one serves", lambda: rig.golden(state="ready", version="2"))
    rig.until("and spares are its copies", lambda: rig.spares(2, "2"))
    expect(desktop in [r["id"] for r in rig.rows() if r["user"] == "ann"], "who works goes on working")
    expect(rig.golden(id=golden) is not None, "and keeps the image under them")
    rig.tool_out("end", rig.store, session)
    rig.until("with its last copy it goes", lambda: not rig.golden(id=golden))
    expect(not list(pathlib.Path("/dev/shm").glob(f"oriel-*/{golden}*")) and not list(rig.state.glob(f"images/*/golden/{golden}*")), "with all of its files")


def main():
    source, vmpool, tool = sys.argv[1:4]
    missing = [p for p in ("libvirtd", "virsh", "qemu-system-x86_64", "qemu-img", "unshare") if not shutil.which(p, path=os.environ["PATH"] + ":/usr/sbin:/sbin")]
    if os.geteuid() != 0 or missing:
        print(f"skipped: needs root and {missing}")
        return vm_pool.SKIP
    rig = Rig(source, vmpool, tool)
    try:
        rig.tiny = os.environ.get("ORIEL_TINY") or str(rig.dir / "tiny")
        if not pathlib.Path(rig.tiny, "vmlinux").exists():
            run(rig.source / "guest" / "tiny" / "build", rig.tiny)
        rig.start_libvirtd()
        for command in (("seed", rig.tiny), ("spares", "2"), ("method", "auto")):
            rig.tool_out(command[0], rig.store, command[1])
        if rig.user:
            for path in (rig.state, *rig.state.iterdir()):
                shutil.chown(path, rig.user, rig.user)
        rig.start("accel=qemu")
        golden = make(rig)
        rows = rig.until("two copies are ready at once", lambda: rig.spares(2))
        expect(all(rig.made()[r["id"]][1:3] == [golden, "copy"] for r in rows), "their rows say so")
        before = [digest(path) for path in files_of(rig, golden)]
        who_they_are(rig, rows)
        killed(rig, rows, golden, before)
        another_version(rig, golden)
    except (Failed, subprocess.CalledProcessError, subprocess.TimeoutExpired) as error:
        rig.show_log()
        print(f"FAILED: {error} {getattr(error, 'stderr', '') or ''}; {rig.goldens()}; {rig.made()}")
        return 1
    finally:
        for folder in rig.state.glob("images/*-*"):
            shutil.rmtree(f"/dev/shm/oriel-{folder.name}", ignore_errors=True)
        rig.close()
        shutil.rmtree(rig.dir, ignore_errors=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
