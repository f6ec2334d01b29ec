"""How fast is Gatehouse, beside what else does the same job? Ratios in one run, the contenders in turns.

    python3 Benchmarks                           every bench: about 20 minutes; `make bench` builds and installs first
    python3 Benchmarks --only P1,P4              these alone
    python3 Benchmarks --json FILE --rounds 5    writes the table as JSON too
    python3 Benchmarks --pages                   writes docs/measurements.md and README.md anew from the kept JSON
    python3 Benchmarks --limits                  the limiter beside the algorithms of others
    python3 Benchmarks --users 1000000           growth: curves up to so many users; it takes an hour
    python3 Benchmarks --check                   tries the arithmetic of the benches themselves

Prints a table. It is no test: the exit status says only whether every bench came to its end. The program is .build/release/gatehouse,
or what GATEHOUSE_BINARY names.
"""

import argparse
import json
import os
import pathlib
import signal
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

ROOT = pathlib.Path(__file__).resolve().parents[1]
# Each takes the options and gives rows. A bench that gives rows of several ids runs once for all of them.
BENCHES = [
    (("P1", "P4"), gate.against_nginx), (("P2",), python_peers.against_python), (("P3",), script.batches), (("P3",), calm.beside_batches),
    (("P4s",), script.against_reference), (("P5",), calm.in_a_storm), (("P6",), writes.durable), (("P6",), writes.steady),
    (("P6",), queue_alone.queue_alone), (("P7",), memory.sizes),
]  # fmt: skip


def chosen(only):
    """The benches that give any of these ids; all of them without."""
    wanted = set(only.split(",")) if only else {name for names, _ in BENCHES for name in names}
    if unknown := wanted - {name for names, _ in BENCHES for name in names}:
        sys.exit(f"no such bench: {', '.join(sorted(unknown))}; there are {', '.join(name for names, _ in BENCHES for name in names)}")
    return [(names, bench) for names, bench in BENCHES if wanted & set(names)]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default="", help="ids, with commas between them")
    parser.add_argument("--json", type=pathlib.Path, help="a file for the table as JSON")
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
    if options.limits:
        return write(options, limits.run(options))
    if options.users:
        return write(options, scale.run(options))
    told, failed = table(options)
    write(options, told)
    if failed:
        print(f"These did not come to their end: {'; '.join(failed)}.")
    return 1 if failed else 0


def table(options):
    """Runs the benches and prints their table; what `--json` writes, and the names of those that failed."""
    rows, failed = [], []
    for names, bench in chosen(options.only):
        print(f"\n{', '.join(names)}: {bench.__doc__.splitlines()[0]}", flush=True)
        try:
            found = bench(options)
        except Exception:
            traceback.print_exc()
            failed.append(", ".join(names))
            continue
        rows += found
        print(verdict.table(found), flush=True)
    rows.sort(key=lambda row: row.id)
    print(f"\n{machine.described()}\n{verdict.table(rows)}")
    return {"rows": [row.json() for row in rows]}, failed


def write(options, told):
    """Writes the JSON, if asked to, with the machine in it."""
    if options.json:
        options.json.write_text(json.dumps({"machine": machine.facts(), **told}, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
