"""P6: the write queue alone, without HTTP and rules, beside a loop in C on SQLite."""

import contextlib
import hashlib
import itertools
import json
import os
import pathlib
import shutil
import sqlite3
import subprocess

from gate import populated
from Harness.host import HostShare
from Harness.process import Failure
from population import dated
from processes import PEERS, tool
from verdict import MORE, Goal, Row
from writes import BODY, PATH, same_rows

# A first run says how many units a round takes; a round may be so many times as fast.
FIRST_UNITS, FIRST_SECONDS = 50_000, 1
ROUND_SECONDS = 3
MARGIN = 2
# When units were made, as their ids say.
FIRST_MILLISECONDS, UNITS_OF_MILLISECOND = 1_790_000_000_000, 8
TABLES = ("analyses", "reservations", "idempotency")
# As long as those of the units.
IDEMPOTENCY_KEY = "ana_00000000000000"


def queue_alone(options):
    """The write queue alone beside a C loop with transactions of 256, the same rows in the same tables"""
    program = pathlib.Path(os.environ["GATEHOUSE_BINARY"]).resolve().with_name("queue-bench")
    if not program.exists():
        raise Failure(f"there is no {program}: `scripts/build-release.sh queue-bench`, as `make bench` does")
    with populated() as (service, population):
        loop = f"{service.folder}/queue"
        subprocess.run([tool("gcc"), "-O2", "-o", loop, PEERS / "queue.c", "-lsqlite3"], check=True)
        people = population.people()
        units = write_units(service, people, range(FIRST_UNITS))
        with contextlib.closing(sqlite3.connect(service.ledger)) as ledger:
            ledger.execute("VACUUM INTO ?", (f"{service.folder}/copy.sqlite",))
        writers = {"queue": Writer(service, "queue", program), "loop": Writer(service, "loop", loop)}
        fastest = max(writer.run(units, FIRST_SECONDS) for writer in writers.values())
        answer = service.ask("POST", PATH, BODY, people[0].token, {"Idempotency-Key": IDEMPOTENCY_KEY})
        if answer.status != 201:
            raise Failure(f"the service begins no analysis: {answer}")
        for name, writer in writers.items():
            same_rows(service.ledger, writer.ledger, name)
        write_units(service, people, range(FIRST_UNITS, enough := FIRST_UNITS + int(MARGIN * fastest * ROUND_SECONDS * options.rounds)))
        found, host = {}, HostShare()
        for _ in range(options.rounds):
            for name, writer in writers.items():
                found.setdefault(name, []).append(writer.run(units))
                if writer.written >= enough:
                    raise Failure(f"{name} took all {enough:,} units, {MARGIN} times as many as its first run said")
        host = host.until_now()
        for writer in writers.values():
            writer.prove()
    title = "the write queue alone, units of three rows, durable; peer: a C loop of 256 in a transaction"
    return [Row("P6", title, "units/s", found["queue"], found["loop"], Goal(MORE, 0.8), host)]


def write_units(service, people, numbers):
    """A file to which the ids of these units are added, a line each: the user, another reservation, another analysis."""
    path = pathlib.Path(service.folder, "units")
    with path.open("a") as file:
        for number, person in zip(numbers, itertools.cycle(people)):
            digest, made = hashlib.sha256(b"unit %d" % number).digest(), FIRST_MILLISECONDS + number // UNITS_OF_MILLISECOND
            file.write(f"{person.id} {dated('rsv_', made, digest)} {dated('ana_', made, digest[8:])}\n")
    return path


class Writer:
    """A program that writes units, with a copy of the ledger of its own."""

    def __init__(self, service, name, program):
        self.name, self.program, self.ledger, self.written = name, program, f"{service.folder}/{name}.sqlite", 0
        shutil.copy(f"{service.folder}/copy.sqlite", self.ledger)
        self.before = self.rows()

    def rows(self):
        """The rows of each table that a unit is in."""
        with contextlib.closing(sqlite3.connect(self.ledger)) as ledger:
            return [ledger.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for table in TABLES]

    def run(self, units, seconds=ROUND_SECONDS):
        """Units a second; the next run goes on behind them."""
        words = [self.program, self.ledger, units, str(self.written), str(seconds)]
        done = subprocess.run(words, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise Failure(f"{self.name}: {done.stdout}{done.stderr}")
        told = json.loads(done.stdout.splitlines()[-1])
        self.written += told["units"]
        return told["units"] / (told["microseconds"] / 1e6)

    def prove(self):
        """Every row that was told of must be in the file."""
        found = [after - before for after, before in zip(self.rows(), self.before)]
        if found != [self.written] * len(TABLES):
            raise Failure(f"{self.name} says that it wrote {self.written} units; the file has {found} more rows")
