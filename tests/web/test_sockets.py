"""Desktops: who may open one, and how bytes and closes pass between browser, oriel-web and session."""
import hashlib
import os
import socket
import struct
import time
import unittest

from rig import COOKIE, OFFER, TICKET, TICKET_PASSWORD, TOKEN, Rig, lib

CLOSED_BY_ADMIN, REVOKED = 34, 37  # base/reason.h


class Sockets(Rig):
    def test_a_desktop_is_handed_over_with_ticket_binding_and_address(self):
        self.begin()
        sock, status, headers = self.upgrade("/ws/desktop")
        self.assertEqual((status, headers["sec-websocket-protocol"]), (101, "binary"))
        _, fields, stream, aux = self.take_desktop()
        client, ticket, password, binding = fields
        self.assertEqual((ticket, password), (TICKET, TICKET_PASSWORD))
        self.assertEqual(binding, hashlib.sha256(TOKEN.encode()).hexdigest())
        self.assertEqual(client, "%s:%d" % sock.getsockname())
        stream.sendall(b"RFB 003.008\n")
        self.assertEqual(self.read_stream(sock, 12), b"RFB 003.008\n")
        sock.sendall(self.frame(b"RFB 003.008\n"))
        self.assertEqual(self.read_exactly(stream, 12), b"RFB 003.008\n")
        for part in (self.frame(b"ab", fin=False), self.frame(b"cd", opcode=0, fin=False), self.frame(b"hi", opcode=9),
                     self.frame(b"ef", opcode=0)):
            sock.sendall(part)
        self.assertEqual(self.read_exactly(stream, 6), b"abcdef")
        sock.close()
        self.assertEqual(stream.recv(1), b"")
        self.assertEqual(aux.recv(1), b"")

    def test_who_may_not_is_refused_before_anything_is_opened(self):
        self.begin()
        other = f"__Host-oriel={'B' * 43}"
        refused = [
            (403, {"origin": "https://evil.example"}), (403, {"origin": f"https://localhost:{self.port}"}),
            (403, {"origin": "null"}), (403, {"drop": ("Origin",)}), (403, {"more": ["Origin: https://evil.example"]}),
            (403, {"drop": ("Origin",), "more": ["Sec-Fetch-Site: same-origin"]}), (403, {"drop": ("Host",)}),
            (401, {"cookie": None}), (401, {"cookie": "__Host-oriel=short"}), (401, {"cookie": "oriel=" + TOKEN}),
            (401, {"cookie": f"{COOKIE}; {other}"}), (401, {"cookie": COOKIE + "=="}),
            (403, {"offer": None}), (403, {"offer": "binary"}), (403, {"offer": f"oriel.{TICKET}.{TICKET_PASSWORD}"}),
            (403, {"offer": f"oriel.{TICKET}.{TICKET_PASSWORD}, binary"}), (403, {"offer": f"{OFFER}, binary"}),
            (403, {"offer": f"binary, oriel.{TICKET}"}), (403, {"offer": f"binary, oriel.{TICKET}.{TICKET_PASSWORD}x"}),
            (403, {"offer": f"binary, oriel.{TICKET.upper()}.{TICKET_PASSWORD}"}), (403, {"offer": OFFER + "\t"}),
            (403, {"offer": "binary, " + "a" * 4000}), (403, {"offer": "http, " + OFFER[8:]}),
            (400, {"version": "8"}), (400, {"version": "13, 8"}), (400, {"drop": ("Sec-WebSocket-Version",)}),
            (400, {"more": ["Content-Length: 5"]}), (400, {"more": ["Transfer-Encoding: chunked"]}),
        ]
        for expected, more in refused:
            with self.subTest(str(more)[:80]):
                sock, status, _ = self.upgrade("/ws/desktop", **more)
                self.assertIn(status, (expected, None))
                self.assertNotEqual(status, 101)
                self.assertTrue(self.is_closed(sock))
        for path in ("/ws", "/ws/other", "/", "/ws/desktop/x", "/api/v1/me", "/ws/aux"):
            self.assertIn(self.upgrade(path)[1], (403, 404), path)
        self.assertIn(self.ask("GET", "/ws/desktop")[0], (400, 426))
        self.gateway_sock.settimeout(0.2)
        with self.assertRaises(TimeoutError):
            self.gateway_sock.accept()
        self.assertNotIn(TICKET_PASSWORD, self.log("web"))
        self.assertNotIn(TOKEN, self.log("web"))

    def test_the_gateways_reason_closes_with_code_and_audit(self):
        self.begin()
        sock, number, stream, aux = self.open_desktop()
        audit = "0123456789abcdef0123456789abcdef"
        other, other_number, _, _ = self.open_desktop()
        self.tell_close(number + 1000, REVOKED)
        self.tell_close(number, REVOKED, audit)
        self.assertEqual(self.read_close(sock), (4000, f"access.revoked {audit}"))
        self.assertEqual(stream.recv(1), b"")
        self.tell_close(other_number, 0xFFFF)
        self.assertEqual(self.read_close(other), (4000, "internal"))
        del aux

    def test_a_session_or_gateway_that_goes_is_a_reason(self):
        self.begin()
        sock, number, stream, _ = self.open_desktop()
        stream.close()
        self.tell_close(number, CLOSED_BY_ADMIN)  # it comes after the end of the stream
        self.assertEqual(self.read_close(sock), (4000, "closed_by_admin"))
        sock, _, stream, _ = self.open_desktop()
        stream.close()
        self.assertEqual(self.read_close(sock), (4000, "session_crashed"))
        self.link.close()
        self.gateway_sock.close()
        sock, status, _ = self.upgrade("/ws/desktop")
        self.assertEqual(status, 101)
        self.assertEqual(self.read_close(sock), (4000, "shutdown"))
        (self.run_dir / "web.sock").unlink()
        self.start_gateway()
        self.open_desktop()

    def test_bytes_pass_whole_and_in_order_in_both_directions(self):
        self.begin()
        sock, _, stream, _ = self.open_desktop()
        data = os.urandom(1 << 20)
        stream.setblocking(False)
        sent = got = 0
        read = b""
        sock.settimeout(0.01)
        buffer = b""
        while len(read) < len(data):  # what a socket pair holds is less than this
            try:
                sent += stream.send(data[sent : sent + 65536])
            except BlockingIOError:
                pass
            sock.settimeout(20)
            opcode, part = self.read_frame(sock)
            self.assertEqual(opcode, 2)
            self.assertLessEqual(len(part), 16000)
            read += part
        self.assertEqual(read, data)
        del got, buffer
        stream.setblocking(True)
        stream.settimeout(20)
        for at in range(0, 1 << 18, 1 << 15):
            sock.sendall(self.frame(data[at : at + (1 << 15)]))
        self.assertEqual(self.read_exactly(stream, 1 << 18), data[: 1 << 18])

    def test_a_browser_that_stops_reading_holds_back_its_session(self):
        self.begin("stall_s=300", "ping_s=300")
        sock, _, stream, _ = self.open_desktop()
        other, _, other_stream, _ = self.open_desktop()
        before = lib.usage_of(self.web.pid)[1]
        stream.setblocking(False)
        sent, quiet_since = 0, time.monotonic()
        while time.monotonic() - quiet_since < 1:
            try:
                sent += stream.send(b"x" * 65536)
                quiet_since = time.monotonic()
            except BlockingIOError:
                time.sleep(0.02)
            self.assertLess(sent, 32 << 20)
        self.assert_little_grown(before)
        other_stream.sendall(b"still here")
        self.assertEqual(self.read_stream(other, 10), b"still here")
        self.assertEqual(self.read_stream(sock, sent), b"x" * sent)

    def test_a_session_that_stops_reading_holds_back_its_browser(self):
        self.begin("stall_s=300", "ping_s=300")
        sock, _, stream, _ = self.open_desktop()
        before = lib.usage_of(self.web.pid)[1]
        sock.settimeout(1)
        sent = 0
        with self.assertRaises(TimeoutError):
            while sent < 64 << 20:
                sock.sendall(self.frame(b"y" * 8000))
                sent += 8000
        self.assert_little_grown(before)
        self.assertEqual(set(self.read_exactly(stream, sent)), {ord("y")})

    def test_a_browser_that_is_gone_without_a_word_is_noticed(self):
        self.begin("ping_s=1", "stall_s=1")
        sock, _, stream, _ = self.open_desktop()
        self.assertEqual(stream.recv(1), b"")  # we answer no ping
        self.assertIn(self.read_close(sock), ((4000, "client_stalled"), (None, "")))

    def test_who_answers_pings_stays(self):
        self.begin("ping_s=1")
        sock, _, stream, _ = self.open_desktop()
        end = time.monotonic() + 4
        pings = 0
        sock.settimeout(0.3)
        while time.monotonic() < end:
            try:
                first, size = self.read_exactly(sock, 2)
            except TimeoutError:
                continue
            self.assertEqual((first, size), (0x89, 1))
            pings += 1
            sock.sendall(self.frame(self.read_exactly(sock, 1), opcode=10))
        self.assertGreaterEqual(pings, 2)
        sock.settimeout(20)
        stream.sendall(b"alive")
        self.assertEqual(self.read_stream(sock, 5), b"alive")

    def test_broken_frames_end_their_socket_only(self):
        self.begin()
        good, _, good_stream, _ = self.open_desktop()
        bad = {"reserved opcode": self.frame(b"a", opcode=3), "reserved bits": bytes([0xF2, 0x80, 0, 0, 0, 0]), "text": self.frame(b"a", opcode=1),
               "continuation of nothing": self.frame(b"a", opcode=0), "long ping": self.frame(b"a" * 126, opcode=9),
               "ping in pieces": self.frame(b"a", opcode=9, fin=False), "negative": self.frame(b"", length=1 << 63),
               "short close": self.frame(b"a", opcode=8), "bad close": self.frame(struct.pack(">H", 999), opcode=8)}
        for name, data in bad.items():
            with self.subTest(name):
                sock, _, stream, _ = self.open_desktop()
                sock.sendall(data)
                try:
                    self.read_close(sock)
                except ConnectionError:
                    pass
                sock.close()
                self.assertEqual(stream.recv(100)[1:], b"")
        sock, _, stream, _ = self.open_desktop()
        sock.sendall(self.frame(b"", length=(1 << 62))[:14] + b"z" * 1000)  # endless, and gone in the middle
        self.assertEqual(self.read_exactly(stream, 1000), b"z" * 1000)
        sock.close()
        self.assertEqual(stream.recv(1), b"")
        good_stream.sendall(b"fine")
        self.assertEqual(self.read_stream(good, 4), b"fine")

    def test_goodbye_is_said_to_all_when_it_is_stopped(self):
        self.begin()
        sock, _, stream, _ = self.open_desktop()
        self.web.terminate()
        self.assertEqual(self.read_close(sock), (4000, "shutdown"))
        self.assertEqual(self.web.wait(10), 0)
        self.assertEqual(stream.recv(1), b"")


