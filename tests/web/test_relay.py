"""/api: what of a request reaches the broker, and what of its answer the browser."""
import json
import unittest

from rig import COOKIE, Rig, lib


class Relay(Rig):
    def test_only_the_listed_headers_pass_in_both_directions(self):
        self.begin()
        status, headers, body = self.ask("GET", "/api/v1/me?a=b%20c&d", [
            f"Cookie: {COOKIE}", "Accept: application/json", "X-Oriel-Client: 10.0.0.1:1", "X-ORIEL-CLIENT: x",
            "Authorization: Basic x", "X-Forwarded-For: 10.0.0.1", "Forwarded: for=10.0.0.1", "X-Real-IP: 10.0.0.1",
            "X-Oriel-Origin: https://evil", "Last-Event-ID: 5", "Expect: 100-continue", "Range: bytes=0-1", "Via: x"])
        self.assertEqual(status, 200)
        asked = json.loads(body)
        self.assertEqual(asked["path"], "/v1/me?a=b%20c&d")
        self.assertEqual({name.lower() for name in asked["headers"]}, {"host", "cookie", "accept", "last-event-id",
                                                                       "authorization", "x-oriel-client"})
        self.assertEqual(asked["headers"]["Cookie"], COOKIE)
        self.assertRegex(asked["headers"]["X-Oriel-Client"], r"^127\.0\.0\.1:\d+$")
        self.assertEqual((headers["set-cookie"], headers["retry-after"]), ("__Host-oriel=x; Secure", "7"))
        self.assertNotIn("x-secret", headers)
        self.assertNotIn("server", headers)
        self.assertEqual(headers["cache-control"], "no-store")

    def test_changes_need_origin_and_json(self):
        self.begin()
        self.assertEqual(self.change("POST", "/api/v1/login")[0], 200)
        self.assertEqual(self.change("DELETE", "/api/v1/me/totp")[0], 200)
        self.assertEqual(self.change("PATCH", "/api/v1/x", b"[]", kind="application/json; charset=utf-8")[0], 200)
        site = ["Content-Type: application/json", "Sec-Fetch-Site: same-origin"]
        self.assertEqual(self.ask("POST", "/api/v1/login", site, b"{}")[0], 200)
        self.assertEqual(len(self.broker.requests), 4)
        for origin in ("null", "https://evil.example", f"http://127.0.0.1:{self.port}", f"{self.origin}/",
                       f"{self.origin}.evil.example", f"https://localhost:{self.port}", "https://127.0.0.1", self.origin.upper()):
            self.assertEqual(self.change("POST", "/api/v1/login", origin=origin)[0], 403, origin)
        for kind in (None, "text/plain", "application/x-www-form-urlencoded", "application/jsonx", "multipart/form-data"):
            self.assertEqual(self.change("POST", "/api/v1/login", kind=kind)[0], 415, kind)
        for site in ("cross-site", "same-site", "none", "same-origin, cross-site"):
            more = ["Content-Type: application/json", f"Sec-Fetch-Site: {site}"]
            self.assertEqual(self.ask("POST", "/api/v1/login", more, b"{}")[0], 403, site)
        two = [f"Origin: {self.origin}", "Origin: https://evil.example", "Content-Type: application/json"]
        self.assertEqual(self.ask("POST", "/api/v1/login", two, b"{}")[0], 403)
        self.assertEqual(len(self.broker.requests), 4)

    def test_bodies_have_a_bound_and_a_said_length(self):
        self.begin()
        self.assertEqual(json.loads(self.change("POST", "/api/v1/x", b"a" * 65536)[2])["body"], 65536)
        head = (f"POST /api/v1/x HTTP/1.1\r\nHost: {self.host}\r\nOrigin: {self.origin}\r\n"
                "Content-Type: application/json\r\n")
        smuggled = "GET /api/v1/smuggled HTTP/1.1\r\nHost: x\r\n\r\n"
        for more, statuses in (("Content-Length: 65537\r\n\r\n", (413,)), (f"\r\n{smuggled}", (411,)),
                               (f"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n{smuggled}", (400,)),
                               (f"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n{smuggled}", (400,)),
                               (f"Content-Length: 2\r\nContent-Length: 0\r\n\r\n{{}}{smuggled}", (400,)),
                               (f"Content-Length: -1\r\n\r\n{smuggled}", (400,)),
                               (f"Content-Length: +2\r\n\r\n{{}}{smuggled}", (400,)),
                               (f"Content-Length: 0x2\r\n\r\n{{}}{smuggled}", (400,)),
                               (f"Content-Length: 2, 2\r\n\r\n{{}}{smuggled}", (400,)),
                               (f"Content-Length: 99999999999999999999\r\n\r\n{smuggled}", (400, 413))):
            sock = self.tls()
            answer = self.raw(head + more, sock)
            self.assertTrue(answer is None or answer[0] in statuses, (more, answer))
            self.assertTrue(self.is_closed(sock), more)
        self.assertEqual([path for _, path, _, _ in self.broker.requests], ["/v1/x"])
        get = self.raw(f"GET /api/v1/x HTTP/1.1\r\nHost: {self.host}\r\nContent-Length: 2\r\n\r\n{{}}")
        self.assertEqual(get[0], 400)

    def test_a_whole_site_may_be_long_but_few_at_once_are(self):
        self.begin()
        cookie = [f"Cookie: {COOKIE}"]
        for path, size, more in (("plan", 65537, cookie), ("apply", 4 << 20, cookie), ("plan", 65537, ["Authorization: Bearer x"])):
            status, _, body = self.change("POST", f"/api/v1/{path}", b"a" * size, more=more)
            self.assertEqual((status, json.loads(body)["body"]), (200, size), path)
        head = (f"POST /api/v1/%s HTTP/1.1\r\nHost: {self.host}\r\nOrigin: {self.origin}\r\n%s"
                "Content-Type: application/json\r\nContent-Length: %u\r\n\r\n")
        known = f"{cookie[0]}\r\n"
        for refused in (("apply", known, (4 << 20) + 1), ("plan", "", 65537), ("users", known, 65537), ("plan/x", known, 65537)):
            self.assertEqual(self.raw(head % refused)[0], 413, refused)
        begun = [self.tls() for _ in range(2)]
        for sock in begun:
            sock.sendall((head % ("plan", known, 70000)).encode() + b"a" * 60000)
        self.assertEqual(self.raw(head % ("plan", known, 65537))[0], 503)
        self.assertEqual(self.change("POST", "/api/v1/plan", b"a" * 65536, more=cookie)[0], 200)  # what is short has no such bound
        for sock in begun:
            sock.sendall(b"a" * 10000)
            self.assertEqual(self.read_answer(sock)[0], 200)
        self.assertEqual(self.change("POST", "/api/v1/plan", b"a" * 65537, more=cookie)[0], 200)

    def test_paths_that_can_be_read_in_two_ways_stay_out(self):
        self.begin()
        for path in ("/api/v1/%252e%252e/status", "/api/v1/a%5c..%5cb", "/api/v1/%00", "/api/v1/x?a=%00"):
            answer = self.raw(f"GET {path} HTTP/1.1\r\nHost: {self.host}\r\n\r\n")
            self.assertTrue(answer is None or answer[0] in (400, 403, 404), (path, answer, self.broker.requests))
        # libwebsockets ends the line there: a link would bring headers along.
        for target in (f"/api/v1/a%0d%0aCookie:%20{COOKIE}%0d%0a%0d%0a", f"/api/v1/a%0aCookie:{COOKIE}", "/api/v1/a%0d",
                       "/api/v1/x?a=b%0aX-Y:z", "/%0aX-Y:z"):
            answer = self.raw(f"GET {target} HTTP/1.1\r\nHost: {self.host}\r\n\r\n")
            self.assertEqual(answer[0], 400, (target, self.broker.requests))
        self.assertEqual(self.broker.requests, [])
        for path, seen in (("/users/a%20b%C3%A9", "/users/a%20b%C3%A9"), ("/x?a=%26b%3Dc&d=<e>", "/x?a=%26b%3Dc&d=%3Ce%3E"),
                           ("/x?a=%250aX-Y:z", "/x?a=%250aX-Y%3Az"), ("/x?a", "/x?a")):
            self.assertEqual(json.loads(self.ask("GET", f"/api/v1{path}")[2])["path"], f"/v1{seen}")

    def test_without_a_broker_there_is_a_reason_and_it_may_come_back(self):
        self.start_gateway()
        self.start_web()
        sock = self.tls()
        status, headers, body = self.ask("GET", "/api/v1/me", sock=sock)
        self.assertEqual((status, json.loads(body)["code"]), (503, "broker_down"))
        self.assertIn("retry-after", headers)
        self.start_broker()
        self.assertEqual(self.ask("GET", "/api/v1/me", sock=sock)[0], 200)
        self.broker.shutdown()
        self.broker.server_close()
        self.start_broker()
        self.assertEqual(self.ask("GET", "/api/v1/me", sock=sock)[0], 200)

    def test_an_answer_that_breaks_off_is_not_shown_as_whole(self):
        self.begin()
        sock = self.tls()
        sock.sendall(f"GET /api/v1/cut HTTP/1.1\r\nHost: {self.host}\r\n\r\n".encode())
        try:
            self.assertEqual(self.read_answer(sock)[0], 503)
        except ConnectionError:
            pass  # its head had passed by then
        self.assertEqual(self.ask("GET", "/api/v1/none")[0], 204)

    def test_events_come_as_they_happen_and_end_with_the_tab(self):
        self.begin()
        sock = self.tls()
        sock.sendall(f"GET /api/v1/events HTTP/1.1\r\nHost: {self.host}\r\nCookie: {COOKIE}\r\n\r\n".encode())
        status, headers = self.read_head(sock)
        self.assertEqual((status, headers["transfer-encoding"]), (200, "chunked"))
        self.assertEqual(headers["content-type"], "text/event-stream")
        for _ in range(3):
            self.assertIn(b": ping\n\n", self.read_chunk(sock))
        sock.close()
        self.assertTrue(self.broker.left.wait(20))

    def test_a_browser_that_stops_reading_holds_back_the_broker(self):
        self.begin("stall_s=300")
        sock = self.tls()
        before = lib.usage_of(self.web.pid)[1]
        sock.sendall(f"GET /api/v1/big HTTP/1.1\r\nHost: {self.host}\r\n\r\n".encode())
        status, headers = self.read_head(sock)
        self.assertEqual((status, headers["content-length"]), (200, str(64 << 20)))
        sent = [-1, -1, -1]

        def is_at_rest():
            sent.append(self.broker.big_sent)
            return sent[-1] > 0 and len(set(sent[-20:])) == 1

        lib.wait_for("the broker to be held back", is_at_rest)
        self.assertLess(self.broker.big_sent, 16 << 20)
        self.assert_little_grown(before)
        rest = 64 << 20
        while rest:
            rest -= len(sock.recv(min(rest, 1 << 20)))
        self.assertEqual(self.ask("GET", "/api/v1/me", sock=sock)[0], 200)

    def test_who_sends_while_an_answer_is_on_its_way_is_closed(self):
        self.begin()
        sock = self.tls()
        sock.sendall(f"GET /api/v1/events HTTP/1.1\r\nHost: {self.host}\r\n\r\n".encode())
        self.read_head(sock)
        sock.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n" * 100)
        self.assertTrue(self.broker.left.wait(20))

    def test_requests_at_a_time_have_a_bound(self):
        self.begin("max_relayed=2")
        socks = [self.tls() for _ in range(2)]
        for sock in socks:
            sock.sendall(f"GET /api/v1/events HTTP/1.1\r\nHost: {self.host}\r\n\r\n".encode())
            self.read_head(sock)
        status, _, body = self.ask("GET", "/api/v1/me")
        self.assertEqual((status, json.loads(body)["code"]), (503, "too_many_connections"))
        socks[0].close()
        lib.wait_for("room", lambda: self.ask("GET", "/api/v1/me")[0] == 200)

    def test_who_guesses_from_one_address_leaves_room_for_logins_from_others(self):
        self.begin("max_relayed=6")
        self.broker.answers_logins.clear()
        body = "{}"
        login = (f"POST /api/v1/login HTTP/1.1\r\nHost: {self.host}\r\nOrigin: {self.origin}\r\n"
                 f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n{body}").encode()

        def send(source=None):
            sock = self.tls(source=source)
            sock.sendall(login)
            return sock

        held = []
        for number in range(4):
            held.append(send())
            lib.wait_for("a login", lambda: len(self.broker.requests) == number + 1)
        self.assertEqual(self.read_head(send())[0], 503)
        held.append(send(("127.0.0.9", 0)))
        lib.wait_for("another's login", lambda: len(self.broker.requests) == 5)
        self.assertEqual(self.ask("GET", "/api/v1/me")[0], 200)
        self.broker.answers_logins.set()
        for sock in held:
            self.assertEqual(self.read_head(sock)[0], 200)


if __name__ == "__main__":
    unittest.main()
