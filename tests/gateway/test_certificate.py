"""The gateway's certificate is changed while clients are connected: who comes sees the new one, who is there stays."""
import hashlib
import pathlib
import shutil
import socket
import ssl
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "e2e"))
import lib
import lib_certificate as certificates

# MS-RDPBCGR 2.2.1.1: a connection request that asks for TLS.
X224_REQUEST = bytes.fromhex("030000130ee00000000000" "0100080001000000")


class Certificate(lib.Case):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.mkdtemp(prefix="oriel-ca.")
        cls.addClassCleanup(shutil.rmtree, folder)
        cls.authority = certificates.Authority(folder)

    def begin(self, *settings):
        self.run_dir = self.dir / "run"
        self.run_dir.mkdir()
        self.control = certificates.Control(self, self.run_dir)
        vmpool = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.addCleanup(vmpool.close)
        vmpool.bind(str(self.run_dir / "console.sock"))
        vmpool.listen()
        self.start_gateway("handshake_deadline_s=300", *settings)
        return self.control.accept()

    def dial(self):
        """A client's TLS in RDP, and what it was shown."""
        sock = socket.create_connection(("127.0.0.1", self.port), timeout=60)
        self.addCleanup(sock.close)
        sock.sendall(X224_REQUEST)
        answer = b""
        while len(answer) < 19:
            part = sock.recv(19 - len(answer))
            self.assertTrue(part, answer)
            answer += part
        self.assertEqual(answer[11], 2, "TLS is chosen")  # TYPE_RDP_NEG_RSP
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        tls = context.wrap_socket(sock)
        self.addCleanup(tls.close)
        return tls, hashlib.sha256(tls.getpeercert(binary_form=True)).hexdigest()

    def test_who_comes_sees_the_new_one_and_who_is_there_stays(self):
        own = self.begin()
        self.assertEqual((own["service"], own["source"], own["is_self_signed"], own["port"]), (1, certificates.OWN, 1, self.port))
        _, seen = self.dial()
        self.assertEqual(seen, own["fingerprint"])
        there = self.workers("oriel-session")

        chain, key = self.authority.issue("rdp.test")
        said = self.control.change(7, chain, key)
        new = certificates.fingerprint(chain)
        self.assertEqual((said["is_refused"], said["source"], said["count"], said["fingerprint"]), (0, certificates.UPLOADED, 2, new))
        self.assertEqual(self.dial()[1], new)
        self.assertLessEqual(set(there), set(self.workers("oriel-session")), "who was there is still there")
        self.assertNotIn(key.splitlines()[3], self.log("gateway"))

        # Each of these is refused with its reason, and the one before stays.
        _, other = self.authority.issue("rdp.test")
        elliptic = self.authority.issue("rdp.test", key="ec")
        for serial, (bad_chain, bad_key, why) in enumerate(((chain, other, "not the key"), (chain[:-80], key, "cut off"),
                                                            ("x", key, "not PEM"), (*elliptic, "RSA")), 8):
            with self.subTest(why):
                said = self.control.change(serial, bad_chain, bad_key)
                self.assertEqual((said["is_refused"], said["source"], said["fingerprint"]), (1, certificates.UPLOADED, new))
                self.assertIn(why, said["why"])
        self.assertEqual(self.dial()[1], new)

        # It outlives the gateway, until it is taken back.
        self.end(self.gateway)
        self.start_gateway()
        self.assertEqual(self.control.accept()["fingerprint"], new)
        self.assertEqual(self.dial()[1], new)
        said = self.control.change(20)
        self.assertEqual((said["source"], said["fingerprint"]), (certificates.OWN, own["fingerprint"]))
        self.assertEqual(self.dial()[1], own["fingerprint"])

    def test_a_setting_is_stronger_than_an_upload(self):
        chain, key = self.authority.issue("rdp.test")
        for name, text in (("set.crt", chain), ("set.key", key)):
            (self.dir / name).write_text(text)
        said = self.begin(f"certificate={self.dir}/set.crt", f"certificate_key={self.dir}/set.key")
        self.assertEqual(said["source"], certificates.SETTING)
        other = self.authority.issue("rdp.test")
        said = self.control.change(1, *other)
        self.assertEqual((said["is_refused"], said["fingerprint"]), (1, certificates.fingerprint(chain)))
        self.assertIn("settings", said["why"])
        self.assertEqual(self.dial()[1], certificates.fingerprint(chain))


if __name__ == "__main__":
    unittest.main()
