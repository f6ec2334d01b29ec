"""P6: durable writes against an app that commits for each request."""

import contextlib
import itertools
import sqlite3

import script_call
from answers import MOMENT, same_answer
from gate import WARM_UP_SECONDS, in_turns, populated, tuned
from Harness.host import HostShare, cores
from Harness.process import Failure
from Harness.rate import Load, outcomes, percentile
from load import NUMBER_MARK, most, request, write_requests
from processes import ours
from python_peers import fastapi
from verdict import LESS, MORE, Goal, Row

CONNECTIONS = 256
METADATA_BYTES = 1_500
PATH = "/v1/analyses"
BODY = {"filename": "squat.mp4", "metadata": {"notes": "x" * METADATA_BYTES}}
# The tables that a call writes to, and by what share the sizes of their rows may differ.
TABLES, SIZES_ALIKE = ("reservations", "analyses", "idempotency"), 0.1
# At a steady rate: rows of all tables, users, and how many times the median the slowest thousandth may take.
ROWS_PER_SECOND, STEADY_USERS, SLOW_RATIO = 2_000, 1_000, 20
# Members that are an analysis's own, beside those of the moment. Each contender has a file of its own: neither holds the other's units.
OWN = MOMENT | {"id", "reservation_id", "location", "lease_expires_at", "created_at", "held"}


def durable(options):
    """POST /v1/analyses with 1.5 KB of metadata on 256 connections, each answered after its commit"""
    with populated() as (service, population):
        people, mine = population.people(), ours(service)
        copy = f"{service.folder}/copy.sqlite"
        with contextlib.closing(sqlite3.connect(service.ledger)) as ledger:
            ledger.execute("VACUUM INTO ?", (copy,))
        call = script_call.heard(service, population).write(service, service.key("gate"), service.folder)
        variables = {"CALL": call, "LEDGER": copy}
        simple = requests(service, people, lambda person: person.simple_token)
        one, keys = people[0], itertools.count()
        with tuned(lambda number: fastapi(service, "work_fastapi", number, variables), sorted({1, cores()}), simple, CONNECTIONS) as peer:
            same_answer(asker(mine, one.token, keys), asker(peer, one.simple_token, keys), peer.name, 201, OWN)
            same_rows(service.ledger, copy, peer.name)
            files = {mine.name: requests(service, people, lambda person: person.token), peer.name: simple}
            for contender in (mine, peer):
                most(contender, files[contender.name], CONNECTIONS, WARM_UP_SECONDS)
            found, host = in_turns((mine, peer), options.rounds, lambda c: most(c, files[c.name], CONNECTIONS, options.seconds))
    rates, cpu = ({name: [getattr(run, what) for run in runs] for name, runs in found.items()} for what in ("per_second", "processor"))
    title = f"POST {PATH}, {METADATA_BYTES} bytes, durable; peer: FastAPI + sqlite3"
    return [
        Row("P6", title, "requests/s", rates[mine.name], rates[peer.name], Goal(MORE, 10), host),
        Row("P6", "the same, processor time", "us/request", cpu[mine.name], cpu[peer.name], None, host),
    ]


def steady(options):
    """The slowest thousandth of the acknowledgements under 2,000 rows a second, beside the median"""
    seconds = 60 * options.minutes
    with populated(STEADY_USERS) as (service, population):
        work, people = service.key("work"), population.people()

        def ask(connection, chooser):
            body = {**BODY, "user_id": chooser.choice(people).id}
            answer = connection.ask("POST", PATH, body, work, {"Idempotency-Key": f"{chooser.getrandbits(128):x}"})
            return str(answer.status), None

        host, load = HostShare(), Load(service, ask, ROWS_PER_SECOND / len(TABLES), seconds)
        samples, host = load.samples(), host.until_now()
    if failed := [sample for sample in samples if sample.outcome != "201"]:
        raise Failure(f"{len(failed)} of {len(samples)} writes were not acknowledged: {outcomes(failed)}")
    title = f"p99.9 of acknowledgements at {ROWS_PER_SECOND:,} rows/s for {options.minutes} min; peer: their median"
    return [Row("P6", title, "ms", [percentile(samples, 0.999)], [percentile(samples, 0.5)], Goal(LESS, SLOW_RATIO), host)]


def same_rows(ours, other, writer):
    """The newest row of each table must have values of the same kinds in the service's file and in that of another `writer`, and as many
    bytes."""
    for name in TABLES:
        (kinds, size), (other_kinds, other_size) = (newest(path, name) for path in (ours, other))
        if kinds != other_kinds or abs(size - other_size) > SIZES_ALIKE * size:
            raise Failure(f"{writer} writes rows of {other_kinds} with {other_size} bytes to {name}; the service's are {kinds} with {size}")


def newest(path, name):
    """The kind of each value of a table's newest row, and the bytes of all."""
    with contextlib.closing(sqlite3.connect(path)) as ledger:
        row = ledger.execute(f"SELECT * FROM {name} ORDER BY rowid DESC LIMIT 1").fetchone()
    return [type(value).__name__ for value in row], sum(len(value if isinstance(value, bytes) else str(value)) for value in row)


def requests(service, people, token):
    return write_requests(service.folder, [request("POST", PATH, token(person), BODY, {"Idempotency-Key": NUMBER_MARK.decode()}) for person in people])


def asker(contender, token, keys):
    return lambda: contender.ask("POST", PATH, BODY, token, {"Idempotency-Key": f"same-{next(keys)}"})
