"""oriel-vmpool with a libvirtd, a store and the tiny guest, for the VM tests beside this file; each is a story, played by play()."""
import base64
import json
import os
import pathlib
import pwd
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "guest"))
import tiny_build  # noqa: E402

SKIP = 77
DEADLINE_S = 240
BEGIN = time.monotonic()
PROGRAMS = ("libvirtd", "virsh", "qemu-system-x86_64", "qemu-img", "unshare")


class Failed(Exception):
    pass


def run(*args, **kw):
    return subprocess.run([str(a) for a in args], check=True, capture_output=True, text=True, timeout=300, **kw).stdout


def known_user(name):
    try:
        return pwd.getpwnam(name)
    except KeyError:
        return None


class Rig:
    def __init__(self, source, vmpool, tool):
        self.source, self.vmpool, self.tool = pathlib.Path(source), vmpool, tool
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="ovm", dir="/tmp"))
        self.dir.chmod(0o755)
        self.private = self.source / "scripts" / "libvirtd-private"
        self.state = self.dir / "s"
        self.state.mkdir(mode=0o755)
        self.store = self.state / "oriel.db"
        self.process = None
        self.uri = ""
        # As in production when the user is there: QEMU then opens files that another user made.
        self.user = "oriel-vmpool" if known_user("oriel-vmpool") else ""

    def start_libvirtd(self):
        self.uri = run(self.private, "start", self.dir / "v", "--until", os.getpid()).strip()

    def kill_libvirtd(self):
        os.kill(int((self.dir / "v" / "libvirtd.pid").read_text()), signal.SIGKILL)

    def hand_over(self):
        """What was made so far, to the user that vmpool runs as."""
        if self.user:
            for path in (self.state, *self.state.iterdir()):
                shutil.chown(path, self.user, self.user)

    def start(self, *sets):
        args = [self.vmpool, "--config", "/dev/null"]
        settings = [f"user={self.user}", f"run_dir={self.state}", f"state_dir={self.state}", f"libvirt_uri={self.uri}", f"tiny_dir={self.tiny}",
                    "sweep_grace_s=5", "reserve_disk_mib=100", "reserve_memory_mib=64", "accel_timeout_s=15", "width_px=640", "height_px=480", "max_in_flight=3", "log_level=debug",
                    "pressure_cpu_percent=0", "pressure_memory_percent=0", "pressure_io_percent=0", *sets]
        for text in settings:
            args += ["--set", text]
        self.hand_over()
        self.log = open(self.dir / "vmpool.log", "ab")
        self.process = subprocess.Popen(args, stdout=self.log, stderr=self.log)

    def kill(self, how=signal.SIGKILL):
        if self.process:
            self.process.send_signal(how)
            self.process.wait(timeout=60)
            code, self.process = self.process.returncode, None
            return code
        return 0

    def tool_out(self, *args):
        return run(self.tool, *args).strip()

    def rows(self):
        names = ("id", "version", "lease", "power", "ready", "domain", "user", "overlay", "reason", "template_version")
        lines = self.tool_out("list", self.store).splitlines()
        return [dict(zip(names, line.split(" "))) for line in lines if not line.startswith(("host", "pool"))]

    def status(self):
        return [line for line in self.tool_out("list", self.store).splitlines() if line.startswith(("host", "pool"))]

    def domains(self, *flags):
        return set(run("virsh", "-c", self.uri, "-q", "list", "--name", *(flags or ("--all",))).split())

    def overlays(self):
        return sorted(self.state.glob("images/*/*/*.qcow2"))

    def until(self, what, test, is_said=True):
        end = time.monotonic() + DEADLINE_S
        while time.monotonic() < end:
            if self.process and self.process.poll() is not None:
                raise Failed(f"{what}: oriel-vmpool ended with {self.process.returncode}")
            found = test()
            if found:
                if is_said:
                    print(f"ok: {what} [{time.monotonic() - BEGIN:.0f} s]", flush=True)
                return found
            time.sleep(0.1)
        raise Failed(f"{what}: not within {DEADLINE_S} s; rows {self.rows()}, domains {self.domains()}")

    def poke(self):
        self.tool_out("poke", self.state / "console.sock")

    def row(self, desktop):
        return next((r for r in self.rows() if r["id"] == desktop), None)

    def goldens(self):
        names = ("id", "state", "percent", "version", "how", "took_ms")
        return [dict(zip(names, line.split(" "))) for line in self.tool_out("goldens", self.store).splitlines()]

    def golden(self, **wanted):
        return next((g for g in self.goldens() if all(g[key] == value for key, value in wanted.items())), None)

    def ready(self, without=()):
        rows = [r for r in self.rows() if r["lease"] == "free" and r["ready"] == "ready" and r["id"] not in without]
        return rows[0] if rows else None

    def console(self, desktop, version, session):
        return self.tool_out("console", self.state / "console.sock", desktop, version, session)

    def answers(self, domain):
        ping = ["virsh", "-c", self.uri, "-q", "qemu-agent-command", domain, '{"execute":"guest-ping"}', "--timeout", "2"]
        return subprocess.run(ping, capture_output=True, check=False, timeout=60).returncode == 0

    def agent(self, domain, command, **arguments):
        text = json.dumps({"execute": command, "arguments": arguments})
        end = time.monotonic() + 60
        while True:
            try:
                return json.loads(run("virsh", "-c", self.uri, "-q", "qemu-agent-command", domain, text))["return"]
            except subprocess.CalledProcessError as error:  # a busy guest is late: no command was sent
                if not re.search("not (available for now|connected)", error.stderr) or time.monotonic() > end:
                    raise
                time.sleep(0.2)

    def inside(self, domain, script):
        """What a script in the guest says: the test's eyes, not the product's."""
        pid = self.agent(domain, "guest-exec", **{"path": "/bin/busybox", "arg": ["sh", "-c", script], "capture-output": True})["pid"]
        end = time.monotonic() + 60
        while time.monotonic() < end:
            state = self.agent(domain, "guest-exec-status", pid=pid)
            if state["exited"]:
                return "".join(base64.b64decode(state.get(name, "")).decode(errors="replace") for name in ("out-data", "err-data")).strip()
            time.sleep(0.05)
        raise Failed(f"{domain}: a script does not end: {script}")

    def close(self):
        self.kill()
        for folder in self.state.glob("images/*-*"):
            shutil.rmtree(f"/dev/shm/oriel-{folder.name}", ignore_errors=True)
        subprocess.run([self.private, "kill", self.dir / "v"], capture_output=True, timeout=120)

    def show_log(self):
        print((self.dir / "vmpool.log").read_text(errors="replace")[-6000:])


