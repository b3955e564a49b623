"""Pages, paths and HTTP itself."""
import gzip
import re
import socket
import unittest
import warnings

from rig import Rig, lib


class Pages(Rig):
    def test_pages_come_with_their_types_caching_and_policy(self):
        self.begin()
        for path, kind, body in (("/", "text/html", b"portal"), ("/desktop/demo", "text/html", b"desktop"), ("/admin", "text/html", b"console"),
                                 ("/assets/app-0123456789ab.js", "text/javascript", b"const all")):
            status, headers, data = self.ask("GET", path)
            self.assertEqual(status, 200)
            self.assertIn(kind, headers["content-type"])
            self.assertIn(body, data)
            self.assertEqual("immutable" in headers["cache-control"], path.startswith("/assets"))
            policy = headers["content-security-policy"]
            for part in ("default-src 'none'", "script-src 'self'", "frame-ancestors 'none'", "base-uri 'none'"):
                self.assertIn(part, policy)
            self.assertNotIn("unsafe", policy)
            self.assertEqual(headers["x-content-type-options"], "nosniff")
            self.assertEqual(headers["referrer-policy"], "no-referrer")
            self.assertRegex(headers["strict-transport-security"], r"max-age=\d{7,}")

    def test_compressed_head_and_known_pages(self):
        self.begin()
        sock = self.tls()
        path = "/assets/app-0123456789ab.js"
        status, headers, data = self.ask("GET", path, ["Accept-Encoding: br, gzip"], sock=sock)
        self.assertEqual((status, headers["content-encoding"], gzip.decompress(data)), (200, "gzip", self.script))
        status, headers, data = self.ask("GET", path, ["Accept-Encoding: gzip;q=0"], sock=sock)
        self.assertEqual((status, "content-encoding" in headers, data), (200, False, self.script))
        status, headers, _ = self.ask("HEAD", path, sock=sock)
        self.assertEqual((status, headers["content-length"]), (200, str(len(self.script))))
        _, headers, _ = self.ask("GET", "/", sock=sock)
        status, headers, data = self.ask("GET", "/", [f"If-None-Match: {headers['etag']}"], sock=sock)
        self.assertEqual((status, data), (304, b""))

    def test_nothing_else_is_there(self):
        self.begin()
        (self.dir / "secret").write_text("secret")
        for path in ("/secret", "/notes.unknown", "/index.html.gz", "/assets/", "/assets", "/desktop/", "/desktop/A%2FB",
                     "/desktop/../secret", "/%2e%2e/secret", "/assets/%2e%2e/%2e%2e/secret", "/..%2fsecret", "/%5c..%5csecret",
                     "/%252e%252e/secret", "//secret", "/desktop/demo%00", "/api", "/api/", "/api/v2/me", "/apiv1/x"):
            answer = self.raw(f"GET {path} HTTP/1.1\r\nHost: {self.host}\r\n\r\n")
            self.assertTrue(answer is None or answer[0] in (400, 403, 404), (path, answer))
        self.assertEqual(self.broker.requests, [])
        for method in ("POST", "PUT", "DELETE", "OPTIONS", "PATCH"):
            answer = self.raw(f"{method} / HTTP/1.1\r\nHost: {self.host}\r\nContent-Length: 0\r\n\r\n")
            self.assertTrue(answer is None or answer[0] == 405, (method, answer))

    def test_only_tls_1_2_and_later_and_http_1_1(self):
        import ssl
        self.begin()
        self.assertEqual(self.tls(alpn=("h2", "http/1.1")).selected_alpn_protocol(), "http/1.1")
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        context.set_ciphers("ALL:@SECLEVEL=0")
        warnings.simplefilter("ignore", DeprecationWarning)  # that they are old is the point
        context.minimum_version, context.maximum_version = ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1
        with self.assertRaises((ssl.SSLError, ConnectionError)):
            context.wrap_socket(self.tcp())
        for upgrade in ("h2c", "foo", "TLS/1.0", "websocket, h2c"):
            answer = self.raw(f"GET / HTTP/1.1\r\nHost: {self.host}\r\nConnection: Upgrade, HTTP2-Settings\r\n"
                              f"Upgrade: {upgrade}\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n\r\n")
            self.assertTrue(answer is None or answer[0] >= 400, upgrade)
        answer = self.raw("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
        self.assertTrue(answer is None or answer[0] >= 400)
        self.assertEqual(self.ask("GET", "/")[0], 200)

    def test_bytes_that_are_no_request_end_their_connection_only(self):
        self.begin()
        bad = [b"\0" * 300, b"\r\n" * 2000, b"GET\r\n\r\n", b"GET / HTTP/1.1\r\n" + b"A" * 70000,
               b"GET /" + b"a" * 20000 + b" HTTP/1.1\r\n\r\n", b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 20000 + b"\r\n",
               b"CONNECT 127.0.0.1:22 HTTP/1.1\r\nHost: x\r\n\r\n", b"GET http://10.0.0.1/ HTTP/1.1\r\nHost: x\r\n\r\n"]
        for data in bad:
            sock = self.tls()
            try:
                sock.sendall(data)
                status = self.read_answer(sock)[0]
            except OSError:
                status = 0
            self.assertNotEqual(status // 100, 2, data[:40])
        for line in (b"FOO / HTTP/1.1", b"GET http://10.0.0.1/ HTTP/1.1", b"GET /%zz HTTP/1.1"):  # libwebsockets' answers
            headers = self.raw(line + b"\r\nHost: x\r\n\r\n")[1]
            self.assertIn("default-src 'none'", headers["content-security-policy"])
            self.assertEqual(headers["x-content-type-options"], "nosniff")
        for data in (b"GET / HTTP/1.1\r\n\r\n", b"\x16\x03\x01\x02\x00\x01\x00", b"\x80\x2e\x01\x00\x02"):
            self.tcp(data).close()
        for _ in range(20):
            self.tcp().close()
        self.assertEqual(self.ask("GET", "/")[0], 200)

    def test_who_says_nothing_or_dribbles_is_closed(self):
        self.begin("request_s=1", "idle_s=1", "stall_s=1")
        silent, half, kept, body = self.tcp(), self.tls(), self.tls(), self.tls()
        half.sendall(b"GET / HTTP/1.1\r\nX: ")
        body.sendall((f"POST /api/v1/login HTTP/1.1\r\nHost: {self.host}\r\nOrigin: {self.origin}\r\n"
                      "Content-Type: application/json\r\nContent-Length: 100\r\n\r\n{").encode())
        self.ask("GET", "/", sock=kept)
        for _ in range(40):  # a byte at a time keeps nobody here
            try:
                half.sendall(b"a")
                body.sendall(b" ")
            except OSError:
                break
            import time
            time.sleep(0.1)
        for sock in (silent, half, kept, body):
            sock.settimeout(10)
            self.assertTrue(self.is_closed(sock))
        self.assertEqual(self.broker.requests, [])

    def test_a_page_that_is_not_read_costs_little_and_ends(self):
        self.begin("stall_s=1")
        (self.pages / "assets/app-0123456789ab.js").write_bytes(b"")  # it is in memory
        sock = self.tcp()
        sock.close()
        raw = socket.socket()
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        raw.connect(("127.0.0.1", self.port))
        import ssl
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        slow = context.wrap_socket(raw)
        self.addCleanup(slow.close)
        for _ in range(3):
            slow.sendall(f"GET /assets/app-0123456789ab.js HTTP/1.1\r\nHost: {self.host}\r\n\r\n".encode())
        lib.wait_for("it to be closed", lambda: self.connections() == 0, 15)

    def connections(self):
        """TCP connections that oriel-web has."""
        port = f":{self.port:04X}"
        count = 0
        with open("/proc/net/tcp", encoding="ascii") as table:
            for line in table.readlines()[1:]:
                local, state = line.split()[1], line.split()[3]
                count += local.endswith(port) and state == "01"
        return count

    def test_it_listens_where_it_was_told_and_nowhere_else(self):
        self.begin()
        listening = set()
        for name in ("tcp", "tcp6"):
            with open(f"/proc/net/{name}", encoding="ascii") as table:
                for line in table.readlines()[1:]:
                    local, state = line.split()[1], line.split()[3]
                    if state == "0A" and local.endswith(f":{self.port:04X}"):
                        listening.add(local.split(":")[0])
        self.assertEqual(listening, {"0100007F"})

    def test_plain_http_only_redirects(self):
        plain = lib.free_port()
        self.begin(f"http_port={plain}")
        for request, location in ((f"GET /desktop/demo?x=1 HTTP/1.1\r\nHost: 127.0.0.1:{plain}\r\n\r\n", "/desktop/demo"),
                                  ("GET / HTTP/1.1\r\nHost: evil.example\r\n\r\n", "/"),
                                  ("POST /api/v1/login HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n{}", "/api/v1/login")):
            sock = socket.create_connection(("127.0.0.1", plain), timeout=10)
            self.addCleanup(sock.close)
            sock.sendall(request.encode())
            status, headers = self.read_head(sock)
            self.assertEqual(status, 308)
            self.assertRegex(headers["location"], r"^https://[^/]+:%d%s$" % (self.port, re.escape(location)))
            self.assertNotIn("evil", headers["location"])
        sock = socket.create_connection(("127.0.0.1", plain), timeout=10)
        self.addCleanup(sock.close)
        sock.sendall(b"GET /ws/desktop HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n")
        self.assertTrue(self.is_closed(sock))
        self.assertEqual(self.broker.requests, [])


if __name__ == "__main__":
    unittest.main()
