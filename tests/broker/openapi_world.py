"""A broker of its own, with one of everything that only machines make, and people of each role."""
import http.client
import json
import pathlib
import secrets
import shutil
import socket
import sqlite3
import subprocess
import tempfile
import time

PASSWORDS = ("password-of-everybody", "another-password-of-all")
ROLES = ("web", "user", "viewer", "operator", "admin")


class Answer:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body


class Connection(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("oriel", timeout=60)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(60)
        self.sock.connect(self.path)


class World:
    def __init__(self, broker):
        self.broker = broker

    def __enter__(self):
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="oriel-openapi."))
        self.log = open(self.dir / "log", "wb")
        sets = [f"run_dir={self.dir}/run", f"state_dir={self.dir}/state", f"store={self.dir}/state/oriel.db", "user=", "password_cost=minimal"]
        self.process = subprocess.Popen([self.broker, "--config", "/dev/null", *(part for one in sets for part in ("--set", one))],
                                        stderr=self.log, stdin=subprocess.DEVNULL)
        self.cookies, self.connections, self.passwords = {}, {}, dict.fromkeys(ROLES[1:], PASSWORDS[0])
        try:
            self.wait_until_it_answers()
            self.people()
            self.rows()
            self.make_certificate()
        except BaseException as fault:
            self.__exit__(type(fault))
            raise
        return self

    def wait_until_it_answers(self):
        end = time.monotonic() + 60
        while True:
            try:
                return self.ask("GET", "/v1/status")
            except OSError:
                if time.monotonic() > end:
                    raise
                time.sleep(0.05)

    def __exit__(self, kind, *_):
        for connection in self.connections.values():
            connection.close()
        self.process.terminate()
        try:
            code = self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            code = self.process.wait()
        self.log.close()
        text = (self.dir / "log").read_text(errors="replace")
        shutil.rmtree(self.dir, ignore_errors=True)
        if kind is None and (code != 0 or "Sanitizer" in text or "runtime error:" in text):
            raise AssertionError(f"the broker ended with {code}: {text[-3000:]}")

    # ---- requests ----

    def ask(self, method, target, body=None, role=None):
        """role None: root, by uid; else a browser, of nobody (\"web\") or of the person of that role."""
        headers = {"Content-Type": "application/json"}
        if role is not None:
            headers["X-Oriel-Client"] = f"10.3.{ROLES.index(role)}.1:1"
        if role not in (None, "web"):
            headers["Cookie"] = f"__Host-oriel={self.cookies[role]}"
        text = body if isinstance(body, str) or body is None else json.dumps(body)
        answer = self.exchange(role, method, target, text, headers)
        kind = answer.headers.get_content_type()
        if kind == "text/event-stream":
            raw = b""
            self.connections.pop(role).close()
        else:
            raw = answer.read()
        if isinstance(body, dict) and "new" in body and answer.status < 400:
            self.passwords[role] = body["new"]
        self.keep_cookie(role, answer.headers.get("Set-Cookie"))
        return Answer(answer.status, answer.headers, json.loads(raw) if kind.endswith("json") else None)

    def exchange(self, role, *request):
        """On the connection that this role has, or a new one: the broker closes those that were silent or said something wrong."""
        for is_last in (False, True):
            connection = self.connections.setdefault(role, Connection(str(self.dir / "run/broker.sock")))
            try:
                connection.request(*request)
                return connection.getresponse()
            except (OSError, http.client.HTTPException):
                self.connections.pop(role).close()
                if is_last:
                    raise

    def keep_cookie(self, role, text):
        if role in self.cookies and text is not None:
            self.cookies[role] = text.split("=", 1)[1].split(";")[0]

    def log_in(self, role):
        answer = self.ask("POST", "/v1/login", {"user": f"a-{role}", "password": self.passwords[role]}, "web")
        assert answer.status == 200, answer.body
        self.cookies[role] = answer.headers["Set-Cookie"].split("=", 1)[1].split(";")[0]

    # ---- what there is ----

    def make(self, path, body):
        answer = self.ask("POST", path, body)
        assert answer.status == 201, answer.body
        return answer.body

    def people(self):
        for role in ROLES[1:]:
            self.make("/v1/users", {"name": f"a-{role}", "password": PASSWORDS[0], "role": role})
            self.log_in(role)
        self.make("/v1/pools", {"name": "a-desk", "kind": "static"})
        self.make("/v1/entitlements", {"user": "a-user", "pool": "a-desk"})
        self.make("/v1/templates", {"name": "a-template", "kind": "disk", "path": "/nowhere/disk.qcow2"})
        for name in ("a-own", "b-own"):
            self.make("/v1/pools", {"name": name, "kind": "dedicated", "template": "a-template", "max": 4})
            self.make("/v1/entitlements", {"user": "a-user", "pool": name})
        self.make("/v1/tickets", {"user": "a-user", "pool": "a-desk"})
        self.make_token()

    def make_token(self):
        self.make("/v1/tokens", {"user": "a-user", "label": "mine"})

    def insert(self, table, **row):
        """Columns that are not named are empty."""
        with sqlite3.connect(self.dir / "state/oriel.db", timeout=30) as store:
            for _, name, kind, must, default, _ in store.execute(f"PRAGMA table_info({table})").fetchall():
                if must and default is None:
                    row.setdefault(name, "" if kind == "TEXT" else 0)
            names = ", ".join(row)
            store.execute(f"INSERT INTO {table} ({names}) VALUES ({', '.join('?' * len(row))})", list(row.values()))

    def make_certificate(self):
        """One that is good, and its key."""
        crt, key = self.dir / "crt", self.dir / "key"
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=localhost", "-days", "2",
                        "-addext", "subjectAltName=DNS:localhost", "-keyout", key, "-out", crt], check=True, capture_output=True, timeout=60)
        self.pair = {"certificate": crt.read_text(), "key": key.read_text()}

    def rows(self):
        now = int(time.time() * 1000)
        new = lambda: secrets.token_hex(16)
        session, desktop = new(), new()
        self.insert("host", name="a-host", uri="test:///default", accel="kvm", report="[]", state="up", heartbeat_ms=now + 3600000)
        self.insert("host", name="z-host", uri="test:///default", accel="kvm", report="[]", state="down", heartbeat_ms=1)
        self.insert("desktop", id=desktop, pool="a-desk", version=2, kind="static", lease="disconnected", power="running", want="run", is_tainted=1, is_ready=1,
                    user_name="a-user", session=session, vnc_target="127.0.0.1:5901", created_ms=now, changed_ms=now)
        self.insert("session", id=session, user_name="a-user", pool="a-desk", desktop=desktop, desktop_version=2, state="disconnected", protocol=1,
                    started_ms=now, disconnected_ms=now)
        for pool, power in (("a-own", "stopped"), ("b-own", "running")):
            self.insert("desktop", id=new(), pool=pool, host="a-host", version=2, kind="dedicated", lease="assigned", power=power, is_tainted=1,
                        want="run" if power == "running" else "stop", user_name="a-user", created_ms=now, changed_ms=now)
        session, desktop = new(), new()
        self.insert("desktop", id=desktop, pool="a-desk", version=2, kind="static", lease="in_use", power="running", want="run", is_tainted=1, is_ready=1,
                    user_name="a-viewer", session=session, vnc_target="127.0.0.1:5902", created_ms=now, changed_ms=now)
        self.insert("session", id=session, user_name="a-viewer", pool="a-desk", desktop=desktop, desktop_version=2, state="active", protocol=1,
                    gateway="none", conn=1, started_ms=now, lease_until_ms=now + 3600000)
        for i in range(3):
            self.insert("job", id=new(), kind="template.check", object="x", host="a-host", actor="admin:0", parameters="{}", state="running",
                        created_ms=now + i, changed_ms=now + i)
            self.insert("home", id=new(), user_name="a-user", pool=f"gone-{i}", kind="volume", path=f"/homes/{i}", size_mib=10, created_ms=now, used_ms=now)
            self.insert("quarantine", id=new(), host="a-host", pool="a-desk", user_name="a-user", domain=f"oriel-{i}", reason_text="found", seen_ms=now)
        self.insert("watch", id=new(), session=session, user_name="a-viewer", pool="a-desk", watcher="a-operator", mode="consent", why="x", state="ended",
                    created_ms=now, ended_ms=now)
        self.insert("golden", id=new(), host="a-host", template="x", template_version=1, devices="d", machine="pc", state="ready", created_ms=now)
        self.insert("alarm", reason="internal", object="a-host", text="x", since_ms=now, seen_ms=now, event_count=1)
