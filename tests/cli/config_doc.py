#!/usr/bin/env python3
"""docs/config.md is what the programs themselves say.
   config_doc.py DOC PROGRAM...           fails when DOC is out of date
   config_doc.py --write DOC PROGRAM...   writes it"""
import os
import subprocess
import sys

HEAD = """# Configuration

Each program reads one YAML file; every key is optional and every default works. An unknown key, a duplicate or a bad value is refused with file and line.

    oriel-broker --check-config --config /etc/oriel/broker.yaml     0: good, 1: not, and why
    oriel-broker --dump-config                                      all keys as they are now, explained
    oriel-broker --set lease_s=60                                   one key over the file

Changes count from the next start (`systemctl restart oriel-broker`); nobody loses a session by that.
This page is made from `--dump-config` by `tests/cli/config_doc.py --write docs/config.md oriel-broker oriel-gateway oriel-vmpool oriel-web`.
"""


def section(program):
    """Comment lines, then "key: value"."""
    name = os.path.basename(program)
    dump = subprocess.run([program, "--dump-config", "--config", "/dev/null"], check=True, timeout=20,
                          capture_output=True, text=True).stdout
    rows, words = [], []
    for line in dump.splitlines():
        if line.startswith("#"):
            words.append(line[1:].strip())
        elif line and not line[0].isspace() and ":" in line:
            key, value = line.split(":", 1)
            text = " ".join(words).replace("|", "\\|")
            rows.append(f"| `{key}` | `{value.strip() or '(none)'}` | {text} |")
            words = []
        elif not line:
            words = words if words and not rows else []
    if not rows:
        sys.exit(f"{program}: no keys in --dump-config")
    short = name.removeprefix("oriel-")
    return f"\n## {name}\n`/etc/oriel/{short}.yaml`\n\n| key | default | |\n|---|---|---|\n" + "\n".join(rows) + "\n"


def main():
    args = sys.argv[1:]
    is_writing = args[:1] == ["--write"]
    doc, *programs = args[1:] if is_writing else args
    text = HEAD + "".join(section(p) for p in programs)
    if is_writing:
        with open(doc, "w", encoding="utf-8") as out:
            out.write(text)
        return
    with open(doc, encoding="utf-8") as old:
        if old.read() != text:
            sys.exit(f"{doc} is out of date: tests/cli/config_doc.py --write {doc} {' '.join(programs)}")
    print(f"{doc}: current")


if __name__ == "__main__":
    main()
