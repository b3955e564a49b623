"""A scene through oriel-web to the desktop page in Chromium, on the same frames as the others."""
import os
import shutil
import subprocess

from measure import ROOT, Watched, fps_of, seconds_of
from stage import Failed, Stage, costs, free_port, processes, wait_for, workers_of

TICKET, PASSWORD = "t-0123456789abcdef", "abcdefghijklmnop"
CLIENT = ROOT / "tests/browser/bench_client.js"


def missing(args):
    """Why it can't be measured here; None: it can."""
    pages = args.bin.parent / "web/dist/desktop.html"
    chromium = os.environ.get("ORIEL_CHROMIUM", "/usr/bin/chromium")
    needs = [(shutil.which("node"), "node"), (os.access(chromium, os.X_OK), "Chromium"),
             ((CLIENT.parent / "node_modules/@playwright/test").exists(), "tests/browser/node_modules"),
             ((args.bin / "oriel-web").exists(), "oriel-web"), (pages.exists(), "the built pages")]
    lacking = [name for has, name in needs if not has]
    return f"needs {', '.join(lacking)}" if lacking else None


def descendants(pid):
    table = processes()
    found, more = [], [pid]
    while more:
        found += more
        more = [child for child, (_, parent) in table.items() if parent in more and child not in found]
    return found


def start_web(stage, run_dir):
    port = free_port()
    settings = [f"run_dir={run_dir}", f"state_dir={stage.dir / 'web-state'}", "https_address=127.0.0.1", f"https_port={port}",
                f"web_dir={stage.bin.parent / 'web/dist'}", f"origins=https://127.0.0.1:{port}", "user=", "gateway_user=", "broker_user="]
    web = stage.start("web", "oriel-web", *(arg for s in settings for arg in ("--set", s)))
    wait_for("oriel-web", lambda: "listening" in stage.log("web"))
    return web.pid, f"https://127.0.0.1:{port}"


def browser(args, scene):
    why = missing(args)
    if why:
        return {"skipped": why}
    fps, seconds = fps_of(args, scene), seconds_of(args, scene)
    with Stage(args.bin) as stage:
        _, path = stage.start_desktop(scene, args.size, fps)
        gateway, _ = stage.start_servers(path, user=TICKET, password=PASSWORD)
        web, url = start_web(stage, stage.dir / "run")
        client = stage.start("browser", shutil.which("node"), CLIENT, url, args.size, seconds, args.keys,
                             0 if scene == "still" else 1, stdout=subprocess.PIPE, text=True,
                             env={**os.environ, "ORIEL_TICKET": TICKET, "ORIEL_PASSWORD": PASSWORD}, cwd=CLIENT.parent)

        def on_point():
            workers = wait_for("session and console", lambda: workers_of(gateway), 5)
            return costs({**workers, "web": [web], "browser": descendants(client.pid)})
        try:
            watched = Watched(client, on_point, seconds)
        except Failed as fault:
            raise Failed(f"{scene} in the browser: {fault}\n{stage.log('browser')}\n{stage.log('web')}\n{stage.log('gateway')}") from None
        events = stage.events()
    frames = watched.between("frames")
    # As with RDP: a still desktop's cost is told per frame time of the source.
    per = watched.between("time") * fps if scene == "still" else max(frames, 1)
    return {"fps": frames / watched.between("time"), "frames": frames, "bytes": watched.between("bytes") / per,
            **{f"{kind}_ms": watched.between(kind, "cpu") / per for kind in ("session", "console", "web", "browser")},
            "pss_kib": sum(watched.points["end"][kind]["pss"] for kind in ("session", "console")),
            "exact_ms": [rest["exact_ms"] for rest in watched.rests(events)], **watched.latencies(events)}
