"""A seeded run of people and faults over the whole of Oriel, and the checker that reads its history and its guests. Each
person leaves a marker on disk, in memory and in the clipboard; whoever's guest it is next, nobody else's may be found there."""
import base64
import contextlib
import json
import mmap
import os
import pathlib
import random
import re
import signal
import subprocess
import time

import lib
import lib_clipboard
import lib_full

MARKER = re.compile(rb"oriel-mark-([a-z]+)-([0-9a-f]{12})-([dmc])")
# A file in memory, a process that holds it, and somewhere on the disk; the last word says that all three are done.
LEAVE = """set -e; bb=/bin/busybox; $bb mkdir -p /run; echo {mark}-m >/run/mark-{serial}
MARK={mark}-m $bb sleep 100000 </dev/null >/dev/null 2>&1 &
until [ -b /dev/vda ]; do $bb sleep 1; done
printf %s {mark}-d | $bb dd of=/dev/vda bs=512 seek={sector} conv=notrunc,fsync 2>/dev/null
echo left"""
DISK_SECTORS = 32768  # of the tiny guest's disk
DEADLINE_S = 600  # for what takes seconds on an idle machine
SETTLED = {"running", "stopped", "suspended"}
# What a step is, and how often beside the others.
STEPS = {"come": 6, "go": 1, "log_off": 3, "visit": 8, "fault": 5}
PROGRAMS = ("gateway", "broker", "vmpool", "web", "libvirt")
FAULTS = (*PROGRAMS, "session", "console", "guest", "hang")  # dealt like cards: each comes once before one comes again
HAND_MAX = 4


class Unfit(Exception):
    """A guest can't be asked now: it or libvirtd was just killed."""


def markers_of_bytes(data):
    """{(person, serial, "d", "m" or "c")}: on disk, in memory, by the clipboard."""
    return {tuple(part.decode() for part in found.groups()) for found in MARKER.finditer(data)}


def markers_in(path):
    with open(path, "rb") as file:
        if os.fstat(file.fileno()).st_size == 0:
            return set()
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            return markers_of_bytes(data)


class Person:
    def __init__(self, name, pools, clipboard):
        self.name, self.pools, self.clipboard = name, pools, clipboard
        self.client, self.pool = None, None
        self.tried, self.kept = set(), set()  # serials that may be, and that must be on the disk of the desktop that stays theirs


