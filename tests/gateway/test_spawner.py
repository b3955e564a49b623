"""The spawner with a gateway that was taken over at the other end of its socket: it starts what it knows,
ends what it started, and nothing else. Whatever is no request of a gateway ends it and its children."""
import array
import os
import pathlib
import pwd
import socket
import struct
import subprocess
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "e2e"))
import lib

SPAWN, KILL = 1, 2
STARTED, FAILED, EXITED = 1, 2, 3
SESSION, CONSOLE = 1, 2


class Spawner(unittest.TestCase):
    def setUp(self):
        self.ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.addCleanup(self.ours.close)
        self.ours.settimeout(10)
        program = lib.BIN / "fake_session"
        user = pwd.getpwnam("nobody") if os.geteuid() == 0 else None
        ids = (str(user.pw_uid), str(user.pw_gid)) if user else (str(2**32 - 1),) * 2

        def move_to_3():
            os.dup2(theirs.fileno(), 3)

        self.spawner = subprocess.Popen(
            [lib.BIN / "oriel-gateway", "--spawner", program, program, program, *ids, "info"], preexec_fn=move_to_3,
            close_fds=False, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        theirs.close()
        self.addCleanup(self.end)

    def end(self):
        if self.spawner.poll() is None:
            self.spawner.kill()
        self.spawner.wait(10)

    def request(self, data, *fds):
        control = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", fds))] if fds else []
        self.ours.sendmsg([data], control)

    def spawn(self, number, kind=SESSION):
        mine, control = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.addCleanup(mine.close)
        self.request(struct.pack("=III", SPAWN, kind, number), control.fileno())
        control.close()
        return self.reply()

    def reply(self):
        return struct.unpack("=IIIii", self.ours.recv(64))

    def assert_ended(self, *children):
        self.assertEqual(self.spawner.wait(10), 0)
        for pid in children:
            lib.wait_for("its child to end", lambda pid=pid: not os.path.exists(f"/proc/{pid}"))

    def test_starts_and_ends_by_number(self):
        event, kind, number, pid, _ = self.spawn(7)
        self.assertEqual((event, kind, number), (STARTED, SESSION, 7))
        self.request(struct.pack("=III", KILL, SESSION, 8))  # nobody
        self.request(struct.pack("=III", KILL, CONSOLE, 7))  # a console of that number there is not
        self.assertEqual(self.spawn(7)[0], FAILED)  # the number is taken
        self.request(struct.pack("=III", KILL, SESSION, 7))
        self.assertEqual(self.reply()[:4], (EXITED, SESSION, 7, pid))

    def test_a_number_is_no_pid(self):
        victim = subprocess.Popen(["sleep", "60"])
        self.addCleanup(lambda: (victim.kill(), victim.wait()))
        self.spawn(1)
        for number in (victim.pid, 0, 2**32 - 1, os.getpid()):
            self.request(struct.pack("=III", KILL, SESSION, number))
        self.assertEqual(self.spawn(2)[0], STARTED)
        self.assertIsNone(victim.poll())

    def test_what_is_no_request_ends_it_and_its_children(self):
        good = struct.pack("=III", SPAWN, SESSION, 9)
        null = os.open("/dev/null", os.O_RDWR)
        self.addCleanup(os.close, null)
        bad = {"short": (b"x", ()), "long": (good + b"x", (null,)), "huge": (b"x" * 60000, ()),
               "no fd": (good, ()), "two fds": (good, (null,) * 2), "many fds": (good, (null,) * 200),
               "kill with an fd": (struct.pack("=III", KILL, SESSION, 9), (null,)),
               "unknown kind": (struct.pack("=III", SPAWN, 4, 9), (null,)),
               "no kind": (struct.pack("=III", SPAWN, 0, 9), (null,)),
               "unknown verb": (struct.pack("=III", 3, SESSION, 9), (null,)),
               "a path": (b"/bin/sh\0-c\0id\0", (null,))}
        for name, (data, fds) in bad.items():
            with self.subTest(name):
                child = self.spawn(1)[3]
                self.request(data, *fds)
                self.assert_ended(child)
                self.end()
                self.setUp()

    def test_its_end_is_the_end_of_all(self):
        children = [self.spawn(number)[3] for number in range(3)]
        self.ours.close()
        self.assert_ended(*children)

    def test_killed_it_takes_all_along(self):
        children = [self.spawn(number)[3] for number in range(3)]
        self.spawner.kill()
        self.spawner.wait(10)
        for pid in children:
            lib.wait_for("its child to end", lambda pid=pid: not os.path.exists(f"/proc/{pid}"))

    @unittest.skipUnless(os.geteuid() == 0, "only root has rights to lose")
    def test_keeps_three_rights_and_gives_its_children_none(self):
        child = self.spawn(1)[3]
        lib.wait_for("its exec", lambda: pathlib.Path(f"/proc/{child}/comm").read_text() == "fake_session\n")
        for pid, wanted in ((self.spawner.pid, 0xE0), (child, 0)):
            status = pathlib.Path(f"/proc/{pid}/status").read_text()
            for kind in ("CapPrm", "CapEff"):
                self.assertIn(f"{kind}:\t{wanted:016x}\n", status)
            self.assertIn("NoNewPrivs:\t1\n", status)
        self.assertIn("CapBnd:\t00000000000000e0\n", status)
        self.assertIn("Groups:\t \n", status)


if __name__ == "__main__":
    unittest.main()
