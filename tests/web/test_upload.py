"""Pieces of files: whoever has no ticket holds nothing, and whoever has one is heard out."""
import json
import socketserver
import threading
import unittest

from rig import Rig, lib

JOB, GOOD, LATE, BAD = "0123456789abcdef" * 2, "g" * 52, "l" * 52, "b" * 52
PIECE = b"p" * (1 << 20)


class Vmpool(socketserver.StreamRequestHandler):
    """vmpool's end of upload.sock: one ticket is good, one is of a job that has ended; silent while server.is_silent."""

    def handle(self):
        head = self.rfile.readline().decode().split()
        if self.server.is_silent:
            self.server.over.wait(60)
            return
        ticket, offset, length = head[2], int(head[3]), int(head[4])
        body = self.rfile.read(length) if ticket == GOOD else b""
        self.server.heard.append((ticket, offset, length, len(body)))
        said = {GOOD: f"200 ok {offset + length} \n", LATE: "410 upload_stopped 0 the job was cancelled\n"}
        self.wfile.write(said.get(ticket, "404 upload_stopped 0 no upload is waited for with this ticket\n").encode())


class Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True
    request_queue_size = 128


class Upload(Rig):
    def begin(self, *settings):
        self.vmpool = Server(str(self.run_dir / "upload.sock"), Vmpool)
        self.vmpool.heard, self.vmpool.is_silent, self.vmpool.over = [], False, threading.Event()
        threading.Thread(target=self.vmpool.serve_forever, args=(0.05,), daemon=True).start()

        def end():
            self.vmpool.over.set()
            self.vmpool.shutdown()
            self.vmpool.server_close()

        self.addCleanup(end)
        super().begin(*settings)

    def put(self, ticket, body, length=None, source=None):
        """A connection that has sent this much of a piece."""
        sock = self.tls(source=source)
        sock.settimeout(60)
        sock.sendall((f"PUT /upload/{JOB}?offset=4096 HTTP/1.1\r\nHost: {self.host}\r\nAuthorization: Upload {ticket}\r\n"
                      f"Content-Length: {len(body) if length is None else length}\r\n\r\n").encode() + body)
        return sock

    def answer(self, sock):
        status, _, body = self.read_answer(sock)
        return status, json.loads(body)

    def test_a_piece_with_a_good_ticket_goes_whole(self):
        self.begin()
        sock = self.put(GOOD, PIECE)
        self.assertEqual(self.answer(sock), (200, {"offset": 4096 + len(PIECE)}))
        self.assertEqual(self.vmpool.heard, [(GOOD, 4096, 0, 0), (GOOD, 4096, len(PIECE), len(PIECE))])
        sock.sendall(f"PUT /upload/{JOB}?offset=7 HTTP/1.1\r\nHost: {self.host}\r\nAuthorization: Upload {GOOD}\r\nContent-Length: 0\r\n\r\n".encode())
        self.assertEqual(self.answer(sock), (200, {"offset": 7}))

    def test_without_a_ticket_nothing_is_waited_for_and_no_place_is_held(self):
        self.begin()
        for i in range(48):
            status, said = self.answer(self.put(BAD, b"some", length=len(PIECE), source=(f"127.0.0.{2 + i % 12}", 0)))
            self.assertEqual((status, said["code"]), (404, "upload_stopped"))
        self.assertEqual({(length, read) for _, _, length, read in self.vmpool.heard}, {(0, 0)})
        self.assertEqual(self.answer(self.put(GOOD, PIECE))[0], 200)

    def test_who_had_a_ticket_hears_why_after_having_sent_all(self):
        self.begin()
        sock = self.put(LATE, b"", length=len(PIECE))
        lib.wait_for("vmpool was asked", lambda: self.vmpool.heard)
        sock.sendall(PIECE)
        status, said = self.answer(sock)
        self.assertEqual((status, said["detail"]), (410, "the job was cancelled"))

    def test_places_are_of_an_address_and_a_silent_vmpool_holds_them_for_a_moment(self):
        self.begin()
        held = [self.put(GOOD, b"", length=len(PIECE)) for _ in range(4)]
        lib.wait_for("four are being sent", lambda: len(self.vmpool.heard) == 4)
        late = self.put(GOOD, b"", length=len(PIECE))
        lib.wait_for("the fifth has asked, too", lambda: len(self.vmpool.heard) == 5)
        late.sendall(PIECE)
        self.assertEqual(self.answer(late)[0], 503)
        self.assertEqual(self.answer(self.put(GOOD, PIECE, source=("127.0.0.2", 0)))[0], 200)
        for sock in held:
            sock.sendall(PIECE)
            self.assertEqual(self.answer(sock)[0], 200)
        self.vmpool.is_silent = True
        sock = self.put(GOOD, b"", length=len(PIECE))
        self.assertTrue(self.is_closed(sock))  # at a deadline of seconds


if __name__ == "__main__":
    unittest.main()