class Run:
    """case: a lib_full.Case. Pool "fresh" is floating, "kept" is dedicated."""

    def __init__(self, case, seed, has_clipboards):
        self.case, self.stack = case, case.stack
        self.dice = random.Random(seed)
        self.people = [Person(name, pools, lib_clipboard.Clipboard(case, name) if has_clipboards else None)
                       for name, pools in (("dave", ("fresh", "kept")), ("erin", ("fresh", "kept")), ("frank", ("fresh",)))]
        self.tried = {}  # session: serials of its markers
        self.proved = set()  # sessions whose marker was left, and found again
        self.searches = 0
        self.count = {name: 0 for name in (*STEPS, *FAULTS, "postgres")}
        self.faults = (*FAULTS, "postgres") if self.stack.store else FAULTS
        self.deck = []
        self.begin = time.monotonic()

    def say(self, *words):
        print(f"[{time.monotonic() - self.begin:6.1f} s]", *words, flush=True)

    # ---- what people do ----

    def come(self, person=None, pool=None):
        idle = [one for one in self.people if one.client is None or one.client.poll() is not None]
        person = person or (self.dice.choice(idle) if idle else None)
        if person is None:
            return
        person.pool = pool or self.dice.choice(person.pools)
        self.say(person.name, "comes to", person.pool)
        more = (["+clipboard"], {"DISPLAY": person.clipboard.display}) if person.clipboard else ([], None)
        person.client = self.case.rdp(f"{person.name}@{person.pool}", *more[0], "+auto-reconnect", "/auto-reconnect-max-retries:5",
                                      size="640x480", env=more[1])

    def go(self):
        here = [one for one in self.people if one.client is not None]
        if here:
            person = self.dice.choice(here)
            self.say(person.name, "goes")
            self.case.end(person.client)
            person.client = None

    def sessions(self, *states):
        rows = self.stack.oriel("session", "list")["sessions"]
        return sorted((row for row in rows if row["pool"] in ("fresh", "kept") and row["state"] in states),
                      key=lambda row: (row["user"], row["pool"]))

    def log_off(self):
        rows = self.sessions("active", "disconnected")
        if rows:
            row = self.dice.choice(rows)
            self.say(row["user"], "logs off of", row["pool"])
            self.stack.call("session", "logoff", row["id"])  # the broker may have ended it meanwhile

    def visit(self):
        """Somebody's guest is searched, and they leave their marker in it."""
        active = {(row["user"], row["pool"]) for row in self.sessions("active")}
        people = [one for one in self.people if (one.name, one.pool) in active and one.client is not None]
        if people:
            try:
                self.look(self.dice.choice(people))
            except Unfit as fault:
                self.say("not now:", fault)

    def look(self, person):
        session = self.stack.session_of(person.name, person.pool)
        if session is None or session["state"] != "active" or not session["desktop"]:
            raise Unfit(f"{person.name} has no desktop")
        desktop = next((row for row in self.stack.desktops(id=session["desktop"]) if row["is_ready"]), None)
        if desktop is None:
            raise Unfit(f"{person.name}'s desktop is not ready")
        try:
            self.search(person, session, desktop)
            if session["id"] not in self.proved:
                self.leave(person, session, desktop)
        except (OSError, subprocess.TimeoutExpired) as fault:
            raise Unfit(f"{person.name}'s desktop: {fault}") from None

    def ask(self, domain, command, **arguments):
        text = json.dumps({"execute": command, "arguments": arguments})
        return json.loads(self.virsh("qemu-agent-command", domain, text, "--timeout", 20))["return"]

    def virsh(self, *args):
        done = subprocess.run(["virsh", "-c", self.stack.uri, "-q", *map(str, args)], capture_output=True, text=True, timeout=120,
                              check=False)
        if done.returncode != 0:
            raise Unfit(f"virsh {args[0]}: {done.stderr.strip()}")
        return done.stdout

    def inside(self, domain, script):
        pid = self.ask(domain, "guest-exec", **{"path": "/bin/sh", "arg": ["-c", script], "capture-output": True})["pid"]
        for _ in range(150):
            state = self.ask(domain, "guest-exec-status", pid=pid)
            if state["exited"]:
                return base64.b64decode(state.get("out-data", "")).decode(errors="replace").strip()
            time.sleep(0.2)
        raise Unfit(f"{domain}: a program does not end")

    def overlay(self, domain):
        return next((self.stack.dir / "images").rglob(f"{domain}.qcow2"), None)

    def markers_of(self, domain):
        """In the machine's memory and on its disk, both read from outside."""
        memory = self.case.dir / "memory"
        mib = json.loads((self.stack.tiny / "tiny.json").read_text())["memory_mib"]
        try:
            self.virsh("qemu-monitor-command", domain, json.dumps({"execute": "pmemsave", "arguments": {
                "val": 0, "size": mib << 20, "filename": str(memory)}}))
            in_memory = markers_in(memory)
        finally:
            memory.unlink(missing_ok=True)
        disk = self.overlay(domain)
        if disk is None:
            raise Unfit(f"{domain} has no disk any more")
        return in_memory | markers_in(disk)

    def search(self, person, session, desktop):
        found = self.markers_of(desktop["domain"])
        serials = {serial for _, serial, kind in found if kind != "c"}  # their own client may carry a text to their next desktop
        found |= markers_of_bytes(person.clipboard.paste()) if person.clipboard else set()
        allowed = person.tried if desktop["kind"] == "dedicated" else self.tried.get(session["id"], set())
        self.case.assertEqual({user for user, _, _ in found} - {person.name}, set(), f"{person.name}'s desktop or client has others' markers")
        self.case.assertLessEqual(serials, allowed, f"{person.name}'s desktop {desktop['id']} has been used before")
        if desktop["kind"] == "dedicated":
            self.case.assertLessEqual(person.kept, self.on_disk(desktop["domain"]), f"{person.name}'s own desktop has lost something")
        self.searches += 1

    def on_disk(self, domain):
        """Serials that the machine would read from its disk."""
        raw = self.case.dir / "disk"
        lib_full.run("qemu-img", "convert", "-U", "-O", "raw", self.overlay(domain), raw)
        return {serial for _, serial, _ in markers_in(raw)}

    def leave(self, person, session, desktop):
        serial = f"{self.dice.getrandbits(48):012x}"
        self.tried.setdefault(session["id"], set()).add(serial)
        is_kept = desktop["kind"] == "dedicated"
        if is_kept:
            person.tried.add(serial)
        pid = self.stack.qemu_pid(desktop["domain"])
        script = LEAVE.format(mark=f"oriel-mark-{person.name}-{serial}", serial=serial, sector=self.dice.randrange(8, DISK_SECTORS))
        if not self.inside(desktop["domain"], script).endswith("left"):
            raise Unfit(f"{person.name} could not leave a marker")
        if is_kept:
            person.kept.add(serial)
        if person.clipboard:
            self.inside(desktop["domain"], lib_clipboard.AGENT)
            if not person.clipboard.is_through(f"oriel-mark-{person.name}-{serial}-c"):
                raise Unfit(f"{person.name}'s clipboard is not through")
        found = {(kind, owner) for owner, one, kind in self.markers_of(desktop["domain"]) if one == serial}
        if pid != self.stack.qemu_pid(desktop["domain"]):
            raise Unfit(f"{person.name}'s machine was started again")
        self.case.assertEqual(found, {(kind, person.name) for kind in ("dmc" if person.clipboard else "dm")}, "the search finds what is there")
        self.proved.add(session["id"])
        self.say(person.name, "left a marker in", desktop["domain"])

    # ---- faults ----

    def victims(self, name):
        """Pids of what that card can strike now."""
        if name in ("libvirt", "hang"):
            return [self.stack.libvirt_pid()]
        if name in PROGRAMS:
            return [self.stack.processes[name].pid]
        if name == "postgres":
            server = pathlib.Path(os.environ["ORIEL_TEST_PG_FOLDER"]) / "data/postmaster.pid"
            try:
                return [int(word) for word in server.read_text().split()[:1]]
            except FileNotFoundError:
                return []  # between two servers
        if name == "guest":
            return sorted(qemus(self.stack))
        return sorted(self.stack.workers(f"oriel-{name}"))

    def fault(self):
        """A hand of cards; one without a victim stays in the deck."""
        self.deck = self.deck or self.dice.sample(self.faults, len(self.faults))
        hand = [name for name in self.deck if self.victims(name)][: self.dice.randint(1, HAND_MAX)]
        self.deck = [name for name in self.deck if name not in hand]
        self.say("fault:", *hand)
        for name in hand:
            self.count[name] += name in PROGRAMS or self.strike(name)
        self.stack.restart(*(name for name in hand if name in PROGRAMS))

    def strike(self, name):
        """False: the victim has died of what was struck before it."""
        pids = self.victims(name)
        if not pids:
            return False
        pid = self.dice.choice(pids)
        try:
            os.kill(pid, signal.SIGSTOP if name == "hang" else signal.SIGKILL)
        except ProcessLookupError:
            return False
        if name == "hang":
            try:
                time.sleep(self.dice.uniform(1, 4))
            finally:
                os.kill(pid, signal.SIGCONT)
        if name == "postgres":
            lib.wait_for("PostgreSQL to be started again", lambda: self.victims(name) not in ([], [pid]), DEADLINE_S)
            lib.wait_for("the store to be back", lambda: self.stack.call("session", "list").returncode == 0, DEADLINE_S)
        return True

    def go_on(self, seconds, kinds):
        """Steps at random for so long, and until so many kinds of victims were struck: a slow machine takes longer."""
        end = time.monotonic() + seconds
        while time.monotonic() < end or sum(self.count[name] > 0 for name in self.faults) < kinds:
            if time.monotonic() > end + DEADLINE_S:
                raise AssertionError(f"never had a victim: {[name for name in self.faults if not self.count[name]]}")
            step = self.dice.choices(list(STEPS), list(STEPS.values()))[0]
            self.count[step] += 1
            getattr(self, step)()
            self.stack.assert_given_once()
            time.sleep(self.dice.uniform(0, 1))
        self.say("no faults any more")

    # ---- without faults ----

    def everybody(self, *pools):
        """Each of the people, in order, gets a desktop of the pool, which is searched, and leaves a marker."""
        self.nobody()
        people = [(person, pool) for person, pool in zip(self.people, pools, strict=True) if pool in person.pools]
        for person, pool in people:
            self.come(person, pool)
        for person, pool in people:
            why = [""]

            def is_done(person=person, pool=pool, why=why):
                if person.client.poll() is not None:
                    self.come(person, pool)  # refused, as while a host is not up again
                    time.sleep(1)
                try:
                    self.look(person)
                except Unfit as fault:
                    why[0] = str(fault)
                    time.sleep(1)
                    return False
                return True

            try:
                lib.wait_for(f"{person.name}'s desktop of {pool} to be searched", is_done, DEADLINE_S)
            except AssertionError as fault:
                raise AssertionError(f"{fault}: {why[0]}; {self.stack.desktops()}") from None
        self.nobody()

    def nobody(self):
        """Everybody goes and logs off, and what they had is seen to."""
        for person in self.people:
            if person.client is not None:
                self.case.end(person.client)
                person.client = None
        for row in self.stack.oriel("session", "list")["sessions"]:
            self.stack.call("session", "logoff", row["id"])
        lib.wait_for("all sessions to end", lambda: not self.stack.oriel("session", "list")["sessions"], DEADLINE_S)
        self.say("all sessions have ended")

    def wait_quiet(self):
        rows = []

        def is_quiet():
            rows[:] = self.stack.desktops()
            return all(row["power"] in SETTLED and row["lease"] in ("free", "assigned") and
                       (row["lease"] == "assigned" or row["is_ready"]) for row in rows) and \
                len([row for row in rows if row["pool"] == "fresh"]) == 1

        try:
            lib.wait_for("all desktops to be settled", is_quiet, DEADLINE_S)
        except AssertionError as fault:
            raise AssertionError(f"{fault}: {json.dumps(rows, indent=1)}") from None
        self.say("all desktops are settled")


