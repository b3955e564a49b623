"""The clients that people have, on the whole stack: each sees the guest's picture, by password and, where it can, by ticket."""
import re
import shutil
import unittest

import lib
import lib_full


class Clients(lib_full.Case):
    def check(self, program, *more):
        if not shutil.which(program):
            self.skipTest(f"no {program} here")
        ticket = self.stack.oriel("ticket", "issue", "alice")
        for way, user, password in (("password", "alice", lib_full.PASSWORD), ("ticket", ticket["user"], ticket["password"])):
            with self.subTest(way):
                client = self.rdp(user, *more, password=password, program=program, name=f"{way}")
                self.see()
                self.assertIsNone(client.poll())
                self.assertEqual(bool(self.stack.session_of("alice")["ticket"]), way == "ticket")
                self.leave(client, "alice")

    def see(self, size="1024x768", seconds=60):
        """Where the window is, is the client's own choice: some of them move it while they start. And a VNC viewer takes
        the size that the desktop has."""

        def is_same():
            found = re.search(r"0x[0-9a-f]+ \"(?:FreeRDP|rdesktop|main - Oriel - TigerVNC)[^\n]* (%s)\+\S+ +\+(\d+)\+(\d+)" % size,
                              self.windows())
            return found and self.differing(found[1], at=(found[2], found[3])) == 0

        lib.wait_for("the guest's picture, pixel by pixel", is_same, seconds)

    def test_xfreerdp3(self):
        self.check("xfreerdp3")

    def test_xfreerdp3_without_graphics_pipeline(self):
        self.check("xfreerdp3", "/network:modem")

    def test_xfreerdp3_says_language_zone_and_keyboard(self):
        spare = self.stack.wait_spare()[0]
        serial = self.stack.serial(spare["domain"], self.dir / "serial.log")
        self.addCleanup(serial.close)
        client = self.login("bob", "/kbd:layout:0x0000040c", env={"TZ": "America/New_York"})
        self.assertEqual(self.stack.desktop_of("bob")["id"], spare["id"])
        lib.wait_for("the guest to have them", lambda: serial.count(
            r"session user=bob uid=\d+ locale=fr_FR timezone=America/New_York keyboard=fr"), 20)
        self.leave(client, "bob")

    def test_xfreerdp2(self):
        self.check("xfreerdp")

    def test_sdl_freerdp3(self):
        self.check("sdl-freerdp3")

    def test_tigervnc(self):
        self.stack.wait_spare()
        ticket = self.stack.oriel("ticket", "issue", "alice")
        serial = None
        for way, user, password, key, code in (("password", "alice@main", lib_full.PASSWORD, "a", 30),
                                               ("ticket", ticket["user"], ticket["password"], "b", 48)):
            with self.subTest(way):
                client = self.vnc(user, password=password, name=way)
                self.see(r"\d+x\d+", lib_full.BOOT_S)
                serial = serial or self.listen("alice")  # two readers of one console get half of it each
                self.focus()
                self.type_key(serial, key, code)
                self.assertIsNone(client.poll())
                self.assertEqual(bool(self.stack.session_of("alice")["ticket"]), way == "ticket")
                self.leave(client, "alice")
        with self.subTest("a pool that there is not"):
            client = self.vnc("alice@nowhere", name="nowhere", is_shown=False)
            self.wait_log("nowhere", "no_such_pool")
            self.assert_audited(client, "no_such_pool")
        with self.subTest("a ticket's password is compared"):
            client = self.vnc(ticket["user"], password="wrong", name="wrong", is_shown=False)
            self.wait_log("wrong", "ticket_invalid")
            self.assert_audited(client, "ticket_invalid")

    def test_rdesktop(self):
        if not shutil.which("rdesktop"):
            self.skipTest("no rdesktop here")
        relay = self.relay()
        answer = self.dir / "answer"
        answer.write_text("yes\n" * 4)
        client = self.start("rdesktop", "bash", "-c", 'exec "$@" <"$0"', answer, "rdesktop", "-u", "alice", "-p", lib_full.PASSWORD,
                            "-g", "1024x768", "-a", "32", f"127.0.0.1:{relay.port}",
                            env={"DISPLAY": self.display_name, "HOME": str(self.dir)})
        client.relay, client.log_name = relay, "rdesktop"
        self.see()
        self.assertIsNone(client.poll())
        self.leave(client, "alice")


if __name__ == "__main__":
    unittest.main()
