"""Clones that are shown by their guest's RDP server: real machines, their hook, their network with its filter, and Debian's
xrdp. That one is in a namespace beside the machines, the "world": a tiny guest has no room for it, and passes it on."""
import json
import os
import re
import shutil
import subprocess
import sys
import unittest

import lib
import lib_full

WORLD = "203.0.113.5"
COLOUR = "2C6E9B"  # of the desktop in xrdp

# The guest's /etc/oriel/rdp: its own port 3389 leads to the world's, where the account is made.
GUEST = f"""#!/bin/busybox sh
bb=/bin/busybox
read -r secret
if [ ! -e /tmp/lease ]; then
    until [ -e /sys/class/net/eth0 ]; do $bb sleep 0.2; done
    $bb ip link set eth0 up; $bb mkdir -p /etc /tmp
    printf '#!/bin/busybox sh\\n[ "$1" = bound ] || exit 0\\n/bin/busybox ip addr add $ip/$mask dev $interface\\n/bin/busybox ip route add default via $router\\n' >/tmp/lease
    $bb chmod 755 /tmp/lease
    $bb udhcpc -q -n -t 10 -T 1 -i eth0 -s /tmp/lease >/dev/null 2>&1
fi
$bb nc -ll -p 3389 -e $bb nc {WORLD} 3389 >/dev/null 2>&1 &
passed=$!
$bb nc -ll -p 22 -e $bb echo hello >/dev/null 2>&1 &
other=$!
$bb mkfifo /tmp/said
{{ echo "$ORIEL_USER $ORIEL_UID $secret"; $bb sleep 3600; }} | $bb nc {WORLD} 7000 >/tmp/said &
exec 4</tmp/said
read -r line <&4
echo "$line" >&3
exec 3>&-
read -r line <&4
kill $passed $other
"""
# What makes the account in the world and runs guest/xrdp/rdp for it; tells its line, and closes when it has ended.
WORLD_SIDE = """
import os, socket, subprocess, sys
s = socket.socket(); s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1); s.bind(("0.0.0.0", 7000)); s.listen(4)
print("ready", flush=True)
while True:
    c, _ = s.accept()
    user, uid, secret = c.makefile().readline().split()
    subprocess.run(["useradd", "-m", "-u", uid, "-s", "/bin/sh", user], check=False)
    subprocess.run(["chpasswd"], input=f"{user}:{secret}", text=True, check=True)
    end, ready = os.pipe()
    run = subprocess.Popen(["sh", "-c", f"exec 3>&{ready}; exec {sys.argv[1]}"], pass_fds=[ready], start_new_session=True,
                           stdin=subprocess.DEVNULL, env={**os.environ, "ORIEL_USER": user, "ORIEL_UID": uid})
    os.close(ready)
    c.sendall(os.read(end, 200))
    print("served", user, run.wait(), flush=True)
    c.close()
"""
SESSION = f"""#!/bin/sh
xsetroot -solid '#{COLOUR}'
until [ -e "$HOME/log-off" ]; do sleep 0.2; done
"""


class Stack(lib_full.Stack):
    """vmpool is where libvirt's bridges are, as on a host of its own; the gateway is not, and needs not be."""

    def __init__(self):
        super().__init__()
        self.beside = []

    def launch(self, name, *settings):
        super().launch(name, *settings, prefix=self.host if name == "vmpool" else ())

    def start_libvirt(self):
        super().start_libvirt()
        self.host = ("nsenter", f"--net=/proc/{self.libvirt_pid()}/ns/net")
        self.start_world()

    def start_world(self):
        """Its /etc, /run, /home and /tmp are its own: it makes accounts."""
        folder = self.dir / "world"
        shutil.copytree("/etc", folder / "etc", symlinks=True, ignore_dangling_symlinks=True)
        (folder / "etc/xrdp/startwm.sh").write_text(SESSION)
        rdp = folder / "etc/rdp"
        shutil.copy2(lib_full.SOURCE / "guest/xrdp/rdp", rdp)
        script = (f"mount --bind {folder}/etc /etc; for f in /run /home /var/log /tmp; do mount -t tmpfs -o mode=755 none $f; done; "
                  "mkdir -m 1777 /tmp/.X11-unix; chmod 1777 /tmp; ip link set lo up; exec \"$@\"")
        with open(self.log_dir / "world.log", "ab") as log:
            self.beside.append(subprocess.Popen(["unshare", "--net", "--mount", "--pid", "--fork", "--mount-proc", "--kill-child", "sh", "-c", script,
                                                 "-", sys.executable, "-c", WORLD_SIDE, "/etc/rdp"], stdout=log, stderr=log, stdin=subprocess.DEVNULL))
        lib.wait_for("the world", lambda: "ready" in self.log("world"), 20)
        inner, = lib.children_of(self.beside[0].pid)
        self.world = ("nsenter", f"--net=/proc/{inner}/ns/net", f"--mount=/proc/{inner}/ns/mnt")
        for text in (f"ip link add up0 type veth peer name up1 netns {inner}", "ip addr add 198.51.100.1/24 dev up0", "ip link set up0 up",
                     "ip route add default via 198.51.100.2"):
            lib_full.run(*self.host, *text.split())
        for text in (f"ip addr add {WORLD}/32 dev lo", "ip addr add 198.51.100.2/24 dev up1", "ip link set up1 up"):
            lib_full.run(*self.world, *text.split())

    def add_pools(self):
        folder = self.dir / "rdp"
        root = folder / "root"
        (root / "etc/oriel").mkdir(parents=True)
        for name in ("tiny.qcow2", "vmlinux", "tiny.json"):
            shutil.copy2(self.tiny / name, folder / name)
        (root / "etc/oriel/rdp").write_text(GUEST)
        (root / "etc/oriel/rdp").chmod(0o755)
        more = subprocess.run(["cpio", "-o", "-H", "newc", "--quiet"], cwd=root, input=b"etc\netc/oriel\netc/oriel/rdp\n", capture_output=True, check=True).stdout
        first = (self.tiny / "initrd").read_bytes()
        (folder / "initrd").write_bytes(first + bytes(-len(first) % 512) + more)
        self.add_template("tiny", folder)
        self.oriel("pool", "add", "office", "--kind", "floating", "--template", "tiny", "--spares", 1, "--max", 2, "--clone-method", "cold",
                   "--network", "nat", "--display", "rdp")
        self.add_user("alice", "office")

    def stop(self):
        for process in self.beside:
            process.kill()
            process.wait()
        super().stop()


