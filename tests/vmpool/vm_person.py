#!/usr/bin/env python3
"""The person in the desktop, with real QEMU and the tiny guest: account, settings, home and the pool's programs by its hook; log-off, reboot and crash
told apart; a log-off that the guest agent's list of users tells, where the hook has died.

Usage: vm_person.py SOURCE_DIR VMPOOL TOOL       ORIEL_TINY: as for vm_pool.py"""
import base64
import os
import pathlib
import re
import shutil
import socket
import struct
import subprocess
import sys
import time

from vm_rig import crash_of, expect, play, run


class Guest:
    def __init__(self, rig, domain):
        self.rig, self.domain = rig, domain

    def sh(self, script):
        self.rig.until("its agent answers", lambda: self.rig.answers(self.domain), is_said=False)  # it starts after the rest
        return self.rig.inside(self.domain, script)


def person(rig, desktop):
    lines = rig.tool_out("person", rig.store, desktop).splitlines()
    row = next((line.split() for line in lines if not line.startswith("home ")), ["gone", "-", "-", "-"])
    homes = {line.split()[1]: line.split()[2] for line in lines if line.startswith("home ")}
    return row, homes


def come(rig, user):
    rig.until(f"a spare for {user}", rig.ready)
    session, desktop, _ = rig.tool_out("login", rig.store, user).split()
    rig.poke()
    rig.until(f"the guest has {user}, or not", lambda: person(rig, desktop)[0][0] in ("ready", "failed"))
    row = next(r for r in rig.rows() if r["id"] == desktop)
    return session, desktop, Guest(rig, row["domain"])


def enter(rig, user):
    session, desktop, guest = come(rig, user)
    expect(person(rig, desktop)[0][0] == "ready", f"the guest has {user}, and said so")
    return session, desktop, guest


def leave(rig, session, desktop):
    rig.tool_out("end", rig.store, session)
    rig.poke()
    rig.until("the desktop is recycled", lambda: desktop not in [r["id"] for r in rig.rows()])


def first_time(rig):
    session, desktop, guest = enter(rig, "ann")
    row, homes = person(rig, desktop)
    expect(row[1] == "logged_on" and row[3] == "hook=1", "her session is on, and the desktop has a hook")
    expect(homes["ann"] == desktop, "her home is on her desktop")
    expect(guest.sh("/bin/busybox id -u ann") == "10000", "she has her own number")
    expect(guest.sh("/bin/busybox grep ' /home/ann ' /proc/mounts").startswith("/dev/vd"), "her home is a disk")
    options = guest.sh("/bin/busybox grep ' /home/ann ' /proc/mounts").split()[3]
    size = int(guest.sh("/bin/busybox df -m /home/ann | /bin/busybox tail -n 1").split()[1])
    expect(32 < size <= 64, f"as large as the pool says ({size} MiB)")
    expect("nodev" in options and "nosuid" in options, "without devices and set-uid programs")
    expect(guest.sh("/bin/busybox grep ^ann: /etc/shadow | /bin/busybox cut -d: -f2") == "!", "no password is left in the guest")
    expect('XKBLAYOUT="de"' in guest.sh("/bin/busybox cat /etc/default/keyboard"), "the keyboard is her client's")
    expect(guest.sh("/bin/busybox ps | /bin/busybox grep -c '^ *[0-9]* ann '") != "0", "processes run as her")
    expect(guest.sh("/bin/busybox cat /home/ann/on") == called("on-assign", "new"), "on_assign ran once, as root, in her home, before she was there")
    guest.sh("echo ann-was-here >/home/ann/marker; /bin/busybox chown ann /home/ann/marker")
    return session, desktop, guest


def called(program, home):
    return (f"{program} as=0 user=ann uid=10000 home=/home/ann is={home} locale={'de_DE' if program == 'on-assign' else ''} "
            f"timezone={'Europe/Berlin' if program == 'on-assign' else ''} keyboard={'de' if program == 'on-assign' else ''} mounted=1 theirs=0")


