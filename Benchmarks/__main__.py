"""How fast is Gatehouse, beside what else does the same job? Ratios in one run, the contenders in turns.

    python3 Benchmarks                           every bench; `make bench` builds and installs first
    python3 Benchmarks --only P1,P4              these alone
    python3 Benchmarks --json FILE --rounds 5    writes the table as JSON too
    python3 Benchmarks --keep                    keeps a whole run in docs/measurements, and writes the documents anew
    python3 Benchmarks --pages                   writes docs/measurements.md and README.md anew from the kept JSON
    python3 Benchmarks --limits                  the limiter beside the algorithms of others
    python3 Benchmarks --users 1000000           growth: curves up to so many users; it takes an hour
    python3 Benchmarks --check                   tries the arithmetic of the benches themselves

Prints a table. It is no test: the exit status says only whether every bench came to its end. The program is .build/release/gatehouse,
or what GATEHOUSE_BINARY names.
"""

import argparse
import os
import pathlib
import signal
import subprocess
import sys
import traceback

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "Tests"))

import calm
import documents
import gate
import limits
import machine
import memory
import python_peers
import queue_alone
import scale
import script
import selftest
import verdict
import writes
from Harness.process import Failure

ROOT = pathlib.Path(__file__).resolve().parents[1]
# Each takes the options and gives rows. A bench that gives rows of several ids runs once for all of them.
BENCHES = [
    (("P1", "P4"), gate.against_nginx), (("P2",), python_peers.against_python), (("P3",), script.batches), (("P3",), calm.beside_batches),
    (("P4s",), script.against_reference), (("P5",), calm.in_a_storm), (("P6",), writes.durable), (("P6",), writes.steady),
    (("P6",), queue_alone.queue_alone), (("P7",), memory.sizes),
]  # fmt: skip


# Growth is measured by a run of its own.
GROWTH = ("P8", "P9", "P10")


def chosen(only):
    """The benches that give any of these ids; all of them without. Ends the program at an id that none gives."""
    known = {name.lower(): name for names, _ in BENCHES for name in names}
    words = [word.strip() for word in only.split(",") if word.strip()]
    if growth := [word for word in words if word.upper() in GROWTH]:
        sys.exit(f"{', '.join(growth)}: `make scale` measures {', '.join(GROWTH)}")
    if unknown := [word for word in words if word.lower() not in known]:
        sys.exit(f"no such bench: {', '.join(unknown)}; there are {', '.join(known.values())}")
    wanted = {known[word.lower()] for word in words} or set(known.values())
    return [(names, bench) for names, bench in BENCHES if wanted & set(names)]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default="", help="ids, with commas between them")
    parser.add_argument("--json", type=pathlib.Path, help="a file for the run as JSON; curves come beside it")
    parser.add_argument("--keep", action="store_true", help="keeps a whole run in docs/measurements, and writes the documents anew")
    parser.add_argument("--rounds", type=int, default=5, help="of each contender in turn")
    parser.add_argument("--seconds", type=int, default=4, help="of a round")
    parser.add_argument("--minutes", type=int, default=1, help="of writes at a steady rate")
    parser.add_argument("--limits", action="store_true", help="compares limiters alone")
    parser.add_argument("--users", type=int, help="measures growth alone, up to so many users")
    parser.add_argument("--pages", action="store_true", help="writes the documents anew from the kept runs")
    parser.add_argument("--check", action="store_true", help="tries the arithmetic alone; with --pages says what is old")
    options = parser.parse_args()
    os.environ.setdefault("GATEHOUSE_BINARY", str(ROOT / ".build/release/gatehouse"))
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that what was started is stopped
    if options.pages:
        return documents.check() if options.check else documents.write()
    if options.check:
        return selftest.run()
    if options.keep and options.only:
        sys.exit("A run is kept whole: leave --only out.")
    for name in ("rounds", "seconds", "minutes", "users"):
        if getattr(options, name) is not None and getattr(options, name) < 1:
            sys.exit(f"--{name} is a number of 1 or more.")
    benches = chosen(options.only)
    if options.json:
        options.json.parent.mkdir(parents=True, exist_ok=True)
    try:
        facts = machine.facts()
    except Failure as failure:
        sys.exit(str(failure))
    if options.limits:
        return ended(options, "limits", facts, *alone("limits", limits, options))
    if options.users:
        return ended(options, "scale", facts, *alone("scale", scale, options))
    return ended(options, "bench", facts, *table(options, benches, facts))


def table(options, benches, facts):
    """Runs the benches and prints their table; what is written as JSON, and the ids of those that failed."""
    rows, failed = [], []
    for names, bench in benches:
        print(f"\n{', '.join(names)}: {bench.__doc__.splitlines()[0]}", flush=True)
        found = attempt(", ".join(names), lambda: bench(options))
        if found is None:
            failed += names
            continue
        rows += found
        print(verdict.table(found), flush=True)
    rows.sort(key=lambda row: row.id)
    print(f"\n{machine.described(facts)}\n{verdict.table(rows)}")
    return {"rows": [row.json() for row in rows]}, list(dict.fromkeys(failed))


def alone(name, module, options):
    """The same of a run that has no ids."""
    told = attempt(name, lambda: module.run(options))
    return told or {}, [] if told else [name]


def attempt(name, run):
    """Gives what `run()` gives; None, and a sentence, if it did not come to its end. A fault of the bench itself is shown whole."""
    try:
        return run()
    except (Failure, OSError, subprocess.SubprocessError) as error:
        print(f"{name} did not come to its end: {error}", flush=True)
    except Exception:
        traceback.print_exc()
    return None


def ended(options, name, facts, told, failed):
    """Writes the run where it is wanted; the exit status. Nothing is kept of a run in which something failed."""
    told = {"machine": facts, "failed": failed, **told}
    if options.json:
        documents.put(told, options.json)
    if failed:
        print(f"These did not come to their end: {', '.join(failed)}.{' Nothing is kept of this run.' if options.keep else ''}")
        return 1
    if options.keep:
        documents.put(told, documents.KEPT / f"{name}.json")
        documents.write()
    return 0


if __name__ == "__main__":
    sys.exit(main())
