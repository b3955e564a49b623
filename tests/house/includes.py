#!/usr/bin/env python3
"""Reads every #include of the project's C files and fails on an edge that docs/architecture.md does not have."""
import fnmatch
import pathlib
import re
import sys

# folder: (own headers it may include, outside headers it may include)
ANY_OUTSIDE = [
    "assert.h", "ctype.h", "dirent.h", "errno.h", "fcntl.h", "fnmatch.h", "getopt.h", "glob.h", "grp.h", "inttypes.h", "limits.h",
    "linux/*", "locale.h", "math.h", "netdb.h", "netinet/*", "arpa/inet.h", "poll.h", "pthread.h", "pwd.h", "sched.h", "semaphore.h", "signal.h",
    "spawn.h", "stdalign.h", "stdarg.h", "stdatomic.h", "stdbool.h", "stddef.h", "stdint.h", "stdio.h", "stdlib.h", "string.h",
    "strings.h", "sys/*", "termios.h", "time.h", "unistd.h", "wchar.h", "immintrin.h", "emmintrin.h", "smmintrin.h", "endian.h", "regex.h", "byteswap.h", "ftw.h",
]
RULES = {
    "base": (["base/*"], ["uv.h", "openssl/*", "seccomp.h", "cyaml/*", "malloc.h", "link.h"]),
    "store": (["base/*", "store/*"], ["sqlite3.h", "libpq-fe.h"]),
    "display": (["base/*", "display/*"], ["x264.h", "opus/opus.h", "turbojpeg.h"]),
    "protocols/vnc": (["base/*", "display/*", "protocols/vnc/*"], ["rfb/*", "zlib.h"]),
    "protocols/rdp": (["base/*", "display/*", "protocols/rdp/*"], ["freerdp/*", "winpr/*"]),
    "protocols/qemu": (["base/*", "display/*", "protocols/qemu/*"], ["systemd/*"]),
    "session": (["base/*", "display/*", "session/*", "protocols/*/*_viewer.h"], []),
    "console": (["base/*", "display/*", "console/*", "protocols/*/*_source.h"], []),
    "gateway": (["base/*", "gateway/*"], []),
    "broker": (["base/*", "store/*", "broker/*"], ["libwebsockets.h", "jansson.h", "sodium.h", "liboath/oath.h"]),
    "vmpool": (["base/*", "store/*", "vmpool/*", "protocols/qemu/qemu_display.h"], ["libvirt/*", "zlib.h"]),
    "guest/hook": (["base/err.h", "base/hook_wire.h", "base/regional.h", "guest/hook/*"], ["crypt.h"]),
    "guest/keyboard": ([], ["X11/*"]),
    "web/server": (["base/*", "web/server/*"], ["libwebsockets.h", "curl/*"]),
    "cli": (["base/*", "cli/*", "store/store_copy.h", "store/home.h", "store/audit_chain.h"], ["curl/*", "jansson.h", "sodium.h", "yaml.h"]),
}
INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]', re.M)


def folder_of(path):
    parts = path.split("/")
    return "/".join(parts[:2]) if parts[0] in ("protocols", "web", "guest") else parts[0]


def faults_of(path, text):
    own, outside = RULES[folder_of(path)]
    for bracket, name in INCLUDE.findall(text):
        allowed = own if bracket == '"' else ANY_OUTSIDE + outside
        if not any(fnmatch.fnmatchcase(name, pattern) for pattern in allowed):
            yield f"{path}: {folder_of(path)}/ may not include {name}"


def check(root):
    faults, seen = [], 0
    for path in sorted(root.rglob("*.[ch]")):
        relative = path.relative_to(root).as_posix()
        if folder_of(relative) in RULES:
            seen += 1
            faults += faults_of(relative, path.read_text(encoding="utf-8"))
    print("\n".join(faults))
    print(f"{seen} files, {len(faults)} edges that the house does not have")
    return 1 if faults or seen < 20 else 0


def self_test():
    bad = [
        ("gateway/x.c", '#include "display/plan.h"'), ("gateway/x.c", "#include <freerdp/peer.h>"),
        ("vmpool/x.c", '#include "protocols/vnc/vnc_source.h"'), ("protocols/vnc/x.c", '#include "protocols/rdp/rdp_gfx.h"'),
        ("display/x.c", '#include "store/store.h"'), ("session/x.c", '#include "protocols/vnc/vnc_source.h"'),
        ("broker/x.c", "#include <libvirt/libvirt.h>"), ("cli/x.c", '#include "broker/ticket.h"'), ("base/x.c", '#include "display/plan.h"'),
    ]
    good = [("session/x.c", '#include "protocols/rdp/rdp_viewer.h"'), ("vmpool/x.c", "#include <libvirt/libvirt.h>")]
    missed = [b for b in bad if not list(faults_of(*b))] + [g for g in good if list(faults_of(*g))]
    print(f"missed: {missed}")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(self_test() if sys.argv[1] == "--self-test" else check(pathlib.Path(sys.argv[1])))
