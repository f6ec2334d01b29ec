"""An older ledger under a Redis that was kept: an operator puts a backup back. Changes that the backup does not know are lost by that act; a
session that it holds as ended stays ended, and nothing that only Redis still knows lets anybody in."""

import contextlib
import os
import shutil
import sqlite3
import time

import load
from faults import fault
from Harness.service import Failure, wait_until

REPLACED_STATUS = 70
REPLACED = "removed or replaced while the service ran"
END_SECONDS_MAX = 10


class Backup:
    """A copy of the ledger that SQLite made, and when: between two moments of the monotonic clock."""

    def __init__(self, service):
        self.path = f"{service.folder}/backup.sqlite"
        for end in ("", "-wal", "-shm"):
            with contextlib.suppress(FileNotFoundError):
                os.unlink(self.path + end)
        source, target, start = sqlite3.connect(service.ledger, timeout=30), sqlite3.connect(self.path), time.monotonic()
        source.backup(target)
        self.copied = (start, time.monotonic())
        target.close()
        source.close()

    def held_by(self, users):
        """The reservations that it holds open for these."""
        with contextlib.closing(sqlite3.connect(f"file:{self.path}?mode=ro&immutable=1", uri=True)) as ledger:
            rows = ledger.execute("SELECT id, user_id FROM reservations WHERE status = 'held'").fetchall()
        return [unit for unit, user in rows if user in users]


@fault("ledger-put-back", "all")
def ledger_put_back(harm):
    """All processes end, by SIGTERM or SIGKILL; a backup is put in the ledger's place as docs/operations.md says; they start again."""
    backup = chosen(harm)
    with harm.world.history.putting_back(backup.copied):
        for api in harm.service.apis:
            if harm.random.random() < 0.5:
                api.kill()
            elif (status := api.stop()) != 0:
                raise Failure(f"SIGTERM ended the API with {status}: {api.tail()}")
        put_back(harm.service, backup)
        remove_log(harm.service)
        for api in harm.service.apis:
            api.start()
    return go_on(harm, backup)


@fault("ledger-replaced", "all")
def ledger_replaced(harm):
    """A backup is put in the ledger's place while it is served: every process ends by itself and says why, and is started again."""
    backup = chosen(harm)
    with harm.world.history.putting_back(backup.copied):
        put_back(harm.service, backup)
        try:
            for api in harm.service.apis:
                serves = f"port {api.port} serves a ledger that was replaced"
                wait_until(lambda: not api.running, lambda: f"{serves}: {api.tail()}", END_SECONDS_MAX)
                if api.process.returncode != REPLACED_STATUS or REPLACED not in api.tail():
                    raise Failure(f"port {api.port} ended with {api.process.returncode} and does not say why: {api.tail()}")
        finally:
            for api in harm.service.apis:
                api.kill()
            remove_log(harm.service)
            for api in harm.service.apis:
                api.start()
    return go_on(harm, backup)


def chosen(harm):
    """The backup of some time ago, or one that is only a few seconds old. There is something that it does not know."""
    if harm.random.random() < 0.5:
        harm.backup = Backup(harm.service)
    harm.pause(0.5, 4)
    wait_until(lambda: unknown_to(harm.backup, harm), "nobody has logged in since the backup")
    return harm.backup


def unknown_to(backup, harm):
    """How many sessions were certainly opened after it was made."""
    return sum(token.begun > backup.copied[1] for token in list(harm.world.history.tokens))


def put_back(service, backup):
    """Under the ledger's name at once: no program ever sees a part of it."""
    copy = f"{service.ledger}.copy"
    shutil.copyfile(backup.path, copy)
    os.chmod(copy, 0o600)
    os.replace(copy, service.ledger)


def remove_log(service):
    """It belongs to the ledger that was there."""
    for end in ("-wal", "-shm"):
        with contextlib.suppress(FileNotFoundError):
            os.unlink(service.ledger + end)


def go_on(harm, backup):
    """The shared accounts may take units again: those that the backup holds for them are returned, as nobody else knows of them. Gives how
    many sessions were lost."""
    caller, shared = load.Caller(harm.world, f"operator-{harm.world.history.era}"), {account.id for account in harm.world.contended}
    for unit in backup.held_by(shared):
        caller.call("release", "POST", f"/v1/reservations/{unit}/release", None, harm.world.keys["work"], unit=unit)
    lost, harm.backup = unknown_to(backup, harm), Backup(harm.service)
    return lost
