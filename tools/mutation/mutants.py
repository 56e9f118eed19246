#!/usr/bin/env python3
"""Runs the mutants that cargo-mutants lists, all of them out of one build.

    tests/mutants/run [--resume] [--no-run] [--write] [FILE…]

A mutant is a small change of the sources that tests should notice. Building each by itself takes
longer than running the tests, so here a copy of the sources has all of them behind a switch
(tests/mutants/src), which a variable of the environment sets. A mutant is caught if a test of
`cargo test --lib --test it` fails with it, or does not end in time. --resume keeps the results of
the last run for those that were caught, --no-run keeps them all. --write puts the figures into
docs/testing.md.
"""

import collections
import concurrent.futures
import json
import os
import re
import resource
import shutil
import signal
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
COPY = ROOT / "target" / "mutants"
SOURCES = COPY / "source"
PARTS = ["ws", "http", "roster", "broadcast", "outbox", "session", "hub"]
# Tests of what no mutant touches: the sources as text, the load generator, the machine.
NOT_RUN = ["bench::", "conformance::", "planted::", "tidy::", "threats::table"]
# Why a mutant that may compile has no switch: those are not run.
VIABLE = ["in a constant", "an opaque type", "an arm that may be needed", "not found"]
QUICK_SECONDS = 0.3
SLOWEST = 4  # times what a run takes without a mutant
MEMORY_BYTES = 6 << 30
SWITCH = '''//! Mutants, of which one is chosen.

use std::sync::LazyLock;

static CHOSEN: LazyLock<u32> = LazyLock::new(|| {
    std::env::var("HEADCOUNT_MUTANT").map_or(0, |number| number.parse().unwrap_or(0))
});

/// The number of the mutant in this run.
pub fn chosen() -> u32 {
    *CHOSEN
}
'''


def list_mutants():
    files = [f"--file=src/{part}{end}" for part in PARTS for end in (".rs", "/*.rs")]
    command = ["cargo", "mutants", "--list", "--json", *files]
    mutants = json.loads(subprocess.check_output(command, cwd=ROOT))
    return {number: mutant for number, mutant in enumerate(mutants, 1)}


def copy_sources(mutants, without, plain):
    """Makes the copy. Returns the mutants without a switch, with the reason."""
    shutil.rmtree(SOURCES, ignore_errors=True)
    names = subprocess.check_output(["git", "ls-files"], cwd=ROOT, text=True).splitlines()
    for name in names:
        if (ROOT / name).is_file() and not name.startswith("tests/mutants"):
            (SOURCES / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, SOURCES / name)
    manifest = SOURCES / "Cargo.toml"
    manifest.write_text(manifest.read_text() + "\n[workspace]\n")
    tool = ["cargo", "run", "--quiet", "--release", "--locked", "--manifest-path"]
    tool += [ROOT / "tests/mutants/Cargo.toml", "--target-dir", COPY / "tool", "--", SOURCES]
    command = [str(word) for word in tool] + [str(number) for number in sorted(without)]
    listed = json.dumps(list(mutants.values()))
    lines = subprocess.check_output(command, input=listed, text=True).splitlines()
    for name in plain:
        path = SOURCES / name
        path.write_text(path.read_text().replace("const fn ", "fn "))
    (SOURCES / "src/mutant.rs").write_text(SWITCH)
    library = SOURCES / "src/lib.rs"
    library.write_text(library.read_text() + "\n#[allow(missing_docs)]\npub mod mutant;\n")
    return {int(number): reason for number, reason in (line.split("\t") for line in lines)}