def audit_since(stack, seq):
    """All rows after that one, the newest first."""
    rows = stack.audit()
    while rows and rows[-1]["seq"] > seq + 1:
        older = stack.audit("--before", rows[-1]["seq"])
        if not older:
            break
        rows += older
    return [row for row in rows if row["seq"] > seq]


def check_history(case, begin_seq):
    """What the audit and the sessions say of the whole run."""
    stack = case.stack
    stack.assert_given_once()
    sessions = [row for row in stack.oriel("session", "list", "--all")["sessions"] if row["pool"] in ("fresh", "kept")]
    audit = audit_since(stack, begin_seq)
    given = {}
    for row in audit:
        if row["action"] == "desktop.claim":
            given.setdefault(row["object"], []).append(row["user"])
    kinds = {row["desktop"]: row["pool"] for row in sessions}
    for desktop, users in given.items():
        case.assertEqual(len(set(users)), 1, f"{desktop} was given to {users}")
        if kinds.get(desktop.removeprefix("desktop:")) == "fresh":
            case.assertEqual(len(users), 1, f"{desktop} is floating and was given {len(users)} times")
    fresh = [row["desktop"] for row in sessions if row["pool"] == "fresh" and row["desktop"]]
    case.assertEqual(len(fresh), len(set(fresh)), "each session of the floating pool had a desktop of its own")
    case.assertLessEqual({f"desktop:{one}" for one in fresh}, set(given), "and the audit has its claim")
    known = {f"session:{row['id']}" for row in sessions}
    for row in audit:
        case.assertNotEqual(row["reason"], "internal", row)
        if row["action"] == "login" and not row["reason"] and row["user"] in ("dave", "erin", "frank"):
            case.assertIn(row["object"], known, f"neither a session nor a reason: {row}")
    for row in sessions:
        case.assertTrue(row["state"] != "ended" or row["reason"], f"ended for no reason: {row}")
    for user in ("dave", "erin"):
        kept = {row["desktop"] for row in sessions if row["user"] == user and row["pool"] == "kept" and row["desktop"]}
        case.assertLessEqual(len(kept), 1, f"{user} kept one desktop")
        case.assertEqual(kept, {row["id"] for row in stack.desktops(user=user, pool="kept")}, "and has it still")


