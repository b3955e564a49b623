#!/usr/bin/env python3
"""oriel-vmpool with a real libvirtd, real QEMU and the tiny guest: the life of a desktop, and SIGKILLs in the middle of it.

Usage: vm_pool.py SOURCE_DIR VMPOOL TOOL       ORIEL_TINY: a folder that guest/tiny/build filled (else it is built)
Exit 77: this machine can't run it (no root, no QEMU); ctest shows that as skipped."""
import json
import os
import pathlib
import re
import shutil
import sqlite3
import struct
import subprocess
import sys
import time

from vm_rig import crash_of, expect, play, run


def live(rig):
    first = rig.until("a spare becomes ready", rig.ready)
    expect(any("host up accel=" in line for line in rig.status()), "the host is up and says its accelerator")
    total_mib = int(re.search(r"MemTotal:\s+(\d+)", pathlib.Path("/proc/meminfo").read_text())[1]) // 1024
    expect(any(f"memory={total_mib}" in line for line in rig.status()), "and all of its memory")
    expect(first["domain"] in rig.domains(), "the machine has the name that the row says")
    expect(first["domain"].startswith("oriel-" + first["id"][:12]), "its name holds the desktop's id")
    session, desktop, version = rig.tool_out("login", rig.store, "ann").split()
    expect(desktop == first["id"], "the spare is given")
    expect(rig.console(desktop, version, session) == "QEMU", "its console is QEMU's D-Bus display")
    expect(rig.console(desktop, int(version) + 1, session).endswith("final"), "another version gets no console")
    expect(rig.console(desktop, version, "0" * 32).endswith("final"), "another session gets no console")
    second = rig.until("another spare takes its place", lambda: rig.ready({desktop}))
    return session, desktop, version, second


def network(rig, domain):
    """A card that reaches nothing: no other guest, not this host, no other network; and this host's own is untouched."""
    uuid = next(rig.state.glob("images/*-*")).name
    name, bridge = f"oriel-isolated-{uuid[:8]}", f"orl-{uuid[:8]}"
    xml = run("virsh", "-c", rig.uri, "dumpxml", domain)
    card = re.search(r"<interface type='network'>.*?</interface>", xml, re.S)
    expect(card is not None, "the machine has a network card")
    for part in ("<mac address='02:", f"network='{name}'", f"bridge='{bridge}'", "<model type='virtio'/>", f"<filterref filter='{name}'/>",
                 "<port isolated='yes'/>"):
        expect(part in card[0], f"its card says {part}")
    description = run("virsh", "-c", rig.uri, "net-dumpxml", name)
    expect("<forward" not in description and "<ip" not in description, "its network has no way out and no address of the host")
    pid = (rig.dir / "v" / "libvirtd.pid").read_text().strip()
    inside = ("nsenter", f"--net=/proc/{pid}/ns/net")
    expect("inet" not in run(*inside, "ip", "-o", "address", "show", "dev", bridge), "nor has its bridge")
    tap = re.search(r"<target dev='([^']+)'/>\s*<model type='virtio'/>", card[0])[1]
    rules = run(*inside, "ebtables", "-t", "nat", "-L")
    for direction in ("I", "O"):
        chain = re.search(rf"Bridge chain: libvirt-{direction}-{tap},.*?\n(.*?)(?:\n\n|$)", rules, re.S)
        expect(chain and chain[1].split() == ["-j", "DROP"], f"every frame is dropped at it ({direction})")
    expect(bridge not in run("ip", "-o", "link"), "this host's network does not show it")
    return name


def forward_is_refused(rig, name, known):
    """Somebody gives the network a way out: no new guest gets a card on it."""
    file = rig.dir / "forward.xml"
    file.write_text(f"<network><name>{name}</name><forward mode='nat'/><ip address='10.203.0.1' netmask='255.255.255.0'/></network>")
    run("virsh", "-c", rig.uri, "net-undefine", name)
    run("virsh", "-c", rig.uri, "net-destroy", name)
    run("virsh", "-c", rig.uri, "net-define", file)
    rig.poke()
    rig.until("a network with a way out is not used", lambda: "network=no" in rig.status()[0])
    expect(name not in run("virsh", "-c", rig.uri, "-q", "net-list", "--name").split(), "and not started")
    run("virsh", "-c", rig.uri, "net-undefine", name)
    rig.poke()
    rig.until("once it is gone, a good one is made", lambda: "network=yes" in rig.status()[0])
    expect(known in rig.domains(), "the machines are still there")


