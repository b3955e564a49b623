"""Programs of one measurement: started in a folder of their own, ended by pid, also on failure."""
import contextlib
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time

USER, PASSWORD = "bench", "bench-password"


class Failed(Exception):
    pass


def wait_for(what, check, seconds=20.0):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        value = check()
        if value:
            return value
        time.sleep(0.02)
    raise Failed(f"after {seconds:.0f} s still not: {what}")


def processes():
    """{pid: (name, parent)}"""
    found = {}
    for stat in pathlib.Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            text = stat.read_text()
            parent = int(text[text.rindex(")") + 2 :].split()[1])
            found[int(stat.parent.name)] = (text[text.index("(") + 1 : text.rindex(")")], parent)
    return found


def workers_of(gateway, count=1):
    """{"session": [pid], "console": [pid]} of this gateway (children of its spawner), when there are so many."""
    table = processes()
    found = {"session": [], "console": []}
    for pid, (name, parent) in table.items():
        grandparent = table.get(parent, ("", 0))[1]
        if name in ("oriel-session", "oriel-console") and gateway in (parent, grandparent):
            found[name.removeprefix("oriel-")].append(pid)
    return found if all(len(pids) == count for pids in found.values()) else None


def cpu_ms(pid):
    """Of all its threads, to the nanosecond; /proc/PID/stat counts in ticks of 10 ms."""
    total = 0
    for path in pathlib.Path(f"/proc/{pid}/task").glob("*/schedstat"):
        with contextlib.suppress(OSError):
            total += int(path.read_text().split()[0])
    return total / 1e6


def pss_kib(pid):
    text = pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text()
    return int(re.search(r"^Pss:\s+(\d+)", text, re.M)[1])


def costs(workers):
    """CPU and memory so far, of sessions and of consoles."""
    return {kind: {"cpu": sum(map(cpu_ms, pids)), "pss": sum(map(pss_kib, pids))} for kind, pids in workers.items()}


def free_port():
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]


class Stage:
    def __init__(self, bin_dir):
        self.bin = bin_dir
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="oriel-bench."))
        self.started = []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for process in self.started:
            if process.poll() is None:
                process.terminate()
        end = time.monotonic() + 10
        for process in self.started:
            try:
                process.wait(max(0.0, end - time.monotonic()))
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            if process.stdout:
                process.stdout.close()
        shutil.rmtree(self.dir, ignore_errors=True)

    def start(self, name, *args, **more):
        with open(self.dir / f"{name}.log", "ab") as log:
            process = subprocess.Popen([self.bin / args[0], *map(str, args[1:])], stdin=subprocess.DEVNULL,
                                       **{"stdout": log, "stderr": log, **more})
        self.started.append(process)
        return process

    def log(self, name):
        path = self.dir / f"{name}.log"
        return path.read_text(errors="replace")[-3000:] if path.exists() else ""

    def events(self):
        """What the desktop wrote down."""
        return (self.dir / "events").read_text()

    def start_desktop(self, scene, size, fps, copies=0):
        """Copies stand still until release()."""
        path = self.dir / "vnc"
        more = ["--copies", copies, "--hold", self.dir / "go"] if copies else []
        vncd = self.start("vncd", "oriel-test-vncd", "--unix", path, "--size", size, "--scene", scene, "--fps", fps,
                          "--echo", "--log", self.dir / "events", "--max-seconds", 900, *more)
        paths = [f"{path}.{i}" for i in range(copies)] if copies else [path]
        wait_for("the desktop", lambda: all(os.path.exists(p) for p in paths), 60)
        return vncd, path

    def release(self):
        (self.dir / "go").touch()

    def start_servers(self, path, copies=0, user=USER, password=PASSWORD):
        run_dir = self.dir / "run"
        run_dir.mkdir()
        more = ["--desktops", copies] if copies else []
        self.start("control", "fake_control", "--dir", run_dir, "--user", user, "--password", password, "--vnc",
                   f"unix:{path}", *more)
        port = free_port()
        settings = [f"run_dir={run_dir}", f"state_dir={self.dir / 'state'}", f"rdp_port={port}", "vnc_enabled=false",
                    "rdp_address=127.0.0.1", "user=", "session_user=", "web_user=", "max_half_open_per_address=4096",
                    "max_half_open=4096", "max_rate_per_address=100000", "handshake_deadline_s=120"]
        gateway = self.start("gateway", "oriel-gateway", *(arg for s in settings for arg in ("--set", s)))
        wait_for("the gateway", lambda: "vmpool: connected" in self.log("gateway"))
        return gateway.pid, port

    def start_client(self, name, port, size, *mode):
        return self.start(name, "oriel-bench-client", port, USER, PASSWORD, size, *mode, stdout=subprocess.PIPE,
                          text=True)

    def ask_counts(self, process):
        """The desktop's own costs so far."""
        before = self.events().count("counts ")
        process.send_signal(signal.SIGUSR2)
        wait_for("the desktop's counts", lambda: self.events().count("counts ") > before, 10)
        last = re.findall(r"counts cpu_us=(\d+) bytes=(\d+)", self.events())[-1]
        return {"cpu": int(last[0]) / 1000, "bytes": int(last[1])}
