"""oriel-web between a raw TLS client, a broker and a gateway that are threads of the test."""
import array
import http.server
import json
import os
import pathlib
import shutil
import socket
import socketserver
import ssl
import struct
import sys
import tempfile
import threading

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "e2e"))
import lib

TOKEN = "A" * 42 + "_"
COOKIE = f"__Host-oriel={TOKEN}"
TICKET, TICKET_PASSWORD = "t-0123456789abcdef", "abcdefghjkmnpq23"
OFFER = f"binary, oriel.{TICKET}.{TICKET_PASSWORD}"
SANITIZED = os.environ.get("ORIEL_SANITIZED") == "1"
VERSION, CLOSE, WEB = lib.MSG_VERSION, 10, 13  # base/ipc_msgs.h


class Broker(http.server.BaseHTTPRequestHandler):
    """Says what it was asked; /v1/events never ends, /v1/big is large, /v1/silent says nothing."""
    protocol_version = "HTTP/1.1"

    def address_string(self):
        return "unix"

    def log_message(self, *args):
        pass

    def reply(self, body, **headers):
        self.send_response(200)
        for name, value in {"Content-Type": "application/json", "Content-Length": str(len(body)), **headers}.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)

    def answer(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.server.requests.append((self.command, self.path, dict(self.headers), body))
        if self.path == "/v1/events":
            self.events()
        elif self.path == "/v1/big":
            self.big()
        elif self.path == "/v1/login":
            self.server.answers_logins.wait(60)
            self.reply(b"{}")
        elif self.path == "/v1/silent":
            self.server.over.wait(60)
            self.close_connection = True
        elif self.path == "/v1/cut":
            self.send_response(200)
            self.send_header("Content-Length", "1000")
            self.end_headers()
            self.wfile.write(b"only this")
            self.close_connection = True
        elif self.path == "/v1/none":
            self.send_response(204)
            self.end_headers()
        else:
            self.reply(json.dumps({"path": self.path, "headers": dict(self.headers), "body": len(body)}).encode(),
                       Set_Cookie="__Host-oriel=x; Secure", X_Secret="inner", Server="inner", Retry_After="7")

    do_GET = do_POST = do_PATCH = do_PUT = do_DELETE = answer

    def events(self):
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Connection", "close")
        self.end_headers()
        try:
            while not self.server.over.wait(0.1):
                self.wfile.write(b": ping\n\n")
        except OSError:
            self.server.left.set()
        self.close_connection = True

    def big(self):
        self.send_response(200)
        self.send_header("Content-Type", "text/plain")
        self.send_header("Content-Length", str(64 << 20))
        self.end_headers()
        try:
            for _ in range(1 << 10):
                self.wfile.write(b"x" * (64 << 10))
                self.server.big_sent += 64 << 10
        except OSError:
            self.close_connection = True


class Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True


class Rig(lib.Case):
    @classmethod
    def setUpClass(cls):
        """One certificate for all tests of a class: making one takes a while."""
        cls.state = tempfile.mkdtemp(prefix="oriel-web.")
        cls.addClassCleanup(shutil.rmtree, cls.state)

    def setUp(self):
        super().setUp()
        self.run_dir = self.dir / "run"
        self.pages = self.dir / "pages"
        (self.pages / "assets").mkdir(parents=True)
        self.run_dir.mkdir()
        self.write_pages()

    def write_pages(self):
        import gzip
        files = {"index.html": b"<!doctype html><title>portal</title>", "desktop.html": b"<!doctype html>desktop", "admin.html": b"<!doctype html>console",
                 "assets/app-0123456789ab.js": b"const all = 1;\n" * 20000, "notes.unknown": b"not a page"}
        for name, data in files.items():
            (self.pages / name).write_bytes(data)
            (self.pages / f"{name}.gz").write_bytes(gzip.compress(data))
        self.script = files["assets/app-0123456789ab.js"]

    def start_broker(self):
        (self.run_dir / "broker.sock").unlink(missing_ok=True)
        broker = Server(str(self.run_dir / "broker.sock"), Broker)
        broker.requests, broker.big_sent = [], 0
        broker.over, broker.left, broker.answers_logins = threading.Event(), threading.Event(), threading.Event()
        broker.answers_logins.set()
        threading.Thread(target=broker.serve_forever, args=(0.05,), daemon=True).start()

        def end():
            broker.over.set()
            broker.answers_logins.set()
            broker.shutdown()
            broker.server_close()

        self.addCleanup(end)
        self.broker = broker
        return broker

    def start_gateway(self):
        self.gateway_sock = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.gateway_sock.bind(str(self.run_dir / "web.sock"))
        self.gateway_sock.listen()
        self.gateway_sock.settimeout(20)
        self.addCleanup(self.gateway_sock.close)
        self.link = None

    def start_web(self, *settings):
        self.port = lib.free_port()
        settings = ["user=", "https_address=127.0.0.1", f"https_port={self.port}", f"run_dir={self.run_dir}",
                    f"state_dir={self.state}", f"web_dir={self.pages}", "log_level=debug", *settings]
        # LeakSanitizer needs /proc, which is not below run_dir.
        stay = ["setpriv", "--bounding-set", "-sys_chroot"] if SANITIZED else []
        self.web = self.start("web", *(stay if os.geteuid() == 0 else []), lib.BIN / "oriel-web", "--config",
                              "/dev/null", *(part for one in settings for part in ("--set", one)))
        lib.wait_for("oriel-web", lambda: "confined" in self.log("web") or self.web.poll() is not None)
        self.assertIsNone(self.web.poll())
        self.origin = f"https://127.0.0.1:{self.port}"
        self.host = f"127.0.0.1:{self.port}"

    def begin(self, *settings):
        self.start_broker()
        self.start_gateway()
        self.start_web(*settings)

    def tearDown(self):
        if self.web.poll() is None:
            self.assertEqual(self.end(self.web), 0)
        super().tearDown()

    def assert_little_grown(self, pages_before):
        if not SANITIZED:  # AddressSanitizer keeps what was freed
            self.assertLess((lib.usage_of(self.web.pid)[1] - pages_before) * 4096, 2 << 20)

    # ---- a browser ----

    def tcp(self, before=b"", source=None):
        raw = socket.create_connection(("127.0.0.1", self.port), timeout=20, source_address=source)
        self.addCleanup(raw.close)
        raw.sendall(before)
        return raw

    def tls(self, before=b"", source=None, alpn=("http/1.1",)):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        context.set_alpn_protocols(list(alpn))
        sock = context.wrap_socket(self.tcp(before, source))
        self.addCleanup(sock.close)
        return sock

    def read_head(self, sock):
        data = b""
        while b"\r\n\r\n" not in data:
            part = sock.recv(1)
            if not part:
                raise ConnectionError(f"closed after {data[:200]}")
            data += part
        lines = data.decode().split("\r\n")[:-2]
        headers = [tuple(line.split(": ", 1)) for line in lines[1:]]
        return int(lines[0].split()[1]), {name.lower(): value for name, value in headers}

    def read_exactly(self, sock, count):
        data = b""
        while len(data) < count:
            part = sock.recv(count - len(data))
            if not part:
                raise ConnectionError(f"closed after {len(data)} of {count} bytes")
            data += part
        return data

    def read_chunk(self, sock):
        line = b""
        while not line.endswith(b"\r\n"):
            line += self.read_exactly(sock, 1)
        return self.read_exactly(sock, int(line, 16) + 2)[:-2]

    def read_answer(self, sock, has_body=True):
        status, headers = self.read_head(sock)
        return status, headers, self.read_exactly(sock, int(headers.get("content-length", 0))) if has_body else b""

    def raw(self, text, sock=None):
        """Sends bytes, reads one answer; None: closed without one."""
        sock = sock or self.tls()
        sock.sendall(text if isinstance(text, bytes) else text.encode())
        try:
            return self.read_answer(sock)
        except (ConnectionError, OSError):
            return None

    def ask(self, method, path, headers=(), body=None, sock=None, host=True):
        lines = [f"{method} {path} HTTP/1.1", *([f"Host: {self.host}"] if host else []), *headers]
        if body is not None:
            lines.append(f"Content-Length: {len(body)}")
        sock = sock or self.tls()
        sock.sendall(("\r\n".join(lines) + "\r\n\r\n").encode() + (body or b""))
        return self.read_answer(sock, has_body=method != "HEAD")

    def change(self, method, path, body=b"{}", origin=None, kind="application/json", more=()):
        headers = [f"Origin: {origin or self.origin}", *([f"Content-Type: {kind}"] if kind else []), *more]
        return self.ask(method, path, headers, body)

    # ---- a WebSocket ----

    def upgrade(self, path, origin=None, cookie=COOKIE, offer=OFFER, more=(), version="13", drop=()):
        headers = {"Host": self.host, "Upgrade": "websocket", "Connection": "Upgrade",
                   "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==", "Sec-WebSocket-Version": version,
                   "Origin": origin if origin is not None else self.origin, "Cookie": cookie,
                   "Sec-WebSocket-Protocol": offer}
        lines = [f"{name}: {value}" for name, value in headers.items() if value is not None and name not in drop]
        sock = self.tls()
        sock.sendall(("\r\n".join([f"GET {path} HTTP/1.1", *lines, *more]) + "\r\n\r\n").encode())
        try:
            return (sock, *self.read_head(sock))
        except ConnectionError:
            return sock, None, {}

    def frame(self, data, opcode=2, fin=True, masked=True, length=None):
        size = len(data) if length is None else length
        head = bytes([(0x80 if fin else 0) | opcode])
        mask = 0x80 if masked else 0
        if size < 126:
            head += bytes([mask | size])
        elif size < 65536:
            head += bytes([mask | 126]) + struct.pack(">H", size)
        else:
            head += bytes([mask | 127]) + struct.pack(">Q", size)
        return head + (b"\0\0\0\0" if masked else b"") + data

    def read_frame(self, sock):
        """opcode, data; pings are passed over."""
        while True:
            first, second = self.read_exactly(sock, 2)
            size = second & 0x7F
            if size == 126:
                size = struct.unpack(">H", self.read_exactly(sock, 2))[0]
            elif size == 127:
                size = struct.unpack(">Q", self.read_exactly(sock, 8))[0]
            data = self.read_exactly(sock, size)
            if first & 0x0F != 9:
                return first & 0x0F, data

    def read_stream(self, sock, count):
        data = b""
        while len(data) < count:
            opcode, part = self.read_frame(sock)
            self.assertEqual(opcode, 2)
            data += part
        return data

    def read_close(self, sock):
        """(code, text) of the close frame; what is before it is dropped."""
        while True:
            opcode, data = self.read_frame(sock)
            if opcode == 8:
                return (struct.unpack(">H", data[:2])[0] if len(data) > 1 else None), data[2:].decode()

    def is_closed(self, sock):
        try:
            while sock.recv(65536):
                pass
            return True
        except TimeoutError:
            return False
        except OSError:
            return True

    # ---- the gateway ----

    def take_desktop(self):
        """(number, fields, stream, aux) of the next WEB message."""
        if self.link is None:
            self.link, _ = self.gateway_sock.accept()
            self.link.settimeout(20)
            self.addCleanup(self.link.close)
        data, control, _, _ = self.link.recvmsg(65536, socket.CMSG_SPACE(64))
        fds = array.array("i")
        for level, kind, value in control:
            self.assertEqual((level, kind), (socket.SOL_SOCKET, socket.SCM_RIGHTS))
            fds.frombytes(value)
        version, kind, number = struct.unpack_from("<HHI", data)
        self.assertEqual((version, kind, len(fds)), (VERSION, WEB, 2))
        fields, at = [], 8
        while at < len(data):
            size = struct.unpack_from("<H", data, at)[0]
            fields.append(data[at + 2 : at + 2 + size].decode())
            at += 2 + size
        socks = [socket.socket(fileno=fd) for fd in fds]
        for sock in socks:
            sock.settimeout(20)
            self.addCleanup(sock.close)
        return number, fields, *socks

    def tell_close(self, number, reason, audit=""):
        text = struct.pack("<H", len(audit)) + audit.encode() + struct.pack("<H", 0)
        self.link.sendall(struct.pack("<HHII", VERSION, CLOSE, number, reason) + text)

    def open_desktop(self, **more):
        """(WebSocket, number, stream, aux)."""
        sock, status, headers = self.upgrade("/ws/desktop", **more)
        self.assertEqual((status, headers.get("sec-websocket-protocol")), (101, "binary"))
        number, _, stream, aux = self.take_desktop()
        return sock, number, stream, aux
