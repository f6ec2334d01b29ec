"""Faults one by one, each with what must stay true.

    python3 Tests/Faults [redis-errors] [clock] [ledger] [rolling] [heavy] [timelines] [read-only] [lacking]

Random mixtures under load are in Tests/Chaos. Exit status 1 if a claim does not hold.
"""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

import clock
import heavy
import lacking
import ledger
import read_only
import redis_errors
import rolling
import timelines
from Harness.claims import Claims

SUITES = {
    "redis-errors": redis_errors.run, "clock": clock.run, "ledger": ledger.run, "rolling": rolling.run, "heavy": heavy.run,
    "timelines": timelines.run, "read-only": read_only.run, "lacking": lacking.run,
}  # fmt: skip


def main():
    names = sys.argv[1:] or list(SUITES)
    if unknown := [name for name in names if name not in SUITES]:
        sys.exit(f"no such suite: {', '.join(unknown)}; there are {', '.join(SUITES)}")
    claims = Claims()
    for name in names:
        claims.suite(name, SUITES[name])
    print(f"\n{claims.passed} passed, {claims.failed} failed")
    return 1 if claims.failed else 0


if __name__ == "__main__":
    sys.exit(main())
