"""Every part of the tests, one after another: the demonstration, the proofs from outside the process, the Swift tests. The program
that is tested is the one that GATEHOUSE_BINARY names; the Swift tests build their own.

    python3 scripts/outside.py                 the short forms after a build for release, which `make test` runs
    python3 scripts/outside.py --long          the long forms, `--minutes` of chaos among them
    python3 scripts/outside.py edge client     these parts alone

Every part runs, whatever became of those before it; but nothing is tested that could not be built. Prints a line for each and a table at
the end; what a part printed is shown if it failed, and kept below .build/outside. The exit status is 0 only if every part passed.
"""

import argparse
import os
import pathlib
import re
import signal
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[1]
LOGS = ROOT / ".build/outside"
SHOWN_LINES_MAX = 60
MINUTE = 60
# A part that hangs must end, a slow one must not. A part may take so many times what it takes on two cores.
PATIENCE = 5
STOP_SECONDS = 30


class Part:
    """A command in its short and its long form, each with the minutes that it takes at most on two cores."""

    def __init__(self, name, claim, short, long, minutes):
        self.name, self.claim, self.forms, self.minutes = name, claim, (short, long), minutes


def python(*words):
    return [sys.executable, *words]


def parts(chaos_minutes):
    build = ["scripts/build-release.sh"]
    return [
        Part("form", "every Swift file as the formatter has it", ["scripts/lint-swift.sh"], ["scripts/lint-swift.sh"], (2, 2)),
        Part("python", "errors, imports and form of every Python file", ["scripts/lint-python.sh"], ["scripts/lint-python.sh"], (2, 2)),
        Part("build", "the program, for release", build, build, (15, 15)),
        Part("bench", "the arithmetic of the benches", python("Benchmarks", "--check"), python("Benchmarks", "--check"), (1, 1)),
        Part("docs", "the documents, held against the program and the sources", python("Tests/Docs"), python("Tests/Docs"), (3, 3)),
        Part("cost", "what a request costs: allocations and instructions", python("Tests/Cost"), python("Tests/Cost"), (2, 2)),
        Part("demo", "the promises one after another", python("scripts/demo.py"), python("scripts/demo.py"), (5, 5)),
        Part("faults", "each kind of failing Redis, disk and clock", python("Tests/Faults"), python("Tests/Faults"), (10, 10)),
        Part("chaos", "faults at random under load", python("Tests/Chaos", "--short"),
             python("Tests/Chaos", "--minutes", str(chaos_minutes)), (10, chaos_minutes + 30)),
        Part("security", "what an attacker and an auditor would try", python("Tests/Security"), python("Tests/Security", "--long"), (8, 40)),
        Part("contract", "/openapi.json, generated cases, a generated client", python("Tests/Conformance", "--cases", "2000"),
             python("Tests/Conformance", "--cases", "20000"), (15, 60)),
        Part("edge", "nginx, Caddy, Envoy, ambiguous requests, slow clients", python("Tests/Edge"), python("Tests/Edge", "--long"), (8, 30)),
        Part("client", "the Python client with FastAPI and Flask", ["clients/python/test.sh"], ["clients/python/test.sh"], (8, 8)),
        Part("swift", "every Swift test", ["scripts/swift-tests.sh"], ["scripts/swift-tests.sh"], (30, 30)),
    ]  # fmt: skip


def run(part, long):
    """Runs a part; whether it passed, and how long it took in seconds."""
    log, start = LOGS / f"{part.name}.log", time.monotonic()
    print(f"{part.name}: {part.claim} …", end=" ", flush=True)
    with log.open("w") as output:
        # A group of its own, so that nothing that it started outlives the limit.
        process = subprocess.Popen(part.forms[long], cwd=ROOT, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT, start_new_session=True)
        try:
            status = process.wait(PATIENCE * part.minutes[long] * MINUTE)
        except subprocess.TimeoutExpired:
            status = f"not over after {PATIENCE * part.minutes[long]} minutes"
            stop(process)
    seconds = time.monotonic() - start
    print(f"{'passed' if status == 0 else 'FAILED'}, {seconds:.0f} s", flush=True)
    if status != 0:
        print(f"  exit status {status}; the end of {log.relative_to(ROOT)}:")
        print("\n".join(f"  | {line}" for line in log.read_text(errors="replace").splitlines()[-SHOWN_LINES_MAX:]), flush=True)
    return status == 0, seconds


def stop(process):
    """Ends a part with all that it started."""
    os.killpg(process.pid, signal.SIGTERM)
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def closing(part):
    """The words of the part about itself at its end."""
    lines = (LOGS / f"{part.name}.log").read_text(errors="replace").splitlines()
    verdicts = [line for line in lines if line.startswith(("PASSED", "FAILED"))]
    counts = [line for line in lines if re.match(r"\d+ passed|\d+ of \d+ (steps held|targets passed)", line)]
    return "; ".join(re.sub(r"^(PASSED|FAILED) +", "", line) for line in verdicts or counts[-1:])


def failures(name):
    """The lines of a part's output that say what failed, for whoever reads the end alone."""
    lines = (LOGS / f"{name}.log").read_text(errors="replace").splitlines()
    said = [line for line in lines if re.search(r"^ *(NOT|BROKEN|FAILED|ERROR)\b|✘|: error: |not over after", line)]
    return (said or lines)[-SHOWN_LINES_MAX:]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="PART")
    parser.add_argument("--long", action="store_true")
    parser.add_argument("--minutes", type=int, default=30, help="of chaos in its long form")
    options = parser.parse_args()
    known = parts(options.minutes)
    if unknown := set(options.names) - {part.name for part in known}:
        parser.error(f"there is no {', '.join(sorted(unknown))}; there are {', '.join(part.name for part in known)}")
    LOGS.mkdir(parents=True, exist_ok=True)
    rows = []
    for part in known:
        if not options.names or part.name in options.names:
            rows.append((part, *run(part, options.long)))
            if part.name == "build" and not rows[-1][1]:
                break
    print(f"\n{'part':10} {'verdict':8} {'seconds':>7}  what it said")
    for part, passed, seconds in rows:
        print(f"{part.name:10} {'passed' if passed else 'FAILED':8} {seconds:7.0f}  {closing(part)}")
    failed = [part.name for part, passed, _ in rows if not passed]
    for name in failed:
        print(f"\n{name} failed:")
        print("\n".join(f"  | {line}" for line in failures(name)))
    print(f"\n{len(rows) - len(failed)} of {len(rows)} parts passed{': ' + ', '.join(failed) + ' failed' if failed else ''}.")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
