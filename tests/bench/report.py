"""Results as a page: docs/performance.md is made of this."""
import datetime
import os
import pathlib
import platform
import re
import subprocess

# Issue 3: what is to be reached on two 2.5 GHz cores, beside the best of what was measured there of guacd 1.6, xrdp
# 0.9.21, Xvnc and freerdp-shadow. Aims, not measurements of this page.
GOALS = {
    "typing": ("≤ 0.2 ms, ≤ 0.15 kB, p50 ≤ 0.6 ms, exact", "0.26 ms (xrdp), 0.19 kB (Xvnc)"),
    "scroll": ("30 fps, ≤ 3 ms, ≤ 3 kB, p50 ≤ 5 ms, exact", "28 ms (Xvnc), 19 kB at 34 dB (freerdp-shadow)"),
    "drag": ("30 fps, ≤ 4 ms, ≤ 27 kB, exact", "10 ms (Xvnc), 27 kB at 38 dB (guacd)"),
    "video": ("30 fps, ≤ 13 ms, ≤ 38 kB, ≥ 40 dB, exact after rest", "13 ms (Xvnc), 38 kB at 33 dB (freerdp-shadow)"),
    "motion": ("30 fps, ≤ 27 ms, ≤ 80 kB, exact after rest", "27 ms, 361 kB, 27 fps (Xvnc)"),
}

INTRO = """# What it costs

This page is written by one command, which measures everything on it in one run and takes about sixteen minutes:

    cmake --preset release && cmake --build --preset release
    tests/bench/run --report docs/performance.md

`--scene` and `--sessions` choose parts, `--size` another size, `--quick` is a test of the bench itself, `--json FILE` keeps
every number; `--help` has the rest. It starts a gateway with sessions and consoles of its own around synthetic VNC
desktops (`oriel-test-vncd`) and RDP clients without a screen (`oriel-bench-client`), with `oriel-web` and the desktop page in Debian's
Chromium, and ends all of it, also on failure.
Absolute numbers say little about another machine; what was measured beside them in the same run does.

| scene | |
|---|---|
| still | nothing changes; told per 1/30 s |
| typing | one letter, ten times a second |
| scroll | a page of text moves up by a line of 16 pixels, 30 times a second |
| drag | a window of a third of each side is dragged over a photo by (12, 5) pixels, 30 times a second |
| video | a film of 1280x720 at 30 frames/s: a camera that moves, things that go their own way, grain, a cut every five seconds |
| motion | such a film over everything |
| mixed | a person's work of 20 seconds, once around: types, scrolls, drags a window over photo and text, watches a film of 640x360, reads |

The photo and the films are noise of many sizes with edges, the same on every run.

| word | meaning |
|---|---|
| CPU | CPU time of `oriel-session` and `oriel-console` for an update that the client got; the gateway takes no part in it |
| bytes | at the client, for an update, all layers included |
| key→px, src→px | from a key press in the client, and from the desktop's painting of the answer, until the client shows it, while the scene runs |
| exact | from the last painting of a scene that stops until the client has every pixel of it as it is |
| PSNR | of the last moving picture where it moves, the three colours together; below 99 it was lossy |
| PSS | proportional memory of session and console together |
| x264 | `superfast`, CRF 23, one thread, whole frames, colour conversion included, without anything around it |
| planar | FreeRDP's codec on whole frames, without anything around it |
| Tight | libvncserver to libvncclient, JPEG of quality 8 for photos: CPU of the server, without the desktop's painting |
| memcpy | a copy of the frame |
| floor | `oriel-bench-floor`: two bare processes in the place of console and session, which only pass an update on: from a socket, by a wake-up, as one TLS record over loopback, and its answer back; for scroll the frame is read into shared memory, compared once and moved once |
| page | `oriel-web` and the desktop page in Chromium without a graphics processor: a frame is a drawing on the page's canvas, a key is seen when its pixel can be read there |
"""


def first_line(*command):
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=10, check=False)
        return (done.stdout or done.stderr).splitlines()[0].strip() if done.returncode == 0 else ""
    except (OSError, IndexError, subprocess.TimeoutExpired):
        return ""


def library(name):
    return first_line("pkg-config", "--modversion", name) or "?"


def machine():
    cpu = re.search(r"^model name\s*:\s*(.+)$", pathlib.Path("/proc/cpuinfo").read_text(), re.M)
    memory = re.search(r"^MemTotal:\s*(\d+)", pathlib.Path("/proc/meminfo").read_text(), re.M)
    return (f"{cpu[1] if cpu else platform.machine()}, {os.cpu_count()} processors, {int(memory[1]) // 1048576} GiB, "
            f"Linux {platform.release()}")


