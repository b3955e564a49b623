#!/usr/bin/env python3
"""test_sim.py holds SIM | replays SIM | catches SIM: what is proven with the simulation in a few seconds."""
import subprocess
import sys


def run(sim, *args):
    done = subprocess.run([sim, *args], capture_output=True, text=True, timeout=280)
    if done.returncode not in (0, 1):
        sys.exit(f"{sim} {' '.join(args)}: exit code {done.returncode}\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
    return done.returncode == 0, done.stdout


def holds(sim):
    is_good, text = run(sim, "--faults", "800", "--seed", "1")
    print(text)
    return is_good


def replays(sim):
    """The same seed is the same history; another seed is another."""
    first, again, other = (run(sim, "--faults", "60", "--seed", seed)[1] for seed in ("7", "7", "8"))
    print(first, other)
    return first == again and first != other


def catches(sim):
    """With the bug something does not hold, and the report says what and how to see it again."""
    for seed in ("1", "2", "3"):
        is_good, text = run(sim, "--faults", "1500", "--seed", seed, "--weak", "--lines", "12")
        if not is_good:
            print(text)
            return "DOES NOT HOLD" in text and "seed " in text
    print("the bug was not caught")
    return False


if __name__ == "__main__":
    sys.exit(0 if {"holds": holds, "replays": replays, "catches": catches}[sys.argv[1]](sys.argv[2]) else 1)
