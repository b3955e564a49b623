#!/usr/bin/env python3
"""Machines with UEFI, secure boot and a TPM: they boot what Debian signed and nothing else, each has firmware variables and a TPM of its own,
which go with it, and stay with a machine that is somebody's.

Usage: vm_firmware.py SOURCE_DIR VMPOOL TOOL       ORIEL_TINY: a folder that guest/tiny/build filled (else it is built)
Exit 77: this machine can't run it (no root, no QEMU, no OVMF, no swtpm); ctest shows that as skipped."""
import base64
import contextlib
import os
import pathlib
import re
import shutil
import sqlite3
import struct
import subprocess
import sys

import vm_rig
from vm_rig import SKIP, expect, play, run, tiny_build

INDEX, OWNER, PASSWORD = 0x01500001, 0x40000001, bytes.fromhex("4000000900000000") + b"\0"  # TPM_RS_PW: no nonce, no attributes, empty
READ_BOTH = 0x02060006  # NV: owner and index may read and write, no lock-out
EK = 0x81010016, 0x81010001  # where swtpm_setup keeps the endorsement key, elliptic or RSA
VARIABLE = "OrielMark-6f72696c-0000-4000-8000-000000000001"
SETTINGS = "accel=qemu", "ready_timeout_s=900"  # a firmware under emulation takes its time where others need the processors, too
SECURE, SETUP = (f"{name}-8be4df61-93ca-11d2-aa0d-00e098032b8c" for name in ("SecureBoot", "SetupMode"))


class Guest:
    """The test's eyes in a machine: its agent runs a shell there. TPM commands: TCG, TPM 2.0 Library, Part 3."""

    def __init__(self, rig, row):
        self.rig, self.domain, self.row = rig, row["domain"], row
        self.uuid = run("virsh", "-c", rig.uri, "domuuid", self.domain).strip()
        self.nvram = pathlib.Path(row["overlay"]).with_suffix(".fd")
        self.sh("$bb mkdir -p /tmp; $bb insmod /mod/efivarfs.ko; $bb mount -t efivarfs efivarfs /sys/firmware/efi/efivars")

    def sh(self, script):
        return self.rig.inside(self.domain, "bb=/bin/busybox; cd /sys/firmware/efi/efivars 2>/dev/null; " + script)

    def words(self):
        return dict(word.split("=", 1) for word in self.sh("$bb cat /proc/cmdline").split() if "=" in word)

    def variable(self, name):
        """A variable's value without its attributes, in hex; empty: there is none."""
        return self.sh(f"[ -e {name} ] && $bb hexdump -v -e '1/1 \"%02x\"' {name}")[8:]

    def set_variable(self, value):
        """Non-volatile, for the system that runs, too: one write, as efivarfs wants it."""
        text = base64.b64encode(struct.pack("<I", 7) + value).decode()
        return self.sh(f"echo {text} | $bb base64 -d >/tmp/v; $bb dd if=/tmp/v of={VARIABLE} bs=4096 2>/dev/null || echo failed")

    def tpm(self, code, body=b"", has_session=False):
        """A command's response code, and what follows it."""
        command = struct.pack(">HII", 0x8002 if has_session else 0x8001, 10 + len(body), code) + body
        answer = self.sh(f"""echo {base64.b64encode(command).decode()} | $bb base64 -d >/tmp/c; exec 3<>/dev/tpm0
            $bb dd if=/tmp/c bs=4096 count=1 >&3 2>/dev/null; $bb dd bs=4096 count=1 <&3 2>/dev/null | $bb base64""")
        raw = base64.b64decode(answer)
        return struct.unpack(">I", raw[6:10])[0], raw[10:]

    def on_index(self, code, rest):
        return self.tpm(code, struct.pack(">III", OWNER, INDEX, len(PASSWORD)) + PASSWORD + rest, True)

    def tpm_keep(self, value):
        """TPM2_NV_DefineSpace, TPM2_NV_Write."""
        public = struct.pack(">IHIHH", INDEX, 0x000B, READ_BOTH, 0, len(value))
        made = self.tpm(0x12A, struct.pack(">II", OWNER, len(PASSWORD)) + PASSWORD + b"\0\0" + struct.pack(">H", len(public)) + public, True)
        return made[0] or self.on_index(0x137, struct.pack(">H", len(value)) + value + b"\0\0")[0]

    def tpm_kept(self, size):
        """TPM2_NV_Read; None: there is no such index."""
        code, rest = self.on_index(0x14E, struct.pack(">HH", size, 0))
        if code & 0xFF == 0x8B:  # TPM_RC_HANDLE
            return None
        expect(code == 0, f"the TPM answers with {code:#x}")
        return rest[6:6 + size]

    def tpm_identity(self):
        """TPM2_ReadPublic of the endorsement key."""
        return next((rest for code, rest in (self.tpm(0x173, struct.pack(">I", handle)) for handle in EK) if code == 0), b"")


