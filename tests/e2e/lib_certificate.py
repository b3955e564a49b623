"""The broker's end of gateway.sock as far as certificates go, and certificates to send. Messages as in base/ipc_msgs.c."""
import hashlib
import pathlib
import socket
import ssl
import struct
import subprocess

import lib

CERTIFICATE, SERVICE = 16, 17
OWN, SETTING, UPLOADED = 0, 1, 2


def openssl(*words, cwd):
    done = subprocess.run(["openssl", *words], cwd=cwd, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


class Authority:
    """A CA of the test's own, with an intermediate, in a folder."""

    def __init__(self, folder):
        self.dir = pathlib.Path(folder)
        self.dir.mkdir(exist_ok=True)
        ca = ("-addext", "basicConstraints=critical,CA:TRUE", "-addext", "keyUsage=keyCertSign")
        openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "root.key", "-out", "root.crt", "-days", "3650", "-subj", "/CN=Test Root", cwd=self.dir)
        openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "middle.key", "-out", "middle.crt", "-days", "3650", "-subj",
                "/CN=Test Middle", "-CA", "root.crt", "-CAkey", "root.key", *ca, cwd=self.dir)

    def issue(self, name, key="rsa:2048", days=90):
        """(chain, key) as PEM texts."""
        kind = ["ec", "-pkeyopt", "ec_paramgen_curve:P-256"] if key == "ec" else [key]
        openssl("req", "-x509", "-newkey", *kind, "-nodes", "-keyout", "leaf.key", "-out", "leaf.crt", "-days", str(days), "-subj", f"/CN={name}",
                "-CA", "middle.crt", "-CAkey", "middle.key", "-addext", "basicConstraints=critical,CA:FALSE",
                "-addext", f"subjectAltName=DNS:{name},IP:127.0.0.1", "-addext", "extendedKeyUsage=serverAuth", cwd=self.dir)
        chain = (self.dir / "leaf.crt").read_text() + (self.dir / "middle.crt").read_text()
        return chain, (self.dir / "leaf.key").read_text()


def fingerprint(chain):
    """SHA-256 of the first certificate, hex."""
    return hashlib.sha256(ssl.PEM_cert_to_DER_cert(chain[:chain.index("-----END") + 25])).hexdigest()


class Control:
    """Who listens at gateway.sock; one service at a time."""

    def __init__(self, case, run_dir):
        self.case = case
        self.listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.listener.bind(str(run_dir / "gateway.sock"))
        self.listener.listen()
        self.listener.settimeout(60)
        case.addCleanup(self.listener.close)

    def accept(self):
        """A service that has come, and what it says of itself."""
        self.sock, _ = self.listener.accept()
        self.sock.settimeout(60)
        self.case.addCleanup(self.sock.close)
        return self.heard()

    def heard(self):
        data = self.sock.recv(65536)
        version, kind, _conn = struct.unpack_from("<HHI", data)
        self.case.assertEqual((version, kind), (lib.MSG_VERSION, SERVICE))
        at = 8

        def number(form="<I"):
            nonlocal at
            value = struct.unpack_from(form, data, at)[0]
            at += struct.calcsize(form)
            return value

        def text():
            nonlocal at
            size = number("<H")
            at += size
            return data[at - size:at].decode()

        said = {"service": number(), "serial": number(), "is_refused": number(), "why": text(), "port": number(), "other_port": number(),
                "source": number(), "count": number(), "is_self_signed": number(), "is_key_open": number(), "from_ms": number("<Q"),
                "until_ms": number("<Q"), "issuer": text(), "names": text(), "fingerprint": text(), "problem": text()}
        self.case.assertEqual(at, len(data))
        return said

    def send(self, serial, chain="", key=""):
        parts = [struct.pack("<HHII", lib.MSG_VERSION, CERTIFICATE, 0, serial)]
        parts += [struct.pack("<H", len(one)) + one.encode() for one in (chain, key)]
        self.sock.sendall(b"".join(parts))

    def change(self, serial, chain="", key=""):
        self.send(serial, chain, key)
        said = self.heard()
        self.case.assertEqual(said["serial"], serial)
        return said
