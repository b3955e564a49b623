#!/usr/bin/env python3
"""Templates from files, with real programs: bad files are each refused with their reason, and nothing is left of them; an installation is begun
and called off, over a killed vmpool; an image is sent in pieces, over lost ones and a killed vmpool. With ORIEL_INSTALL=1, by hand: an ISO is installed and sealed, and
a desktop cloned of the image.

Usage: vm_import.py SOURCE_DIR VMPOOL TOOL       ORIEL_TINY: a folder that guest/tiny/build filled (else it is built)
Exit 77: this machine can't run it; ctest shows that as skipped."""
import json
import os
import pathlib
import signal
import socket
import subprocess

from vm_rig import Failed, expect, play, run


class Site:
    """The rig's vmpool with a broker beside it, and the command line."""

    def __init__(self, rig):
        self.rig, self.bin = rig, pathlib.Path(rig.vmpool).parent
        self.socket = rig.state / "broker.sock"
        self.log = open(rig.dir / "broker.log", "ab")
        rig.hand_over()
        self.broker = subprocess.Popen(
            [self.bin / "oriel-broker", "--config", "/dev/null", "--set", f"run_dir={rig.state}", "--set", f"state_dir={rig.state}", "--set", f"user={rig.user}"],
            stdout=self.log, stderr=self.log)
        rig.until("the broker answers", self.socket.exists)

    def oriel(self, *args, code=0, timeout=240):
        ended = subprocess.run([self.bin / "oriel", "--socket", self.socket, *map(str, args)], capture_output=True, text=True, timeout=timeout)
        if ended.returncode != code:
            raise Failed(f"oriel {args}: {ended.returncode}, not {code}: {ended.stdout}{ended.stderr}")
        return ended.stdout + ended.stderr

    def json(self, *args):
        return json.loads(self.oriel("--json", *args))

    def job(self, **wanted):
        rows = self.json("job", "list")["jobs"]
        return next((r for r in rows if all(r[key] == value for key, value in wanted.items())), None)

    def ask(self, method, path, body=None):
        """One request, as curl would send it."""
        text = json.dumps(body) if body is not None else ""
        with socket.socket(socket.AF_UNIX) as sock:
            sock.connect(str(self.socket))
            sock.sendall(f"{method} {path} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: {len(text)}\r\nConnection: close\r\n\r\n{text}".encode())
            data = b""
            while piece := sock.recv(65536):
                data += piece
        return json.loads(data.split(b"\r\n\r\n", 1)[1])

    def piece(self, job, ticket, offset, data, length=None):
        with socket.socket(socket.AF_UNIX) as sock:
            sock.settimeout(60)
            sock.connect(str(self.rig.state / "upload.sock"))
            try:
                sock.sendall(f"PUT {job} {ticket} {offset} {len(data) if length is None else length}\n".encode() + data)
                sock.shutdown(socket.SHUT_WR)
            except BrokenPipeError:
                pass  # refused, and not read
            answer = b""
            while piece := sock.recv(4096):
                answer += piece
        status, code, at, text = answer.decode().rstrip("\n").split(" ", 3)
        return int(status), code, int(at), text

    def close(self):
        self.broker.terminate()
        self.broker.wait(timeout=60)


def files(rig):
    return sorted(p.name for p in next(rig.state.glob("images/*-*")).glob("templates/*"))


