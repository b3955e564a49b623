#!/usr/bin/env python3
"""What guests reach: oriel-vmpool, a libvirtd in a network namespace of its own (the "host"), a second namespace (the "world"), tiny guests
on a NAT, a routed and a bridged network. Guests are asked by their agent; a guest without its filter shows that the same question can be answered.

Usage: vm_network.py SOURCE_DIR VMPOOL TOOL       ORIEL_TINY: a folder that guest/tiny/build filled (else it is built)"""
import concurrent.futures
import json
import os
import pathlib
import re
import sqlite3
import subprocess
import sys
import textwrap
import time

from vm_rig import Failed, expect, play, run

PORTS = (22, 443, 3389, 5432, 16509)
WORLD, WORLD6, DNS = "203.0.113.5", "2001:db8:113::5", "203.0.113.53"
LAB, LAB6 = "198.18.7", "2001:db8:2:"  # a network that the host and the world are in, behind the host's bridge lab0
NAT6, ROUTED6 = "fd12:3456:789a:1::", "fd12:3456:789a:2::"
NODES = ("198.51.100.2", "2001:db8:51::2", f"{LAB}.2")  # in networks that the host is in, too: host-subnets
MANAGEMENT, MANAGEMENT6 = "192.0.2.77", "2001:db8:77::7"  # beyond those, and in guest_block

# Listens on each port of both families and answers with who called.
SERVER = """
import socket, sys, threading
def serve(port):
    s = socket.socket(socket.AF_INET6); s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    s.bind(("::", port)); s.listen(16)
    while True:
        c, who = s.accept(); c.sendall(("from " + who[0].removeprefix("::ffff:") + "\\n").encode()); c.close()
def dns():
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.bind(("203.0.113.53", 53))
    while True:
        q, who = s.recvfrom(512)
        end = q.index(b"\\0", 12) + 5
        answer = b"\\xc0\\x0c\\0\\1\\0\\1\\0\\0\\0\\5\\0\\4" + socket.inet_aton("203.0.113.5") if q[end - 4:end - 2] == b"\\0\\1" else b""
        s.sendto(q[:2] + b"\\x81\\x80\\0\\1\\0" + bytes([bool(answer)]) + b"\\0\\0\\0\\0" + q[12:end] + answer, who)
for p in sys.argv[1:]:
    threading.Thread(target=dns if p == "dns" else serve, args=() if p == "dns" else (int(p),)).start()
print("ready", flush=True)
"""
# Every frame that gets past the cards to the bridge: "MAC ETHERTYPE SOURCE".
WATCH = """
import socket, sys
s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3)); s.bind((sys.argv[1], 0))
print("ready", flush=True)
seen = set()
while True:
    f, about = s.recvfrom(2048)
    if about[2] == 4: continue  # our own
    kind = f[12:14].hex()
    source = socket.inet_ntoa(f[26:30]) if kind == "0800" else socket.inet_ntop(socket.AF_INET6, f[22:38]) if kind == "86dd" else socket.inet_ntoa(f[28:32])
    line = f"{f[6:12].hex(':')} {kind} {source}"
    if line not in seen:
        seen.add(line); print(line, flush=True)
"""


