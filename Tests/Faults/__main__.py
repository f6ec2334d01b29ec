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
from Harness.claims import run_suites

SUITES = {
    "redis-errors": redis_errors.run, "clock": clock.run, "ledger": ledger.run, "rolling": rolling.run, "heavy": heavy.run,
    "timelines": timelines.run, "read-only": read_only.run, "lacking": lacking.run,
}  # fmt: skip


if __name__ == "__main__":
    sys.exit(run_suites(SUITES, sys.argv[1:]))