def reboot(rig, session, desktop, version):
    row = next(r for r in rig.rows() if r["id"] == desktop)
    display = subprocess.Popen([rig.tool, "hold", rig.state / "console.sock", desktop, version, session], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        expect(display.stdout.readline().strip() == "QEMU", "somebody looks at it")
        # Its kernel takes these keys for a wish to restart.
        run("virsh", "-c", rig.uri, "send-key", row["domain"], "KEY_LEFTCTRL", "KEY_LEFTALT", "KEY_DELETE")
        rig.until("a guest's own reboot is seen", lambda: [r for r in rig.rows() if r["id"] == desktop and r["power"] == "rebooting"])
        expect(rig.console(desktop, version, session) == "guest_rebooting again", "who comes now is told so")
        rig.until("it is ready again, for the same person and session",
                  lambda: [r for r in rig.rows() if r["id"] == desktop and r["ready"] == "ready" and r["user"] == "ann" and r["version"] == version])
        display.stdin.close()
        expect(display.stdout.readline().strip() == "open", "its display stayed open all the while")
    finally:
        display.kill()
        display.wait()


def restart(rig, session, desktop, version):
    """vmpool holds the D-Bus displays: its end is theirs, and the next one opens them again, also beside a console that does not see it."""
    display = subprocess.Popen([rig.tool, "hold", rig.state / "console.sock", desktop, version, session], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        expect(display.stdout.readline().strip() == "QEMU", "somebody looks at it again")
        rig.kill()
        rig.start()
        again = [rig.tool, "console", rig.state / "console.sock", desktop, version, session]
        rig.until("after SIGKILL of vmpool its display opens again, though the one before is still held",
                  lambda: subprocess.run(again, capture_output=True, text=True, timeout=60).stdout.strip() == "QEMU")
    finally:
        display.kill()
        display.wait()


def crash(rig, session, desktop, version):
    row = next(r for r in rig.rows() if r["id"] == desktop)
    crash_of(rig, row["domain"])
    rig.until("a crash is seen", lambda: [r for r in rig.rows() if r["id"] == desktop and (r["power"] != "running" or r["ready"] != "ready")])
    rig.until("a crashed guest is started once, for the same person",
              lambda: [r for r in rig.rows() if r["id"] == desktop and r["ready"] == "ready" and r["user"] == "ann"])
    expect(rig.console(desktop, version, session) == "QEMU", "its console is back under the same version")
    crash_of(rig, row["domain"])
    rig.until("a second crash is a failure",
              lambda: [r for r in rig.rows() if r["id"] == desktop and r["power"] == "failed" and r["reason"] == "guest_died"])
    expect(rig.console(desktop, version, session) == "guest_died final", "no console, and the reason says why")


def recycle(rig, session, desktop):
    rig.tool_out("end", rig.store, session)
    rig.until("after its end the desktop is gone", lambda: desktop not in [r["id"] for r in rig.rows()])
    known = {r["domain"] for r in rig.rows()}
    expect(rig.domains() <= known, "no machine without a row")
    expect(len(rig.overlays()) <= len(known), "no overlay without a row")


def kills(rig, second):
    session, desktop, _ = rig.tool_out("login", rig.store, "bob").split()
    expect(desktop == second["id"], "the second spare is given")
    rig.until("a machine is on its way", lambda: [r for r in rig.rows() if r["power"] in ("cloning", "starting") or r["ready"] == "unready"])
    rig.kill()
    rig.tool_out("end", rig.store, session)
    rig.start()
    third = rig.until("after SIGKILL of vmpool a spare becomes ready", lambda: rig.ready({desktop}))
    rig.until("and what had ended is gone", lambda: desktop not in [r["id"] for r in rig.rows()])
    expect(rig.domains() == {r["domain"] for r in rig.rows()}, "machines are exactly those of the rows")
    return third


def libvirtd_dies(rig, third):
    session, desktop, version = rig.tool_out("login", rig.store, "cyd").split()
    expect(desktop == third["id"], "the third spare is given")
    rig.kill_libvirtd()
    rig.until("libvirt's death is in the rows", lambda: "pool problem=hypervisor_down" in rig.status() and "host down" in rig.status()[0])
    expect(rig.console(desktop, version, session) == "hypervisor_down again", "the console says: not now")
    rig.start_libvirtd()
    rig.until("libvirt is back", lambda: "host up" in rig.status()[0])
    row = next(r for r in rig.rows() if r["id"] == desktop)
    expect(row["power"] == "running" and row["user"] == "cyd", "the guest went on running, for the same person")
    expect(rig.console(desktop, version, session) == "QEMU", "its console opens again")
    rig.tool_out("end", rig.store, session)
    rig.until("and it is recycled", lambda: desktop not in [r["id"] for r in rig.rows()])


def sleeps_and_wakes(rig):
    """A spare whose processors stand still, and who comes to it."""
    row = rig.until("a spare is ready", rig.ready)
    rig.tool_out("spares", rig.store, "0,1")
    rig.poke()
    rig.until("an idle spare is suspended", lambda: [r for r in rig.rows() if r["id"] == row["id"] and r["power"] == "suspended"])
    rig.until("so is its machine", lambda: row["domain"] in rig.domains("--state-paused"))
    rig.kill()
    rig.start()
    time.sleep(2)
    expect(row["domain"] in rig.domains("--state-paused"), "and stays so when vmpool was killed")
    session = rig.tool_out("wait", rig.store, "dan")
    rig.poke()
    rig.until("for who waits it is woken and ready, without a boot", lambda: [r for r in rig.rows() if r["id"] == row["id"] and r["ready"] == "ready"])
    rig.tool_out("end", rig.store, session)
    rig.tool_out("spares", rig.store, "1,0")
    rig.poke()


def moves(rig):
    """The template's next version while somebody works on the one before."""
    rig.until("a spare is ready", rig.ready)
    session, desktop, version = rig.tool_out("login", rig.store, "eve").split()
    row = next(r for r in rig.rows() if r["id"] == desktop)
    process = (rig.dir / "v" / "run" / "qemu" / f"{row['domain']}.pid").read_text()
    newest = rig.tool_out("version", rig.store, "tiny")
    rig.poke()

    def has_moved():
        free = [r for r in rig.rows() if r["lease"] == "free"]
        return free and all(r["template_version"] == newest and r["ready"] == "ready" for r in free)
    rig.until("the pool has moved to the new version", has_moved)
    row = next(r for r in rig.rows() if r["id"] == desktop)
    expect(row["template_version"] == "1" and row["version"] == version and row["power"] == "running", "who works keeps what she has")
    expect((rig.dir / "v" / "run" / "qemu" / f"{row['domain']}.pid").read_text() == process, "in the same process")
    expect(rig.console(desktop, version, session) == "QEMU", "and her console opens")
    rig.tool_out("end", rig.store, session)
    rig.until("her desktop goes when she has gone", lambda: desktop not in [r["id"] for r in rig.rows()])


def sweep(rig):
    """A machine with our UUID that no row knows: what a lost store or a late command would leave."""
    row = rig.until("a spare is ready", rig.ready)
    xml = run("virsh", "-c", rig.uri, "dumpxml", "--inactive", row["domain"])
    stray = "oriel-0123456789ab-1"
    xml = xml.replace(row["domain"], stray)
    lines = [line for line in xml.splitlines() if "<uuid>" not in line]
    file = rig.dir / "stray.xml"
    file.write_text("\n".join(lines))
    run("virsh", "-c", rig.uri, "define", file)
    file.write_text("<domain type='qemu'><name>not-ours</name><memory>65536</memory><os><type>hvm</type></os></domain>")
    run("virsh", "-c", rig.uri, "define", file)
    rig.until("an unknown floating machine is removed after its grace", lambda: stray not in rig.domains())
    expect("not-ours" in rig.domains(), "a machine without our metadata is left alone")
    expect(row["domain"] in rig.domains(), "and so is a known one")
    run("virsh", "-c", rig.uri, "undefine", "not-ours")


def screen_size(rig, domain):
    file = rig.dir / "screen.png"
    shot = subprocess.run(["virsh", "-c", rig.uri, "-q", "screenshot", domain, file], capture_output=True, timeout=60)
    return struct.unpack(">II", file.read_bytes()[16:24]) if shot.returncode == 0 else None


def firmware_boot(rig):
    """A template that is a disk alone: SeaBIOS runs its boot sector, which chooses a mode of its own and paints it white."""
    code = bytes.fromhex("fc b81300 cd10 b800a0 8ec0 31ff b900fa b00f f3aa fb f4 ebf3".replace(" ", ""))
    raw, disk = rig.dir / "bios.raw", rig.state / "bios.qcow2"
    raw.write_bytes(code.ljust(510, b"\0") + b"\x55\xaa" + bytes(4 << 20))
    run("qemu-img", "convert", "-O", "qcow2", raw, disk)
    if rig.user:
        shutil.chown(disk, rig.user, rig.user)
    known = {r["id"] for r in rig.rows()}
    rig.tool_out("bios", rig.store, disk)
    rig.poke()
    row = rig.until("as a person's own machine it has its own folder",
                    lambda: next((r for r in rig.rows() if r["id"] not in known and "/dedicated/" in r["overlay"]), None))
    # 320x200, doubled: the firmware's own text screens are 720 wide.
    rig.until("a disk without a kernel boots by its firmware", lambda: screen_size(rig, row["domain"]) == (640, 400))
    with open(disk, "r+b") as file:  # its clones lie on what it was
        file.seek(0, os.SEEK_END)
        file.write(bytes(512))
    rig.until("a template that was changed is corrupt", lambda: "corrupt" in rig.tool_out("template", rig.store, "bios"))
    expect(row["domain"] in rig.domains(), "and its clone is left alone")


def limits(rig):
    """What a pool sets is what libvirt says of its next machine."""
    with sqlite3.connect(rig.store, timeout=30) as db:
        db.execute("UPDATE pool SET cpu_shares = 512, cpu_cap_percent = 150, disk_iops = 400, disk_mib_s = 20, balloon_min_mib = 160 WHERE name = 'p'")
        report = json.loads(db.execute("SELECT report FROM host").fetchone()[0])
    has_cpu = next(item["state"] for item in report["items"] if "cpu_limits" in item.values()) == "yes"
    known = {r["id"] for r in rig.rows()}
    rig.tool_out("login", rig.store, "lena")
    rig.poke()
    domain = rig.until("a machine with limits is ready", lambda: rig.ready(known))["domain"]
    said = {name: dict(re.findall(r"^(\S+?)\s*:?\s+(\d+)$", run("virsh", "-c", rig.uri, *args), re.M))
            for name, args in {"cpu": ("schedinfo", domain), "disk": ("blkdeviotune", domain, "vda")}.items()}
    if has_cpu:
        cpu = {name: int(said["cpu"][name]) for name in ("cpu_shares", "global_period", "global_quota")}
        expect((cpu["cpu_shares"], cpu["global_quota"] * 100) == (512, cpu["global_period"] * 150), f"its share and its cap of the processors: {cpu}")
    else:
        print("skipped: no cgroup for processors here, and so no limits of them", flush=True)
    disk = {name: int(said["disk"][name]) for name in ("total_bytes_sec", "total_iops_sec")}
    expect(disk == {"total_bytes_sec": 20 << 20, "total_iops_sec": 400}, f"its disk's limits: {disk}")
    has_given = lambda: re.search(r"^actual 163840$", run("virsh", "-c", rig.uri, "dommemstat", domain), re.M)
    rig.until("its balloon leaves it what the pool says", has_given)
    total_kib = int(re.search(r"MemTotal:\s+(\d+)", rig.inside(domain, "/bin/busybox cat /proc/meminfo"))[1])
    expect(total_kib < 163840, f"and its guest sees no more: {total_kib} KiB")


def story(rig):
    rig.start()
    session, desktop, version, second = live(rig)
    name = network(rig, second["domain"])
    reboot(rig, session, desktop, version)
    restart(rig, session, desktop, version)
    crash(rig, session, desktop, version)
    recycle(rig, session, desktop)
    third = kills(rig, second)
    libvirtd_dies(rig, third)
    sleeps_and_wakes(rig)
    moves(rig)
    sweep(rig)
    forward_is_refused(rig, name, rig.until("a spare is there", rig.ready)["domain"])
    limits(rig)
    firmware_boot(rig)


if __name__ == "__main__":
    sys.exit(play(story))
