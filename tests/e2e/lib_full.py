"""The whole of Oriel for end-to-end tests: a private libvirtd, broker, vmpool and gateway under their own users in a
folder of their own, the tiny guest as template. One stack for all tests of a run; clients are each test's own."""
import atexit
import contextlib
import json
import os
import pathlib
import pwd
import re
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import time
import unittest
import urllib.request

import lib

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "guest"))
import tiny_build  # noqa: E402

SOURCE = pathlib.Path(__file__).resolve().parents[2]
PROGRAMS = ("oriel", "oriel-gateway", "oriel-session", "oriel-console", "oriel-console-rdp", "oriel-broker", "oriel-vmpool", "oriel-web")
TOOLS = ("libvirtd", "virsh", "qemu-system-x86_64", "qemu-img", "unshare", "systemd-sysusers", "Xvfb", "xfreerdp3",
         "xdotool", "import", "compare")
WEB_DIST = lib.BIN.parent / "web/dist"
PASSWORD = "a good password"
DAEMON_S = 120  # for a program to be there: a second on an idle computer
BOOT_S = 300  # for a machine to be ready: six seconds on an idle computer
PANEL_HEIGHT, MARGIN = 64, 16  # of the guest's picture, guest/tiny/picture.c


def missing():
    """Why these tests cannot run here; empty when they can."""
    if os.geteuid() != 0:
        return "needs root, for a private libvirtd and Oriel's own users"
    path = os.environ["PATH"] + ":/usr/sbin:/sbin"
    tools = [tool for tool in TOOLS if not shutil.which(tool, path=path)]
    if tools:
        return f"needs {', '.join(tools)}"
    programs = [name for name in PROGRAMS if not (lib.BIN / name).exists()]
    return f"needs {', '.join(programs)} in {lib.BIN}" if programs else ""


def run(*args, seconds=120, **more):
    done = subprocess.run([str(arg) for arg in args], capture_output=True, text=True, timeout=seconds, check=False, **more)
    if done.returncode != 0:
        raise AssertionError(f"{' '.join(map(str, args))}: exit {done.returncode}: {done.stderr.strip()} {done.stdout[-400:]}")
    return done.stdout


def tiny_dir():
    return tiny_build.folder(lib.BIN.parent)


class Relay:
    """A TCP proxy with a source address of its own, so that limits per address and audit rows belong to one test;
    cut() is a network that breaks."""

    def __init__(self, port, source="127.0.0.1"):
        self.target, self.source = port, source
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.lock = threading.Lock()
        self.open, self.total = set(), 0
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            try:
                server = socket.create_connection(("127.0.0.1", self.target), 10, (self.source, 0))
            except OSError:
                client.close()
                continue
            server.settimeout(None)
            with self.lock:
                self.open |= {client, server}
                self.total += 1
            for one, other in ((client, server), (server, client)):
                threading.Thread(target=self.pump, args=(one, other), daemon=True).start()

    def pump(self, one, other):
        with contextlib.suppress(OSError):
            while data := one.recv(65536):
                other.sendall(data)
        with contextlib.suppress(OSError):
            other.shutdown(socket.SHUT_WR)

    def cut(self):
        """Both ends at once get a reset, as from a router that forgot them."""
        with self.lock:
            cut, self.open = self.open, set()
        for sock in cut:
            with contextlib.suppress(OSError):
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")
                sock.shutdown(socket.SHUT_RDWR)
            sock.close()

    def close(self):
        self.listener.close()
        self.cut()


