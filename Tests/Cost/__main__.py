"""The cost of a request in numbers that repeat where times don't: allocations, and instructions as callgrind counts them.

    python3 Tests/Cost [allocations] [instructions]

The program under test is .build/release/gatehouse, or what GATEHOUSE_BINARY names; the bounds are those of a build for release. Needs
Debian's valgrind, binutils, a C compiler and redis-server. Exit status 1 if a claim does not hold.
"""

import os
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

import allocations
import instructions
from Harness.claims import run_suites
from Harness.service import ROOT

SUITES = {"allocations": allocations.run, "instructions": instructions.run}


def main():
    os.environ.setdefault("GATEHOUSE_BINARY", str(ROOT / ".build/release/gatehouse"))
    # The service has an event loop and a connection to Redis for each core: with one core its cost is that of any other machine.
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    return run_suites(SUITES, sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
