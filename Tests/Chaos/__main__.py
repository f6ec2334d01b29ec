"""Chaos: real processes under load, faults, and judges that never accuse without proof.

    python3 Tests/Chaos --short                 every quick fault once and a short sweep: about three minutes
    python3 Tests/Chaos --minutes 30            all faults, deck after deck, then a longer sweep
    python3 Tests/Chaos kill-redis kill-api     these faults alone, three times each (restore-old-redis is old-aof)
    python3 Tests/Chaos sweep                   SIGKILL at every N-th system call until the workload completes
    python3 Tests/Chaos hang storm flush-many   measured: Redis hangs and refuses, logins storm, 50,000 sessions are rebuilt
    python3 Tests/Chaos writes                  measured: 2,000 rows a second for ten minutes; for a minute with --seconds 60
    python3 Tests/Chaos --list                  all names

`--seed S` repeats the choices of a run. The exit status is 1 if a promise was broken; then the data folder with logs and the history
of all calls is kept and named. GATEHOUSE_BINARY names the program to test; without it, it is .build/debug/gatehouse.
"""

import argparse
import pathlib
import random
import signal
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

import measure
import report
import run
import selftest
import writes
from faults import FAULTS
from sweep import Sweep

SCENARIOS = measure.SCENARIOS | {"writes": writes.writes}
ALIASES = {"restore-old-redis": "old-aof", "flush": "flushall"}
SWEEP_SHORT, SWEEP_LONG = 3, 12


def main():
    options = arguments()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that what was started is stopped
    if faulty := selftest.passes():
        print(f"the judges themselves are at fault:\n{faulty}")
        return 1
    if options.list:
        for name, body in [*FAULTS.items(), *SCENARIOS.items(), ("sweep", Sweep)]:
            print(f"{name:16} {(body.__doc__ or '').strip().split('. ')[0]}")
        return 0
    names = [ALIASES.get(name, name) for name in options.names]
    faults = [name for name in names if name in FAULTS] or ([] if names else run.names_of(options.short))
    if unknown := [name for name in names if name not in (*FAULTS, *SCENARIOS, "sweep")]:
        print(f"there is no {', '.join(unknown)}: see --list")
        return 2
    print(f"chaos with seed {options.seed}", flush=True)
    passed = True
    if faults or options.quiet:
        passed = inject(options, faults)
    if "sweep" in names or not names and not options.quiet:
        bound = None if names else SWEEP_SHORT if options.short else SWEEP_LONG
        passed = tell("sweep", sweep(options.seed, bound)) and passed
    for name in names:
        if name in SCENARIOS:
            print(f"\n{name}: {SCENARIOS[name].__doc__}", flush=True)
            chosen = {"rate": options.rate} if options.rate else {}
            chosen |= {"sessions": options.sessions} if name == "flush-many" else {}
            chosen |= {"seconds": options.seconds} if name == "writes" and options.seconds else {}
            passed = tell(name, SCENARIOS[name](**chosen)) and passed
    return 0 if passed else 1


def arguments():
    parser = argparse.ArgumentParser(prog="Tests/Chaos", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME")
    parser.add_argument("--minutes", type=float, default=0)
    parser.add_argument("--short", action="store_true")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 31))
    parser.add_argument("--rounds", type=int, default=3, help="how often each named fault is injected")
    parser.add_argument("--clients", type=int, default=10)
    parser.add_argument("--quiet", type=float, default=0, metavar="SECONDS", help="the load alone for so long, no fault")
    parser.add_argument("--rate", type=float, help="calls a second of a measured scenario, in place of its own")
    parser.add_argument("--seconds", type=float, help="of writes, in place of its own")
    parser.add_argument("--sessions", type=int, default=50_000, help="of flush-many")
    parser.add_argument("--list", action="store_true")
    return parser.parse_args()


def inject(options, faults):
    """The faults under load; whether every promise was kept."""
    chaos = run.Run(options.seed, clients=options.clients, hang_seconds=3 if options.short else 10)
    start = time.monotonic()
    if options.quiet:
        chaos(lambda nemesis: time.sleep(options.quiet))
    elif options.minutes:
        chaos(lambda nemesis: nemesis.go_on(faults, options.minutes * 60))
    else:
        chaos(lambda nemesis: [nemesis.once(faults) for _ in range(options.rounds if options.names else 1)])
    report.tell(chaos, time.monotonic() - start)
    return not chaos.violations


def sweep(seed, bound):
    print(f"\nSIGKILL at the N-th system call, {f'N = 1, 2, 4, … ({bound} deaths a call)' if bound else 'every N'}", flush=True)
    sweeping = Sweep(seed, bound)
    sweeping()
    return [f"{claim}: {detail}" for claim, detail in sweeping.violations]


def tell(name, broken):
    """Prints the verdict of a part; whether it is good."""
    for violation in broken[: report.SHOWN_MAX]:
        print(f"BROKEN  {violation[: report.DETAIL_MAX]}")
    print(f"{'FAILED' if broken else 'PASSED'}  {name}", flush=True)
    return not broken


if __name__ == "__main__":
    sys.exit(main())