class Serial:
    """What the tiny guest says on its serial console, from now on."""

    def __init__(self, path, log):
        log.touch()
        self.fd = os.open(path, os.O_RDONLY | os.O_NOCTTY | os.O_NONBLOCK)
        self.log = log
        self.text = ""
        self.is_open = True
        self.thread = threading.Thread(target=self.read, daemon=True)
        self.thread.start()

    def read(self):
        while self.is_open:
            try:
                data = os.read(self.fd, 4096)
            except BlockingIOError:
                data = b""
            except OSError:
                break  # the machine is gone
            self.text += data.decode(errors="replace").replace("\r", "")
            if not data:
                time.sleep(0.02)
        os.close(self.fd)
        self.log.write_text(self.text)

    def count(self, line):
        return len(re.findall(rf"^oriel-tiny: (?:{line})$", self.text, re.M))

    def pointer(self):
        seen = re.findall(r"^oriel-tiny: pointer (\d+) (\d+)$", self.text, re.M)
        return tuple(map(int, seen[-1])) if seen else None

    def close(self):
        self.is_open = False
        self.thread.join(5)


class Stack:
    def __init__(self):
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="oe2e.", dir="/tmp"))
        self.dir.chmod(0o755)
        self.processes = {}
        self.libvirt = self.dir / "v"
        self.uri = ""
        self.port = lib.free_port()
        self.vnc_port = lib.free_port()
        self.log_dir = self.dir / "log"
        # Under tests/store/with_postgres that server is the store.
        self.store = [f"store={os.environ['ORIEL_TEST_PG']}"] if "ORIEL_TEST_PG" in os.environ else []
        # Golden images' memory, where vmpool would have it; of our own, so that it can be counted and goes with us.
        shared = "/dev/shm" if os.access("/dev/shm", os.W_OK) else self.dir
        self.memory_dir = pathlib.Path(tempfile.mkdtemp(prefix="oe2e.", dir=shared))

    # ---- set-up and end ----

    def start(self):
        self.tiny = tiny_dir()
        run("systemd-sysusers", SOURCE / "packaging/sysusers.d/oriel.conf")
        for name, owner, group, mode in (("run", "oriel-broker", "oriel", 0o2775), ("store", "oriel-broker", "oriel-store", 0o2770),
                                         ("images", "oriel-vmpool", "oriel-vmpool", 0o711), ("gw", "root", "root", 0o755),
                                         ("log", "root", "root", 0o755), ("bin", "root", "root", 0o755),
                                         ("pub", "root", "root", 0o755)):
            folder = self.dir / name
            folder.mkdir()
            shutil.chown(folder, owner, group)
            folder.chmod(mode)
        if self.store:
            pathlib.Path(os.environ["ORIEL_TEST_PG_FOLDER"]).chmod(0o711)  # its socket is for the daemons' users
        shutil.chown(self.memory_dir, "oriel-vmpool", "oriel-vmpool")
        self.memory_dir.chmod(0o711)
        for name in PROGRAMS:
            shutil.copy2(lib.BIN / name, self.dir / "bin" / name)
        self.certificate = lib.make_certificate(self.dir / "pub")
        self.start_libvirt()
        self.start_broker()
        self.start_vmpool()
        self.start_gateway()
        self.add_pools()

    def add_pools(self):
        self.add_template("tiny", self.tiny)
        self.oriel("pool", "add", "main", "--kind", "floating", "--template", "tiny", "--spares", 1, "--max", 4,
                   "--clone-method", "cold")
        for user in ("alice", "bob", "carol"):
            self.add_user(user, "main")

    def add_template(self, name, folder):
        about = json.loads((folder / "tiny.json").read_text())
        self.oriel("template", "add", name, "--kind", "kernel", "--path", folder / about["disk"], "--kernel",
                   folder / about["kernel"], "--initrd", folder / about["initrd"], "--cmdline", about["cmdline"],
                   "--memory", about["memory_mib"], "--vcpus", about["vcpus"])

    def add_user(self, name, *pools):
        self.oriel("user", "add", name, "--password-file", "-", stdin=PASSWORD + "\n")
        for pool in pools:
            self.oriel("entitlement", "add", name, pool)

    def stop(self):
        for name in ("web", "gateway", "vmpool", "broker"):
            self.end(name)
        if self.uri:
            subprocess.run([SOURCE / "scripts/libvirtd-private", "kill", self.libvirt], capture_output=True, timeout=120, check=False)
        if os.environ.get("ORIEL_E2E_KEEP"):
            shutil.copytree(self.log_dir, pathlib.Path(os.environ["ORIEL_E2E_KEEP"]) / "stack", dirs_exist_ok=True)
        shutil.rmtree(self.memory_dir, ignore_errors=True)
        shutil.rmtree(self.dir, ignore_errors=True)

    # ---- its processes ----

    def launch(self, name, *settings, prefix=()):
        args = [*prefix, str(self.dir / f"bin/oriel-{name}"), "--config", "/dev/null"]
        for setting in (f"run_dir={self.dir / 'run'}", "log_level=debug", *settings):
            args += ["--set", setting]
        with open(self.log_dir / f"{name}.log", "ab") as log:
            self.processes[name] = subprocess.Popen(args, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)

    def start_broker(self, *settings):
        self.launch("broker", f"state_dir={self.dir / 'store'}", *self.store, "password_cost=minimal", "lease_s=10", "wait_timeout_s=280",
                    "vmpool_silent_s=60", *settings)
        lib.wait_for("the broker", lambda: self.call("status").returncode == 0, DAEMON_S)

    def start_vmpool(self):
        self.launch("vmpool", f"state_dir={self.dir / 'store'}", *self.store, f"images_dir={self.dir / 'images'}", f"tiny_dir={self.tiny}",
                    f"golden_memory_dir={self.memory_dir}", f"libvirt_uri={self.uri}", "accel=qemu", "static_uris=test:///default",
                    "reserve_disk_mib=100", "reserve_memory_mib=64", "sweep_grace_s=5",
                    "pressure_cpu_percent=0", "pressure_memory_percent=0", "pressure_io_percent=0")  # other tests are no load that spares would wait for
        lib.wait_for("the vmpool", lambda: self.is_host_up(), DAEMON_S)

    def is_host_up(self):
        hosts = self.oriel("host", "list")["hosts"]
        return hosts and hosts[0]["state"] == "up" and hosts[0]["heartbeat_ms"] > (time.time() - 30) * 1000

    def start_gateway(self):
        known = self.log("gateway").count("vmpool: connected")
        self.launch("gateway", f"state_dir={self.dir / 'gw'}", f"rdp_port={self.port}", f"vnc_port={self.vnc_port}", *self.certificate,
                    "max_rate_per_address=2000", "handshake_deadline_s=10")
        lib.wait_for("the gateway and its links", lambda: self.log("gateway").count("vmpool: connected") > known, DAEMON_S)

    def start_web(self):
        """Its address, for browsers on this machine."""
        if "web" in self.processes and self.processes["web"].poll() is None:
            return f"https://localhost:{self.web_port}"
        folder = self.dir / "web"
        if not folder.exists():
            folder.mkdir()
            shutil.chown(folder, "oriel-web", "oriel-web")
            self.web_port = lib.free_port()
        url = f"https://localhost:{self.web_port}"
        self.launch("web", f"state_dir={folder}", f"web_dir={WEB_DIST}", f"https_port={self.web_port}", f"origins={url}")

        def answers():
            with contextlib.suppress(OSError):
                request = urllib.request.urlopen(url, timeout=5, context=ssl._create_unverified_context())
                return request.status == 200

        lib.wait_for("oriel-web", answers, DAEMON_S)
        return url

    def start_libvirt(self):
        self.uri = run(SOURCE / "scripts/libvirtd-private", "start", self.libvirt, "--until", os.getpid()).strip()

    def end(self, name, how=signal.SIGTERM):
        process = self.processes.get(name)
        if process is None:
            return 0
        if process.poll() is None:
            process.send_signal(how)
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
        return process.wait(10)

    def libvirt_pid(self):
        return int((self.libvirt / "libvirtd.pid").read_text())

    def kill_libvirt(self):
        pid = self.libvirt_pid()
        os.kill(pid, signal.SIGKILL)
        lib.wait_for("libvirtd to be gone", lambda: not is_running(pid), DAEMON_S)

    def restart(self, *names):
        """SIGKILL to all of them at once, then started again, each after what it connects to."""
        for name in names:
            if name != "libvirt":
                self.processes[name].kill()
        if "libvirt" in names:
            self.kill_libvirt()
        for name in names:
            if name != "libvirt":
                self.end(name)
        for name in ("libvirt", "broker", "vmpool", "gateway", "web"):
            if name in names:
                getattr(self, f"start_{name}")()

    def log(self, name):
        path = self.log_dir / f"{name}.log"
        return path.read_text(errors="replace") if path.exists() else ""

    def workers(self, program):
        """Pids of the gateway's sessions or consoles."""
        found = []
        for spawner in lib.children_of(self.processes["gateway"].pid):
            found += [pid for pid, name in lib.children_of(spawner).items() if name == program]
        return found

    # ---- what the admin sees ----

    def call(self, *args, stdin=None):
        return subprocess.run([str(self.dir / "bin/oriel"), "--socket", str(self.dir / "run/broker.sock"), "--json",
                               *map(str, args)], input=stdin, capture_output=True, text=True, timeout=60, check=False)

    def oriel(self, *args, stdin=None):
        done = self.call(*args, stdin=stdin)
        if done.returncode != 0:
            raise AssertionError(f"oriel {' '.join(map(str, args))}: exit {done.returncode}: {done.stderr} {done.stdout}")
        return json.loads(done.stdout) if done.stdout.strip() else {}

    def look(self, session, act, lines):
        """What `session show --live` says while act() runs again and again; it ends by Ctrl-C."""
        argv = [self.dir / "bin/oriel", "--socket", self.dir / "run/broker.sock", "--json", "session", "show", session, "--live"]
        with subprocess.Popen(list(map(str, argv)), stdout=subprocess.PIPE, text=True) as watcher:
            try:
                seen = []
                while len(seen) < lines:
                    act()
                    seen.append(json.loads(watcher.stdout.readline()))
                watcher.send_signal(signal.SIGINT)
                return seen, watcher.wait(10)
            finally:
                watcher.kill()

    def desktops(self, **where):
        rows = self.oriel("desktop", "list")["desktops"]
        return [row for row in rows if all(row[key] == value for key, value in where.items())]

    def desktop_of(self, user, pool="main"):
        rows = self.desktops(user=user, pool=pool)
        return rows[0] if rows else None

    def session_of(self, user, pool="main"):
        rows = [row for row in self.oriel("session", "list", "--user", user)["sessions"] if row["pool"] == pool]
        return rows[0] if rows else None

    def wait_spare(self, pool="main", count=1):
        def ready():
            rows = [row for row in self.desktops(pool=pool, lease="free") if row["is_ready"]]
            return rows if len(rows) >= count else None

        return lib.wait_for(f"{count} spare of {pool}", ready, BOOT_S)

    def audit(self, *args):
        return self.oriel("audit", "list", "--limit", 1000, *args)["audit"]

    def domains(self, *flags):
        return set(run("virsh", "-c", self.uri, "-q", "list", "--name", *(flags or ("--all",))).split())

    def qemu_pid(self, domain):
        return int((self.libvirt / "run/qemu" / f"{domain}.pid").read_text())

    def serial(self, domain, log):
        return Serial(run("virsh", "-c", self.uri, "-q", "ttyconsole", domain).strip(), log)

    def assert_given_once(self):
        """No desktop was ever given to two people."""
        given = {}
        for row in self.oriel("session", "list", "--all")["sessions"]:
            if row["desktop"] and given.setdefault(row["desktop"], row["user"]) != row["user"]:
                raise AssertionError(f"desktop {row['desktop']} was given to {given[row['desktop']]} and {row['user']}")

    def assert_nothing_leaked(self):
        """Machines and disks are exactly those of the rows, and no desktop has two sessions."""

        def is_equal():
            rows = self.desktops(kind="floating")
            known = {row["domain"] for row in rows if row["domain"]}
            disks = {path.stem for path in (self.dir / "images").rglob("*.qcow2")}
            self.leak = f"rows {sorted(known)}, machines {sorted(self.domains())}, disks {sorted(disks)}"
            return self.domains() <= known and disks <= known

        try:
            lib.wait_for("machines and disks as the rows say", is_equal, 60)
        except AssertionError as fault:
            raise AssertionError(f"{fault}: {self.leak}") from None
        live = [row["desktop"] for row in self.oriel("session", "list")["sessions"] if row["desktop"]]
        if len(live) != len(set(live)):
            raise AssertionError(f"a desktop with two sessions: {live}")


