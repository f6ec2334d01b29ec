"""Claims and whether they hold."""

import sys
import time
import traceback


class Claims:
    """`claims("what is true", holds, evidence)` notes one; at the end `failed` counts those that did not hold."""

    def __init__(self):
        self.passed, self.failed = 0, 0

    def __call__(self, claim, holds, evidence=""):
        self.passed, self.failed = self.passed + bool(holds), self.failed + (not holds)
        print(f"  {'ok ' if holds else 'NOT'}  {claim}{'' if holds else f': {evidence}'}", flush=True)
        return holds

    def suite(self, name, run, *arguments):
        """`run(claims, *arguments)` under a title. A suite that could not finish is a claim that does not hold; other suites go on."""
        print(f"\n{name}", flush=True)
        try:
            run(self, *arguments)
        except Exception:
            self(f"{name} comes to its end", False, traceback.format_exc())


def run_suites(suites, names):
    """Runs these suites, or all of them without names, and gives the exit status. `suites` has the function of each name."""
    names = names or list(suites)
    if unknown := [name for name in names if name not in suites]:
        sys.exit(f"no such suite: {', '.join(unknown)}; there are {', '.join(suites)}")
    claims = Claims()
    for name in names:
        claims.suite(name, suites[name])
    print(f"\n{claims.passed} passed, {claims.failed} failed")
    return 1 if claims.failed else 0


def slowest(call, times=20):
    """The seconds of the slowest of some ordinary calls: what a bound must grant to the machine, beside what it grants to the service."""
    worst = 0
    for _ in range(times):
        start = time.monotonic()
        call()
        worst = max(worst, time.monotonic() - start)
    return worst


def soon(condition, seconds):
    """Seconds until `condition()` was true; None if it was not within `seconds`."""
    start = time.monotonic()
    while time.monotonic() - start < seconds:
        if condition():
            return time.monotonic() - start
        time.sleep(0.01)
    return None