def log_off(rig, session, desktop, guest):
    expect("desktop" in back_up(rig, rig.dir / "early").stderr, "a home that is in use is not copied")
    guest.sh("/bin/busybox touch /home/ann/log-off")
    rig.until("she logs off in the guest, and it is told", lambda: person(rig, desktop)[0][1] == "logged_off")
    row = next(r for r in rig.rows() if r["id"] == desktop)
    expect(row["power"] == "running", "the machine runs on: a log-off is no power-off")
    expect(guest.sh("/bin/busybox grep -c ' /home/ann ' /proc/mounts") == "0", "her home is unmounted by then")
    leave(rig, session, desktop)
    rig.until("and her home is on no desktop", lambda: person(rig, "0" * 32)[1]["ann"] == "-")


def programs(rig, on_assign, on_logoff, deadline_s):
    rig.tool_out("programs", rig.store, on_assign, on_logoff, str(deadline_s))


def not_let_in(rig, user, begun, *whys):
    """Refused for one of those; the guest may be the slower one, and is waited for."""
    session, desktop, guest = come(rig, user)
    row = person(rig, desktop)[0]
    expect(row[:3] == ["failed", "-", "guest.person_failed"] and any(why in " ".join(row) for why in whys), f"{user} is not let in: {' '.join(row)}")
    rig.until("what was to be run has been", lambda: not begun or guest.sh("/bin/busybox cat /run/on").startswith(begun))
    rig.until("nothing runs for them", lambda: guest.sh(f"/bin/busybox ps | /bin/busybox grep -c -e '^ *[0-9]* {user} ' -e '[s]leep 600'") == "0")
    rig.until("nor is their home in use", lambda: guest.sh(f"/bin/busybox grep -c ' /home/{user} ' /proc/mounts") == "0")
    leave(rig, session, desktop)
    rig.until("their home is on no desktop", lambda: person(rig, "0" * 32)[1][user] == "-")


def programs_that_fail(rig):
    programs(rig, "/bin/false", "", 60)
    not_let_in(rig, "cleo", "", "on_assign failed")
    programs(rig, "/etc/oriel/on-never", "", 8)
    not_let_in(rig, "dora", "on-never as=0 user=dora ", "on_assign took too long", "the guest's hook does not answer in time")
    programs(rig, "", "/etc/oriel/on-never", 20)
    session, desktop, guest = enter(rig, "dora")
    expect(guest.sh("/bin/busybox cut -d' ' -f1,3 /home/dora/on") == "on-never user=dora", "what it wrote before is in her home")
    guest.sh("/bin/busybox touch /home/dora/log-off")
    rig.until("an on_logoff that does not end keeps nobody", lambda: person(rig, desktop)[0][1] == "logged_off")
    expect(guest.sh("/bin/busybox cut -d' ' -f1,3 /run/on") == "on-never user=dora", "it was begun")
    expect(guest.sh("/bin/busybox ps | /bin/busybox grep -c '[s]leep 600'") == "0", "and ended")
    expect(guest.sh("/bin/busybox grep -c ' /home/dora ' /proc/mounts") == "0", "her home is unmounted")
    leave(rig, session, desktop)
    rig.until("and is on no desktop", lambda: person(rig, "0" * 32)[1]["dora"] == "-")


def home_path(rig, user):
    lines = rig.tool_out("person", rig.store, "0" * 32).splitlines()
    return pathlib.Path(next(line.split()[3] for line in lines if line.startswith(f"home {user} ")))


def back_up(rig, copy):
    oriel = pathlib.Path(rig.vmpool).parent / "oriel"
    return subprocess.run([oriel, "home", "backup", "--store", rig.store, "--id", home_path(rig, "ann").stem, copy], capture_output=True, text=True,
                          timeout=60, check=False)


def backup_and_restore(rig):
    """The disk that she finds next time is the copy."""
    copy, path = rig.dir / "ann.backup", home_path(rig, "ann")
    done = back_up(rig, copy)
    expect(done.returncode == 0, f"her home is backed up {done.stderr}")
    owner = path.stat()
    path.unlink()
    shutil.copyfile(copy, path)
    os.chown(path, owner.st_uid, owner.st_gid)
    expect(back_up(rig, copy).returncode != 0, "and never over another backup")


