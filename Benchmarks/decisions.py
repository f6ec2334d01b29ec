"""Whether Redis decided: a rate counts only if a script ran for every answer."""

import re

import load
from Harness.process import Failure


def script_time(redis):
    """Calls and microseconds of all scripts until now, as Redis itself counts."""
    found = re.search(rb"^cmdstat_evalsha:calls=(\d+),usec=(\d+)", redis("INFO", "commandstats"), re.M)
    return (int(found[1]), int(found[2])) if found else (0, 0)


def served(redis):
    """The calls of scripts until now that Redis did not refuse."""
    found = re.search(rb"^cmdstat_evalsha:calls=(\d+),.*failed_calls=(\d+)", redis("INFO", "commandstats"), re.M)
    return int(found[1]) - int(found[2]) if found else 0


class Decisions:
    """Runs whose answers must each be a script's. Only one contender is under load at a time. The service calls some fifty scripts a second by
    itself, fewer while Redis is busy: so many answers without a script would not be noticed."""

    def __init__(self, redis):
        self.redis = redis

    def during(self, act):
        """Gives what `act()` gives, and the calls of scripts meanwhile."""
        before = served(self.redis)
        return act(), served(self.redis) - before

    def most(self, contender, requests, connections, seconds, questions=1):
        """`load.most`, each of whose answers is to so many questions."""
        found, calls = self.during(lambda: load.most(contender, requests, connections, seconds))
        enough(contender.name, calls, questions * found.requests)
        return found


def enough(name, calls, answers):
    """Raises `Failure` if a script was not called for every answer."""
    if calls < answers:
        raise Failure(f"{name}: Redis ran a script {calls:,} times for {answers:,} answers: its rate does not count")
