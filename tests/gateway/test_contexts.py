"""The real session and console while a client looks: each is in its sandbox, with the fds that it needs
and no right, and ends when it does what it may not."""
import os
import pathlib
import pwd
import re
import sys
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "e2e"))
import lib


def status_of(pid):
    lines = pathlib.Path(f"/proc/{pid}/status").read_text().splitlines()
    return {name: value.strip() for name, value in (line.split(":", 1) for line in lines)}


def fds_of(pid):
    found = {}
    for fd in pathlib.Path(f"/proc/{pid}/fd").iterdir():
        found[int(fd.name)] = re.sub(r"\d+", "N", os.readlink(fd))
    return found


class Contexts(lib.Case):
    def begin(self, *settings, client=(), is_vnc=False):
        self.dir.chmod(0o755)
        self.start_screen()
        self.start_vncd("motion", "1024x768")
        self.start_control()
        for path in (self.run_dir / "gateway.sock", self.run_dir / "console.sock"):
            lib.wait_for(path.name, path.exists)
            path.chmod(0o666)
        self.start_gateway(*settings, *(self.make_certificate() if is_vnc else ()))
        if is_vnc:
            self.connect_vnc(*client)
        else:
            self.connect(*client)
        self.wait_log("control", "stats conn=")
        self.session = self.workers("oriel-session")[0]
        self.console = self.workers("oriel-console")[0]
        # The first statistics may come while the desktop's display still says hello.
        lib.wait_for("the surface", lambda: any(what.startswith("/memfd") for what in fds_of(self.console).values()))
        return self.session, self.console

    def check_caged(self, pid):
        for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
            status = status_of(task.name)
            self.assertEqual(status["Seccomp"], "2", f"thread {task.name}")
            self.assertEqual(status["NoNewPrivs"], "1")
            for kind in ("CapInh", "CapPrm", "CapEff", "CapAmb"):
                self.assertEqual(int(status[kind], 16), 0, kind)
        limits = pathlib.Path(f"/proc/{pid}/limits").read_text()
        self.assertRegex(limits, r"Max core file size +0 +0 ")
        self.assertRegex(limits, r"Max locked memory +0 +0 ")
        # Not dumpable: its folder in /proc is root's, whoever it runs as.
        self.assertEqual(os.stat(f"/proc/{pid}/mem").st_uid, 0)

    def check_fds(self, pid, sockets):
        fds = fds_of(pid)
        self.assertEqual((fds[0], fds[1]), ("/dev/null", "/dev/null"))
        others = [what for fd, what in fds.items() if fd > 2]
        strange = [what for what in others if what not in ("socket:[N]", "anon_inode:[eventpoll]",
                   "anon_inode:[eventfd]", "pipe:[N]") and not what.startswith("/memfd:oriel-surface")]
        self.assertEqual(strange, [])
        self.assertEqual(others.count("socket:[N]"), sockets, fds)
        return others

    def test_both_are_caged_and_hold_only_what_they_need(self):
        session, console = self.begin()
        for pid in (session, console):
            self.check_caged(pid)
        # control, client, link; no copy of a certificate's file, and none of the surface.
        others = self.check_fds(session, 3)
        self.assertEqual([what for what in others if what.startswith("/memfd")], [])
        # control, display, link; the surface.
        others = self.check_fds(console, 3)
        self.assertEqual(len([what for what in others if what.startswith("/memfd")]), 1)
        self.assertEqual(status_of(session)["Threads"].isdigit(), True)

    def test_a_vnc_viewers_session_is_caged_too(self):
        session, _ = self.begin(is_vnc=True)
        self.check_caged(session)
        others = self.check_fds(session, 3)
        self.assertEqual([what for what in others if what.startswith("/memfd")], [])

    def test_nobody_keeps_a_copy_of_the_client_and_the_display_who_need_not(self):
        """The gateway has one of a display that is no machine's of ours: to end it when vmpool, who could, is gone."""
        session, console = self.begin()
        for pid, what in ((session, "client"), (console, "display")):
            theirs = {os.readlink(f"/proc/{pid}/fd/{fd}") for fd in fds_of(pid) if fd > 2}
            theirs = {name for name in theirs if name.startswith("socket:")}
            spawner = list(lib.children_of(self.gateway.pid))[0]
            others = {self.gateway.pid, self.control.pid, spawner} - ({self.gateway.pid} if what == "display" else set())
            for other in others:
                ours = {os.readlink(f"/proc/{other}/fd/{fd}") for fd in fds_of(other)}
                self.assertEqual(theirs & ours, set(), f"{what} of {pid} is open in {other}")

    @unittest.skipUnless(os.geteuid() == 0, "only root can become another user")
    def test_as_users_of_their_own(self):
        nobody = pwd.getpwnam("nobody")
        session, console = self.begin("user=daemon", "session_user=nobody")
        for pid in (session, console):
            self.check_caged(pid)
            status = status_of(pid)
            self.assertEqual(set(status["Uid"].split()), {str(nobody.pw_uid)})
            self.assertEqual(set(status["Gid"].split()), {str(nobody.pw_gid)})
            self.assertEqual(status["Groups"], "")
        # The spawner keeps: setgid, setuid, kill.
        spawner = status_of(list(lib.children_of(self.gateway.pid))[0])
        for kind in ("CapPrm", "CapEff", "CapBnd"):
            self.assertEqual(int(spawner[kind], 16), 1 << 5 | 1 << 6 | 1 << 7, kind)
        gateway = status_of(self.gateway.pid)
        self.assertEqual((int(gateway["CapPrm"], 16), int(gateway["CapEff"], 16)), (0, 0))
        self.assertEqual(gateway["NoNewPrivs"], "1")

    def test_it_goes_on_through_sizes_and_encoders(self):
        """Nothing that real sessions do is killed: each kind of client, a new size, threads."""
        for client in (("/gfx:AVC444", "+dynamic-resolution"), ("/gfx:RFX",), ("-gfx",)):
            with self.subTest(client=client):
                self.begin("encoder_threads=4", client=client)
                window, _, _ = self.window()
                self.x("xdotool", "windowsize", window, 1200, 900)
                time.sleep(1.5)
                self.assertEqual(self.workers("oriel-session"), [self.session])
                self.assertEqual(self.workers("oriel-console"), [self.console])
                self.assertNotIn("ended badly", self.log("gateway"))
                self.end_all()
                for path in self.dir.glob("*.log"):
                    path.unlink()
                self.started = []


if __name__ == "__main__":
    unittest.main()
