"""Attempts of an attacker, an auditor and a curious neighbour, against a running service.

    python3 Tests/Security [passwords] [sessions] [edges] [host] [timing] [--long]

`# ASVS:` before a claim names the requirements of docs/security.md that it meets. Exit status 1 if a claim does not hold.
"""

import argparse
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

import edges
import host
import passwords
import sessions
import timing
from Harness.claims import Claims

SUITES = {"passwords": passwords.run, "sessions": sessions.run, "edges": edges.run, "host": host.run, "timing": timing.run}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="SUITE")
    parser.add_argument("--long", action="store_true", help="300 samples of each group of accounts, a quarter of an hour")
    options = parser.parse_args()
    if unknown := set(options.names) - set(SUITES):
        parser.error(f"there is no {', '.join(sorted(unknown))}; there are {', '.join(SUITES)}")
    claims = Claims()
    for name, run in SUITES.items():
        if not options.names or name in options.names:
            claims.suite(name, run, options.long)
    print(f"\n{claims.passed} passed, {claims.failed} failed")
    return 1 if claims.failed else 0


if __name__ == "__main__":
    sys.exit(main())
