"""Claims and whether they hold."""

import time


class Claims:
    """`claims("what is true", holds, evidence)` notes one; at the end `failed` counts those that did not hold."""

    def __init__(self):
        self.passed, self.failed = 0, 0

    def __call__(self, claim, holds, evidence=""):
        self.passed, self.failed = self.passed + bool(holds), self.failed + (not holds)
        print(f"  {'ok ' if holds else 'NOT'}  {claim}{'' if holds else f': {evidence}'}", flush=True)
        return holds


def soon(condition, seconds):
    """Seconds until `condition()` was true; None if it was not within `seconds`."""
    start = time.monotonic()
    while time.monotonic() - start < seconds:
        if condition():
            return time.monotonic() - start
        time.sleep(0.01)
    return None
