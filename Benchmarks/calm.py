"""P5: the gate while logins storm."""

from Harness.process import Failure
from Harness.rate import outcomes, percentile
from Harness.storm import gate_in_storm
from verdict import LESS, Goal, Row

CALLS_PER_SECOND = 200
CONNECTIONS = 200
TURN_SECONDS = 4
REFUSED_WITHIN_MILLISECONDS = 50


def in_a_storm(options):
    """The gate's p99 at 200 calls a second while 200 connections log in as fast as they can, beside the quiet p99"""
    turns = options.rounds
    calls, failed = gate_in_storm(CALLS_PER_SECOND, 2 * turns * TURN_SECONDS, CONNECTIONS, turns)
    if failed:
        raise Failure(f"{len(failed)} gate calls failed: {outcomes(failed)}")
    host = max(calls.shares)
    busy, quiet = ([percentile(samples, 0.99) for samples in turns_] for turns_ in (calls.busy_turns, calls.calm_turns))
    refused = [percentile(samples, 0.99) for samples in calls.refused]
    return [
        Row("P5", "gate p99 in a storm of logins; peer: itself, quiet", "ms", busy, quiet, Goal(LESS, 2), host),
        Row("P5", "p99 of the logins that are refused in it", "ms", refused, [], Goal(LESS, REFUSED_WITHIN_MILLISECONDS, "ours"), host),
    ]
