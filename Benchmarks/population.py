"""Many users, each with a session and an analysis, written into the ledger's file at once.

One user signs up, logs in and makes an analysis through the service. Its rows are then written again and again with other ids: so every row
is one that the service makes, whatever its tables are.
"""

import base64
import contextlib
import functools
import hashlib
import hmac
import pathlib
import re
import sqlite3
import sys
import time

from Harness import wire
from Harness.process import Failure, wait_until

DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
LETTERS = "0123456789abcdefghjkmnpqrstvwxyz"
IDENTIFIER = re.compile(r"\b[a-z]{2,4}_[0-9a-z]{14}\b")
# Rows are spread over so long a time before now; all that the service keeps for a day is kept.
SPAN_MILLISECONDS = 12 * 3_600_000
BATCH = 5_000
# Ids that begin with the time.
DATED = ("ana_", "rsv_", "evt_")
WARM_SECONDS = 600
# A hash that is not warm, only about to be, goes sooner.
TICKET_MILLISECONDS = 60_000
# Questions of one call: so few that the commands of none are late.
CHUNK = 100
# Of the whole ledger, not of a user; or kept for a day alone, as answers are for those who ask again: users come over months.
LEFT_OUT = {"meta", "clock", "secret_lines", "subject_key", "hot_nodes", "hot_pending", "service_keys", "password_costs", "idempotency"}


class Person:
    """The user `number` of a population: `id`, `email`, `token` as Gatehouse has it, `simple_token` as the peers have it, `hash`."""

    # There may be a million.
    __slots__ = ("routing", "id", "email", "hash", "token", "simple_token")

    def __init__(self, number, checksums):
        seed = hashlib.sha512(b"gatehouse bench %d" % number).digest()
        secret = seed[:32]
        self.routing = "".join(LETTERS[byte & 31] for byte in seed[32:46])
        self.id, self.email = f"usr_{self.routing}", email(number)
        self.hash = hashlib.sha256(secret)
        body = f"gh_1{self.routing}{base62(secret, 43)}"
        self.token = body + base62(hmac.digest(checksums, body.encode(), "sha256")[:8], 6)
        self.simple_token = f"{self.routing}.{base64.b64encode(secret).decode()}"


