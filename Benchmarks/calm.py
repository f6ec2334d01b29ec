"""P3 and P5: the gate while one client sends large batches, and while logins storm."""

import os
import random
from unittest import mock

import script_call
from Harness import storm
from Harness.process import Failure
from Harness.rate import outcomes, percentile
from Harness.storm import BATCH, gate_in_storm
from load import request
from verdict import LESS, Goal, Row

CALLS_PER_SECOND = 200
CONNECTIONS = 200
TURN_SECONDS = 4
REFUSED_WITHIN_MILLISECONDS = 50
ALLOWED, LEDGER = b'"decision":"allow"', b'"source":"ledger"'
# Each question of a batch pays this.
LIMITS = [{"policy": "api", "cost": 1}]


def in_a_storm(options):
    """The gate's p99 at 200 calls a second while 200 connections log in as fast as they can, beside the quiet p99"""
    turns = options.rounds
    calls, failed = gate_in_storm(CALLS_PER_SECOND, 2 * turns * TURN_SECONDS, CONNECTIONS, turns)
    if failed:
        raise Failure(f"{len(failed)} gate calls failed: {outcomes(failed)}")
    for turn, answered in enumerate(calls.storms, 1):
        # A wrong password that was verified is 401: a storm that is refused whole, or not at all, measures something else.
        if not calls.refused[turn - 1] or not any(sample.outcome == "401" for sample in answered):
            raise Failure(f"storm {turn} of logins must have some that are verified and some that are refused: {outcomes(answered)}")
    host = max(calls.shares)
    busy, quiet = ([percentile(samples, 0.99) for samples in turns_] for turns_ in (calls.busy_turns, calls.calm_turns))
    refused = [percentile(samples, 0.99) for samples in calls.refused]
    return [
        Row("P5", "gate p99 in a storm of logins; peer: itself, quiet", "ms", busy, quiet, Goal(LESS, 2), host),
        Row("P5", "p99 of the logins that are refused in it", "ms", refused, [], Goal(LESS, REFUSED_WITHIN_MILLISECONDS, "each"), host),
    ]


class Batches(storm.Batches):
    """Of a thousand questions to the gate, each of which pays a unit of policy `api`."""

    def __init__(self, service, users):
        super().__init__(service, users)
        self.question, source = {"token": users[0].token, "limits": LIMITS}, random.Random(7)
        bodies = [{"requests": [{"token": source.choice(users).token, "limits": LIMITS} for _ in range(BATCH)]} for _ in self.prepared]
        self.prepared = [request("POST", "/v1/gate/batch", self.key, body) for body in bodies]


class Counting(storm.Client):
    """A client whose outcomes say how many questions of a batch were allowed, and how many of these the ledger decided: `200/1000 0`."""

    def outcome(self):
        allowed, of_ledger = (self.buffer.count(word, self.head_bytes) for word in (ALLOWED, LEDGER))
        return f"{super().outcome()}/{allowed} {of_ledger}"


def beside_batches(options):
    """The gate's p99 at 200 calls a second while one connection sends batches of 1,000, beside the quiet p99"""
    turns = options.rounds
    raised = {"GATEHOUSE_POLICIES_API_LIMIT": str(script_call.LIMIT)}
    with mock.patch.object(storm, "Client", Counting), mock.patch.dict(os.environ, raised):
        calls, failed = gate_in_storm(CALLS_PER_SECOND, 2 * turns * TURN_SECONDS, 1, turns, Batches)
    answers = [[sample.outcome.partition(" ") for sample in samples] for samples in calls.storms]
    statuses = sorted({status for few in answers for status, _, _ in few})
    if failed or not all(answers) or statuses != [f"200/{BATCH}"]:
        raise Failure(f"{len(failed)} gate calls failed: {outcomes(failed)}; batches, with what was allowed: {', '.join(statuses)}")
    host = max(calls.shares)
    busy, quiet = ([percentile(samples, 0.99) for samples in turns_] for turns_ in (calls.busy_turns, calls.calm_turns))
    late = [100 * sum(sample.source != "redis" for sample in samples) / len(samples) for samples in calls.busy_turns]
    of_ledger = [100 * sum(int(count) for _, _, count in few) / (BATCH * len(few)) for few in answers]
    return [
        Row("P3", f"gate p99 beside batches of {BATCH}; peer: itself, quiet", "ms", busy, quiet, Goal(LESS, 2), host),
        Row("P3", "gate calls beside them that the ledger had to decide", "%", late, [], Goal(LESS, 0, "each"), host),
        Row("P3", "questions of the batches that the ledger had to decide", "%", of_ledger, [], Goal(LESS, 0, "each"), host),
    ]