def expect(is_so, what):
    if not is_so:
        raise Failed(what)
    print(f"ok: {what}", flush=True)


def crash_of(rig, domain):
    pid = int((rig.dir / "v" / "run" / "qemu" / f"{domain}.pid").read_text())
    os.kill(pid, signal.SIGKILL)


def play(story, programs=()):
    """main() of a VM test: SOURCE_DIR VMPOOL TOOL. The story gets a libvirtd and a store with pool p of the tiny guest."""
    source, vmpool, tool = sys.argv[1:4]
    missing = [p for p in (*PROGRAMS, *programs) if not shutil.which(p, path=os.environ["PATH"] + ":/usr/sbin:/sbin")]
    if os.geteuid() != 0 or missing:
        print(f"skipped: needs root and {missing}")
        return SKIP
    rig = Rig(source, vmpool, tool)
    try:
        rig.tiny = tiny_build.folder(pathlib.Path(tool).resolve().parents[1])
        rig.start_libvirtd()
        rig.tool_out("seed", rig.store, rig.tiny)
        story(rig)
        expect(rig.kill(signal.SIGTERM) == 0, "SIGTERM ends vmpool cleanly")
        return 0
    except (Failed, subprocess.SubprocessError) as error:
        rig.show_log()
        print(f"FAILED: {error} {getattr(error, 'stderr', '') or ''}; {rig.tool_out('goldens', rig.store)}")
        return 1
    finally:
        print(f"vmpool ran as {rig.user or 'root'}")
        rig.close()
        shutil.rmtree(rig.dir, ignore_errors=True)