def files_of(folder):
    return {path for path in folder.rglob("*") if path.is_file()} if folder.exists() else set()


def qemus(stack):
    """{pid: machine} of this libvirtd's, by what the processes themselves say."""
    found = {}
    for proc in pathlib.Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            line = (proc / "cmdline").read_bytes()
            name = re.search(rb"\0-name\0guest=([^,\0]+)", line)
            if name and (proc / "root/run/libvirt").samefile(stack.libvirt / "run"):
                found[int(proc.name)] = name[1].decode()
    return found


def ours(stack):
    """{pid: program} of everything that runs from the stack's folder."""
    found = {}
    for proc in pathlib.Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if os.readlink(proc / "exe").startswith(f"{stack.dir}/bin/"):
                found[int(proc.name)] = (proc / "comm").read_text().strip()
    return found


def descendants(pid):
    found = {pid}
    for child in lib.children_of(pid):
        found |= descendants(child)
    return found


def leaks(stack, sockets):
    """Everything that no row accounts for; sockets: those of the run's folder before it."""
    rows = stack.desktops()
    domains = {row["domain"] for row in rows if row["domain"]}
    goldens = {row["id"] for row in stack.oriel("golden", "list")["goldens"]}
    running = stack.domains("--state-running")
    said = []
    said += [f"machine {name}" for name in stack.domains() ^ domains]
    said += [f"quarantined {row['domain']}" for row in stack.oriel("desktop", "quarantine")["quarantine"]]
    said += [f"QEMU {pid} of {name}" for pid, name in qemus(stack).items() if name not in running]
    said += [f"two QEMUs of {name}" for name in running if list(qemus(stack).values()).count(name) != 1]
    for path in files_of(stack.dir / "images"):
        is_golden = "golden" in path.parts and path.parts[path.parts.index("golden") + 1] in goldens
        if not is_golden and path.stem not in domains:
            said.append(f"file {path}")
    said += [f"memory {path}" for path in files_of(stack.memory_dir) if path.suffix != ".ram" or path.stem not in goldens]
    said += [f"socket {path}" for path in set((stack.dir / "run").iterdir()) - sockets]
    for path in (stack.libvirt / "lib").rglob("*"):
        name = re.search(r"oriel-[0-9a-f]{12}-\d+", str(path))
        if name and path.is_socket() and name[0] not in domains:
            said.append(f"socket {path}")
    alive = set()
    for process in stack.processes.values():
        alive |= descendants(process.pid)
    said += [f"process {pid} {name}" for pid, name in ours(stack).items()
             if pid not in alive or name in ("oriel-session", "oriel-console")]
    cards = {mac for name in domains & stack.domains() for mac in macs(stack, "dumpxml", name)}
    for network in lib_full.run("virsh", "-c", stack.uri, "-q", "net-list", "--all", "--name").split():
        said += [f"reservation {mac} of {network}" for mac in macs(stack, "net-dumpxml", network, "host") if mac not in cards]
    return said


def macs(stack, command, name, element="mac"):
    text = lib_full.run("virsh", "-c", stack.uri, "-q", command, name)
    return re.findall(r"<mac address='([^']+)'" if element == "mac" else r"<host mac='([^']+)'", text)
