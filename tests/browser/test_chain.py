"""The browser on the whole of Oriel: broker, vmpool, gateway, oriel-web, the tiny guest and a VNC desktop. The journeys are
chain.spec.js; what they need of the machine (processes to kill, the guest's serial line) they ask of this program."""
import base64
import http.server
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import threading
import unittest

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "e2e"))
import lib  # noqa: E402
import lib_full  # noqa: E402

BROWSERS = {"chromium": "chromium", "firefox-esr": "firefox-esr"}


class Control(http.server.BaseHTTPRequestHandler):
    """POST /NAME with a JSON body calls do_NAME of the case; its answer as JSON, an error as its text."""

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers.get("Content-Length", 0))) or b"{}")
        try:
            status, answer = 200, getattr(self.server.case, f"do_{self.path[1:]}")(**body)
        except Exception as fault:  # what goes wrong here fails the journey that asked
            status, answer = 500, f"{type(fault).__name__}: {fault}"
        data = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_):
        pass


class Chain(lib_full.Case):
    def start_screen(self, size=""):
        pass  # the browsers are headless

    def setUp(self):
        super().setUp()
        self.copied = self.dir / "copied.txt"
        self.copied.write_text("")
        self.start_vncd("motion", "1024x768", "--fps", "20", "--echo", "--clipboard", self.copied, "--sine", "440")
        self.dir.chmod(0o755)
        self.vnc_socket.chmod(0o777)
        self.stack.oriel("pool", "add", "film", "--kind", "static")
        self.stack.oriel("entitlement", "add", "alice", "film")
        desktop = self.stack.oriel("desktop", "add", "--pool", "film", "--vnc", f"unix:{self.vnc_socket}")["id"]
        self.addCleanup(self.stack.call, "pool", "remove", "film")
        self.addCleanup(self.stack.call, "entitlement", "remove", "alice", "film")
        self.addCleanup(self.stack.call, "desktop", "remove", desktop, "--force")
        lib.wait_for("vmpool to find it", lambda: self.stack.desktops(id=desktop)[0]["is_ready"], 60)
        spare = self.stack.wait_spare()[0]
        self.serial = self.stack.serial((self.stack.desktop_of("alice") or spare)["domain"], self.dir / "serial.log")
        self.addCleanup(self.serial.close)
        self.url = self.stack.start_web()
        self.control = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Control)
        self.control.case = self
        threading.Thread(target=self.control.serve_forever, daemon=True).start()
        self.addCleanup(self.control.server_close)
        self.addCleanup(self.control.shutdown)

    def browse(self, *argv, seconds=300):
        """Runs a node program with the addresses; its output is the test's."""
        env = {**os.environ, "ORIEL_URL": self.url, "ORIEL_CONTROL": f"http://127.0.0.1:{self.control.server_address[1]}",
               "ORIEL_PASSWORD": lib_full.PASSWORD, "HOME": str(self.dir)}
        with subprocess.Popen(["node", *argv], cwd=HERE, env=env, start_new_session=True, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True) as process:
            try:
                output, _ = process.communicate(timeout=seconds)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                output, _ = process.communicate()
        print(re.sub(r"\x1b\[[0-9;]*m", "", output))
        self.assertEqual(process.returncode, 0)

    # ---- what the journeys ask for ----

    def do_kill_session(self):
        pids = self.stack.workers("oriel-session")
        for pid in pids:
            os.kill(pid, signal.SIGKILL)
        return len(pids)

    def do_kill_gateway(self):
        self.stack.end("gateway", signal.SIGKILL)
        self.stack.start_gateway()

    def do_heard(self, line):
        return self.serial.count(line)

    def do_picture(self, size):
        """The guest's picture without its input panel: rows, and RGB bytes."""
        data = self.picture(size).read_bytes()
        rows = self.rows(size, ())
        return {"rows": rows, "rgb": base64.b64encode(data[-3 * int(size.split("x")[0]) * rows:]).decode()}

    def do_events(self):
        return self.log("events")

    def do_copy(self, text):
        """The VNC desktop copies a text."""
        self.copied.write_text(text)
        self.vncd.send_signal(signal.SIGHUP)

    def do_disable(self):
        self.addCleanup(self.stack.oriel, "user", "set", "alice", "--enable")
        self.stack.oriel("user", "set", "alice", "--disable")

    def do_admin(self):
        """An administrator who uses nothing but the console; the files of a template that is registered by them."""
        about = json.loads((self.stack.tiny / "tiny.json").read_text())
        self.stack.oriel("user", "add", "rita", "--role", "admin", "--password-file", "-", stdin=lib_full.PASSWORD + "\n")
        return {**{name: str(self.stack.tiny / about[name]) for name in ("disk", "kernel", "initrd")},
                "cmdline": about["cmdline"], "memory_mib": about["memory_mib"]}

    def do_roles(self):
        for name, role in (("vera", "viewer"), ("otto", "operator"), ("ada", "admin"), ("asa", "admin")):
            self.stack.oriel("user", "add", name, "--role", role, "--password-file", "-", stdin=lib_full.PASSWORD + "\n")

    def do_images(self):
        """A disk image with something on it, and what only has its name."""
        good, bad = self.dir / "good.qcow2", self.dir / "bad.qcow2"
        subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", good, "16M"], check=True)
        subprocess.run(["qemu-io", "-f", "qcow2", "-c", "write -P 7 1M 3M", good], check=True, capture_output=True)
        bad.write_bytes(bytes(range(256)) * 8192)
        self.addCleanup(self.stack.call, "template", "remove", "imported")
        return {"good": str(good), "bad": str(bad)}

    def do_apply(self, text):
        """What `oriel apply` says to a file."""
        path = self.dir / "site.yaml"
        path.write_text(text)
        done = self.stack.call("apply", path)
        return done.stderr + done.stdout

    def do_add_user(self, name):
        self.stack.add_user(name)

    def do_end_broker(self):
        self.stack.end("broker", signal.SIGKILL)

    def do_start_broker(self, settings):
        self.addCleanup(self.stack.start_broker)
        self.addCleanup(self.stack.end, "broker")
        self.stack.start_broker(*settings)

    def do_state(self, pool):
        session = self.stack.session_of("alice", pool)
        return session["state"] if session else "none"

    # ---- the tests ----

    def test_admins(self):
        self.browse("node_modules/@playwright/test/cli.js", "test", "admins.spec")

    def test_chromium(self):
        self.browse("node_modules/@playwright/test/cli.js", "test", "chain.spec")

    def test_console(self):
        self.browse("node_modules/@playwright/test/cli.js", "test", "journey.spec", seconds=350)

    def test_firefox(self):
        self.browse("firefox.mjs", shutil.which("firefox-esr"), str(self.dir / "profile"), seconds=120)


def load_tests(loader, tests, pattern):
    missing = [name for name, package in BROWSERS.items() if not shutil.which(package)]
    if missing or not (HERE / "node_modules/@playwright/test").exists():
        raise AssertionError(f"needs {', '.join(missing) or 'npm ci in web/ui'}: scripts/deps and the target web_ui")
    return tests


if __name__ == "__main__":
    unittest.main()
