"""The portal's certificate is changed while browsers are connected: who comes sees the new one, who is there stays."""
import hashlib
import pathlib
import sys
import unittest

from rig import Rig, lib

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "e2e"))
import lib_certificate as certificates


class Certificate(Rig):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.authority = certificates.Authority(pathlib.Path(cls.state) / "ca")

    def begin(self, *settings):
        self.control = certificates.Control(self, self.run_dir)
        super().begin(*settings)
        return self.control.accept()

    def shown(self):
        """What a browser that comes now sees."""
        sock = self.tls()
        seen = hashlib.sha256(sock.getpeercert(binary_form=True)).hexdigest()
        sock.close()
        return seen

    def chain_shown(self, *more):
        root = self.authority.dir / "root.crt"
        return certificates.openssl("s_client", "-connect", self.host, "-CAfile", str(root), "-verify_return_error", "-verify_hostname",
                                    "portal.test", "-servername", "portal.test", *more, cwd=self.dir)

    def restart(self):
        self.assertEqual(self.end(self.web), 0)
        self.start_web()
        return self.control.accept()

    def test_who_comes_sees_the_new_one_and_who_is_there_stays(self):
        own = self.begin()
        self.assertEqual((own["service"], own["source"], own["is_self_signed"], own["port"]), (2, certificates.OWN, 1, self.port))
        self.assertEqual(own["fingerprint"], self.shown())
        old = self.tls()
        self.assertEqual(self.ask("GET", "/", sock=old)[0], 200)
        begun = self.tcp()  # its handshake comes after the change

        chain, key = self.authority.issue("portal.test", key="ec")
        said = self.control.change(7, chain, key)
        self.assertEqual((said["is_refused"], said["source"], said["count"], said["problem"]), (0, certificates.UPLOADED, 2, ""))
        self.assertEqual((said["fingerprint"], said["issuer"]), (certificates.fingerprint(chain), "CN=Test Middle"))
        self.assertEqual(said["names"], "portal.test 127.0.0.1")
        self.assertEqual(self.shown(), said["fingerprint"])
        self.assertIn("Verify return code: 0 (ok)", self.chain_shown())
        self.assertEqual(self.ask("GET", "/", sock=old)[0], 200)
        begun.close()

        # A key of another kind: the former one is not shown to those who would prefer it.
        chain, key = self.authority.issue("portal.test")
        said = self.control.change(8, chain, key)
        self.assertEqual(self.shown(), certificates.fingerprint(chain))
        for kinds in ("RSA+SHA256:RSA-PSS+SHA256", "ECDSA+SHA256:RSA-PSS+SHA256"):
            self.assertIn("Verify return code: 0 (ok)", self.chain_shown("-sigalgs", kinds))
        self.assertEqual(self.ask("GET", "/", sock=old)[0], 200)
        self.assertEqual(self.restart()["fingerprint"], certificates.fingerprint(chain))
        self.assertEqual(self.shown(), certificates.fingerprint(chain))

        # And back to its own.
        said = self.control.change(9)
        self.assertEqual((said["source"], said["fingerprint"]), (certificates.OWN, own["fingerprint"]))
        self.assertEqual(self.shown(), own["fingerprint"])
        self.assertEqual(self.restart()["source"], certificates.OWN)
        self.assertEqual([one.stat().st_size for one in pathlib.Path(self.state, "web").glob("uploaded-*") if b"KEY" in one.read_bytes()], [])

    def test_what_is_no_good_changes_nothing(self):
        before = self.begin()["fingerprint"]
        chain, key = self.authority.issue("portal.test")
        _, other = self.authority.issue("portal.test")
        for bad_chain, bad_key, why in ((chain, other, "not the key"), (chain[:-80], key, "cut off"), ("x", key, "not PEM"),
                                        (chain, "x", "not PEM"), (chain, "", "not PEM"), ("\0" * 50, key, "not PEM")):
            with self.subTest(why):
                said = self.control.change(3, bad_chain, bad_key)
                self.assertEqual((said["is_refused"], said["source"], said["fingerprint"]), (1, certificates.OWN, before))
                self.assertIn(why, said["why"])
        self.assertEqual(self.shown(), before)
        self.assertEqual(self.control.change(4, chain, key)["is_refused"], 0)
        self.assertNotIn(key.splitlines()[3], self.log("web"))
        self.control.change(5)

    def test_a_damaged_file_is_told_and_the_one_before_it_shown(self):
        own = self.begin()["fingerprint"]
        first, key = self.authority.issue("portal.test")
        self.control.change(1, first, key)
        second, key = self.authority.issue("portal.test")
        self.control.change(2, second, key)
        self.assertEqual(self.end(self.web), 0)
        newest = max(pathlib.Path(self.state, "web").glob("uploaded-*"), key=lambda one: one.stat().st_mtime_ns)
        data = newest.read_bytes()
        newest.write_bytes(data[:900])
        self.start_web()
        said = self.control.accept()
        self.assertEqual((said["source"], said["fingerprint"]), (certificates.UPLOADED, certificates.fingerprint(first)))
        self.assertIn("damaged", said["problem"])
        self.assertEqual(self.shown(), certificates.fingerprint(first))
        self.assertEqual(self.control.change(3)["fingerprint"], own)

    def test_a_setting_is_stronger_than_an_upload(self):
        chain, key = self.authority.issue("portal.test")
        (self.dir / "set.crt").write_text(chain)
        (self.dir / "set.key").write_text(key)
        said = self.begin(f"certificate={self.dir}/set.crt", f"certificate_key={self.dir}/set.key")
        self.assertEqual((said["source"], said["is_key_open"]), (certificates.SETTING, 1))
        other, other_key = self.authority.issue("portal.test")
        said = self.control.change(1, other, other_key)
        self.assertEqual((said["is_refused"], said["fingerprint"]), (1, certificates.fingerprint(chain)))
        self.assertIn("settings", said["why"])
        self.assertEqual(self.shown(), certificates.fingerprint(chain))


if __name__ == "__main__":
    unittest.main()