def second_time(rig):
    rig.tool_out("home", rig.store, "128")
    session, desktop, guest = enter(rig, "ann")
    size = int(guest.sh("/bin/busybox df -m /home/ann | /bin/busybox tail -n 1").split()[1])
    expect(96 < size <= 128, f"the pool's homes have grown, and hers with them ({size} MiB)")
    expect(guest.sh("/bin/busybox cat /home/ann/marker") == "ann-was-here", "in her next desktop she finds her files")
    written = guest.sh("/bin/busybox cat /home/ann/on").splitlines()
    expect(written == [called("on-assign", "new"), called("on-logoff", "new"), called("on-assign", "kept")],
           "on_logoff ran once, as root, when all she had run was over and before her home was unmounted")
    other_session, other, other_guest = enter(rig, "Bob Example")
    name = other_guest.sh("/bin/busybox ls /home")
    expect(name.startswith("bob_example-"), "somebody else has an account of his own")
    expect(other_guest.sh(f"/bin/busybox ls /home/{name} | /bin/busybox grep -c marker") == "0", "and does not find them")
    expect(other_guest.sh("/bin/busybox grep -rl ann-was-here /home | /bin/busybox wc -l") == "0", "nowhere")
    return session, desktop, other_session, other, other_guest


def locks(rig, desktop, guest):
    """What locks the screen says so; anybody in the guest may."""
    guest.sh("/bin/busybox su -s /bin/sh $(/bin/busybox ls /home) -c '/bin/oriel-hook event locked'")
    rig.until("that their screen is locked is told", lambda: person(rig, desktop)[0][:2] == ["ready", "locked"])
    row = next(r for r in rig.rows() if r["id"] == desktop)
    expect((row["power"], row["lease"]) == ("running", "in_use"), "and ends nothing")
    guest.sh("/bin/oriel-hook event unlocked")
    rig.until("and that it is unlocked", lambda: person(rig, desktop)[0][:2] == ["ready", "logged_on"])
    guest.sh("/bin/oriel-hook event locked")
    rig.until("and locked again", lambda: person(rig, desktop)[0][1] == "locked")


def reboot(rig, desktop, guest):
    boot = guest.sh("/bin/busybox cat /proc/sys/kernel/random/boot_id")
    subprocess.run(["virsh", "-c", rig.uri, "qemu-agent-command", guest.domain, '{"execute":"guest-shutdown","arguments":{"mode":"reboot"}}'],
                   capture_output=True, timeout=30)
    rig.until("a restart is no log-off", lambda: [r for r in rig.rows() if r["id"] == desktop and r["power"] == "rebooting"])
    expect(person(rig, desktop)[0][1] != "logged_off", "by its state neither")
    rig.until("after it the guest has its person again", lambda: person(rig, desktop)[0][:2] == ["ready", "logged_on"] and
              [r for r in rig.rows() if r["id"] == desktop and r["ready"] == "ready"])
    expect(guest.sh("/bin/busybox cat /proc/sys/kernel/random/boot_id") != boot, "in another boot")


def crash(rig, session, desktop, guest):
    guest.sh("for home in /home/*; do echo kept >$home/kept; done; /bin/busybox sync")
    crash_of(rig, guest.domain)
    rig.until("a crash is seen, and the guest is started once more", lambda: [r for r in rig.rows() if r["id"] == desktop and r["power"] == "rebooting"])
    expect(person(rig, desktop)[0][1] != "logged_off", "it is no log-off")
    rig.until("it has its person and the home again", lambda: [r for r in rig.rows() if r["id"] == desktop and r["ready"] == "ready"] and
              guest.sh("/bin/busybox ls /home/*/kept 2>/dev/null | /bin/busybox wc -l") == "1")
    leave(rig, session, desktop)