class State:
    """What there is on the host of firmware and TPMs."""

    def __init__(self, rig):
        self.rig, self.tpms = rig, rig.dir / "v" / "lib" / "swtpm"

    def nvrams(self):
        return {path.name for path in self.rig.state.glob("images/*/*/*.fd")}

    def folders(self):
        return {path.name for path in self.tpms.glob("*-*")}

    def processes(self):
        """The UUIDs whose swtpm runs."""
        found = set()
        for path in pathlib.Path("/proc").glob("[0-9]*/cmdline"):
            try:
                text = path.read_bytes()
                if b"swtpm" in text and (path.parent / "root/var/lib/libvirt").samefile(self.rig.dir / "v" / "lib"):
                    found |= set(re.findall(r"swtpm/([0-9a-f-]{36})/", text.replace(b"\0", b" ").decode()))
            except OSError:
                pass
        return found

    def has(self, mark):
        """The files that hold it."""
        places = [*(self.rig.state / "images").rglob("*"), *self.tpms.rglob("*")]  # reading the store by itself would drop SQLite's locks on it
        return sorted(path.suffix for path in places if path.is_file() and mark in path.read_bytes())


def set_pool(rig, name, **values):
    with contextlib.closing(sqlite3.connect(rig.store, timeout=30)) as db, db:
        db.execute(f"UPDATE pool SET {', '.join(f'{key} = ?' for key in values)} WHERE name = ?", (*values.values(), name))
    rig.poke() if rig.process else None


def machine(rig, pool, without=()):
    """A machine of that pool that can be given, and whose agent answers."""
    def found():
        with contextlib.closing(sqlite3.connect(f"file:{rig.store}?mode=ro", uri=True)) as db:
            ids = {row[0] for row in db.execute("SELECT id FROM desktop WHERE pool = ?", (pool,))}
        return next((r for r in rig.rows() if r["id"] in ids and r["id"] not in without and r["ready"] == "ready" and rig.answers(r["domain"])), None)
    return found


def is_as_asked(guest):
    words = guest.words()
    expect(guest.variable(SECURE) == "01" and guest.variable(SETUP) == "00", "the firmware has its keys and secure boot is on")
    expect(words.get("oriel.kernel") == "refused" and words.get("oriel.loader") == "refused", "a kernel and a loader that were changed are refused")
    expect(words["BOOT_IMAGE"].endswith("/vmlinuz"), "and what Debian signed has booted")
    expect(guest.sh("$bb cat /sys/class/tpm/tpm0/tpm_version_major") == "2", "there is a TPM 2.0")
    code, rest = guest.tpm(0x17B, struct.pack(">H", 16))
    expect(code == 0 and len(rest) == 18, "which answers: random numbers")
    seventh = guest.sh("$bb cat /sys/class/tpm/tpm0/pcr-sha256/7")
    expect(len(seventh) == 64 and set(seventh) != {"0"}, "and in which the firmware has measured its state of secure boot")


def leave_marks(guest, mark):
    expect(guest.set_variable(mark) == "" and guest.variable(VARIABLE) == mark.hex(), "a person writes a firmware variable")
    expect(guest.tpm_keep(mark) == 0 and guest.tpm_kept(len(mark)) == mark, "and something into the TPM")


def plain_uefi(rig):
    """The same disk without secure boot: the refusals above were secure boot's."""
    guest = Guest(rig, rig.until("a machine with UEFI alone boots the same disk", machine(rig, "u")))
    words = guest.words()
    expect(words.get("oriel.kernel") == "taken" and words.get("oriel.loader") == "taken", "without secure boot what was changed is taken")
    expect(guest.variable(SECURE) in ("", "00") and guest.sh("echo /sys/class/tpm/*").endswith("*"), "and there is neither secure boot nor a TPM")
    set_pool(rig, "u", spares=0, is_maintenance=1)


def floating(rig, state):
    """What ann leaves in her machine's firmware and TPM goes with it, also when vmpool is killed meanwhile."""
    mark = b"mark of ann: " + os.urandom(8).hex().encode()
    row = rig.until("a machine with secure boot and a TPM comes up", machine(rig, "n"))
    made = next(line for line in rig.tool_out("made", rig.store).splitlines() if line.startswith(row["id"]))
    expect("boots: each desktop has a TPM or firmware settings of its own" in made, "no copy of a golden image, whatever the pool asks for, and its row says why")
    session, desktop, _ = rig.tool_out("login", rig.store, "ann", "n").split()
    guest = Guest(rig, rig.row(desktop))
    is_as_asked(guest)
    leave_marks(guest, mark)
    expect({".fd", ".permall"} <= set(state.has(mark)), "which are in files of the host")
    expect(guest.uuid in state.processes() and guest.uuid in state.folders() and guest.nvram.exists(), "her machine has a swtpm, its state and variables")
    identity = guest.tpm_identity()
    rig.tool_out("end", rig.store, session)
    rig.poke()
    rig.until("she has gone", lambda: not rig.row(desktop) or rig.row(desktop)["lease"] == "ending")
    rig.kill()
    print("ok: vmpool is killed while it ends her machine", flush=True)
    rig.start(*SETTINGS)
    rig.until("her machine is gone", lambda: not rig.row(desktop) and guest.domain not in rig.domains())
    rig.until("with its variables, swtpm and state", lambda: guest.uuid not in state.processes() | state.folders() and not guest.nvram.exists())
    expect(not state.has(mark), "nothing that she wrote is left on the host")
    return mark, identity, desktop