class Net:
    """The namespaces, and what runs in them."""

    def __init__(self, rig):
        self.rig, self.processes = rig, []
        self.host = ("nsenter", f"--net=/proc/{(rig.dir / 'v' / 'libvirtd.pid').read_text().strip()}/ns/net")
        holder = self.spawn("unshare", "-n", "sleep", "600", ready=False)
        while os.readlink(f"/proc/{holder.pid}/ns/net") == os.readlink("/proc/self/ns/net"):
            time.sleep(0.05)
        self.world = ("nsenter", f"--net=/proc/{holder.pid}/ns/net")
        for text in (f"ip link add up0 type veth peer name up1 netns {holder.pid}", "ip addr add 198.51.100.1/24 dev up0",
                     "ip addr add 2001:db8:51::1/64 dev up0 nodad", "ip link set up0 up", "ip route add default via 198.51.100.2",
                     "ip route add default via 2001:db8:51::2", "ip link add lab0 type bridge", f"ip link add lab1 type veth peer name lab2 netns {holder.pid}",
                     "ip link set lab1 master lab0 up", f"ip addr add {LAB}.1/24 dev lab0", f"ip addr add {LAB6}:1/64 dev lab0 nodad", "ip link set lab0 up"):
            run(*self.host, *text.split())
        for text in ("ip link set lo up", f"ip addr add {WORLD}/32 dev lo", f"ip addr add {DNS}/32 dev lo", f"ip addr add {WORLD6}/128 dev lo nodad",
                     f"ip addr add {MANAGEMENT}/32 dev lo", f"ip addr add {MANAGEMENT6}/128 dev lo nodad",
                     "ip addr add 198.51.100.2/24 dev up1", "ip addr add 2001:db8:51::2/64 dev up1 nodad", "ip link set up1 up",
                     "ip route add 10.0.0.0/8 via 198.51.100.1", f"ip route add {ROUTED6}/64 via 2001:db8:51::1",
                     f"ip addr add {LAB}.2/24 dev lab2", f"ip addr add {LAB6}:2/64 dev lab2 nodad", "ip link set lab2 up"):
            run(*self.world, *text.split())
        resolv = rig.dir / "resolv.conf"
        resolv.write_text(f"nameserver {DNS}\n")
        run("nsenter", f"--mount=/proc/{(rig.dir / 'v' / 'libvirtd.pid').read_text().strip()}/ns/mnt", "mount", "--bind", resolv, os.path.realpath("/etc/resolv.conf"))
        self.spawn(*self.world, sys.executable, "-c", SERVER, "80", "dns", *map(str, PORTS))
        self.spawn(*self.world, "dnsmasq", "--keep-in-foreground", "--conf-file=/dev/null", "--port=0", "--user=root", "--interface=lab2", "--bind-interfaces",
                   f"--dhcp-range={LAB}.100,{LAB}.150,1h", f"--dhcp-leasefile={rig.dir}/lab.leases", "--pid-file=", ready=False)
        self.spawn(*self.host, sys.executable, "-c", SERVER, *map(str, PORTS))

    def spawn(self, *args, ready=True, out=None):
        process = subprocess.Popen([str(a) for a in args], stdout=out or subprocess.PIPE, stderr=subprocess.DEVNULL if out else None, text=True)
        self.processes.append(process)
        if ready and not out and process.stdout.readline().strip() != "ready":
            raise Failed(f"{args[:3]} did not start")
        return process

    def watch(self, bridge):
        file = self.rig.dir / f"{bridge}.frames"
        with open(file, "w") as out:
            self.spawn(*self.host, sys.executable, "-c", WATCH, bridge, out=out)
        while "ready" not in file.read_text():
            time.sleep(0.05)
        return file

    def addresses(self):
        """Of the host: all but loopback and link-local ones."""
        rows = json.loads(run(*self.host, "ip", "-j", "address"))
        return [a["local"] for row in rows for a in row["addr_info"] if not a["local"].startswith(("127.", "fe80:")) and a["local"] != "::1"]

    def link_local(self, interface):
        """The host's own there, as a guest on its first card calls it."""
        row, = json.loads(run(*self.host, "ip", "-j", "-6", "address", "show", "dev", interface))
        return next(a["local"] for a in row["addr_info"] if a["scope"] == "link") + "%eth0"

    def close(self):
        for process in self.processes:
            process.kill()
            process.wait()


