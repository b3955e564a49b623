"""What the end-to-end tests share: processes that are ended by pid also when a test fails, a display of
its own for every test, and Oriel's programs around a synthetic desktop. Python 3.11, standard library only."""
import os
import pathlib
import re
import shutil
import signal
import subprocess
import tempfile
import time
import unittest

BIN = pathlib.Path(os.environ.get("ORIEL_BIN", "/nonexistent"))
USER, PASSWORD = "alice", "secret"
MSG_VERSION = int(re.search(r"#define ORL_MSG_VERSION (\d+)", (
    pathlib.Path(__file__).resolve().parents[2] / "base/ipc_msgs.h").read_text())[1])


def wait_for(what, check, seconds=20.0):
    """The first true value of check(); an error that names what did not come."""
    end = time.monotonic() + seconds
    while True:
        value = check()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"after {seconds} s still not: {what}")
        time.sleep(0.05)


def children_of(pid):
    """{pid: program} of the direct children."""
    found = {}
    for stat in pathlib.Path("/proc").glob("[0-9]*/stat"):
        try:
            text = stat.read_text()
        except OSError:
            continue
        name = text[text.index("(") + 1 : text.rindex(")")]
        parent = int(text[text.rindex(")") + 2 :].split()[1])
        if parent == pid:
            found[int(stat.parent.name)] = name
    return found


def usage_of(pid):
    """CPU ticks and resident pages of a process."""
    proc = pathlib.Path(f"/proc/{pid}")
    times = (proc / "stat").read_text().rsplit(")", 1)[1].split()[11:13]
    return sum(int(part) for part in times), int((proc / "statm").read_text().split()[1])


def free_port():
    import socket

    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]


def make_certificate(folder):
    """Settings of a gateway whose certificate says localhost: VNC viewers compare the name."""
    crt, key = folder / "localhost.crt", folder / "localhost.key"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=localhost", "-days", "2",
                    "-addext", "subjectAltName=DNS:localhost", "-keyout", key, "-out", crt], check=True, capture_output=True,
                   timeout=60)
    return [f"certificate={crt}", f"certificate_key={key}"]