def is_running(pid):
    try:
        return pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


_stack = None


def stack():
    """The run's one stack, made at its first use."""
    global _stack
    if _stack is None:
        why = missing()
        if why:
            raise unittest.SkipTest(why)
        _stack = Stack()
        atexit.register(_stack.stop)
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that a run which is stopped clears up too
        try:
            _stack.start()
        except BaseException:
            for path in sorted(_stack.log_dir.glob("*.log")):
                print(f"--- {path.name}", *path.read_text(errors="replace").splitlines()[-30:], sep="\n")
            raise
    return _stack


class Case(lib.Case):
    sources = iter(f"127.{i // 250 + 1}.{i % 250}.1" for i in range(60000))  # a /24 for each client: how the audit counts

    @classmethod
    def setUpClass(cls):
        cls.stack = stack()

    def setUp(self):
        super().setUp()
        self.relays = []
        self.addCleanup(lambda: [relay.close() for relay in self.relays])
        self.marks = {name: len(self.stack.log(name)) for name in ("gateway", "broker", "vmpool", "web")}
        self.start_screen()
        self.begin_seq = max([row["seq"] for row in self.stack.audit()[:1]], default=0)

    def show_logs(self):
        super().show_logs()
        if self.has_failed():
            for name, mark in self.marks.items():
                lines = [line for line in self.stack.log(name)[mark:].splitlines() if "DEBUG" not in line]
                print(f"--- {self.id()} {name}", *lines[-40:], sep="\n")

    # ---- clients ----

    def relay(self):
        relay = Relay(self.stack.port, next(Case.sources))
        self.relays.append(relay)
        return relay

    def rdp(self, user, *more, password=PASSWORD, name=None, size="1024x768", program="xfreerdp3", relay=None, env=None):
        """Starts a client; the user may be "alice@pool" or a ticket. It has an address of its own."""
        relay = relay or self.relay()
        name = name or f"client-{user.split('@')[0]}"
        process = self.start(name, program, f"/v:127.0.0.1:{relay.port}", f"/u:{user}", f"/p:{password}", "/cert:ignore",
                             f"/size:{size}", *more, env={"DISPLAY": self.display_name, "HOME": str(self.dir), **(env or {})})
        process.relay, process.log_name = relay, name
        return process

    def vnc(self, user, *more, password=PASSWORD, name=None, is_shown=True):
        """TigerVNC's viewer, likewise."""
        relay = Relay(self.stack.vnc_port, next(Case.sources))
        self.relays.append(relay)
        name = name or f"vnc-{user.split('@')[0]}"
        client = self.connect_vnc(*more, name=name, user=user, password=password, port=relay.port,
                                  ca=self.stack.dir / "pub/localhost.crt", is_shown=is_shown)
        client.relay, client.log_name = relay, name
        return client

    def picture(self, size, *state):
        """The picture of the tiny guest as it must be; without the panel, that shows input, if no state is given."""
        path = self.dir / ("-".join(["tiny", size, *map(str, state)]) + ".ppm")
        if not path.exists():
            data = subprocess.run([self.stack.tiny / "tiny-picture", *size.split("x"), *map(str, state)], capture_output=True,
                                  check=True, timeout=30).stdout
            width, height = map(int, size.split("x"))
            if not state:
                head = len(data) - 3 * width * height
                data = data[:head].replace(f" {height}".encode(), f" {self.rows(size, state)}".encode()) + data[head:]
                data = data[: head + 3 * width * self.rows(size, state)]
            path.write_bytes(data)
        return path

    @staticmethod
    def rows(size, state):
        height = int(size.split("x")[1])
        return height if state else height - PANEL_HEIGHT - 2 * MARGIN

    def differing(self, size, *state, at=(0, 0)):
        """How many pixels of the client's window differ from the guest's picture."""
        area = f"{size.split('x')[0]}x{self.rows(size, state)}+{at[0]}+{at[1]}"
        return self.different_pixels(self.shot(area=area), self.picture(size, *state))

    def assert_guest(self, size="1024x768", *state, at=(0, 0), seconds=60.0):
        """The client shows every pixel of the guest's picture."""
        seen = {}

        def is_same():
            seen["count"] = self.differing(size, *state, at=at)
            return seen["count"] == 0

        try:
            lib.wait_for("the guest's picture, pixel by pixel", is_same, seconds)
        except AssertionError as fault:
            dead = [f"{process.args[0]} ended by itself: {process.returncode}" for process in self.started if process.poll() is not None]
            raise AssertionError(f"{fault}: {seen['count']:.0f} pixels differ; {', '.join(dead) or 'all clients run'}") from None

    def login(self, user, *more, **options):
        """A client whose person sees the desktop."""
        client = self.rdp(user, *more, **options)
        self.assert_guest(options.get("size", "1024x768"), seconds=BOOT_S)
        return client

    def leave(self, client, user, pool="main"):
        """The client goes; the desktop waits for its person."""
        self.end(client)
        lib.wait_for("the session to be disconnected", lambda: self.stack.session_of(user, pool)["state"] == "disconnected", 30)

    def assert_refused(self, client, reason, info, seconds=40, session=""):
        """The client ends with the error info, and the audit has the reason for its address."""
        self.assertNotEqual(client.wait(seconds), 0)
        self.assertIn(info, self.log(client.log_name))
        return self.assert_audited(client, reason, session=session)

    def assert_audited(self, client, reason, seconds=20, session=""):
        """A row for the client's address; or for the session, where the broker by itself ended it."""

        def rows():
            return [row for row in self.stack.audit("--reason", reason)
                    if row["seq"] > self.begin_seq and (row["client"].split(":")[0] == client.relay.source
                                                        or row["object"] == f"session:{session}")]

        return lib.wait_for(f"an audit row {reason} for {client.relay.source}", rows, seconds)[0]

    # ---- input ----

    def focus(self):
        window, _, _ = self.window()
        self.x("xdotool", "windowfocus", "--sync", window)
        return window

    def listen(self, user, pool="main"):
        """The serial console of the person's desktop, once input goes through."""
        serial = self.stack.serial(self.stack.desktop_of(user, pool)["domain"], self.dir / f"serial-{len(list(self.dir.glob('serial-*')))}.log")
        self.addCleanup(serial.close)
        self.focus()
        spot = {"x": 40}

        def is_heard():
            spot["x"] += 1
            self.x("xdotool", "mousemove", spot["x"], 60)
            time.sleep(0.1)
            return serial.count(r"pointer \d+ \d+")

        lib.wait_for("the guest to hear the pointer", is_heard, 30)
        return serial

    def type_key(self, serial, key, code):
        """Presses a key until the guest has seen it go down and up: one that still boots may have no keyboard yet."""
        before = serial.count(f"key {code} up")
        end = time.monotonic() + 60
        while serial.count(f"key {code} up") == before:
            self.assertLess(time.monotonic(), end, f"key {key} does not reach the guest")
            self.x("xdotool", "key", key)
            with contextlib.suppress(AssertionError):
                lib.wait_for("the key", lambda: serial.count(f"key {code} up") > before, 3)
        self.assertGreater(serial.count(f"key {code} down"), before)

    def command(self, serial, letter, answer):
        """Ctrl+Alt and a letter, once the guest hears keys."""
        self.type_key(serial, "z", 44)
        self.x("xdotool", "key", f"ctrl+alt+{letter}")
        lib.wait_for(f"the guest's {answer}", lambda: serial.count(answer), 20)