def about(args, load):
    commit = first_line("git", "-C", str(args.source), "rev-parse", "--short=12", "HEAD") or "unknown"
    versions = ", ".join(f"{name} {library(package)}" for name, package in (
        ("x264", "x264"), ("FreeRDP", "freerdp3"), ("libvncserver", "libvncserver")))
    chromium = first_line(os.environ.get("ORIEL_CHROMIUM", "/usr/bin/chromium"), "--version").split(" built")[0]
    qemu = first_line("qemu-system-x86_64", "--version").removeprefix("QEMU emulator version ").split(" ")[0] or "none"
    return (f"## This run\n\n{datetime.datetime.now().astimezone():%Y-%m-%d %H:%M %z}, commit {commit}, {machine()}; {versions}, QEMU {qemu}{', ' + chromium if chromium else ''}. "
            f"{args.size}, {args.seconds} s a scene, {args.keys} keys, {args.rests} rests. "
            f"Load before it began: {load[0]:.2f} {load[1]:.2f} {load[2]:.2f}"
            f"{' (other work ran: times are too long)' if load[0] > os.cpu_count() / 2 else ''}.\n")


def ms(value):
    return "-" if value is None else f"{value:.2f}" if value < 100 else f"{value:.0f}"


def kb(value):
    return f"{value / 1000:.2f}" if value < 100_000 else f"{value / 1000:.0f}"


def three(times):
    return " / ".join(ms(times[name]) for name in ("p50", "p95", "p99"))


def exact(times):
    if not times:
        return "-"
    if None in times:
        return "not within 4 s"
    return f"{sorted(times)[len(times) // 2]:.0f}" + (f" (at most {max(times):.0f})" if len(times) > 1 else "")


def psnr(value):
    return "-" if value is None else "exact" if value >= 99 else f"{value:.1f} dB"


def table(head, rows):
    return "\n".join(["| " + " | ".join(head) + " |", "|" + "---|" * len(head)] +
                     ["| " + " | ".join(row) + " |" for row in rows]) + "\n"


def scene_tables(results):
    ours = [[r["scene"], f"{o['fps']:.1f} of {r['source_fps']}", ms(o["session_ms"] + o["console_ms"]), ms(o["session_ms"]),
             ms(o["console_ms"]), kb(o["bytes"]), psnr(o["psnr"]), exact(o["exact_ms"]), f"{o['pss_kib'] / 1024:.1f}"]
            for r in results for o in [r["oriel"]]]
    waits = [[r["scene"], three(o["key_to_pixel"]), three(o["source_to_pixel"]), str(o["key_to_pixel"]["count"]),
              three(r["tight"]["key_to_pixel"]) if "tight" in r else "-"] for r in results for o in [r["oriel"]]]
    others = []
    for r in results:
        o, x, t = r["oriel"], r["reference"], r.get("tight")
        cost = o["session_ms"] + o["console_ms"]
        others.append([r["scene"], f"{ms(cost)}, {kb(o['bytes'])}", f"{ms(x['x264_ms'])}, {kb(x['x264_bytes'])}, {x['x264_psnr']:.1f} dB",
                       f"{ms(x['planar_ms'])}, {kb(x['planar_bytes'])}",
                       f"{ms(t['server_ms'])}, {kb(t['bytes'])}, {t['fps']:.0f} fps" if t else "-", ms(x["memcpy_ms"]),
                       f"{cost / x['x264_ms']:.3f}", f"{o['bytes'] / max(x['x264_bytes'], 1):.2f}", f"{cost / x['memcpy_ms']:.2f}"])
    floors = [[r["scene"], ms(cost), ms(f["session_ms"] + f["console_ms"]), ms(f["session_ms"]), ms(f["console_ms"]),
               f"{cost / (f['session_ms'] + f['console_ms']):.2f}"]
              for r in results if "floor" in r for f in [r["floor"]] for cost in [r["oriel"]["session_ms"] + r["oriel"]["console_ms"]]]
    goals = [[r["scene"], *GOALS[r["scene"]]] for r in results if r["scene"] in GOALS]
    return "\n".join([
        "## Scenes\n\nms and kB for an update; exact in ms; PSS in MiB.\n",
        table(["scene", "fps", "CPU ms", "session", "console", "kB", "PSNR", "exact", "PSS"], ours),
        "Latency in ms, p50 / p95 / p99 of so many keys:\n",
        table(["scene", "key→px", "src→px", "keys", "Tight key→px"], waits),
        "Beside others, ms and kB for a frame; the last columns are Oriel's, divided:\n",
        table(["scene", "Oriel", "x264", "planar", "Tight", "memcpy", "CPU/x264", "kB/x264", "CPU/memcpy"], others),
        *(["Beside what the way alone costs on this machine, CPU in ms for an update; the last column is Oriel's, divided by it:\n",
           table(["scene", "Oriel", "floor", "its session", "its console", "Oriel/floor"], floors)] if floors else []),
        browser_table(results),
        *(["What it aims at on two 2.5 GHz cores, and the best of the others as measured there earlier (not on this page):\n",
           table(["scene", "aim", "best CPU, best bytes of others"], goals)] if goals else [])])


