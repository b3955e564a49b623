"""The measurements: a scene through Oriel, the same frames by others, many sessions, real machines."""
import concurrent.futures
import json
import os
import pathlib
import re
import signal
import socket
import ssl
import struct
import subprocess
import sys
import threading
import time

from stage import Failed, Stage, costs, wait_for, workers_of

ROOT = pathlib.Path(__file__).resolve().parents[2]
SCENES = ["still", "typing", "scroll", "drag", "video", "motion", "mixed"]
SCENE_FPS = {"typing": 10}  # what a person does; the others 30
SESSION_KEYS = 40  # with many sessions
MIXED_ROUND_S = 20  # of the mixed scene: measured once around
WARM_UP_S = 2  # tests/bench/bench_watch.c
REFERENCE_MAX_FRAMES = 120
FLOOR_FRAMES = {"typing": 60, "scroll": 120}  # what oriel-bench-floor knows
GUARD_S = 280  # for connecting, keys and rests, also on a machine that has too much to do
UP_S, TRIES = 40, 2  # for a client to be up
LAST_MOVING_US = 150_000  # before anything is refined: display/refine.h


def percentile(values, percent):
    values = sorted(values)
    return values[min(len(values) - 1, len(values) * percent // 100)] if values else None


def percentiles(values):
    return {f"p{percent}": percentile(values, percent) for percent in (50, 95, 99)} | {"count": len(values)}


def fps_of(args, scene):
    return args.fps or SCENE_FPS.get(scene, 30)


def seconds_of(args, scene):
    return MIXED_ROUND_S if scene == "mixed" and not args.quick else args.seconds


def words_of(line):
    return dict(re.findall(r"(\w+)=(\w[\w.]*)", line))


class Watched:
    """What a client prints; on_begin and on_end are called when it says so."""

    def __init__(self, client, on_point, seconds):
        self.points, self.keys, self.states = {}, [], []
        guard = threading.Timer(seconds + GUARD_S, client.kill)
        guard.start()
        try:
            for line in client.stdout:
                word = line.split(" ", 1)[0].strip()
                if word in ("begin", "end"):
                    point = on_point()
                    self.points[word] = {**{k: int(v) for k, v in words_of(line).items()}, **point,
                                         "time": time.monotonic()}
                elif word == "key":
                    self.keys.append({k: int(v) for k, v in words_of(line).items()})
                elif word == "state":
                    self.states.append(words_of(line))
        finally:
            guard.cancel()
        if client.wait(20) != 0 or len(self.points) != 2:
            raise Failed("the client ended early")

    def between(self, *path):
        begin, end = self.points["begin"], self.points["end"]
        for key in path:
            begin, end = begin[key], end[key]
        return end - begin

    def latencies(self, events):
        """Key to pixel, and source to pixel, in ms."""
        stamps = [int(us) for us in re.findall(r"stamp us=(\d+)", events)]
        seen = [(k["sent_us"], k["seen_us"], stamp) for k, stamp in zip(self.keys, stamps) if k["seen_us"]]
        return {"key_to_pixel": percentiles([(at - sent) / 1000 for sent, at, _ in seen]),
                "source_to_pixel": percentiles([(at - stamp) / 1000 for _, at, stamp in seen]),
                "keys_lost": len(self.keys) - len(seen)}

    def rests(self, events):
        """Each rest of the scene: when the client was exact for good (ms after the last paint; None: never), and
        how near the last moving picture was (PSNR)."""
        found = []
        for number, (paused, total) in enumerate(re.findall(r"rest us=(\d+) sum=(\w+)", events)):
            states = [(int(s["us"]), s["sum"], float(s["psnr"])) for s in self.states if int(s["rest"]) == number]
            wrong = [i for i, state in enumerate(states) if state[1] != total]
            first = wrong[-1] + 1 if wrong else 0
            exact_us = states[first][0] if first < len(states) else None
            moving = [psnr for us, _, psnr in states if int(paused) <= us <= int(paused) + LAST_MOVING_US and psnr]
            found.append({"exact_ms": None if exact_us is None else max(0, exact_us - int(paused)) / 1000,
                          "psnr": moving[-1] if moving else None})
        return found


def reference(args, scene):
    skipped = WARM_UP_S * fps_of(args, scene)
    frames = min(args.seconds * fps_of(args, scene), 30 if args.quick else REFERENCE_MAX_FRAMES)
    done = subprocess.run([args.bin / "oriel-bench-reference", scene, args.size, str(skipped), str(frames)], check=True,
                          capture_output=True, text=True, timeout=180)
    return json.loads(done.stdout)


def floor(args, scene):
    frames = min(args.seconds * fps_of(args, scene), FLOOR_FRAMES[scene])
    done = subprocess.run([args.bin / "oriel-bench-floor", args.size, scene, str(frames)], check=True, capture_output=True,
                          text=True, timeout=60)
    return json.loads(done.stdout)


def moving_text(moving, scene):
    """Where pictures are compared: copies of 1080p cost time, so only where something lossy is shown."""
    return ",".join(map(str, moving)) if scene in ("video", "motion") else "0,0,0,0"


def oriel(args, scene, moving):
    """A scene from a VNC desktop through console, session and gateway to an RDP client."""
    fps, seconds = fps_of(args, scene), seconds_of(args, scene)
    with Stage(args.bin) as stage:
        _, path = stage.start_desktop(scene, args.size, fps)
        gateway, port = stage.start_servers(path)
        rests = 0 if scene == "still" else args.rests
        client = stage.start_client("client", port, args.size, seconds, args.keys, rests, moving_text(moving, scene))
        try:
            watched = Watched(client, lambda: costs(wait_for("session and console", lambda: workers_of(gateway), 5)), seconds)
        except Failed as fault:
            raise Failed(f"{scene}: {fault}\n{stage.log('client')}\n{stage.log('gateway')}") from None
        events = stage.events()
    frames = watched.between("frames")
    # A still desktop sends no frames; its cost is told per frame time of the source.
    per = watched.between("time") * fps if scene == "still" else max(frames, 1)
    rests = watched.rests(events)
    psnrs = [rest["psnr"] for rest in rests if rest["psnr"] is not None]
    return {"fps": frames / watched.between("time"), "frames": frames, "bytes": watched.between("bytes") / per,
            "session_ms": watched.between("session", "cpu") / per, "console_ms": watched.between("console", "cpu") / per,
            "pss_kib": sum(watched.points["end"][kind]["pss"] for kind in ("session", "console")),
            "exact_ms": [rest["exact_ms"] for rest in rests], "psnr": percentile(psnrs, 50),
            **watched.latencies(events)}


def tight(args, scene):
    """The same desktop by libvncserver's Tight with JPEG of quality 8, to libvncclient; what the server spends on it."""
    fps = fps_of(args, scene)
    seconds = min(args.seconds, 5) if scene != "mixed" else seconds_of(args, scene)
    with Stage(args.bin) as stage:
        vncd, path = stage.start_desktop(scene, args.size, fps)
        client = stage.start("rfb", "oriel-bench-rfb", path, 8, seconds, args.keys // 2, 0, "0,0,0,0",
                             stdout=subprocess.PIPE, text=True)
        try:
            watched = Watched(client, lambda: {"server": stage.ask_counts(vncd)}, seconds)
        except Failed as fault:
            raise Failed(f"{scene} by Tight: {fault}\n{stage.log('rfb')}") from None
        events = stage.events()
    frames = watched.between("frames")
    per = watched.between("time") * fps if scene == "still" else max(frames, 1)
    return {"fps": frames / watched.between("time"), "server_ms": watched.between("server", "cpu") / per,
            "bytes": watched.between("server", "bytes") / per, **watched.latencies(events)}


def measure_scene(args, scene):
    result = {"scene": scene, "source_fps": fps_of(args, scene)}
    result["reference"] = reference(args, scene)
    result["oriel"] = oriel(args, scene, result["reference"]["moving"])
    if not args.no_tight:
        result["tight"] = tight(args, scene)
    if scene in FLOOR_FRAMES:
        result["floor"] = floor(args, scene)
    return result


# ---- many sessions ----

def read_counts(client):
    client.send_signal(signal.SIGUSR1)
    for line in client.stdout:
        if line.startswith("counts "):
            return {k: int(v) for k, v in words_of(line).items()}
    raise Failed("a client ended early")


def await_up(client):
    guard = threading.Timer(UP_S, client.kill)
    guard.start()
    try:
        return next((True for line in client.stdout if line.startswith("up")), False)
    finally:
        guard.cancel()


def start_blind(stage, number, port, size):
    """A client that decodes nothing. On a machine under load one may come too late for the graphics pipeline, and gets
    bitmaps: that is not what is measured here."""
    for _ in range(TRIES):
        client = stage.start_client(f"client{number}", port, size, "blind")
        if await_up(client):
            return client
        client.wait()
    raise Failed(f"client {number}: no picture within {UP_S} s, {TRIES} times")


def measure_sessions(args, count):
    """So many people on a desktop each, doing the mixed work, each at another point of it. All clients but one
    decode nothing: they would take the processors that are measured."""
    size, fps = args.size, fps_of(args, "mixed")
    seconds = args.seconds if args.quick else MIXED_ROUND_S
    with Stage(args.bin) as stage:
        _, path = stage.start_desktop("mixed", size, fps, copies=count)
        gateway, port = stage.start_servers(path, copies=count)
        others, marks = [], []
        with concurrent.futures.ThreadPoolExecutor(2) as starters:
            others.extend(starters.map(lambda i: start_blind(stage, i, port, size), range(1, count)))

        def on_point():
            workers = wait_for("all sessions", lambda: workers_of(gateway, count), 30)
            marks.append([read_counts(client) for client in others])
            return costs(workers)

        stage.release()
        # Its watching begins when everybody is there; nobody else presses keys.
        client = stage.start_client("probe", port, size, seconds, min(args.keys, SESSION_KEYS), 0, "0,0,0,0")
        try:
            watched = Watched(client, on_point, seconds + count)
        except Failed as fault:
            raise Failed(f"{count} sessions: {fault}\n{stage.log('probe')}\n{stage.log('gateway')}") from None
        events = stage.events()
    took = watched.between("time")
    frames = watched.between("frames") + sum(e["frames"] - b["frames"] for b, e in zip(*marks))
    bytes_out = watched.between("bytes") + sum(e["bytes"] - b["bytes"] for b, e in zip(*marks))
    cpu = watched.between("session", "cpu") + watched.between("console", "cpu")
    return {"count": count, "fps": frames / took / count, "cpu_percent": cpu / took / 10 / count,
            "kbit_s": bytes_out * 8 / 1000 / took / count,
            "pss_kib": sum(watched.points["end"][kind]["pss"] for kind in ("session", "console")) / count,
            **watched.latencies(events)}


# ---- real machines ----

def handshake_ms(port):
    """TCP, the RDP negotiation and a TLS handshake, nothing else."""
    begin = time.monotonic()
    with socket.create_connection(("127.0.0.1", port), 10) as sock:
        # TPKT, X.224 connection request with RDP_NEG_REQ for TLS (MS-RDPBCGR 2.2.1.1)
        sock.sendall(struct.pack(">BBHBBHHB", 3, 0, 19, 14, 0xE0, 0, 0, 0) + struct.pack("<BBHI", 1, 0, 8, 1))
        if len(sock.recv(19)) != 19:
            raise Failed("no negotiation response")
        context = ssl.create_default_context()
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        with context.wrap_socket(sock):
            return (time.monotonic() - begin) * 1000


def login_once(args, stack, user, password):
    stack.wait_spare()
    client = subprocess.run([args.bin / "oriel-bench-client", str(stack.port), user, password, "1280x800", "login"],
                            capture_output=True, text=True, timeout=120, check=True, cwd=stack.dir)
    at = {word: int(us) for word, us in re.findall(r"^(\w+) us=(\d+)$", client.stdout, re.M)}
    return {"frame_ms": (at["frame"] - at["begin"]) / 1000, "desktop_ms": (at["desktop"] - at["begin"]) / 1000}


def full_stack(args):
    """The end-to-end tests' stack; or why there is none here."""
    os.environ["ORIEL_BIN"] = str(args.bin)
    sys.path.insert(0, str(ROOT / "tests/e2e"))
    import lib_full  # pylint: disable=import-outside-toplevel,import-error
    return lib_full, lib_full.missing()


def measure_login(args):
    """A pool with one warm spare of the tiny guest, three people one after the other."""
    lib_full, why = full_stack(args)
    if why:
        return {"skipped": why}
    stack = lib_full.Stack()
    try:
        stack.start()
        logins = [login_once(args, stack, user, lib_full.PASSWORD) for user in ("alice", "bob", "carol")]
        handshakes = [handshake_ms(stack.port) for _ in range(5)]
    except (AssertionError, KeyError, subprocess.SubprocessError) as fault:
        logs = "\n".join(stack.log(name)[-2000:] for name in ("gateway", "vmpool", "broker"))
        raise Failed(f"login: {fault}\n{logs}") from None
    finally:
        stack.stop()
    return {"tls_ms": percentile(handshakes, 50), "frame_ms": percentile([r["frame_ms"] for r in logins], 50),
            "desktop_ms": percentile([r["desktop_ms"] for r in logins], 50)}


def measure_qemu(args):
    """A key through a console to the tiny guest under a real QEMU and back, by both of its displays."""
    lib_full, why = full_stack(args)
    tool = args.bin / "oriel-test-qemu"
    tool = tool if tool.exists() else args.bin.parent / "tests/oriel-test-qemu"
    if why or not tool.exists():
        return {"skipped": why or f"needs {tool.name}"}
    environment = {**os.environ, "ORIEL_TINY": str(lib_full.tiny_dir())}
    done = subprocess.run([sys.executable, ROOT / "tests/qemu/vm_qemu.py", ROOT, tool, "--bench", str(args.keys)], check=False,
                          capture_output=True, text=True, timeout=300, env=environment)
    if done.returncode != 0:
        raise Failed(f"qemu: exit {done.returncode}\n{done.stdout}\n{done.stderr}")
    found = re.findall(r"^(dbus|vnc): key to pixel p50 ([\d.]+) ms, p95 ([\d.]+) ms, ([\d.]+) to ([\d.]+) ms, n=(\d+)",
                       done.stdout, re.M)
    names = ("p50", "p95", "least", "most", "count")
    times = {kind: dict(zip(names, map(float, numbers))) for kind, *numbers in found}
    return {"keys": times, "motion": measure_map(args, tool, environment)}


def measure_map(args, tool, environment):
    """The guest's full motion, by shared memory and by copies; None: this QEMU shares none."""
    library = args.bin.parent / "tests/qemu/liboriel-test-die-at.so"
    done = subprocess.run([sys.executable, ROOT / "tests/qemu/vm_map.py", ROOT, tool, library, "--bench"], check=False,
                          capture_output=True, text=True, timeout=300, env=environment)
    if done.returncode == 77:
        return None
    if done.returncode != 0:
        raise Failed(f"QEMU's shared memory: exit {done.returncode}\n{done.stdout}\n{done.stderr}")
    found = re.findall(r"^(map|copy): ([\d.]+) fps, console ([\d.]+) %, QEMU ([\d.]+) %", done.stdout, re.M)
    return {kind: dict(zip(("fps", "console", "qemu"), map(float, numbers))) for kind, *numbers in found}
