"""P3 and P5: the gate while one client sends large batches, and while logins storm."""

from Harness.process import Failure
from Harness.rate import outcomes, percentile
from Harness.storm import BATCH, Batches, gate_in_storm
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


def beside_batches(options):
    """The gate's p99 at 200 calls a second while one connection sends batches of 1,000, beside the quiet p99"""
    turns = options.rounds
    calls, failed = gate_in_storm(CALLS_PER_SECOND, 2 * turns * TURN_SECONDS, 1, turns, Batches)
    batches = [sample.outcome for storm in calls.storms for sample in storm]
    if failed or not batches or set(batches) != {"200"}:
        raise Failure(f"{len(failed)} gate calls failed: {outcomes(failed)}; batches: {sorted(set(batches))}")
    host = max(calls.shares)
    busy, quiet = ([percentile(samples, 0.99) for samples in turns_] for turns_ in (calls.busy_turns, calls.calm_turns))
    late = [100 * sum(sample.source != "redis" for sample in samples) / len(samples) for samples in calls.busy_turns]
    return [
        Row("P3", f"gate p99 beside batches of {BATCH}; peer: itself, quiet", "ms", busy, quiet, Goal(LESS, 2), host),
        Row("P3", "gate calls beside them that the ledger had to decide", "%", late, [], Goal(LESS, 0, "ours"), host),
    ]
