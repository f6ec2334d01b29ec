"""Verdicts as they fall, and the table of proxies and claims at the end."""

import time

from edge import Broken

OK, FAILED = "ok", "BROKEN"


class Table:
    def __init__(self):
        self.verdicts, self.passed, self.failed = {}, 0, 0

    def add(self, subject, claim, detail=None, told=""):
        """One verdict; `detail` says what is wrong."""
        self.verdicts[claim, subject] = FAILED if detail else OK
        if detail:
            self.failed += 1
            print(f"BROKEN  {subject}: {claim}\n        {detail}", flush=True)
        else:
            self.passed += 1
            if told:
                print(f"ok      {subject}: {claim}\n        {told}", flush=True)

    def run(self, subject, body, *words):
        detail, told, began = None, "", time.monotonic()
        try:
            told = body(*words) or ""
        except Exception as error:
            detail = str(error) if isinstance(error, Broken) else repr(error)
        self.add(subject, body.__doc__.strip().splitlines()[0], detail, told and f"{told} ({time.monotonic() - began:.1f} s)")

    def add_cases(self, subject, claim, wrong):
        """One verdict for many cases; `wrong` is {case: what is wrong}."""
        self.add(subject, claim, "\n        ".join(f"{case}: {what}" for case, what in wrong.items()))

    def expect_failure(self, what, body, *words):
        try:
            body(*words)
        except Broken:
            self.add("self-test", what, told="the claim fails, as it must")
        except Exception as error:
            self.add("self-test", what, f"fails for another reason: {error!r}")
        else:
            self.add("self-test", what, "the claim still holds: it proves nothing")

    def print_claims(self, proxies):
        names = [*proxies, "Gatehouse"]
        rows = {}
        for (claim, subject), verdict in self.verdicts.items():
            rows.setdefault(claim, {})[subject] = verdict
        width = max((len(claim) for claim in rows), default=0)
        print("\n" + " ".join([" " * width, *(f"{name:>9}" for name in names)]))
        for claim, row in rows.items():
            print(" ".join([f"{claim:{width}}", *(f"{row.get(name, '-'):>9}" for name in names)]))
