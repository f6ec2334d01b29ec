"""Cost by differences: what a process counts while it is asked, less what it counts in the same time while nobody asks."""

import statistics
import time
from collections import namedtuple

from Harness.process import Failure
from questions import COUNTED_SECONDS

# How many rounds may be measured for each that is wanted: one in which Redis did not answer says nothing.
PATIENCE = 3

# Requests of each kind before the first round, requests of each kind in a round, rounds, and the seconds of each in which nobody asks.
Plan = namedtuple("Plan", "warming requests rounds idle_seconds")


def costs(api, read, questions, plan):
    """The cost of one request of each kind: the median of the rounds. `read()` gives the count and the seconds since it was called last.
    Raises `Failure` if Redis leaves questions without an answer in too many rounds."""
    for question in questions.values():
        question.ask(plan.warming)
    # The first requests may have taken so long that the ledger decided.
    time.sleep(COUNTED_SECONDS)
    # The first reading is of all that went before, and long.
    read()
    rounds, idle = [], []
    for _ in range(plan.rounds * PATIENCE):
        before = silences(api, questions)
        samples = {kind: counted(read, lambda: question.ask(plan.requests)) for kind, question in questions.items()}
        count, seconds = counted(read, lambda: time.sleep(plan.idle_seconds))
        if silences(api, questions) != before:
            time.sleep(COUNTED_SECONDS)
            continue
        rounds.append(samples)
        idle.append(count / seconds)
        if len(rounds) == plan.rounds:
            by_second = statistics.median(idle)
            return {kind: statistics.median(cost(*each[kind], by_second, plan) for each in rounds) for kind in questions}
    raise Failure(f"Redis answered in time in {len(rounds)} of {plan.rounds * PATIENCE} rounds: {api.tail()}")


def counted(read, act):
    """The count while `act()` goes on, and its seconds."""
    read()
    act()
    return read()


def cost(count, seconds, idle_by_second, plan):
    """The part of a count that one request of a round made."""
    return (count - seconds * idle_by_second) / plan.requests


def silences(api, questions):
    """How often Redis is known to have left a question without an answer in time: the process warned of it, or the ledger decided."""
    return api.tail(None).count('"level":"warning"') + sum(question.from_ledger for question in questions.values())