def next_person(rig, mark, identity, desktop):
    rig.until("the next one comes up", machine(rig, "n", (desktop,)))
    guest = Guest(rig, rig.row(rig.tool_out("login", rig.store, "eve", "n").split()[1]))
    expect(guest.variable(VARIABLE) == "" and guest.tpm_kept(len(mark)) is None, "the next person finds nothing of hers")
    other = guest.tpm_identity()
    expect(identity and other and identity != other, "and has another TPM")
    expect(guest.variable(SECURE) == "01", "with secure boot again")


def dedicated_begins(rig):
    rig.until("a dedicated one, too", machine(rig, "b"))
    session, desktop, _ = rig.tool_out("login", rig.store, "bob", "b").split()
    guest = Guest(rig, rig.row(desktop))
    mark = b"mark of bob: " + os.urandom(8).hex().encode()
    leave_marks(guest, mark)
    known = guest.tpm_identity(), guest.sh("$bb cat /proc/sys/kernel/random/boot_id")
    rig.tool_out("end", rig.store, session)
    rig.poke()
    return guest, mark, known


def dedicated_goes_on(rig, state, before, mark, known):
    rig.until("it is off", lambda: "shut off" in run("virsh", "-c", rig.uri, "domstate", before.domain))
    rig.until("its swtpm has ended", lambda: before.uuid not in state.processes())
    expect(before.nvram.exists() and before.uuid in state.folders(), "its variables and its TPM's state are kept")
    rig.until("and it is still his", lambda: rig.row(before.row["id"])["lease"] == "assigned")
    claim = subprocess.run([rig.tool, "login", rig.store, "bob", "b"], capture_output=True, check=False, text=True, timeout=60)
    expect("does not run" in claim.stderr, "he comes back, and has it before it runs")
    rig.poke()


def dedicated_is_the_same(rig, before, mark, known):
    rig.until("started again it is ready", lambda: rig.row(before.row["id"])["ready"] == "ready" and rig.answers(before.domain))
    guest = Guest(rig, rig.row(before.row["id"]))
    expect(guest.sh("$bb cat /proc/sys/kernel/random/boot_id") != known[1], "it has booted anew")
    expect(guest.variable(VARIABLE) == mark.hex(), "and has its firmware variable")
    expect(guest.tpm_kept(len(mark)) == mark, "what was in its TPM")
    expect(guest.tpm_identity() == known[0], "and the same TPM")


def seed(rig):
    """n: floating, b: dedicated, both with all of it; u: UEFI alone. With less memory GRUB has no room for two kernels."""
    disk = rig.state / "efi.qcow2"
    shutil.copyfile(tiny_build.efi_disk(pathlib.Path(rig.tool).resolve().parents[1], rig.tiny), disk)
    rig.tool_out("bios", rig.store, disk)
    set_pool(rig, "p", spares=0)
    for name in ("n", "u"):
        rig.tool_out("pool", rig.store, name, "none", "1")
        set_pool(rig, name, template="bios", max_desktops=1, clone_method="auto" if name == "u" else "instant", firmware="uefi", memory_mib=512)
    for name in ("n", "b"):
        set_pool(rig, name, firmware="uefi", has_secure_boot=1, has_tpm=1, memory_mib=512)


def story(rig):
    state = State(rig)
    seed(rig)
    rig.start(*SETTINGS)
    rig.until("a machine is being made", lambda: state.processes())
    rig.kill()
    print("ok: vmpool is killed while it makes machines", flush=True)
    rig.start(*SETTINGS)
    mark, identity, gone = floating(rig, state)
    bob = dedicated_begins(rig)
    dedicated_goes_on(rig, state, *bob)
    plain_uefi(rig)
    next_person(rig, mark, identity, gone)
    dedicated_is_the_same(rig, *bob)
    rig.until("nothing is there that no machine has",
              lambda: state.processes() == state.folders() == {run("virsh", "-c", rig.uri, "domuuid", row["domain"]).strip() for row in rig.rows() if row["domain"] in rig.domains()}
              and state.nvrams() == {pathlib.Path(row["overlay"]).with_suffix(".fd").name for row in rig.rows()})


def has_firmware():
    return all(pathlib.Path(path).exists() for path in ("/usr/share/OVMF/OVMF_CODE_4M.ms.fd", "/usr/bin/swtpm_setup"))


if __name__ == "__main__":
    if not has_firmware():
        print("skipped: needs ovmf, swtpm and swtpm-tools")
        sys.exit(SKIP)
    vm_rig.DEADLINE_S = 480
    sys.exit(play(story, ("swtpm", "swtpm_setup", "mformat", "mcopy", "cpio")))