def tell(rig, domain, text, last):
    """Words to the hook, as vmpool would say them; what it says until the last one is answered."""
    path = re.search(r"path='([^']*)'/>\s*<target type='virtio' name='oriel'", run("virsh", "-c", rig.uri, "dumpxml", domain))[1]
    path = path.replace("/var/lib/libvirt", str(rig.dir / "v" / "lib")).replace("/run/libvirt", str(rig.dir / "v" / "run"))
    with socket.socket(socket.AF_UNIX) as port:
        port.settimeout(60)
        port.connect(path)
        port.sendall(text.encode())
        said = ""
        while not re.search(last, said):
            said += port.recv(4096).decode()
    return said


def told_to_lock(rig, desktop):
    domain = next(r for r in rig.rows() if r["id"] == desktop)["domain"]
    rig.kill()
    said = tell(rig, domain, "\x18hello 1\nversion 1\n.\nmessage 2\ntext Back%20at%20nine\n.\nlock 3\n.\n", r"name locked")
    expect("done 2\n" in said and "done 3\n" in said, "the hook shows a message and locks the screen, and says so")
    expect(Guest(rig, domain).sh("/bin/busybox cat /run/message") == "Back at nine", "word by word")
    rig.start()
    rig.until("vmpool hears that it is locked", lambda: person(rig, desktop)[0][1] == "locked")


def vmpool_dies(rig, session, desktop):
    told_to_lock(rig, desktop)
    rig.kill()
    rig.tool_out("end", rig.store, session)
    rig.start()
    rig.until("who is seen off by the next vmpool", lambda: desktop not in [r["id"] for r in rig.rows()])
    rig.until("leaves the home behind", lambda: person(rig, "0" * 32)[1]["ann"] == "-")
    log = (rig.dir / "vmpool.log").read_text(errors="replace")
    expect(re.search('seen off.*how="?logged off', log) is not None, "as the hook said so")


def logged(rig, text, desktop):
    return re.search(f"{text} desktop={desktop}", (rig.dir / "vmpool.log").read_text(errors="replace"))


def without_hook(rig):
    """Somebody whose guest's hook dies for good, and who is logged in as getty's login and display managers write it down."""
    session, desktop, guest = enter(rig, "cid")
    record = struct.pack("hi32s4s32s256shhiii16x20x", 7, 1, b"tty1", b"1", b"cid", b"", 0, 0, 1, int(time.time()), 0)
    guest.sh(f"/bin/busybox mkdir -p /var/run; echo {base64.b64encode(record).decode()} | /bin/busybox base64 -d >/var/run/utmp")
    guest.sh("/bin/busybox rm /bin/oriel-hook; /bin/busybox killall -9 oriel-hook")
    seen = guest.rig.agent(guest.domain, "guest-get-users")
    expect([one["user"] for one in seen] == ["cid"], "the guest's agent says who is in")
    return session, desktop, guest


def hook_is_missed(rig, desktop):
    """By the vmpool that knew it."""
    rig.until("a hook that has died is not heard any more", lambda: logged(rig, "the guest's hook is not heard any more", desktop), is_said=True)


def told_by_agent(rig, session, desktop, guest):
    rig.until("the agent's list is looked at in its place", lambda: logged(rig, "somebody is logged in", desktop))
    expect(person(rig, desktop)[0][1] == "logged_on", "and whoever is in it has not logged off")
    guest.sh("/bin/busybox truncate -s 0 /var/run/utmp")
    rig.until("nobody in it any more is a log-off", lambda: person(rig, desktop)[0][1] == "logged_off")
    leave(rig, session, desktop)


def story(rig):
    rig.tool_out("home", rig.store, "64")
    programs(rig, "/etc/oriel/on-assign", "/etc/oriel/on-logoff", 120)
    rig.start("accel=qemu")
    first = first_time(rig)
    hookless = without_hook(rig)
    log_off(rig, *first)
    programs_that_fail(rig)
    programs(rig, "/etc/oriel/on-assign", "/etc/oriel/on-logoff", 120)
    backup_and_restore(rig)
    session, desktop, other_session, other, other_guest = second_time(rig)
    hook_is_missed(rig, hookless[1])
    vmpool_dies(rig, session, desktop)
    locks(rig, other, other_guest)
    reboot(rig, other, other_guest)
    crash(rig, other_session, other, other_guest)
    told_by_agent(rig, *hookless)


if __name__ == "__main__":
    sys.exit(play(story))
