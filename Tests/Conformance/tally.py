"""All that was asked and came back: {(operation, phase): {status: how often}}."""

import collections

PHASES = ("examples", "coverage", "fuzzing", "stateful")


class Tally:
    def __init__(self, path):
        self.calls = collections.Counter()
        with open(path) as lines:
            for line in lines:
                operation, phase, status = line.split()
                self.calls[operation, phase, int(status)] += 1

    def count(self, phase=None, operation=None):
        wanted = lambda call: (not phase or call[1] == phase) and (not operation or call[0] == operation)  # noqa: E731
        return sum(count for call, count in self.calls.items() if wanted(call))

    def statuses(self, operation):
        found = collections.Counter()
        for (name, _, status), count in self.calls.items():
            if name == operation:
                found[status] += count
        return found

    def tell(self):
        operations = sorted({operation for operation, _, _ in self.calls})
        width = max(map(len, operations), default=0)
        print(f"\n{'operation':{width}} {'cases':>6}  answers")
        for operation in operations:
            told = ", ".join(f"{count} × {status}" for status, count in sorted(self.statuses(operation).items()))
            print(f"{operation:{width}} {self.count(operation=operation):6}  {told}")
        phases = ", ".join(f"{self.count(phase)} {phase}" for phase in PHASES)
        print(f"{'together':{width}} {self.count():6}  {phases}")
