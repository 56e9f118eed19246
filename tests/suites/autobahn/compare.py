"""Compares a run of the Autobahn suite with the stored one, or stores it.

compare.py sample|all|store VERSION INDEX.json ...

Each line of results.tsv is a case: its id, how it went, how its close went, and the code of the
server's Close frame. A case that went differently from what is stored fails the comparison, as does
a protocol error that was answered without a close code: the suite itself takes a mere drop.
"""

import json
import pathlib
import sys
from collections import Counter

STORED = pathlib.Path(__file__).with_name("results.tsv")
CASES = {"sample": 283, "all": 517, "store": 517}
GOOD = ("OK", "INFORMATIONAL")


def by_number(case):
    return [int(part) for part in case.split(".")]


def read_run(paths):
    run, silent = {}, []
    for path in map(pathlib.Path, paths):
        for case, result in json.loads(path.read_text())["headcount"].items():
            code = str(result["remoteCloseCode"] or "-")
            run[case] = (result["behavior"], result["behaviorClose"], code)
            report = json.loads((path.parent / result["reportfile"]).read_text())
            wanted = set(report["expectedClose"].get("closeCode", []))
            if wanted and wanted <= {1002, 1007} and code not in ("1002", "1007"):
                silent.append(case)
    return run, silent


def read_stored():
    lines = STORED.read_text().splitlines()
    rows = [line.split("\t") for line in lines if not line.startswith("#")]
    return {case: tuple(rest) for case, *rest in rows}


def main():
    what, version, *paths = sys.argv[1:]
    run, silent = read_run(paths)
    problems = [f"{case}: a protocol error without a close code" for case in silent]
    if len(run) != CASES[what]:
        problems.append(f"{len(run)} cases were run, and should be {CASES[what]}")
    for case, result in run.items():
        if result[0] not in GOOD or result[1] not in GOOD:
            problems.append(f"{case}: {result}")
    if what == "store" and not problems:
        rows = ["\t".join((case, *run[case])) for case in sorted(run, key=by_number)]
        STORED.write_text(f"# {version}\n" + "\n".join(rows) + "\n")
    stored = read_stored()
    for case, result in run.items():
        if stored.get(case) != result:
            problems.append(f"{case}: {result}, but {stored.get(case)} is stored")
    counts = Counter(result[0] for result in run.values())
    for problem in problems:
        print(problem)
    print("autobahn:", " ".join(f"{kind}={count}" for kind, count in sorted(counts.items())))
    print(f"{len(run) - len(problems)} passed, {len(problems)} failed")
    sys.exit(bool(problems))


main()
