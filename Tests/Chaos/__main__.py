"""Chaos: real processes under load, faults, and judges that can be wrong in one direction only.

    python3 Tests/Chaos --short                 every quick fault once, a short sweep; about three minutes
    python3 Tests/Chaos --minutes 30            all faults, deck after deck
    python3 Tests/Chaos kill-redis kill-api     these alone, three times each
    python3 Tests/Chaos --list                  what there is

`--seed S` repeats the choices of a run. The exit status is 1 if any promise was broken; then the data folder with logs and history
is kept.
"""

import argparse
import random
import sys
import time

import run
from faults import FAULTS

ALIASES = {"restore-old-redis": "old-aof", "flush": "flushall"}


def main():
    parser = argparse.ArgumentParser(prog="chaos", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="FAULT")
    parser.add_argument("--minutes", type=float, default=0)
    parser.add_argument("--short", action="store_true")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 31))
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--clients", type=int, default=10)
    parser.add_argument("--quiet", type=float, default=0, metavar="SECONDS", help="no fault at all for so long: the load alone")
    parser.add_argument("--list", action="store_true")
    options = parser.parse_args()
    if options.list:
        for name, body in FAULTS.items():
            print(f"{name:16} {(body.__doc__ or '').strip().splitlines()[0] if body.__doc__ else ''}")
        return 0
    names = [ALIASES.get(name, name) for name in options.names] or run.names_of(options.short)
    if unknown := [name for name in names if name not in FAULTS]:
        parser.error(f"no such fault: {', '.join(unknown)}; see --list")
    print(f"chaos, seed {options.seed}, faults: {', '.join(names)}", flush=True)
    chaos = run.Run(options.seed, clients=options.clients, hang_seconds=3 if options.short else 10)
    start = time.monotonic()
    if options.quiet:
        passed = chaos(lambda nemesis: time.sleep(options.quiet))
    elif options.minutes:
        passed = chaos(lambda nemesis: nemesis.go_on(names, options.minutes * 60))
    else:
        passed = chaos(lambda nemesis: [nemesis.once(names) for _ in range(options.rounds if options.names else 1)])
    print_report(chaos, time.monotonic() - start)
    return 0 if passed else 1


def print_report(chaos, seconds):
    print(f"\n{'fault':16} {'times':>5} {'events':>7} {'worst recovery':>15}")
    for name, (count, events, worst) in sorted(chaos.facts.get("faults", {}).items()):
        print(f"{name:16} {count:5} {events:7} {worst:13.2f} s")
    print()
    for name, value in chaos.facts.items():
        if name != "faults":
            print(f"{name}: {value}")
    print()
    claims = {}
    for claim, detail in chaos.violations:
        claims.setdefault(claim, []).append(detail)
    for claim, details in claims.items():
        print(f"BROKEN  {claim}: {len(details)} times")
        for detail in details[: run.SHOWN_MAX]:
            print(f"          {detail[:1500]}")
    print(f"{'PASSED' if not claims else 'FAILED'}  seed {chaos.seed}, {seconds:.0f} s, {len(claims)} promises broken", flush=True)


if __name__ == "__main__":
    sys.exit(main())
