#!/usr/bin/env python3
"""Every `oriel ...` of the documents is a command that the program has, with options and arguments that it takes.
   docs_commands.py ORIEL README.md docs/*.md
   docs_commands.py --self-test ORIEL         wrong lines are caught, good ones are not"""
import re
import shlex
import subprocess
import sys

BLOCK_LINE = re.compile(r"^(?:\$ |# |sudo )*oriel( .*)?$")
INLINE = re.compile(r"`(?:sudo )?oriel(?: ([^`]*))?`")
BARE = re.compile(r"`(--[a-z][a-z-]*)")
OF_ORIEL = ("admin.md", "operations.md")  # an option without its command is `oriel`'s there
FEWEST = 150  # lines that are there: a pattern that finds none would find no fault either
ENDS = {"|", "||", "&&", ";", ">", ">>", "<", "2>", "&"}
AS_IT_IS = {"--help", "--version", "--man"}


class Command:
    def __init__(self, args, options):
        self.args, self.options, self.needed = args, dict(options), set()


def read_manual(text):
    """The table, as `oriel --man` writes it: {(noun, verb): Command} and the options that all have."""
    commands, everywhere, current = {}, {}, None
    lines = [line.replace("\\-", "-") for line in text.splitlines()]
    for i, line in enumerate(lines):
        if line.startswith(".SH "):
            current = None
        elif line.startswith('.SS "oriel '):
            noun, *rest = line[len('.SS "oriel '):-1].split()
            verb = rest.pop(0) if rest and rest[0].islower() else ""
            current = commands.setdefault((noun, verb), Command(rest, everywhere))
        elif line.startswith(".B --"):
            name, _, value = line[len(".B "):].partition(" ")
            (everywhere if current is None else current.options)[name] = bool(value)
            if current is not None and lines[i + 1].endswith(" Needed."):
                current.needed.add(name)
    commands[("completion", "bash")] = Command([], everywhere)
    return commands, everywhere


def words_of(line):
    """As a shell would: up to a comment, a pipe or a redirection."""
    lexer = shlex.shlex(re.sub(r"\$\([^)]*\)", "X", line), posix=True)
    lexer.whitespace_split = True
    for word in lexer:
        if word in ENDS:
            return
        yield word


def fault_of(line, table, is_whole):
    """None, or what the program would say. A line in a block is whole; one in a sentence may leave out what comes after its verb."""
    commands, everywhere = table
    try:
        words = list(words_of(line))
    except ValueError as err:
        return str(err)
    plain, options = [], []
    takes = {name: value for command in commands.values() for name, value in command.options.items()} | everywhere
    while words:
        word = words.pop(0)
        if word.startswith("--"):
            name, equals, _ = word.partition("=")
            options.append(name)
            if takes.get(name) and not equals:
                if not words and is_whole:
                    return f"a value is missing after {name}"
                words = words[1:]
        elif word not in ("...", "…"):
            plain.append(word)
        else:
            is_whole = False
    if not plain:
        return None if all(o in everywhere for o in options) else f"unknown option {options}"
    if plain[0] == "NOUN":
        return None
    noun, verb = plain[0], plain[1] if len(plain) > 1 else ""
    command = commands.get((noun, verb))
    args = plain[2:]
    if command is None and (noun, "") in commands:
        command, args = commands[(noun, "")], plain[1:]
    if command is None:
        if noun in {n for n, _ in commands} and verb == "" and not (is_whole or options):
            return None
        return f"no such command: oriel {noun} {verb}"
    unknown = [o for o in options if o not in command.options]
    if unknown:
        return f"oriel {noun} {verb} does not take {' '.join(unknown)}"
    if len(args) > len(command.args):
        return f"one argument too many: {args[len(command.args)]}"
    if AS_IT_IS & set(options) or not (is_whole or args):
        return None
    if len(args) < len(command.args):
        return f"an argument is missing: {command.args[len(args)]}"
    missing = command.needed - set(options)
    return f"oriel {noun} {verb} needs {' '.join(sorted(missing))}" if missing else None


def lines_of(text):
    """(number, what follows `oriel`, is it in a block)"""
    is_fenced = False
    for number, line in enumerate(text.splitlines(), 1):
        if line.startswith("```"):
            is_fenced = not is_fenced
            continue
        is_indented = line.startswith("    ") and not re.match(r"\s+([-*|]|\d+\.) ", line)
        found = BLOCK_LINE.match(line.strip()) if is_fenced or is_indented else None
        if found:
            yield number, (found.group(1) or "").strip(), True
        elif not is_fenced:
            for inline in INLINE.finditer(line):
                yield number, (inline.group(1) or "").replace("\\|", "|"), False


def unknown_options(text, table):
    """Options that stand alone, as in a table of them, and that no command has."""
    known = {name for command in table[0].values() for name in command.options} | set(table[1])
    return [(number, name) for number, line in enumerate(text.splitlines(), 1) for name in BARE.findall(line) if name not in known]


def check(table, paths):
    faults, seen = [], 0
    for path in paths:
        with open(path, encoding="utf-8") as doc:
            text = doc.read()
        for number, line, is_whole in lines_of(text):
            seen += 1
            fault = fault_of(line, table, is_whole)
            if fault:
                faults.append(f"{path}:{number}: oriel {line}: {fault}")
        if path.endswith(OF_ORIEL):
            faults += [f"{path}:{number}: no command has {name}" for number, name in unknown_options(text, table)]
    print("\n".join(faults))
    print(f"{seen} lines, {len(faults)} that the program refuses")
    return 1 if faults or seen < FEWEST else 0


def self_test(table):
    bad = ["    oriel desktop remove ID --yes", "`oriel desktop remove ID --yes`", "    oriel pool set office --disk-mib-s 80",
           "`oriel pool set office --disk-mib-s`", "```\n$ oriel pools list\n```", "    oriel pool frob x", "`oriel pool frob`", "    oriel desktop purge ID",
           "    oriel pool set", "    oriel user show a b", "| `x` | say `oriel user show a b` |", "    oriel user list --limit"]
    good = ["    oriel desktop remove ID --force   # gone", "`oriel pool set --spares`", "```\n$ oriel audit list --limit 3 | wc -l\n```",
            "    oriel pool set office --disk-rate 80", "`oriel pool`", "    oriel desktop purge ID --yes", "the oriel window of the house"]

    def faults(text):
        return [f for _, line, is_whole in lines_of(text) if (f := fault_of(line, table, is_whole))]
    missed = [b for b in bad if not faults(b)] + [g for g in good if faults(g)]
    missed += [] if unknown_options("| `--disk-iops`, `--disk-mib-s` |", table) == [(1, "--disk-mib-s")] else ["an option alone"]
    print(f"missed: {missed}")
    return 1 if missed else 0


def main():
    args = sys.argv[1:]
    is_self_test = args[:1] == ["--self-test"]
    program, *paths = args[1:] if is_self_test else args
    manual = subprocess.run([program, "--man"], check=True, timeout=20, capture_output=True, text=True).stdout
    table = read_manual(manual)
    return self_test(table) if is_self_test else check(table, paths)


if __name__ == "__main__":
    sys.exit(main())