def refused(rig, site):
    """Each with its reason, and without a trace on the disk."""
    folder = rig.state / "import"
    folder.mkdir(mode=0o755)
    bad = {"nothing.qcow2": b"hello" * 1000, "disk.vmdk": b"KDMV" + bytes(2000), "cut.qcow2": None, "shadow.qcow2": None, "luks.qcow2": None}
    run("qemu-img", "create", "-q", "-f", "qcow2", "-F", "raw", "-b", "/etc/shadow", "-u", folder / "shadow.qcow2", "16M")
    run("qemu-img", "create", "-q", "-f", "qcow2", folder / "luks.qcow2", "16M")
    with open(folder / "luks.qcow2", "r+b") as file:
        file.seek(32)  # crypt_method
        file.write(bytes((0, 0, 0, 2)))
    run("qemu-img", "create", "-q", "-f", "qcow2", folder / "cut.qcow2", "16M")
    run("qemu-io", "-f", "qcow2", "-c", "write -P 7 0 16M", folder / "cut.qcow2")
    os.truncate(folder / "cut.qcow2", 5 << 20)
    says = {"nothing.qcow2": "not a disk image", "disk.vmdk": "VMDK", "cut.qcow2": "damaged or not whole", "shadow.qcow2": "needs another file", "luks.qcow2": "encrypted"}
    for name, data in bad.items():
        if data:
            (folder / name).write_bytes(data)
        said = site.oriel("template", "import", "bad", folder / name, code=1)
        expect(says[name] in said and "image_refused" in said, f"{name} is refused: {says[name]}")
    os.symlink("/etc/shadow", folder / "link")
    rig.hand_over()
    expect("leads out of" in site.oriel("template", "import", "bad", "link", "--on-host", code=1), "a link that leads out of import_dir is refused")
    expect("import_dir" in site.oriel("template", "import", "bad", "/etc/shadow", "--on-host", code=1), "so is an absolute path")
    expect("No such file" in site.oriel("template", "import", "bad", "none", "--on-host", code=1), "and what is not there")
    expect("there is a template tiny" in site.oriel("template", "import", "tiny", folder / "cut.qcow2", code=1), "a name that exists is refused before anything is sent")
    large = site.ask("POST", "/v1/templates/bad/import", {"size_bytes": 2 << 30})
    status, code, _, _ = site.piece(large["job"], large["upload"]["ticket"], 0, b"x")
    expect((status, code) == (413, "image_too_large"), "a file larger than max_upload_gib is refused at its first byte")
    expect(files(rig) == [], "nothing is left of any of them")


def pieces(rig, site, image):
    """Dropped half way, it goes on from what is there; a piece twice, a wrong ticket and a late one change nothing."""
    data = image.read_bytes()
    begun = site.ask("POST", "/v1/templates/resumed/import", {"size_bytes": len(data)})
    job, ticket = begun["job"], begun["upload"]["ticket"]
    expect(site.job(id=job)["state"] == "waiting", "the job waits for its file")
    half = len(data) // 2
    expect(site.piece(job, "a" * 52, 0, data[:10])[0] == 404, "a wrong ticket is of no use")
    status, _, at, _ = site.piece(job, ticket, 0, data[:1000], length=half)
    expect((status, at) == (408, 1000), "of a piece that broke off, what came is kept")
    expect(site.piece(job, ticket, 0, data[:1000])[::2] == (409, 1000), "a piece that was there already is refused, with where to go on")
    expect(site.piece(job, ticket, 1000, data[1000:half])[::2] == (200, half), "the next one is taken")
    expect(site.piece(job, ticket, half, b"")[::2] == (200, half), "how much is there can be asked")
    expect(site.piece(job, ticket, half, data[half:])[0] == 200, "and the last")
    expect(site.piece(job, ticket, half, data[half:])[0] in (409, 410), "the end twice is one end")
    rig.until("it becomes a template", lambda: site.job(id=job, state="done"))
    dropped = site.ask("POST", "/v1/templates/dropped/import", {"size_bytes": len(data)})
    site.piece(dropped["job"], dropped["upload"]["ticket"], 0, data[:half])
    expect(len(files(rig)) == 2, "half of another one is there")
    site.oriel("job", "cancel", dropped["job"])
    rig.until("cancelled, it leaves nothing", lambda: len(files(rig)) == 1)
    expect(site.piece(dropped["job"], dropped["upload"]["ticket"], half, data[half:])[0] == 410, "and takes nothing more")
    late = site.ask("POST", "/v1/templates/late/import", {"size_bytes": len(data)})
    site.piece(late["job"], late["upload"]["ticket"], 0, data[:half])
    rig.kill()
    rig.start(*settings(rig))
    rig.until("a vmpool that was killed half way: the job has failed", lambda: site.job(id=late["job"], state="failed", reason="vmpool_down"))
    expect(len(files(rig)) == 1, "and what it left is gone")