class Guest:
    def __init__(self, rig, row):
        self.rig, self.domain, self.id = rig, row["domain"], row["id"]
        xml = run("virsh", "-c", rig.uri, "dumpxml", self.domain)
        self.mac = re.search(r"<mac address='([^']+)'", xml)[1]
        self.address, self.address6 = ((re.search(rf"name='{name}' value='([^']+)'", xml) or ["", None])[1] for name in ("ADDRESS", "ADDRESS6"))

    def sh(self, script):
        """Runs it in the guest: bb is busybox, can HOST PORT [SECONDS] prints "HOST PORT yes ANSWER" or "... no"."""
        head = """bb=/bin/busybox
            can() { a=$($bb nc -w "${3:-2}" "$1" "$2" </dev/null 2>/dev/null) && [ -n "$a" ] && echo "$1 $2 yes $a" || echo "$1 $2 no"; }
            """
        return self.rig.inside(self.domain, textwrap.dedent(head) + textwrap.dedent(script))

    def dhcp(self):
        """Asks for an address as any client does, and takes what it is given."""
        return self.sh("""
            $bb ip link set lo up; $bb ip link set eth0 up; $bb mkdir -p /etc /tmp
            cat=$bb; $bb cat >/tmp/lease <<'END'
            #!/bin/busybox sh
            [ "$1" = bound ] || exit 0
            bb=/bin/busybox
            $bb ip addr add "$ip/$mask" dev "$interface"; $bb ip route add default via $router; echo "nameserver ${dns%% *}" >/etc/resolv.conf
            END
            $bb sed -i 's/^ *//' /tmp/lease; $bb chmod 755 /tmp/lease
            $bb udhcpc -q -n -t 5 -T 2 -i eth0 -s /tmp/lease >/dev/null 2>&1
            for i in 1 2 3 4 5 6 7 8 9 10; do $bb ip -6 addr show dev eth0 scope global | $bb grep -v tentative | $bb grep -q inet6 && break; $bb sleep 1; done
            $bb ip addr show dev eth0; $bb ip route; $bb cat /etc/resolv.conf""")


def guests(rig, pool, count):
    """The pool's machines whose agents answer."""
    def found():
        with sqlite3.connect(f"file:{rig.store}?mode=ro", uri=True) as db:
            ids = {row[0] for row in db.execute("SELECT id FROM desktop WHERE pool = ?", (pool,))}
        rows = [r for r in rig.rows() if r["id"] in ids and r["power"] == "running"]
        alive = [r for r in rows if rig.answers(r["domain"])]
        return alive if len(alive) >= count else None
    return [Guest(rig, row) for row in rig.until(f"{count} guests of pool {pool} answer", found)]


def reaches_nothing_of(guest, targets, what):
    """All at once; each may be silent or refused."""
    asked = [(a, p) for a in targets for p in PORTS]
    answers = guest.sh("\n".join(f"can {a} {p} 2 &" for a, p in asked) + "\nwait")
    got = {tuple(line.split()[:2]): line.split()[2] for line in answers.splitlines() if len(line.split()) > 2}
    expect(all(got.get((a, str(p))) == "no" for a, p in asked), f"{what}: {len(asked)} tries at {len(targets)} addresses, all refused")


def reserved(rig, guest):
    with sqlite3.connect(f"file:{rig.store}?mode=ro", uri=True) as db:
        return db.execute("SELECT slot FROM lease_address WHERE desktop = ? AND mac = ?", (guest.id, guest.mac)).fetchone()


def addresses(rig, guest):
    said = guest.dhcp()
    expect(reserved(rig, guest) is not None, "a card's address is reserved in the store")
    expect(f"inet {guest.address}/20" in said, f"DHCP gives it: {guest.address}")
    expect(guest.address6 in said, f"and its MAC gives {guest.address6}")


def outbound(guest, source):
    answer = guest.sh(f"can {WORLD} 80 20; can {WORLD6} 80 20; $bb nslookup world.example.org")
    expect(f"{WORLD} 80 yes from {source[0]}" in answer, f"the world is reached, and sees {source[0]}")
    expect(f"{WORLD6} 80 yes from {source[1]}" in answer, f"in IPv6 too, and sees {source[1]}")
    expect(re.search(rf"Address.*{re.escape(WORLD)}", answer) is not None, "names are resolved")


