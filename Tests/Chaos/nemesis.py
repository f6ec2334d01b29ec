"""Injects the faults: a shuffled deck of them, some two at a time, each followed by proof that the service recovered."""

import threading
import time

from faults import FAULTS
from Harness import wire
from Harness.service import Failure

RECOVERY_SECONDS_MAX = 30
PAIRED = 0.25


class Nemesis:
    """Injects faults and keeps the table: name -> [count, events within them, worst seconds until Redis served again]."""

    def __init__(self, harm, world, random):
        self.harm, self.world, self.random, self.table = harm, world, random, {}

    def go_on(self, names, seconds):
        """Deck after deck until the time is over."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.once(names, lambda: time.monotonic() > end)

    def once(self, names, is_over=lambda: False):
        """Each fault once, in random order."""
        deck = list(names)
        self.random.shuffle(deck)
        while deck and not is_over():
            chosen = [deck.pop()]
            other = next((name for name in deck if not overlap(name, chosen[0])), None)
            if other and self.random.random() < PAIRED:
                deck.remove(other)
                chosen.append(other)
            self.inject(chosen)
            self.harm.pause(0.2, 1.5)

    def inject(self, names):
        """Injects these at once, heals them, waits until every process is served by Redis again."""
        start, failures = time.monotonic(), []
        threads = [threading.Thread(target=self._one, args=(name, failures), name=name) for name in names]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        healed = time.monotonic()
        failures += [f"{'+'.join(names)}: {claim}" for claim in self.recover()]
        for failure in failures:
            self.world.history.violate("the service survives and recovers", failure)
        for name in names:
            row = self.table.setdefault(name, [0, 0, 0.0])
            row[0] += 1
            row[2] = max(row[2], time.monotonic() - healed)
        if any(FAULTS[name].loses_windows for name in names):
            self.world.history.window_losses.append((start, time.monotonic()))

    def _one(self, name, failures):
        try:
            count = FAULTS[name](self.harm)
            self.table.setdefault(name, [0, 0, 0.0])[1] += count or 1
        except (Failure, OSError, wire.RedisError, wire.NotSent, wire.NoAnswer) as error:
            failures.append(f"{name}: {error}")

    def recover(self):
        """Waits until each process decides through Redis; says which do not."""
        token, wrong = self.world.contended[0].live[0], []
        for api in self.harm.service.apis:
            connection, end, last = wire.HTTP(api.port, 5), time.monotonic() + RECOVERY_SECONDS_MAX, None
            while time.monotonic() < end:
                try:
                    last = connection.ask("POST", "/v1/gate", {"token": token.text, "limits": []}, self.world.keys["gate"])
                    if last.status == 200 and last.json["source"] == "redis":
                        break
                except (wire.NotSent, wire.NoAnswer) as error:
                    last = error
                time.sleep(0.01)
            else:
                wrong.append(f"port {api.port} is not served by Redis after {RECOVERY_SECONDS_MAX} s: {last}; {api.tail(5)}")
            connection.close()
        return wrong


def overlap(one, other):
    """Whether two faults must not be in at once."""
    domains = {FAULTS[one].domain, FAULTS[other].domain}
    return len(domains) == 1 or "all" in domains or domains == {"api", "ledger"}