def browser_table(results):
    rows = []
    for r in results:
        o, b, t = r["oriel"], r.get("browser"), r.get("tight")
        if b and "skipped" not in b:
            rows.append([r["scene"], f"{b['fps']:.1f}, {o['fps']:.1f}" + (f", {t['fps']:.1f}" if t else ""),
                         f"{ms(b['session_ms'] + b['console_ms'])}, {ms(o['session_ms'] + o['console_ms'])}" + (f", {ms(t['server_ms'])}" if t else ""),
                         ms(b["web_ms"]), ms(b["browser_ms"]), f"{kb(b['bytes'])}, {kb(o['bytes'])}" + (f", {kb(t['bytes'])}" if t else ""),
                         three(b["key_to_pixel"]), three(b["source_to_pixel"]),
                         exact(b["exact_ms"]), f"{b['pss_kib'] / 1024:.1f}, {o['pss_kib'] / 1024:.1f}"])
    if not rows:
        why = next((r["browser"]["skipped"] for r in results if "browser" in r), "")
        return f"In the browser: not measured: {why}.\n" if why else ""
    return ("In the browser, each number beside RDP's and, where there is a third, Tight's on the same frames; ms and kB for an update, "
            "latency to the canvas:\n\n" +
            table(["scene", "fps", "CPU ms", "oriel-web", "Chromium", "kB", "key→px", "src→px", "exact", "PSS"], rows))


def sessions_table(results):
    rows = [[str(r["count"]), f"{r['fps']:.1f}", f"{r['cpu_percent']:.1f} %", f"{r['kbit_s']:.0f}", f"{r['pss_kib'] / 1024:.1f}",
             three(r["key_to_pixel"]), three(r["source_to_pixel"])] for r in results]
    return ("## Many sessions\n\nSo many people at one gateway, each with a desktop of their own and the mixed work, each at another point of it, once "
            "around. Per session: updates a second, share of one processor, kbit/s, MiB of PSS; latency of one of them, in ms, p50 / p95 / p99. "
            "The desktops' painting and the clients share the processors; all clients but that one decode nothing.\n\n" +
            table(["sessions", "fps", "CPU", "kbit/s", "PSS", "key→px", "src→px"], rows))


def machines_text(login, qemu):
    lines = ["## Real machines\n"]
    if login is not None:
        lines.append(f"Log-in: not measured: {login['skipped']}.\n" if "skipped" in login else
                     f"Log-in to the first pixel of the person's own desktop, from a warm spare of the tiny guest: {login['desktop_ms']:.0f} ms, "
                     f"{login['desktop_ms'] / login['frame_ms']:.2f} times connecting to the first frame of any kind ({login['frame_ms']:.0f} ms), "
                     f"{login['desktop_ms'] / login['tls_ms']:.1f} times a TLS handshake alone ({login['tls_ms']:.0f} ms). Medians of three.\n")
    if qemu is not None:
        if "skipped" in qemu:
            lines.append(f"QEMU: not measured: {qemu['skipped']}.\n")
        else:
            lines.append("From a key to its pixel through a console, with the tiny guest under emulation (TCG), in ms:\n")
            lines.append(table(["display", "p50", "p95", "least", "most", "keys"],
                               [[kind, ms(t["p50"]), ms(t["p95"]), ms(t["least"]), ms(t["most"]), f"{t['count']:.0f}"]
                                for kind, t in qemu["keys"].items()]))
            if qemu["motion"]:
                of_copy = [shared / qemu["motion"]["map"]["fps"] / (qemu["motion"]["copy"][who] / qemu["motion"]["copy"]["fps"])
                           for who, shared in qemu["motion"]["map"].items() if who != "fps"]
                lines.append("The same guest's full motion at 1920x1080, sent by QEMU or in memory that it shares; a shared frame takes "
                             f"{of_copy[0]:.2f} of a sent one's time in the console, {of_copy[1]:.2f} in QEMU:\n")
                lines.append(table(["display", "fps", "console, % of a processor", "QEMU, %"],
                                   [[kind, f"{m['fps']:.1f}", f"{m['console']:.1f}", f"{m['qemu']:.0f}"] for kind, m in qemu["motion"].items()]))
    return "\n".join(lines)


def codecs_text(text):
    return ("## Lossless codecs on the graphics channel\n\nBy `oriel-bench-clear`: whole frame messages as a session makes them, from random lines of text "
            "with grey edges. `clear` is the session's choice for each part (ClearCodec, planar or raw pixels), `zgfx` RDP 8 bulk compression over the "
            "frame. Bytes before TLS; the letters repeat (26 of them, 2 inks), which flatters the caches.\n\n```\n" + text.strip() + "\n```\n")


def page(args, load, results):
    parts = [INTRO, about(args, load)]
    if results["scenes"]:
        parts.append(scene_tables(results["scenes"]))
    if results["sessions"]:
        parts.append(sessions_table(results["sessions"]))
    if results["login"] is not None or results["qemu"] is not None:
        parts.append(machines_text(results["login"], results["qemu"]))
    if results["codecs"]:
        parts.append(codecs_text(results["codecs"]))
    return "\n".join(parts)