def refused_and_others(guest, targets, what):
    """Where the world answers on the same ports."""
    reaches_nothing_of(guest, targets, what)
    answer = guest.sh("".join(f"can {WORLD} {p} 20 &\n" for p in PORTS) + "wait")
    expect(answer.count(" yes from ") == len(PORTS), "on those ports it reaches the world")


def from_another_address6(guest, wait_s):
    """What it reaches from its own address, from one more of its network that it gave itself, and from its own again."""
    false_ip6 = f"{NAT6}bad"
    answer = guest.sh(f"""
        echo 0 >/proc/sys/net/ipv6/conf/eth0/dad_transmits
        $bb ip -6 addr add {false_ip6}/128 dev eth0
        for i in 1 2 3 4 5 6 7 8 9 10; do $bb ip -6 addr show dev eth0 | $bb grep -q tentative || break; $bb sleep 1; done
        $bb ip -6 addr show dev eth0; $bb ip -6 route
        from() {{ $bb ping6 -c 1 -W "$2" -I "$1" {WORLD6} >/dev/null 2>&1 && echo answer yes || echo answer no; }}
        from {guest.address6} 20; from {false_ip6} {wait_s}; from {guest.address6} 20
        $bb ip -6 addr del {false_ip6}/128 dev eth0""")
    if not re.search(rf"inet6 {re.escape(false_ip6)}/128 scope global( flags \d+)? *$", answer, re.M):
        raise Failed(f"a guest could not take another address: {answer}")
    return false_ip6, re.findall(r"^answer (\w+)$", answer, re.M)


def spoofing(guest, frames, gateway):
    """Another address, another MAC: nothing of it gets past the card."""
    false_ip, false_mac = guest.address.rsplit(".", 1)[0] + ".250", "02:00:00:00:00:99"
    false_ip6, said = from_another_address6(guest, 3)
    expect(said == ["yes", "no", "yes"], f"with another IPv6 address it reaches nothing, with its own before and after it does: {said}")
    answer = guest.sh(f"""
        g=$($bb ip neigh show {gateway} | $bb sed 's/.*lladdr \\([^ ]*\\).*/\\1/')
        $bb ip addr add {false_ip}/20 dev eth0; $bb ip neigh replace {gateway} lladdr $g dev eth0
        $bb ip route replace default via {gateway} src {false_ip}; can {WORLD} 80 2
        $bb arping -c 1 -w 1 -U -s {false_ip} -I eth0 {false_ip} >/dev/null 2>&1
        $bb ip addr del {false_ip}/20 dev eth0; $bb ip route replace default via {gateway}; can {WORLD} 80 20
        $bb ip link set eth0 address {false_mac}; $bb ip neigh replace {gateway} lladdr $g dev eth0; can {WORLD} 80 2; can {WORLD6} 80 1
        $bb ip link set eth0 address {guest.mac}; $bb ip neigh del {gateway} dev eth0; can {WORLD} 80 20""")
    said = [line.split()[2] for line in answer.splitlines() if line.startswith(f"{WORLD} 80 ")]
    expect(said == ["no", "yes", "no", "yes"], f"with another address or MAC it reaches nothing, with its own it does again: {said}")
    seen = frames.read_text()
    own = (f"{guest.mac} 0800 {guest.address}", f"{guest.mac} 86dd {guest.address6}")
    expect(all(frame in seen for frame in own), "its own frames reach the bridge")
    expect(not any(false in seen for false in (false_ip, false_mac, false_ip6)), "frames with another address or MAC do not")


def host_changes(rig, net, guest):
    run(*net.host, "ip", "addr", "add", "203.0.113.77/32", "dev", "lo")
    rig.poke()
    name = f"oriel-nat-{installation(rig)[:8]}"
    rig.until("an address that the host gets is in the filter", lambda: "203.0.113.77" in run("virsh", "-c", rig.uri, "nwfilter-dumpxml", name))
    reaches_nothing_of(guest, ["203.0.113.77"], "a new address of the host")


def installation(rig):
    return next(rig.state.glob("images/*-*")).name