class Aux(Rig):
    def test_datagrams_pass_whole_for_the_same_ticket_and_cookie(self):
        self.begin()
        sock, _, stream, aux = self.open_desktop()
        second, status, headers = self.upgrade("/ws/aux")
        self.assertEqual((status, headers["sec-websocket-protocol"]), (101, "binary"))
        second.sendall(self.frame(b"\x01\x01\x03"))
        self.assertEqual(aux.recv(65536), b"\x01\x01\x03")
        second.sendall(self.frame(b"ab", fin=False) + self.frame(b"c" * 16382, opcode=0))
        self.assertEqual(aux.recv(65536), b"ab" + b"c" * 16382)
        for datagram in (b"x", b"y" * 16384, b"z" * 1000):
            aux.send(datagram)
            self.assertEqual(self.read_frame(second), (2, datagram))
        self.assertIn(self.upgrade("/ws/aux")[1], (403, None))  # one at a time
        second.close()
        lib.wait_for("room for another", lambda: self.upgrade("/ws/aux")[1] == 101)
        sock.sendall(self.frame(b"goes on"))
        self.assertEqual(self.read_exactly(stream, 7), b"goes on")

    def test_others_do_not_get_them(self):
        self.begin()
        self.open_desktop()
        for more in ({"cookie": f"__Host-oriel={'B' * 43}"}, {"offer": OFFER[:-1] + "4"}, {"cookie": None},
                     {"offer": OFFER.replace("t-01", "t-11")}, {"origin": "https://evil.example"}):
            self.assertIn(self.upgrade("/ws/aux", **more)[1], (401, 403), more)

    def test_they_end_with_the_desktop_and_not_the_other_way_round(self):
        self.begin()
        sock, number, stream, _ = self.open_desktop()
        aux = self.upgrade("/ws/aux")[0]
        aux.sendall(self.frame(b"d" * 16385))
        self.assertEqual(self.read_close(aux)[0], 1009)
        stream.sendall(b"on")
        self.assertEqual(self.read_stream(sock, 2), b"on")
        lib.wait_for("room", lambda: self.upgrade("/ws/aux")[1] == 101)
        self.tell_close(number, CLOSED_BY_ADMIN)
        self.assertEqual(self.read_close(sock), (4000, "closed_by_admin"))
        sock, number, _, _ = self.open_desktop()
        aux = self.upgrade("/ws/aux")[0]
        sock.close()
        self.assertEqual(self.read_close(aux)[0], 4000)

    def test_a_session_that_does_not_read_them_loses_some_and_nothing_grows(self):
        self.begin()
        self.open_desktop()
        second = self.upgrade("/ws/aux")[0]
        before = lib.usage_of(self.web.pid)[1]
        for _ in range(2000):
            second.sendall(self.frame(b"s" * 8000))
        second.sendall(self.frame(b"", opcode=9))
        self.assert_little_grown(before)


if __name__ == "__main__":
    unittest.main()