@unittest.skipUnless(shutil.which("xrdp-sesman", path=os.environ["PATH"] + ":/usr/sbin"), "needs xrdp and xorgxrdp")
class Clones(lib_full.Case):
    @classmethod
    def setUpClass(cls):
        why = lib_full.missing()
        if why:
            raise unittest.SkipTest(why)
        cls.stack = Stack()
        cls.addClassCleanup(cls.stack.stop)
        cls.stack.start()

    def reach(self, address, port, source_port):
        """What the host gets there from a port of its own."""
        code = ("import socket\ns = socket.socket(); s.settimeout(3); s.bind(('', %d))\n"
                "try: s.connect(('%s', %d)); print('yes')\nexcept OSError: print('no')" % (source_port, address, port))
        return lib_full.run(*self.stack.host, sys.executable, "-c", code).strip()

    def in_guest(self, domain, script):
        """By the guest agent: the test's eyes."""
        def ask(command):
            return json.loads(lib_full.run("virsh", "-c", self.stack.uri, "-q", "qemu-agent-command", domain, json.dumps(command)))["return"]
        pid = ask({"execute": "guest-exec", "arguments": {"path": "/bin/busybox", "arg": ["sh", "-c", script]}})["pid"]
        status = lib.wait_for("the guest's command", lambda: (s := ask({"execute": "guest-exec-status", "arguments": {"pid": pid}}))["exited"] and s, 30)
        return status["exitcode"]

    def test_a_person_is_shown_their_clone_by_rdp(self):
        self.stack.wait_spare("office")
        self.rdp("alice@office", size="800x600")
        lib.wait_for("the picture of the session in xrdp", lambda: COLOUR in self.convert(
            self.shot(area="1x1+300+300"), "-depth", "8", "txt:-"), 60)
        if os.environ.get("ORIEL_E2E_KEEP"):
            shutil.copy2(self.shot(area="800x600+0+0"), os.environ["ORIEL_E2E_KEEP"])
        row = self.stack.desktop_of("alice", "office")
        self.assertRegex(self.stack.log("vmpool"), rf"console opened desktop={row['id']} display=rdp")

        with self.subTest("from vmpool's ports to the RDP server's, and nothing else"):
            xml = lib_full.run("virsh", "-c", self.stack.uri, "dumpxml", row["domain"])
            address = re.search(r"name='ADDRESS' value='([^']+)'", xml)[1]
            network = re.search(r"<source network='([^']+)'", xml)[1]
            gateway = re.search(r"<ip address='([^']+)'", lib_full.run("virsh", "-c", self.stack.uri, "net-dumpxml", network))[1]
            self.assertEqual(self.reach(address, 3389, 29400), "yes")
            self.assertEqual(self.reach(address, 3389, 29421), "no")
            self.assertEqual(self.reach(address, 22, 29401), "no")
            listener = subprocess.Popen([*self.stack.host, sys.executable, "-c",
                                         "import socket, time\ns = socket.create_server(('', 2222)); print('up', flush=True); time.sleep(60)"],
                                        stdout=subprocess.PIPE)
            self.addCleanup(listener.stdout.close)
            self.addCleanup(listener.wait)
            self.addCleanup(listener.kill)
            listener.stdout.readline()
            knock = f"/bin/busybox nc -w 3 -p 3389 {gateway} 2222 </dev/null"
            self.in_guest(row["domain"], "/bin/busybox killall nc")
            self.assertNotEqual(self.in_guest(row["domain"], knock), 0, "a guest's own port 3389 opens nothing of the host's")

        with self.subTest("who logs off there has logged off here"):
            lib_full.run(*self.stack.world, "touch", "/home/alice/log-off")
            lib.wait_for("the session's end", lambda: self.stack.session_of("alice", "office") is None, 60)
            ended = self.stack.oriel("session", "list", "--user", "alice", "--all")["sessions"][0]
            self.assertEqual(ended["reason"], "logged_off")
            lib.wait_for("the desktop to be recycled", lambda: row["id"] not in [d["id"] for d in self.stack.desktops()], 60)


if __name__ == "__main__":
    unittest.main()