class Case(unittest.TestCase):
    """One folder and one set of processes per test; on failure their logs are shown."""

    def setUp(self):
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="oriel-e2e."))
        self.addCleanup(shutil.rmtree, self.dir, ignore_errors=True)
        self.addCleanup(self.show_logs)
        self.started = []
        self.addCleanup(self.end_all)
        self.display_name = None

    def tearDown(self):
        """A gateway that the test left running stops cleanly, and no sanitizer has spoken."""
        gateway = getattr(self, "gateway", None)
        if gateway is not None and gateway.poll() is None:
            self.assertEqual(self.end(gateway), 0)
        for path in self.dir.glob("*.log"):
            self.assertNotRegex(path.read_text(errors="replace"), "Sanitizer|runtime error:")

    def has_failed(self):
        result = self._outcome.result
        return any(getattr(test, "test_case", test) is self for test, _ in result.failures + result.errors)

    def show_logs(self):
        if not self.has_failed():
            return
        kept = os.environ.get("ORIEL_E2E_KEEP")
        if kept:
            shutil.copytree(self.dir, pathlib.Path(kept) / self.id(), dirs_exist_ok=True,
                            ignore=shutil.ignore_patterns("*.sock"))
        for path in sorted(self.dir.glob("*.log")):
            lines = path.read_text(errors="replace").splitlines()
            print(f"--- {self.id()} {path.name}", *lines[-40:], sep="\n")

    def start(self, name, *args, env=None, **more):
        """Starts a program; its output goes to NAME.log."""
        with open(self.dir / f"{name}.log", "ab") as log:
            process = subprocess.Popen([str(arg) for arg in args], stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                       env={**os.environ, **(env or {})}, **more)
        self.started.append(process)
        return process

    def end(self, process, how=signal.SIGTERM):
        if process.poll() is None:
            process.send_signal(how)
            try:
                process.wait(5)
            except subprocess.TimeoutExpired:
                process.kill()
        return process.wait(5)

    def end_all(self):
        for process in reversed(self.started):
            self.end(process)

    def log(self, name):
        path = self.dir / f"{name}.log"
        return path.read_text(errors="replace") if path.exists() else ""

    # ---- a screen ----

    def start_screen(self, size="1600x1200"):
        read_fd, write_fd = os.pipe()
        self.start("xvfb", "Xvfb", "-displayfd", write_fd, "-screen", "0", f"{size}x24", "-nolisten", "tcp",
                   "-noreset", pass_fds=(write_fd,))
        os.close(write_fd)
        with os.fdopen(read_fd) as pipe:
            number = pipe.readline().strip()
        self.assertTrue(number, "Xvfb did not start")
        self.display_name = f":{number}"

        def answers():
            try:
                return self.x("xwininfo", "-root")
            except subprocess.CalledProcessError:
                return None

        wait_for("Xvfb to answer", answers)

    def x(self, *args):
        """Runs an X client to its end and returns what it printed."""
        done = subprocess.run([str(arg) for arg in args], capture_output=True, text=True, timeout=30, check=True,
                              env={**os.environ, "DISPLAY": self.display_name})
        return done.stdout

    def windows(self):
        """All of them; none where one went while they were asked about."""
        try:
            return self.x("xwininfo", "-root", "-tree")
        except subprocess.CalledProcessError:
            return ""

    def window(self):
        """The client's window, once it is there."""

        def find():
            tree = self.windows()
            match = re.search(r"(0x[0-9a-f]+) \"(?:(?:Free)?RDP|[^\"\n]*TigerVNC)[^\n]*?(\d+)x(\d+)\+", tree, re.I)
            return match and (int(match[1], 16), int(match[2]), int(match[3]))

        return wait_for("the client's window", find)

    def shot(self, name="shot", area=None):
        path = self.dir / f"{name}.png"
        crop = ["-crop", area, "+repage"] if area else []
        self.x("import", "-window", "root", *crop, path)
        return path

    def different_pixels(self, one, other):
        done = subprocess.run(["compare", "-metric", "AE", str(one), str(other), "null:"], capture_output=True,
                              text=True, timeout=60, check=False)
        self.assertIn(done.returncode, (0, 1), done.stderr)
        return float(done.stderr.split()[0])

    def convert(self, *args):
        done = subprocess.run(["convert", *map(str, args)], capture_output=True, text=True, timeout=60, check=True)
        return done.stdout

    def mean(self, path, area):
        """Mean brightness of an area, 0 to 1."""
        done = subprocess.run(["convert", str(path), "-crop", area, "-colorspace", "gray", "-format", "%[fx:mean]",
                               "info:"], capture_output=True, text=True, timeout=60, check=True)
        return float(done.stdout)

    # ---- Oriel around a synthetic desktop ----

    def start_vncd(self, scene="pattern", size="1024x768", *more):
        self.vnc_socket = self.dir / "vnc.sock"
        self.dump_path = self.dir / "dump.ppm"
        known = self.log("vncd").count("ready ")
        self.vncd = self.start("vncd", BIN / "oriel-test-vncd", "--unix", self.vnc_socket, "--size", size, "--scene",
                               scene, "--log", self.dir / "events.log", "--dump", self.dump_path, *more)
        wait_for("the VNC server", lambda: self.log("vncd").count("ready ") > known)
        return self.vncd

    def start_control(self, *more):
        self.run_dir = self.dir / "run"
        self.run_dir.mkdir(exist_ok=True)
        self.control = self.start("control", BIN / "fake_control", "--dir", self.run_dir, "--user", USER, "--password",
                                  PASSWORD, "--vnc", f"unix:{self.vnc_socket}", *more)
        return self.control

    def start_gateway(self, *settings):
        """As one user, also when the tests run as root: the users may be missing here."""
        self.port = getattr(self, "port", 0) or free_port()
        args = [f"run_dir={self.run_dir}", f"state_dir={self.dir / 'state'}", f"rdp_port={self.port}",
                "rdp_address=127.0.0.1", "vnc_address=127.0.0.1", "vnc_port=0", "user=", "session_user=",
                "log_level=debug", *settings]
        known = self.log("gateway").count("vmpool: connected")
        self.gateway = self.start("gateway", BIN / "oriel-gateway", *(part for arg in args for part in ("--set", arg)))
        wait_for("the gateway and its links", lambda: self.log("gateway").count("vmpool: connected") > known)
        return self.gateway

    def start_all(self, scene="pattern", size="1024x768", vncd=(), control=(), gateway=()):
        self.start_screen()
        self.start_vncd(scene, size, *vncd)
        self.start_control(*control)
        self.start_gateway(*gateway)

    def connect(self, *more, name="client", size="1024x768", password=PASSWORD, program="xfreerdp3"):
        return self.start(name, program, f"/v:127.0.0.1:{self.port}", f"/u:{USER}", f"/p:{password}", "/cert:ignore",
                          f"/size:{size}", *more, env={"DISPLAY": self.display_name})

    # ---- VNC viewers ----

    def make_certificate(self):
        return make_certificate(self.dir)

    def fingerprint_of(self, path):
        """SHA-256 of a certificate, in hex with colons."""
        said = subprocess.run(["openssl", "x509", "-noout", "-fingerprint", "-sha256", "-in", path], capture_output=True,
                              text=True, check=True, timeout=30).stdout
        return said.strip().split("=")[1].lower()

    def vnc_port(self):
        return re.findall(r"listening for VNC.* port=(\d+)", self.log("gateway"))[-1]

    def connect_vnc(self, *more, name="client", user=USER, password=PASSWORD, port=None, ca=None, is_shown=True):
        """TigerVNC's viewer; its window, which it puts a little lower than it was told, in the corner."""
        client = self.start(name, "xtigervncviewer", "-UseIPv6=0", "-X509CA", ca or self.dir / "localhost.crt",
                            "-Log=*:stderr:30", *more, f"localhost::{port or self.vnc_port()}",
                            env={"DISPLAY": self.display_name, "VNC_USERNAME": user, "VNC_PASSWORD": password,
                                 "HOME": str(self.dir)})
        if is_shown:
            window, _, _ = self.window()
            self.x("xdotool", "windowmove", window, 0, 0)
        return client

    def dump(self):
        """The desktop's picture as the VNC server has it now."""
        self.dump_path.unlink(missing_ok=True)
        self.vncd.send_signal(signal.SIGUSR1)
        expected = {"size": -1}

        def is_whole():
            size = self.dump_path.stat().st_size if self.dump_path.exists() else -1
            is_same = size > 0 and size == expected["size"]
            expected["size"] = size
            return is_same

        wait_for("the VNC server's picture", is_whole)
        return self.dump_path

    def assert_exact(self, size="1024x768", seconds=20.0):
        """The client shows every pixel of the desktop's picture."""
        dump = self.dump()
        seen = {}

        def is_same():
            seen["count"] = self.different_pixels(self.shot(area=f"{size}+0+0"), dump)
            return seen["count"] == 0

        try:
            wait_for("the picture, pixel by pixel", is_same, seconds)
        except AssertionError as fault:
            raise AssertionError(f"{fault}: {seen['count']:.0f} pixels differ") from None

    def assert_stopped_costs_nothing(self, client):
        """While a film plays: a client that is stopped, and goes on."""
        self.wait_log("control", "stats conn=")
        wait_for("the picture", lambda: self.mean(self.shot(), "1024x768+0+0") > 0.02)
        client.send_signal(signal.SIGSTOP)
        session = self.workers("oriel-session")[0]
        time.sleep(1)
        ticks, pages = usage_of(session)
        time.sleep(2)
        more_ticks, more_pages = usage_of(session)
        self.assertLess(more_ticks - ticks, 100, "a session with a stopped client encodes nothing")
        self.assertLess(more_pages - pages, 2000, "and queues nothing")
        client.send_signal(signal.SIGCONT)
        first = self.shot("first")
        wait_for("the picture to move again", lambda: self.different_pixels(first, self.shot("next")) > 0)
        self.assertIsNone(client.poll())

    def workers(self, program):
        """Pids of the gateway's sessions or consoles."""
        found = []
        for spawner in children_of(self.gateway.pid):
            found += [pid for pid, name in children_of(spawner).items() if name == program]
        return found

    def wait_log(self, name, pattern, count=1, seconds=20.0):
        return wait_for(f"{count} times '{pattern}' in {name}.log",
                        lambda: len(re.findall(pattern, self.log(name))) >= count, seconds)