def settings(rig):
    return (f"import_dir={rig.state}/import", "max_upload_gib=1", f"broker_user={rig.user}")


def build(rig, site, iso):
    """Begun, looked at, installed, sealed."""
    begun = site.json("template", "build", "installed", iso, "--disk", 64, "--memory", 192, "--user", "ann")
    expect(begun["pool"] == "build-installed", "the machine is a pool's desktop")
    domain = f"oriel-{begun['job'][:12]}-1"
    rig.until("the machine runs", lambda: domain in rig.domains("--state-running"))
    rig.until("its agent answers", lambda: rig.answers(domain))
    row = rig.until("it can be opened as a desktop", lambda: next((d for d in site.json("desktop", "list", "--pool", "build-installed")["desktops"] if d["power"] == "running"), None))
    expect("domain:" + domain in json.dumps(row), "that desktop is this machine")
    rig.until("the installation is done", lambda: rig.inside(domain, "/bin/busybox cat /run/installed") == "yes")
    rig.kill(signal.SIGTERM)
    expect("runs on" in site.job(id=begun["job"])["progress_text"] and domain in rig.domains("--state-running"), "a vmpool that is stopped leaves it running, and says so")
    rig.start(*settings(rig))
    said = site.oriel("template", "seal", "installed")
    expect("template installed has version 1" in said, "sealed, it is a template")
    expect(domain not in rig.domains(), "its machine is gone")
    rig.until("and so is its pool", lambda: site.ask("GET", "/v1/pools/build-installed").get("code") == "not_found")
    return pathlib.Path(site.json("template", "show", "installed")["path"])


def story(rig):
    iso = rig.dir / "tiny.iso"
    run(rig.source / "guest" / "tiny" / "iso", rig.tiny, iso)
    site = Site(rig)
    try:
        site.oriel("pool", "set", "p", "--spares", 0, "--clone-method", "cold")  # one guest at a time
        rig.start(*settings(rig))
        site.oriel("user", "add", "ann", "--generate-password")
        rig.until("the host is up", lambda: any("host up" in line for line in rig.status()))
        refused(rig, site)
        cancelled = site.json("template", "build", "dropped", iso, "--disk", 64, "--memory", 192)
        machine = f"oriel-{cancelled['job'][:12]}-1"
        rig.until("an installation begins", lambda: machine in rig.domains("--state-running"))
        rig.until("it can be sealed", lambda: site.job(id=cancelled["job"], progress_percent=50))
        uuid = run("virsh", "-c", rig.uri, "domuuid", machine)
        rig.kill()
        heard_ms = site.job(id=cancelled["job"], state="running")["changed_ms"]
        rig.start(*settings(rig))
        rig.until("a vmpool that was killed meanwhile goes on with it", lambda: (job := site.job(id=cancelled["job"], state="running")) and job["changed_ms"] > heard_ms
                  and "is being installed" in job["progress_text"])
        expect(run("virsh", "-c", rig.uri, "domuuid", machine) == uuid and machine in rig.domains("--state-running"), "with the same machine, which ran on")
        site.oriel("job", "cancel", cancelled["job"])
        rig.until("called off, its machine and its files are gone", lambda: machine not in rig.domains() and files(rig) == [])
        image = rig.dir / "image.qcow2"
        run("qemu-img", "convert", "-f", "raw", "-O", "qcow2", iso, image)
        pieces(rig, site, image)
        if not os.environ.get("ORIEL_INSTALL"):
            return
        disk = build(rig, site, iso)
        disk.stat()
        site.oriel("pool", "add", "clones", "--kind", "floating", "--template", "resumed", "--spares", 1, "--memory", 192, "--clone-method", "cold")
        row = rig.until("a desktop is cloned of it and paints", rig.ready)
        expect(row["domain"] in rig.domains("--state-running"), "it runs")
    finally:
        site.close()
        print((rig.dir / "broker.log").read_text(errors="replace")[-3000:] if rig.process is None else "", end="")


if __name__ == "__main__":
    raise SystemExit(play(story, ("xorriso", "qemu-io")))