def cargo(*arguments):
    """What the compiler says, as JSON."""
    command = ["cargo", *arguments, "--quiet", "--message-format=json"]
    environment = {**os.environ, "CARGO_TARGET_DIR": str(COPY / "target"), "RUSTFLAGS": "-Awarnings"}
    run = subprocess.run(command, cwd=SOURCES, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    return [json.loads(line) for line in run.stdout.splitlines()], run.returncode


def switch(mutants):
    """Builds the copy: mutants that do not compile are left out. Returns them all, by reason."""
    without, plain = {}, set()
    while True:
        left = copy_sources(mutants, without, plain)
        said, code = cargo("check", "--lib")
        if code == 0:
            return {**left, **without}
        before = len(without) + len(plain)
        for line in said:
            message = line.get("message", {})
            if line["reason"] != "compiler-message" or message["level"] != "error":
                continue
            for span in message["spans"]:
                text = "".join(part["text"] for part in span["text"])
                found = re.search(r"mutant::chosen\(\) == (\d+) \{ return", text)
                if found and span["is_primary"]:
                    without[int(found[1])] = "does not compile"
                elif (message.get("code") or {}).get("code") == "E0015":
                    plain.add(span["file_name"])
        if len(without) + len(plain) == before:
            sys.exit("".join(line["message"]["rendered"] for line in said if "message" in line))


def build():
    """The test programs."""
    said, code = cargo("test", "--no-run", "--lib", "--test", "it")
    if code:
        sys.exit("the tests do not compile")
    programs = [line["executable"] for line in said if line.get("profile", {}).get("test")]
    return [program for program in programs if program]


def limit_memory():
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def test(program, mutant, seconds, arguments):
    """Runs tests: their output, or None if they did not end in time, and the first that failed."""
    environment = {**os.environ, "HEADCOUNT_MUTANT": str(mutant), "RUSTC_BOOTSTRAP": "1"}
    command = [program, "-Z", "unstable-options", "--report-time", "--test-threads=2", *arguments]
    run = subprocess.Popen(
        command,
        cwd=SOURCES,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        errors="replace",
        start_new_session=True,
        preexec_fn=limit_memory,
    )
    timer = concurrent.futures.ThreadPoolExecutor(1)
    ended = timer.submit(read, run)
    try:
        output, failed = ended.result(seconds)
        if failed is None and run.wait(10) != 0:
            failed = f"ended with {run.returncode}"
    except (TimeoutError, subprocess.TimeoutExpired):
        output, failed = None, f"not ended after {seconds:.0f} s"
    try:
        os.killpg(run.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass
    run.wait()
    timer.shutdown()
    return output, failed


def read(run):
    """Reads until a test fails, or all have ended."""
    lines = []
    for line in run.stdout:
        lines.append(line)
        found = re.match(r"test (\S+).* FAILED", line)
        if found:
            return lines, found[1]
    return lines, None


def plan(programs):
    """What is run for each mutant, as (program, seconds, arguments): the quick tests, and all others."""
    quick, slow = [], []
    for program in programs:
        skip = [word for name in NOT_RUN for word in ("--skip", name)]
        lines, failed = test(program, 0, 600, skip)
        if failed:
            sys.exit(f"without a mutant it fails too: {failed}")
        times = [re.match(r"test (\S+).* ok <([\d.]+)s>", line) for line in lines]
        times = {found[1]: float(found[2]) for found in times if found}
        for steps, is_quick in [(quick, True), (slow, False)]:
            names = [name for name, time in times.items() if (time <= QUICK_SECONDS) == is_quick]
            if names:
                seconds = 10 + SLOWEST * sum(times[name] for name in names)
                steps.append((program, seconds, ["--exact", *sorted(names, key=times.get)]))
    return quick, slow


def judge(number, steps):
    """By which test a mutant is caught, or None."""
    for program, seconds, arguments in steps:
        _, failed = test(program, number, seconds, arguments)
        if failed:
            return failed
    return None


def is_in(name, files):
    """Whether the mutant of this name is in one of these files."""
    return name.split(":")[0] in files


def key(mutant):
    """A mutant's name without the line, which changes."""
    name = re.sub(r":\d+:\d+: ", ": ", mutant["name"])
    return " ".join(name.split())


def main():
    options = [word for word in sys.argv[1:] if word.startswith("--")]
    files = [word for word in sys.argv[1:] if not word.startswith("--")]
    if files and "--write" in options:
        sys.exit("the page is about all files")
    mutants = list_mutants()
    left = switch(mutants)
    is_run = "--no-run" not in options
    quick, slow = plan(build()) if is_run else ([], [])
    log = COPY / "results.tsv"
    names = {mutant["name"] for mutant in mutants.values()}
    lines = log.read_text().splitlines() if log.exists() else []
    known = {name: test for name, test in (line.split("\t") for line in lines) if name in names}
    if is_run and "--resume" not in options:
        known = {name: test for name, test in known.items() if files and not is_in(name, files)}
    wanted = [
        number
        for number, mutant in mutants.items()
        if number not in left and (not files or mutant["file"] in files)
    ]
    results = {number: known.get(mutants[number]["name"]) or None for number in wanted}
    missing = [number for number in wanted if mutants[number]["name"] not in known]
    if missing and not is_run:
        sys.exit(f"{len(missing)} were not run")
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        for steps in [quick, slow] if is_run else []:
            runs = {
                pool.submit(judge, number, steps): number
                for number in wanted
                if results[number] is None
            }
            print(f"{len(runs)} mutants", flush=True)
            for run in concurrent.futures.as_completed(runs):
                number = runs[run]
                results[number] = run.result()
                if results[number] is None:
                    print(f"not caught: {mutants[number]['name']}", flush=True)
                # One that nothing has caught so far has a row too, with no test in it.
                known[mutants[number]["name"]] = results[number] or ""
                log.write_text("".join(f"{name}\t{test}\n" for name, test in known.items()))
    report(mutants, left, results, "--write" in options)


def read_reasons():
    """Why a mutant that survives is none that a test should notice: name → reason."""
    text = (ROOT / "tests/mutants/survivors.txt").read_text()
    rows = [line.split("\t") for line in text.splitlines() if "\t" in line]
    return dict(rows)


def report(mutants, left, results, write):
    """Prints the figures, and what nothing has noticed; fails if there is no reason for one."""
    reasons = read_reasons()
    table, survivors, unexplained = [], [], []
    total = collections.Counter()
    for place in PARTS:
        count = collections.Counter()
        for number, mutant in mutants.items():
            if not re.match(rf"src/{place}[./]", mutant["file"]):
                continue
            if number in left:
                is_viable = left[number] in VIABLE
                count["apart" if is_viable else "invalid"] += 1
            elif number in results:
                count["caught" if results[number] else "missed"] += 1
                if results[number] is None:
                    name = key(mutant)
                    survivors.append(name)
                    if name not in reasons:
                        unexplained.append(name)
        total += count
        table.append((place, count))
    rows = [line(place, count) for place, count in [*table, ("all", total)]]
    head = "| part | caught | survived | caught, % | no mutants | not run |\n|---|---:|---:|---:|---:|---:|\n"
    figures = head + "".join(rows)
    print(figures)
    listed = "".join(
        f"- `{name}`{times(count)}: {reasons.get(name, 'NOT EXPLAINED')}\n"
        for name, count in sorted(collections.Counter(survivors).items())
    )
    print(listed)
    for name in sorted(set(reasons) - set(survivors)):
        print(f"does not survive any more: {name}")
    if write:
        page = ROOT / "docs/testing.md"
        text = f"<!-- mutants -->\n{figures}\n{listed}<!-- /mutants -->"
        pattern = r"<!-- mutants -->.*<!-- /mutants -->"
        page.write_text(re.sub(pattern, lambda _: text, page.read_text(), flags=re.S))
    if unexplained:
        sys.exit(f"{len(unexplained)} survive without a reason")


def times(count):
    return f" ({count} ×)" if count > 1 else ""


def line(place, count):
    run = count["caught"] + count["missed"]
    part = 100 * count["caught"] / run if run else 0
    return (
        f"| {place} | {count['caught']:,} | {count['missed']} | {part:.1f} "
        f"| {count['invalid']} | {count['apart']} |\n"
    )


main()
