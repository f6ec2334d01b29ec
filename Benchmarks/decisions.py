"""Whether Redis decided: a rate counts only if a script ran for every answer."""

import re
import time

import load
from Harness.process import Failure

QUIET_SECONDS = 2
# How many calls the service itself makes is an estimate: so small a share of the answers is not told from it.
SLACK = 0.001


def script_time(redis):
    """Calls and microseconds of all scripts until now, as Redis itself counts."""
    found = re.search(rb"^cmdstat_evalsha:calls=(\d+),usec=(\d+)", redis("INFO", "commandstats"), re.M)
    return (int(found[1]), int(found[2])) if found else (0, 0)


def served(redis):
    """The calls of scripts until now that Redis did not refuse."""
    found = re.search(rb"^cmdstat_evalsha:calls=(\d+),.*failed_calls=(\d+)", redis("INFO", "commandstats"), re.M)
    return int(found[1]) - int(found[2]) if found else 0


class Decisions:
    """Runs whose answers must each be a script's. The service calls scripts by itself too: how many a second is counted while nobody asks, and
    is taken off. Only one contender is under load at a time."""

    def __init__(self, redis):
        self.redis, self.idle = redis, 0
        calls, seconds = self.during(lambda: time.sleep(QUIET_SECONDS))[1:]
        self.idle = calls / seconds

    def during(self, act):
        """Gives what `act()` gives, the calls of scripts meanwhile that others than the service asked for, and the seconds."""
        before, start = served(self.redis), time.monotonic()
        found = act()
        seconds = time.monotonic() - start
        return found, served(self.redis) - before - self.idle * seconds, seconds

    def most(self, contender, requests, connections, seconds, questions=1):
        """`load.most`, each of whose answers is to so many questions."""
        found, calls, _ = self.during(lambda: load.most(contender, requests, connections, seconds))
        enough(contender.name, calls, questions * found.requests)
        return found


def enough(name, calls, answers):
    """Raises `Failure` if a script was not called for every answer."""
    if calls < (1 - SLACK) * answers:
        raise Failure(f"{name}: Redis ran a script {calls:,.0f} times for {answers:,} answers: its rate does not count")