class Population:
    """`count` users of a service, which it alone must use while they grow. `person(number)` gives one."""

    def __init__(self, service, plan="pro", metadata_bytes=3_000):
        self.service, self.count, self.cold = service, 0, []
        # The first line says the form; the first key makes tokens.
        key = bytes.fromhex(pathlib.Path(service.folder, "secret").read_text().splitlines()[1].split()[1])
        self.checksums = hmac.digest(key, b"gatehouse token-checksum", "sha256")
        user, analysis = example(service, plan, metadata_bytes)
        with contextlib.closing(sqlite3.connect(service.ledger)) as ledger:
            tables = [Rows(ledger, name, user, analysis) for name in names(ledger)]
        self.tables = [table for table in tables if table.forms]

    def grow(self, count, say=None):
        """Writes users until there are `count`; gives the seconds that the service then needs to be ready."""
        self.service.apis[0].stop()
        first, stamp = self.count, int(time.time() * 1000)
        with contextlib.closing(sqlite3.connect(self.service.ledger, isolation_level=None)) as ledger:
            # Rows are told of by triggers unless the connection is the service's own. Nothing runs that could be told.
            ledger.create_function("sqlite_source_id", 0, lambda: "gatehouse", deterministic=True)
            for pragma in ("synchronous = OFF", "cache_size = -2000000", "wal_autocheckpoint = 100000", "foreign_keys = OFF"):
                ledger.execute(f"PRAGMA {pragma}")
            for at in range(first, count, BATCH):
                numbers = range(at, min(at + BATCH, count))
                people = [(self.person(number), stamp - (count - number) * SPAN_MILLISECONDS // count) for number in numbers]
                others = [functools.cache(fresh(person, made)) for person, made in people]
                ledger.execute("BEGIN")
                for table in self.tables:
                    table.write(ledger, people, others, stamp)
                ledger.execute("COMMIT")
                if say:
                    say((numbers[-1] + 1 - first) / (count - first))
            ledger.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        self.count, start = count, time.monotonic()
        self.service.apis[0].start()
        return time.monotonic() - start

    def person(self, number):
        return Person(number, self.checksums)

    def people(self, count=None):
        """So many of them, from the whole population."""
        count = min(count or self.count, self.count)
        return [self.person(number * self.count // count) for number in range(count)]

    def warm(self, count=None, say=None):
        """Asks the gate about so many, until all of them are in Redis. All must be allowed."""
        self.cold = self.people(count)
        wait_until(lambda: self._ask_cold(say), lambda: f"{len(self.cold)} users are not in Redis", WARM_SECONDS)

    def _ask_cold(self, say):
        key, redis, left = self.service.key("gate"), wire.Redis(self.service.redis_socket), []
        connection = wire.HTTP(self.service.apis[0].port)
        for at in range(0, len(self.cold), CHUNK):
            few = self.cold[at : at + CHUNK]
            answer = connection.ask("POST", "/v1/gate/batch", {"requests": [{"token": person.token} for person in few]}, key)
            refused = [one for one in answer.json["results"] if one.get("decision") != "allow"] if answer.status == 200 else [answer]
            if refused:
                raise Failure(f"the population is not let in: {refused[0]}")
            times = redis.pipeline([("PTTL", f"gh:{{{person.routing}}}") for person in few])
            left += [person for person, time_left in zip(few, times) if time_left < TICKET_MILLISECONDS]
            if say:
                say((at + CHUNK) / len(self.cold))
        connection.close(), redis.close()
        self.cold = left
        return not left


def populate(service, count, plan="pro", metadata_bytes=3_000, say=None):
    """A population of `count` users."""
    population = Population(service, plan, metadata_bytes)
    population.grow(count, say)
    return population


def example(service, plan, metadata_bytes):
    """A user made by the service, and the analysis that it made."""
    user = service.new_user(email(-1))
    answers = [service.ask("PUT", f"/v1/users/{user.id}/plan", {"plan": plan, "reason": "bench"}, service.key("accounts"))]
    body = {"filename": "squat.mp4", "metadata": {"notes": "x" * metadata_bytes}}
    answers.append(service.ask("POST", "/v1/analyses", body, user.token, {"Idempotency-Key": "bench"}))
    if [answer.status for answer in answers] != [200, 201]:
        raise Failure(f"the example of a user: {answers}")
    return user, answers[1].json["analysis"]["id"]


def names(ledger):
    """The tables of users' rows, those that others refer to first."""
    found = [name for (name,) in ledger.execute("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY rowid")]
    return [name for name in found if name not in LEFT_OUT and not name.startswith("sqlite_")]


def dated(prefix, milliseconds, random):
    """An id as `DatedIdentifier.swift` makes it: six characters of the time, in units of 32 ms, then eight that are random bytes here."""
    time_of = milliseconds >> 5
    return prefix + "".join(LETTERS[time_of >> 5 * place & 31] for place in range(5, -1, -1)) + "".join(LETTERS[byte & 31] for byte in random[:8])


def fresh(person, made):
    """Gives another id for one of the example's, the same for the same; that of the user is the person's."""

    def other(identifier):
        if identifier.startswith("usr_"):
            return person.id
        digest = hashlib.sha256(f"{person.id} {identifier}".encode()).digest()
        if identifier.startswith(DATED):
            return dated(identifier[:4], made, digest)
        return identifier[:4] + "".join(LETTERS[byte & 31] for byte in digest[:14])

    return other


class Rows:
    """The rows of one table that tell of the example user, and the statement that writes others like them."""

    def __init__(self, ledger, name, user, analysis):
        columns = ledger.execute(f"PRAGMA table_info({name})").fetchall()
        # A number that SQLite gives by itself is left to it.
        kept = [column for column in columns if not (column[5] == 1 and column[2] == "INTEGER")]
        self.columns = [column[1] for column in kept]
        self.statement = f"INSERT INTO {name} ({', '.join(self.columns)}) VALUES ({', '.join('?' * len(kept))})"
        rows = ledger.execute(f"SELECT {', '.join(self.columns)} FROM {name}").fetchall()
        tokens = {hash_ for (hash_,) in ledger.execute(OF_USER, (user.id,))}
        mine = {user.id, user.email, analysis} | {id_ for (id_,) in ledger.execute("SELECT id FROM sessions WHERE user_id = ?", (user.id,))}
        told = [row for row in rows if any(value in tokens or isinstance(value, str) and any(one in value for one in mine) for value in row if value)]
        self.forms = [[form(column, value, tokens, user) for column, value in zip(self.columns, row)] for row in told]

    def write(self, ledger, people, others, stamp):
        """Writes the rows of these people, each with the instant of its own that it was made at."""
        written = (
            [value(person, other, made - stamp) if callable(value) else value for value in row]
            for row in self.forms for (person, made), other in zip(people, others)
        )  # fmt: skip
        ledger.executemany(self.statement, written)


OF_USER = "SELECT t.hash FROM session_tokens t JOIN sessions s ON s.id = t.session_id WHERE s.user_id = ?"


def form(column, value, tokens, user):
    """A column's value for every user, or the function that makes a user's: of the person, of their other ids, of the time to go back."""
    if isinstance(value, bytes):
        if value in tokens:
            return lambda person, other, back: person.hash.digest()
        return with_ids(value.decode(), bytes) if is_text(value) and IDENTIFIER.search(value.decode()) else value
    if isinstance(value, int) and column in ("created_at", "occurred_at"):
        return lambda person, other, back: value + back
    if not isinstance(value, str):
        return value
    if value == user.email:
        return lambda person, other, back: person.email
    if IDENTIFIER.fullmatch(value):
        return lambda person, other, back: other(value)
    return with_ids(value, str) if IDENTIFIER.search(value) else value


def is_text(value):
    try:
        return value.decode().isprintable()
    except UnicodeDecodeError:
        return False


def with_ids(value, kind):
    """A text in which ids stand, as one that has others in their places."""
    parts = re.split(f"({IDENTIFIER.pattern})", value)

    def made(person, other, back):
        text = "".join(other(part) if at % 2 else part for at, part in enumerate(parts))
        return text.encode() if kind is bytes else text

    return made


def email(number):
    return f"bench{number}@example.com"


def base62(data, length):
    """Bytes as Gatehouse writes them: one number in base 62, zeros in front."""
    value, text = int.from_bytes(data, "big"), []
    for _ in range(length):
        value, digit = divmod(value, 62)
        text.append(DIGITS[digit])
    return "".join(reversed(text))


def progress(what):
    """A function that draws how far something has come, as a share of 1."""
    start = time.monotonic()

    def say(share):
        share, shown = min(1.0, share), sys.stdout.isatty()
        if shown or share == 1:
            filled = round(30 * share)
            text = f"{what:32} {'#' * filled}{'.' * (30 - filled)} {share:4.0%} {time.monotonic() - start:6.0f} s"
            print(text, end="\r" if shown and share < 1 else "\n", flush=True)

    return say
