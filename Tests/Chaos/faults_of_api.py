"""Faults of the API's processes and of the disk below them."""

import os
import secrets
import signal
import sqlite3

from faults import fault
from Harness.balancer import Balancer, KeptConnections
from Harness.service import Failure, wait_until

# Refusals may follow the reason of an end before the end itself.
LAST_LINES = 200


@fault("kill-api", "api")
def kill_api(harm):
    """SIGKILL of one API process."""
    api = harm.any_api()
    api.kill()
    harm.pause(0, 0.5)
    api.start()


@fault("kill-all", "all", loses_windows=True)
def kill_all(harm):
    """SIGKILL of all API processes and of Redis."""
    for api in harm.service.apis:
        api.kill()
    harm.service.kill_redis()
    harm.pause(0, 0.5)
    harm.service.start_redis()
    for api in harm.service.apis:
        api.start()


@fault("hang-api", "api")
def hang_api(harm):
    """Longer than the lease: what it sends when it wakes is late."""
    api = harm.any_api()
    api.pause()
    harm.pause(0.3, 2.5)
    api.resume()


@fault("stop-api", "api")
def stop_api(harm):
    """SIGTERM under load: what was accepted is finished, and the process ends cleanly."""
    api = harm.any_api()
    status = api.stop()
    if status != 0:
        raise Failure(f"SIGTERM ended the API with {status}: {api.tail()}")
    api.start()


SECRET_LINES_MAX = 8
SECRET_READ = "The secret is read again"


@fault("secret-rotation", "api")
def secret_rotation(harm):
    """The server secret changes as documented, a process after the other: no token, retry or cursor of before it is refused."""
    path = f"{harm.service.folder}/secret"
    with open(path) as file:
        header, *lines = file.read().splitlines()
    if len(lines) < SECRET_LINES_MAX:
        lines.append(f"{secrets.token_hex(3)} {secrets.token_hex(32)}")
        read_secret(harm, path, [header, *lines])
    read_secret(harm, path, [header, lines[-1], *lines[:-1]])


def read_secret(harm, path, lines):
    """Puts these lines in the file, then has every process read it, with time between."""
    with open(path, "w") as file:
        file.write("\n".join(lines) + "\n")
    for api in harm.service.apis:
        before = api.tail(None).count(SECRET_READ)
        api.process.send_signal(signal.SIGHUP)
        wait_until(lambda: api.tail(None).count(SECRET_READ) > before or not api.running, lambda: f"the secret was not read: {api.tail()}", 30)
        harm.pause(0, 0.5)


@fault("locked-ledger", "ledger")
def locked_ledger(harm):
    """Another program holds SQLite's write lock."""
    other = sqlite3.connect(harm.service.ledger, timeout=5, isolation_level=None)
    try:
        other.execute("BEGIN IMMEDIATE")
        harm.pause(0.5, 3)
        other.execute("ROLLBACK")
    except sqlite3.OperationalError:
        pass  # it was busy all the time: the service writes that much
    finally:
        other.close()


@fault("long-reader", "ledger")
def long_reader(harm):
    """Another program reads an old state of the ledger for a while: the log can't be cut, and nobody waits for it."""
    other = sqlite3.connect(harm.service.ledger, isolation_level=None)
    other.execute("BEGIN")
    other.execute("SELECT count(*) FROM users").fetchone()
    harm.pause(1, 5)
    other.close()


@fault("stuck-log", "api")
def stuck_log(harm):
    """A process whose log is a full pipe that nobody reads: it starts, serves and ends like any other."""
    api, (reading, writing) = harm.any_api(), os.pipe()
    try:
        os.set_blocking(writing, False)
        try:
            while True:
                os.write(writing, b"x")
        except BlockingIOError:
            os.set_blocking(writing, True)
        api.stop()
        api.start(output=writing)
        harm.pause(1, 4)
        if (status := api.stop()) != 0:
            raise Failure(f"SIGTERM ended an API with a stuck log with {status}")
    finally:
        os.close(reading)
        os.close(writing)
        if api.running:
            api.kill()
        api.start()


@fault("rolling-restart", "all")
def rolling_restart(harm):
    """Each process in turn is ended and started behind nginx: its clients, who keep their connections, see nothing but success."""
    user, keys = harm.service.new_user(), {scope: harm.service.key(scope) for scope in ("gate", "work", "accounts")}
    with Balancer([api.port for api in harm.service.apis]) as balancer, KeptConnections(balancer.port, user, keys) as clients:
        for api in harm.service.apis:
            harm.pause(0.2, 0.5)
            if (status := api.stop()) != 0:
                raise Failure(f"SIGTERM ended the API with {status}: {api.tail()}")
            api.start()
        harm.pause(0.2, 0.5)
    if not set(clients.answers) <= {200, 201}:
        raise Failure(f"a rolling restart was seen: {clients.answers}")
    return len(harm.service.apis)


def traced(call, injection, first, last, output="/dev/null"):
    """The words that run a program with a fault in its system calls `first` to `last` (of each thread); `output` tells of them."""
    words = ["strace", "-D", "-f", "-qq", "-o", output, "-e", f"trace={call}", "-e", "signal=none"]
    if not injection.startswith("signal"):  # strace 6.1 sends no signal at a later call than the first with this
        words.append("--seccomp-bpf")
    return [*words, "-e", f"inject={call}:{injection}:when={first}..{last}"]


def injected(path):
    """How many calls had a fault."""
    if not os.path.exists(path):
        return 0
    with open(path) as file:
        return file.read().count("(INJECTED)")


@fault("full-disk", "api", slow=True)
def full_disk(harm):
    """ENOSPC for a while: the process says 503 and lives on, or its start says so; nothing that it acknowledged is lost."""
    api, told = harm.any_api(), f"{harm.service.folder}/full-disk.log"
    api.stop()
    try:
        api.start(traced("pwrite64", "error=ENOSPC", 40, 120, told), wait=False)
        wait_until(lambda: api.ready() or not api.running, lambda: f"the API is not ready: {api.tail()}")
        # A start that copies a long log of the ledger meets the full disk itself.
        if not api.running and "no room on the disk" in api.tail():
            return injected(told)
        wait_until(lambda: injected(told) > 20 or not api.running, "the disk was never full: the load wrote nothing", 30)
        harm.pause(1, 4)
        if not api.running:
            raise Failure(f"a full disk ended the API: {api.tail()}")
        return injected(told)
    finally:
        api.kill()
        api.start()


@fault("failing-disk", "api", slow=True)
def failing_disk(harm):
    """EIO on a sync: nothing may be acknowledged after it, so the process must end, with a reason in its log. A start that meets it ends
    too."""
    api, told = harm.any_api(), f"{harm.service.folder}/failing-disk.log"
    api.stop()
    # Some of the first belong to the start.
    call = harm.random.randint(4, 16)
    api.start(traced("fdatasync", "error=EIO", call, call, told), wait=False)
    try:
        wait_until(lambda: injected(told) or not api.running, "no sync failed: the load wrote nothing", 30)
        wait_until(lambda: not api.running, "the API goes on after a failed fdatasync", 5)
        if not any(reason in api.tail(LAST_LINES) for reason in ("outcome of a write is unknown", "can't be opened: its disk failed")):
            raise Failure(f"the API ended after a failed fdatasync without saying why: {api.tail()}")
    finally:
        api.kill()
        api.start()