def without_its_filter(rig, guest, targets):
    """What the same guest can reach when nobody keeps it from it: the questions above were good ones."""
    xml = run("virsh", "-c", rig.uri, "dumpxml", guest.domain)
    card = re.search(r"<interface type='network'>.*?</interface>", xml, re.S)[0]
    file = rig.dir / "card.xml"
    file.write_text(re.sub(r"<filterref.*?</filterref>", "", card, flags=re.S))
    run("virsh", "-c", rig.uri, "update-device", guest.domain, file, "--live")
    answer = guest.sh("".join(f"can {a} {p} 20 &\n" for a in targets for p in PORTS) + "wait")
    expect(answer.count(" yes ") == len(targets) * len(PORTS), "without its filter a guest reaches the host: the tries were real")
    _, said = from_another_address6(guest, 20)
    expect(said == ["yes", "yes", "yes"], f"and what it likes from whatever address: {said}")


def bridged(rig, net, host):
    """It finds its neighbours in that network, and of the host, which is one of them, nothing."""
    guest, = guests(rig, "b", 1)
    guest.sh(f"$bb ip -6 addr add {LAB6}:9/64 dev eth0")
    expect(f"inet {LAB}.1" in guest.dhcp(), "a bridged guest has an address from that network's DHCP server")
    answer = guest.sh(f"can {LAB}.2 80 20; can {LAB6}:2 80 20")
    expect(answer.count(" yes from ") == 2, "and reaches a neighbour there in both families")
    reaches_nothing_of(guest, [*host, net.link_local("lab0")], "a bridged guest and the host")
    refused_and_others(guest, [MANAGEMENT], "a bridged guest and the management network")


def at_once(*calls):
    with concurrent.futures.ThreadPoolExecutor() as pool:
        for done in [pool.submit(*call) for call in calls]:
            done.result()


OFFICE = """<domain type='qemu'><name>office</name><memory unit='MiB'>192</memory><vcpu>1</vcpu>
<os><type arch='x86_64' machine='q35'>hvm</type></os><devices>
<graphics type='vnc'><listen type='none'/></graphics><graphics type='dbus' p2p='yes'/>
<video><model type='virtio'/></video></devices></domain>"""


def known_machine(rig):
    """A machine that somebody else made: shown, never stopped, started only where its pool may."""
    file = rig.dir / "office.xml"
    file.write_text(OFFICE)
    run("virsh", "-c", rig.uri, "define", file)
    run("virsh", "-c", rig.uri, "start", "office")
    desktop = rig.tool_out("static", rig.store, "office")
    rig.poke()
    row = lambda: next(r for r in rig.rows() if r["id"] == desktop)
    rig.until("a machine that libvirt knows is ready as a static desktop", lambda: row()["ready"] == "ready")
    session, _, version = rig.tool_out("login", rig.store, "dan", "s").split()
    expect(rig.console(desktop, version, session) == "QEMU", "its console is QEMU's D-Bus display, found in its XML")
    run("virsh", "-c", rig.uri, "destroy", "office")
    expect(rig.console(desktop, version, session).startswith("console_unreachable"), "once it is off there is no console")
    rig.until("and its row says so", lambda: row()["reason"] == "console_unreachable")
    expect("shut off" in run("virsh", "-c", rig.uri, "domstate", "office"), "nobody started it")
    with sqlite3.connect(rig.store, timeout=30) as db:
        db.execute("UPDATE pool SET has_autostart = 1 WHERE name = 's'")
    rig.poke()
    rig.until("where its pool may, it is started", lambda: row()["ready"] == "ready")
    expect(rig.console(desktop, version, session) == "QEMU", "and shown again")
    rig.tool_out("end", rig.store, session)
    rig.until("its person has gone", lambda: row()["lease"] == "free")
    expect("running" in run("virsh", "-c", rig.uri, "domstate", "office"), "and it goes on running")
    own = next(r for r in rig.rows() if r["domain"].startswith("oriel-"))
    stolen = rig.tool_out("static", rig.store, own["domain"])
    rig.poke()
    rig.until("a machine of Oriel's own pools is nobody's static desktop", lambda: next(r for r in rig.rows() if r["id"] == stolen)["reason"] == "console_unreachable")


