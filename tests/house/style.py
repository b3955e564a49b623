#!/usr/bin/env python3
"""File length, functions that our style leaves out, left-over notes, hosts of registries, names that cross files without orl_."""
import pathlib
import re
import subprocess
import sys

FOLDERS = ("base", "store", "display", "protocols", "session", "console", "gateway", "broker", "vmpool", "cli", "guest", "web")
BANNED = re.compile(r"\b(strcpy|strcat|sprintf|vsprintf|gets|atoi|atol|strtok|system|alloca|exit|popen)\s*\(")
NOTES = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b")
HOSTS = re.compile(r"(deb\.debian\.org|registry\.npmjs\.org|snapshot\.debian\.org|security\.debian\.org)")
MAX_LINES = 800


def files_of(root):
    names = subprocess.run(["git", "-C", str(root), "ls-files", "-z"], check=True, capture_output=True).stdout
    return [name for name in names.decode().split("\0") if name]


def without_comments(text):
    return re.sub(r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\])*"', " ", text, flags=re.S)


def faults_of(name, text):
    is_c = name.endswith((".c", ".h"))
    is_ours = name.startswith(FOLDERS)
    if is_c and text.count("\n") > MAX_LINES:
        yield f"{name}: {text.count(chr(10))} lines, more than {MAX_LINES}"
    if is_c and is_ours:
        for call in BANNED.findall(without_comments(text)):
            yield f"{name}: calls {call}()"
        if re.search(r"/(util|utils|misc|helper|helpers|common)\.[ch]$", "/" + name):
            yield f"{name}: the name says nothing"
        if name.endswith(".c") and "\n#if" in text:
            yield f"{name}: conditional compilation; pick a .c file in CMake"
    if not name.startswith("tests/house/"):
        for note in NOTES.findall(text):
            yield f"{name}: left-over {note}"
        for host in HOSTS.findall(text):
            yield f"{name}: names the host {host}"


def main():
    root = pathlib.Path(sys.argv[1])
    faults = []
    for name in files_of(root):
        path = root / name
        try:
            text = path.read_text(encoding="utf-8")
        except (UnicodeDecodeError, FileNotFoundError, IsADirectoryError):
            continue
        if name != "COPYING":
            faults += faults_of(name, text)
    print("\n".join(faults))
    print(f"{len(faults)} faults")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
