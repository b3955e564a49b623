"""The whole slice with real machines: log in, see, type, resize, come back, log off."""
import json
import os
import signal
import time
import unittest

import lib
import lib_full

# QEMU's tablet has 32768 steps an axis, and rounds down.
NEAR = {(x, y) for x in (299, 300) for y in (199, 200)}


class Desktop(lib_full.Case):
    def test_by_the_command_line_alone_from_a_template_to_somebody_at_work(self):
        oriel = self.stack.oriel
        self.stack.wait_spare()
        self.stack.add_template("second", self.stack.tiny)
        self.addCleanup(self.stack.call, "template", "remove", "second")
        lib.wait_for("the template to be checked", lambda: oriel("template", "show", "second")["state"] == "ready", 60)
        oriel("pool", "add", "den", "--kind", "floating", "--template", "second", "--clone-method", "cold", "--spares", 1, "--max", 1)
        self.addCleanup(self.stack.call, "pool", "remove", "den")
        self.stack.add_user("eve")
        self.addCleanup(self.stack.call, "user", "remove", "eve")
        oriel("group", "add", "staff", "--display", "Everybody")
        self.addCleanup(self.stack.call, "group", "remove", "staff")
        oriel("group", "add-user", "staff", "eve")
        oriel("entitlement", "add-group", "staff", "den")
        self.assertEqual(oriel("entitlement", "list", "--pool", "den")["entitlements"], [{"user": "", "group": "staff", "pool": "den"}])
        etag = oriel("group", "show", "staff")["etag"]
        oriel("--if-match", etag, "group", "set", "staff", "--display", "All of us")
        late = self.stack.call("--if-match", etag, "group", "set", "staff", "--display", "Us")
        self.assertEqual((late.returncode, json.loads(late.stdout)["current"]["display"]), (1, "All of us"))

        self.stack.wait_spare("den")
        oriel("pool", "set", "den", "--spares", 0)
        client = self.login("eve")
        serial = self.listen("eve", "den")
        self.type_key(serial, "a", 30)
        session = self.stack.session_of("eve", "den")
        self.assertEqual((session["state"], session["protocol"]), ("active", "rdp"))
        oriel("session", "logoff", session["id"])
        self.assertIsNotNone(client.wait(30))
        lib.wait_for("the desktop to be gone", lambda: not self.stack.desktops(pool="den"), 60)

    def test_login_by_password_shows_the_guest_and_input_arrives(self):
        client = self.login("alice")
        serial = self.listen("alice")
        for key, code in (("a", 30), ("Right", 106), ("KP_Enter", 96), ("Delete", 111), ("Insert", 110), ("Super_L", 125)):
            self.type_key(serial, key, code)
        self.x("xdotool", "mousemove", 300, 200)
        lib.wait_for("the pointer", lambda: serial.pointer() in NEAR, 20)
        for button, code in ((1, 272), (2, 274), (3, 273)):
            self.x("xdotool", "click", button)
            lib.wait_for(f"button {code}", lambda code=code: serial.count(f"button {code} up") == 1, 20)
        self.x("xdotool", "click", 4)
        lib.wait_for("the wheel", lambda: serial.count("wheel 1 0"), 20)
        self.x("xdotool", "click", 5)
        lib.wait_for("the wheel back", lambda: serial.count("wheel 0 0"), 20)
        keys = [part for code in (96, 111, 110, 125) for sign in "+-" for part in ("--key", f"{code}{sign}")]
        self.assert_guest("1024x768", *keys, "--pointer", *serial.pointer())
        self.assertIsNone(client.poll())

        with self.subTest("who looks sees frames and their times, of a key too"):
            session = self.stack.session_of("alice")["id"]
            seen, code = self.stack.look(session, lambda: self.x("xdotool", "key", "b"), 3)
            self.assertEqual(code, 0)
            self.assertEqual([one["seq"] for one in seen], sorted({one["seq"] for one in seen}))
            self.assertEqual({(one["width_px"], one["height_px"]) for one in seen}, {(1024, 768)})
            for count in ("encode", "ack", "total", "key"):
                self.assertGreater(sum(one[count]["count"] for one in seen), 0, count)
            self.assertGreater(sum(one["kinds"]["lossless"]["bytes"] for one in seen), 0)
            keys += ["--key", "48+", "--key", "48-"] * 3

        with self.subTest("who disconnects comes back to the same desktop, with what was typed"):
            desktop = self.stack.desktop_of("alice")["id"]
            self.leave(client, "alice")
            self.login("alice", name="again")
            self.assert_guest("1024x768", *keys, "--pointer", *serial.pointer())
            self.assertEqual(self.stack.desktop_of("alice")["id"], desktop)

    def test_guest_follows_the_window(self):
        self.login("alice", "/dynamic-resolution")
        window = self.focus()
        self.x("xdotool", "windowsize", window, 1200, 900)
        self.assert_guest("1200x900")
        self.x("xdotool", "windowsize", window, 800, 600)
        self.assert_guest("800x600")

    def test_ticket_by_nla_is_for_one_session(self):
        ticket = self.stack.oriel("ticket", "issue", "bob")
        client = self.login(ticket["user"], password=ticket["password"], name="ticket")
        session = self.stack.session_of("bob")
        self.assertEqual((session["ticket"], session["state"]), (ticket["id"], "active"))
        self.leave(client, "bob")

        with self.subTest("it enters its own session again"):
            client = self.login(ticket["user"], password=ticket["password"], name="same")
            self.assertEqual(self.stack.session_of("bob")["id"], session["id"])
            self.leave(client, "bob")
        with self.subTest("a wrong password is refused"):
            client = self.rdp(ticket["user"], password="x" * 16, name="wrong")
            self.assert_refused(client, "ticket_invalid", "ERRCONNECT_AUTHENTICATION_FAILED")
        with self.subTest("it is of no use after its session"):
            self.stack.oriel("session", "logoff", session["id"])
            client = self.rdp(ticket["user"], password=ticket["password"], name="late")
            self.assertNotEqual(client.wait(40), 0)
            self.assert_audited(client, "ticket_invalid")
        with self.subTest("a revoked one is refused"):
            ticket = self.stack.oriel("ticket", "issue", "bob")
            self.stack.oriel("ticket", "remove", ticket["id"])
            client = self.rdp(ticket["user"], password=ticket["password"], name="revoked")
            self.assertNotEqual(client.wait(40), 0)
            self.assert_audited(client, "ticket_invalid")

    def test_ticket_that_is_late_is_refused(self):
        self.stack.end("broker")
        self.stack.start_broker("ticket_first_use_s=5")
        try:
            ticket = self.stack.oriel("ticket", "issue", "bob")
            lib.wait_for("the ticket to expire", lambda: time.time() * 1000 > ticket["expires_ms"], 10)
            client = self.rdp(ticket["user"], password=ticket["password"], name="expired")
            self.assertNotEqual(client.wait(40), 0)
            self.assert_audited(client, "ticket_invalid")
        finally:
            self.stack.end("broker")
            self.stack.start_broker()

    def test_cut_connection_comes_back_without_a_prompt(self):
        ticket = self.stack.oriel("ticket", "issue", "alice")
        for name, user, password in (("password", "alice", lib_full.PASSWORD), ("ticket", ticket["user"], ticket["password"])):
            with self.subTest(f"by {name}"):
                client = self.login(user, "+auto-reconnect", "/auto-reconnect-max-retries:20", password=password, name=name)
                session, desktop = self.stack.session_of("alice")["id"], self.stack.desktop_of("alice")["id"]
                before = client.relay.total
                client.relay.cut()
                lib.wait_for("the client's next connection", lambda: client.relay.total > before, 40)
                lib.wait_for("the session to be active", lambda: self.stack.session_of("alice")["state"] == "active", 40)
                self.assert_guest()
                self.assertIsNone(client.poll())
                self.assertEqual((self.stack.session_of("alice")["id"], self.stack.desktop_of("alice")["id"]), (session, desktop))
                self.leave(client, "alice")

    def test_two_people_have_two_desktops(self):
        first = self.login("alice")
        serial = self.listen("alice")
        self.type_key(serial, "b", 48)
        self.x("xdotool", "windowmove", self.focus(), 0, 0)
        second = self.rdp("bob")
        lib.wait_for("bob's session", lambda: (self.stack.session_of("bob") or {}).get("state") == "active", lib_full.BOOT_S)
        lib.wait_for("bob's pixels", lambda: self.stack.session_of("bob")["stats"] and self.stack.session_of("bob")["stats"]["frames"] > 0, 60)
        alice, bob = self.stack.desktop_of("alice"), self.stack.desktop_of("bob")
        self.assertNotEqual(alice["id"], bob["id"])
        self.assertTrue({alice["domain"], bob["domain"]} <= self.stack.domains("--state-running"))
        self.end(first)
        self.focus()
        self.assert_guest()
        typed = self.differing("1024x768", "--key", "48+", "--key", "48-", "--pointer", *serial.pointer())
        self.assertGreater(typed, 0, "bob does not see what alice typed")
        self.assertIsNone(second.poll())
        self.stack.oriel("session", "logoff", self.stack.session_of("bob")["id"])

    def test_second_client_of_the_same_person_takes_over(self):
        first = self.login("alice", name="first")
        desktop = self.stack.desktop_of("alice")["id"]
        second = self.rdp("alice", name="second")
        self.assert_refused(first, "taken_over", "ERRINFO_DISCONNECTED_BY_OTHER_CONNECTION")
        self.assert_guest()
        self.assertEqual(self.stack.desktop_of("alice")["id"], desktop)
        self.assertIsNone(second.poll())

    def gone(self, desktop):
        lib.wait_for("the desktop to be destroyed", lambda: desktop["domain"] not in self.stack.domains() and
                     not self.stack.desktops(id=desktop["id"]), 60)

    def test_logoff_recycles_and_no_desktop_is_given_twice(self):
        client = self.login("carol")
        desktop = self.stack.desktop_of("carol")
        self.stack.oriel("session", "logoff", self.stack.session_of("carol")["id"])
        client.wait(30)
        self.assertIn("ERRINFO_LOGOFF_BY_USER", self.log(client.log_name))
        self.gone(desktop)

        client = self.login("carol", name="next")
        second = self.stack.desktop_of("carol")
        self.assertNotEqual(second["id"], desktop["id"])
        serial = self.listen("carol")
        self.command(serial, "q", "poweroff")
        client.wait(40)
        self.assertIn("ERRINFO_LOGOFF_BY_USER", self.log(client.log_name))
        self.gone(second)
        self.stack.assert_given_once()
        self.stack.assert_nothing_leaked()

    def test_disconnected_too_long_is_recycled(self):
        self.stack.oriel("pool", "set", "main", "--disconnect-timeout", 2)
        self.addCleanup(self.stack.oriel, "pool", "set", "main", "--disconnect-timeout", 3600)
        client = self.login("carol")
        desktop = self.stack.desktop_of("carol")
        self.end(client)
        self.gone(desktop)
        ended = self.stack.oriel("session", "list", "--all", "--user", "carol")["sessions"][0]
        self.assertEqual((ended["state"], ended["reason"]), ("ended", "disconnect_timeout"))

    def band_pixels(self):
        """How many pixels of the client's window have the colour of a warning's band."""
        path = self.dir / "band.png"
        self.convert(self.shot(), "-crop", "1024x60+0+0", "+repage", "-fill", "black", "+opaque", "#FFF4CE", "-fill", "white", "-opaque", "#FFF4CE", path)
        return self.mean(path, "1024x60+0+0") * 1024 * 60

    def test_who_is_idle_is_warned_on_the_screen_and_disconnected(self):
        client = self.login("bob")
        self.focus()
        self.x("xdotool", "key", "a")
        lib.wait_for("news of input", lambda: time.time() * 1000 - (self.stack.session_of("bob")["stats"] or {"last_input_ms": 0})["last_input_ms"] < 12000, 30)
        self.addCleanup(self.stack.oriel, "pool", "set", "main", "--idle-timeout", 14400, "--warn-first", 300, "--warn-last", 60)
        self.stack.oriel("pool", "set", "main", "--idle-timeout", 30, "--warn-first", 15, "--warn-last", 5)
        with self.subTest("input takes the warning away"):
            lib.wait_for("the warning", lambda: self.band_pixels() > 1000, 90)
            self.x("xdotool", "key", "a")
            lib.wait_for("the picture below it", lambda: self.band_pixels() == 0, 20)
            self.assertIsNone(client.poll())
        with self.subTest("without input it comes again, and the end says why"):
            lib.wait_for("the warning again", lambda: self.band_pixels() > 1000, 90)
            session = self.stack.session_of("bob")["id"]
            self.assert_refused(client, "idle_timeout", "ERRINFO_IDLE_TIMEOUT", session=session)
            self.assertEqual(self.stack.session_of("bob")["state"], "disconnected")

    def test_reboot_keeps_the_session_and_a_crash_is_mended_once(self):
        client = self.login("alice")
        desktop = self.stack.desktop_of("alice")
        serial = self.listen("alice")
        with self.subTest("reboot"):
            self.command(serial, "r", "reboot")
            lib.wait_for("the guest to be back", lambda: serial.count(r"painted \d+x\d+"), lib_full.BOOT_S)
            self.assert_guest()
            self.assertIsNone(client.poll())
            self.assertEqual(self.stack.desktop_of("alice")["id"], desktop["id"])
            self.assertEqual(self.stack.session_of("alice")["state"], "active")
        with self.subTest("crash"):
            serial.close()
            serial = self.listen("alice")
            self.command(serial, "c", "crash")
            lib.wait_for("something else on the screen", lambda: self.differing("1024x768") > 100000, 60)
            self.assert_guest(seconds=lib_full.BOOT_S)
            self.assertIsNone(client.poll())
            self.assertEqual(self.stack.desktop_of("alice")["id"], desktop["id"])
        with self.subTest("a second death ends it"):
            session = self.stack.session_of("alice")["id"]
            os.kill(self.stack.qemu_pid(desktop["domain"]), signal.SIGKILL)
            self.assert_refused(client, "guest_died", "ERRINFO_CB_SESSION_ONLINE_VM_SESSMON_FAILED", 60, session)
            self.gone(desktop)


if __name__ == "__main__":
    unittest.main()