def tests(rig, net):
    known_machine(rig)
    first, second = guests(rig, "n", 2)
    routed, = guests(rig, "r", 1)
    uuid = installation(rig)
    frames = net.watch(f"orn-{uuid[:8]}")
    at_once(*((addresses, rig, guest) for guest in (first, second, routed)))
    gateway = re.search(r"<ip address='([^']+)'", run("virsh", "-c", rig.uri, "net-dumpxml", f"oriel-nat-{uuid[:8]}"))[1]
    at_once((outbound, first, ("198.51.100.1", "2001:db8:51::1")), (outbound, routed, (routed.address, routed.address6)))
    host = net.addresses()
    expect(len(host) >= 6 and gateway in host, f"the host has {len(host)} addresses")
    for address in (*host, *NODES, MANAGEMENT, MANAGEMENT6):
        run(*net.host, sys.executable, "-c", f"import socket; socket.create_connection(('{address}', 22), 3).recv(9)")
    print("ok: its own programs answer it at all of them, and the nodes and the management network answer it", flush=True)
    local = {kind: net.link_local(f"or{kind}-{uuid[:8]}") for kind in "nr"}
    at_once((reaches_nothing_of, first, [*host, local["n"]], "a guest behind NAT and the host"),
            (reaches_nothing_of, routed, [*host, local["r"]], "a routed guest and the host"), (bridged, rig, net, host))
    at_once(*((refused_and_others, guest, [*NODES, MANAGEMENT, MANAGEMENT6], "a guest, the nodes and the management network") for guest in (first, routed)))
    for guest in (first, second, routed):
        guest.sh(" ; ".join(f"($bb nc -ll -p {p} -e /bin/busybox echo hello >/dev/null 2>&1 &)" for p in PORTS))
    own = second.sh(f"can {second.address} 22 20; can {second.address6} 22 20")
    expect(own.count(" yes hello") == 2, "a guest's own programs answer it")
    reaches_nothing_of(first, [second.address, second.address6, routed.address, routed.address6], "a guest and its neighbours")
    world = run(*net.world, sys.executable, "-c", f"import socket; print(socket.create_connection(('{routed.address}', 22), 5, ('{WORLD}', 0)).recv(9))")
    expect("hello" in world, "a routed guest is reached from the world")
    spoofing(first, frames, gateway)
    host_changes(rig, net, first)
    without_its_filter(rig, second, [gateway, local["n"], *NODES, MANAGEMENT, MANAGEMENT6])


def recycled(rig):
    """With a machine its reservation goes."""
    name = f"oriel-nat-{installation(rig)[:8]}"
    with sqlite3.connect(f"file:{rig.store}?mode=ro", uri=True) as db:
        macs = {m for m, in db.execute("SELECT mac FROM lease_address WHERE desktop IN (SELECT id FROM desktop WHERE pool = 'n')")}
    hosts = set(re.findall(r"<host mac='([^']+)'", run("virsh", "-c", rig.uri, "net-dumpxml", name)))
    expect(hosts == macs, f"DHCP knows the cards that there are and no other: {len(hosts)}")


def story(rig):
    net = Net(rig)
    try:
        with sqlite3.connect(rig.store) as db:
            db.execute("UPDATE pool SET spares = 0")
        rig.tool_out("pool", rig.store, "n", "nat", "2")
        rig.tool_out("pool", rig.store, "r", "routed", "1")
        rig.tool_out("pool", rig.store, "b", "bridged:lab0", "1")
        rig.start(f"nat_subnet_v6={NAT6}/64", f"routed_subnet_v6={ROUTED6}/64", f"guest_block=host-subnets,{MANAGEMENT}/32,{MANAGEMENT6}/128", "accel=qemu")
        tests(rig, net)
        recycled(rig)
    finally:
        net.close()


if __name__ == "__main__":
    sys.exit(play(story, ("dnsmasq", "ebtables", "ip", "nsenter")))
