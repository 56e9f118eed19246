#!/usr/bin/env python3
"""Measures the simulator: plants bugs in a copy of the sources, and sees which of them it finds.

    tests/planted/run [--seconds N] [--write] [BUG…]

All bugs of bugs.txt are built into one program, in which a variable of the environment chooses one;
the sources themselves know nothing of them, so that no release can have one. Each bug has N seconds
(60) to be found. --write puts the table into docs/testing.md.
"""

import os
import re
import shutil
import statistics
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
COPY = ROOT / "target" / "planted"
PLANTED = '''//! Bugs, of which one is chosen.

use std::sync::OnceLock;

#[cfg(not(debug_assertions))]
compile_error!("no release has a planted bug");

static CHOSEN: OnceLock<String> = OnceLock::new();

/// Whether this run has that bug.
pub fn is(bug: &str) -> bool {
    CHOSEN.get_or_init(|| std::env::var("HEADCOUNT_PLANTED").unwrap_or_default()) == bug
}
'''


def read_bugs():
    """The bugs as (id, what), and the places as (file, old, new)."""
    text = (ROOT / "tests/planted/bugs.txt").read_text()
    bugs, places, file = [], [], None
    pattern = r"^bug (\S+) ([^\n]+)$|^file (\S+)$|^<<<\n(.*?)\n===\n(.*?)\n>>>$"
    for match in re.finditer(pattern, text, re.M | re.S):
        bug, what, name, old, new = match.groups()
        if bug:
            bugs.append((bug, what))
        elif name:
            file = name
        else:
            places.append((file, old, new))
    return bugs, places


def plant(places):
    """Makes the copy, with a switch at every place."""
    sources = COPY / "source"
    shutil.rmtree(sources, ignore_errors=True)
    sources.mkdir(parents=True)
    for part in ["src", "www", "examples", "tests/sim"]:
        shutil.copytree(ROOT / part, sources / part)
    (sources / "tests/it").mkdir()
    shutil.copy(ROOT / "tests/it/wire.rs", sources / "tests/it")
    shutil.copy(ROOT / "Cargo.lock", sources)
    # The copy has one example and no benches, and is a workspace of its own.
    manifest = re.sub(r"\[\[(bench|test)\]\]\n(.+\n)+", "", (ROOT / "Cargo.toml").read_text())
    (sources / "Cargo.toml").write_text(manifest + "\n[workspace]\n")
    for name, old, new in places:
        path = sources / name
        text = path.read_text()
        if text.count(old) != 1:
            sys.exit(f"{name} has {text.count(old)} times:\n{old}")
        switch = re.sub(r"PLANTED\(([^)]+)\)", r'crate::planted::is("\1")', new)
        path.write_text(text.replace(old, switch))
    (sources / "src/planted.rs").write_text(PLANTED)
    library = sources / "src/lib.rs"
    library.write_text(library.read_text() + "\n#[allow(missing_docs)]\npub mod planted;\n")
    target = COPY / "target"
    command = ["cargo", "build", "--quiet", "--locked", "--example", "simulate"]
    environment = {**os.environ, "CARGO_TARGET_DIR": str(target)}
    subprocess.run(command, cwd=sources, env=environment, check=True)
    return target / "debug/examples/simulate"


def find(program, bug, seconds):
    """Runs seeds until one fails: how many, the time it took, and how it failed."""
    environment = {**os.environ, "HEADCOUNT_PLANTED": bug}
    command = [str(program), "--seeds", "1000000000", "--threads", "1"]
    started = time.monotonic()
    try:
        run = subprocess.run(
            command, env=environment, capture_output=True, text=True, timeout=seconds
        )
    except subprocess.TimeoutExpired:
        return None
    took = time.monotonic() - started
    failed = re.search(r"^seed (\d+) failed: (.*)$", run.stdout, re.M)
    if not failed:
        sys.exit(f"{bug}: {run.stdout}{run.stderr}")
    return int(failed[1]) + 1, took, failed[2]


def reason(problem):
    """The words of a failure without what was going on."""
    words = re.sub(r"Client \{.*\}", "a client", problem)
    return re.sub(r" \((src|examples|tests)/.*\)$", "", words).replace("|", "\\|")[:70]


def main():
    arguments = sys.argv[1:]
    write = "--write" in arguments
    seconds = 60
    if "--seconds" in arguments:
        seconds = int(arguments.pop(arguments.index("--seconds") + 1))
    wanted = [argument for argument in arguments if not argument.startswith("--")]
    bugs, places = read_bugs()
    program = plant(places)
    if find(program, "none", 3):
        sys.exit("without a bug it fails too")
    rows, times, missed = [], [], []
    for bug, what in bugs:
        if wanted and bug not in wanted:
            continue
        found = find(program, bug, seconds)
        if found is None:
            missed.append(bug)
            print(f"{bug:12} NOT FOUND in {seconds} s: {what}", flush=True)
            continue
        seeds, took, problem = found
        times.append(took)
        print(f"{bug:12} {seeds:7} seeds {took:6.2f} s  {what}: {reason(problem)}", flush=True)
        rows.append(f"| {bug} | {what} | {seeds:,} | {took:.2f} | {reason(problem)} |")
    median = statistics.median(times) if times else 0
    summary = f"{len(times)} of {len(times) + len(missed)} bugs found, median {median:.2f} s"
    print(summary)
    if write:
        page = ROOT / "docs/testing.md"
        head = "| bug | what it does | seeds | s | how it shows |\n|---|---|---:|---:|---|\n"
        table = f"<!-- planted -->\n{summary}:\n\n{head}" + "\n".join(rows) + "\n<!-- /planted -->"
        text = page.read_text()
        pattern = r"<!-- planted -->.*<!-- /planted -->"
        page.write_text(re.sub(pattern, lambda _: table, text, flags=re.S))
    sys.exit(1 if missed else 0)


main()
