"""Is the bench itself sane? Bounds that hold on any machine under any load: bytes, order, exactness; no milliseconds."""


def faults(results):
    found = []

    def expect(holds, text):
        if not holds:
            found.append(text)

    scenes = {r["scene"]: r for r in results["scenes"]}
    for name, r in scenes.items():
        ours, reference = r["oriel"], r["reference"]
        expect(reference["x264_ms"] > 0 and reference["planar_ms"] > 0 and reference["memcpy_ms"] > 0, f"{name}: what is beside it costs time")
        expect(ours["key_to_pixel"]["count"] > 0, f"{name}: a key is answered")
        expect(ours["pss_kib"] > 1024, f"{name}: processes have memory")
        if name != "still":
            expect(ours["frames"] > 0 and ours["session_ms"] > 0 and ours["console_ms"] > 0, f"{name}: frames arrive and cost time")
            expect(None not in ours["exact_ms"], f"{name}: the picture is exact after a rest")
        if "floor" in r:
            expect(r["floor"]["console_ms"] > 0 and r["floor"]["session_ms"] > 0, f"{name}: the way alone costs time")
        if "tight" in r and name != "still":
            expect(r["tight"]["bytes"] > 0 and r["tight"]["server_ms"] > 0, f"{name}: Tight sends something")
        page = r.get("browser", {"skipped": ""})
        if "skipped" not in page:
            expect(page["key_to_pixel"]["count"] > 0, f"{name}: a key is answered on the page's canvas")
            if name != "still":
                expect(None not in page["exact_ms"], f"{name}: the page is exact after a rest")
                expect(page["frames"] > 0 and page["bytes"] > 0 and page["session_ms"] > 0, f"{name}: the page paints")
    if "still" in scenes:
        expect(scenes["still"]["oriel"]["bytes"] < 100, "still: nothing is sent where nothing changes")
    if "typing" in scenes:
        r = scenes["typing"]
        expect(r["oriel"]["bytes"] < r["reference"]["x264_bytes"], "typing: a letter is less than x264's frame")
        expect(r["oriel"]["session_ms"] < r["reference"]["x264_ms"], "typing: a letter costs less than x264's frame")
        expect(r["oriel"]["psnr"] is None or r["oriel"]["psnr"] >= 99, "typing: exact")
    if "video" in scenes:
        r = scenes["video"]
        expect(r["oriel"]["bytes"] < r["reference"]["planar_bytes"] / 4, "video: less than its pixels")
        expect(r["reference"]["x264_psnr"] > 25, "video: x264's picture is recognised")
    for r in results["sessions"]:
        expect(r["fps"] > 0 and r["cpu_percent"] > 0 and r["pss_kib"] > 1024, f"{r['count']} sessions: all of them get frames")
        expect(r["key_to_pixel"]["count"] > 0, f"{r['count']} sessions: a key is answered")
    return found
