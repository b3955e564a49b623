"""web.sock: we are oriel-web, and a program of ours is the session. Messages as in base/ipc_msgs.c."""
import array
import os
import pathlib
import pwd
import socket
import struct
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "e2e"))
import lib
from test_component import Rig

VERSION, CLOSE, WEB = lib.MSG_VERSION, 10, 13
BINDING = "0123456789abcdef" * 4


def text(value):
    return struct.pack("<H", len(value)) + value.encode()


def web(conn, client="203.0.113.7:4711", ticket=lib.USER, password=lib.PASSWORD, binding=BINDING):
    return struct.pack("<HHI", VERSION, WEB, conn) + text(client) + text(ticket) + text(password) + text(binding)


class WebSock(Rig):
    def link(self):
        path = self.run_dir / "web.sock"
        lib.wait_for("web.sock", path.exists)
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        sock.settimeout(20)
        sock.connect(str(path))
        self.addCleanup(sock.close)
        return sock

    def open(self, link, message, fds=2):
        """Our ends of stream and aux."""
        ours, theirs = zip(socket.socketpair(), socket.socketpair(type=socket.SOCK_SEQPACKET))
        more = [os.dup(theirs[0].fileno()) for _ in range(2, fds)]
        numbers = array.array("i", ([sock.fileno() for sock in theirs] + more)[:fds])
        link.sendmsg([message], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, numbers)] if fds else [])
        for fd in more:
            os.close(fd)
        for sock in theirs:
            sock.close()
        for sock in ours:
            sock.settimeout(20)
            self.addCleanup(sock.close)
        return ours

    def closed(self, link):
        """(our number, reason) of the next CLOSE."""
        data = link.recv(65536)
        version, kind, conn = struct.unpack_from("<HHI", data)
        self.assertEqual((version, kind), (VERSION, CLOSE))
        return conn, struct.unpack_from("<I", data, 8)[0]

    def test_a_browsers_desktop_gets_a_session_and_logs_in_by_its_ticket(self):
        self.begin()
        stream, _aux = self.open(self.link(), web(7))
        stream.sendall(b"L")
        self.read_until(stream, "got plan")
        self.wait_log("control", f"login conn=.* {lib.USER}")

    def test_the_session_gets_stream_and_aux_and_no_key(self):
        self.begin()
        stream, _aux = self.open(self.link(), web(7))
        stream.sendall(b"I")
        self.assertIn("start_fds 2", self.read_until(stream, "start_fds 2"))

    def test_a_refused_ticket_is_told_with_our_number(self):
        self.begin()
        link = self.link()
        stream, _aux = self.open(link, web(0xC0FFEE, password="another"))
        stream.sendall(b"L")
        self.assertEqual(self.closed(link), (0xC0FFEE, 1))  # auth_failed
        self.read_to_end(stream)

    def test_too_many_of_one_address_are_refused_with_the_reason(self):
        self.begin("max_half_open_per_address=1")
        link = self.link()
        _held = self.open(link, web(1))
        refused, _ = self.open(link, web(2))
        self.assertEqual(self.closed(link)[0], 2)
        self.assertEqual(self.read_to_end(refused), "")
        other, _ = self.open(link, web(3, client="[2001:db8::1]:1"))
        other.sendall(b"L")
        self.read_until(other, "got plan")

    def test_the_end_of_oriel_web_ends_no_more_than_its_desktops(self):
        self.begin()
        link = self.link()
        stream, aux = self.open(link, web(1))
        stream.sendall(b"L")
        self.read_until(stream, "got plan")
        for sock in (link, stream, aux):
            sock.close()
        self.wait_log("gateway", "oriel-web left")
        self.read_until(self.dial("L"), "got plan")

    def test_what_is_no_web_message_ends_the_link(self):
        self.begin()
        wrong = {"no fd": (web(1), 0), "one fd": (web(1), 1), "three fds": (web(1), 3),
                 "no address": (web(1, client="localhost"), 2), "no port": (web(1, client="203.0.113.7"), 2),
                 "no binding": (web(1, binding=""), 2), "not hex": (web(1, binding="G" * 64), 2),
                 "cut": (web(1)[:-1], 2), "more": (web(1) + b"x", 2), "garbage": (b"\xa5" * 40, 2),
                 "another's": (struct.pack("<HHI", VERSION, 11, 1), 2)}
        for name, (message, fds) in wrong.items():
            with self.subTest(name):
                link = self.link()
                self.open(link, message, fds)
                self.assertEqual(link.recv(100), b"")
        self.assertEqual(self.workers("oriel-session"), [])
        self.read_until(self.dial("L"), "got plan")

    @unittest.skipUnless(os.geteuid() == 0, "only root can become another user")
    def test_others_are_not_heard(self):
        self.dir.chmod(0o755)
        nobody, daemon = pwd.getpwnam("nobody"), pwd.getpwnam("daemon")
        self.begin("web_user=daemon")
        self.link().close()
        (self.run_dir / "web.sock").chmod(0o666)
        for user, is_heard in ((nobody, False), (daemon, True)):
            os.seteuid(user.pw_uid)  # who connects is who it is
            try:
                link = self.link()
            finally:
                os.seteuid(0)
            try:
                stream, _aux = self.open(link, web(1))
                stream.sendall(b"L")
                self.read_until(stream, "got plan")
                self.assertTrue(is_heard, user.pw_name)
            except (BrokenPipeError, ConnectionResetError):
                self.assertFalse(is_heard, user.pw_name)


if __name__ == "__main__":
    unittest.main()
