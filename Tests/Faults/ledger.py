"""The ledger's file or disk fails: what was acknowledged is there, nothing else is claimed."""

import itertools
import os
import pathlib
import resource
import shutil
import sqlite3
import subprocess
import threading
import time

from Harness import wire
from Harness.claims import slowest, soon
from Harness.service import Failure, Service, wait_until

EXIT_SECONDS = 10
BUSY_SECONDS = 3
REFUSED_WRITES = 500
# A killed writer may cost the others so much.
TAKEOVER_SECONDS = 0.1


def run(claims):
    busy(claims)
    for call in ("fdatasync", "pwrite64"):
        input_output_error(claims, call)
    quota(claims)
    file_size(claims)
    torn_log(claims)
    killed_writer(claims)
    removed_log(claims)
    emptied_log(claims)
    for way in (moved_over, copied_over):
        for is_loaded in (True, False):
            replaced(claims, way, is_loaded)
    torn_copy(claims)
    by_hand(claims)


def emails(gatehouse):
    with sqlite3.connect(f"file:{gatehouse.ledger}?mode=ro", uri=True) as db:
        broken = db.execute("PRAGMA integrity_check").fetchall()
        if broken != [("ok",)]:
            raise Failure(f"the ledger is corrupt: {broken[:3]}")
        return {row[0] for row in db.execute("SELECT email FROM users")}


class SignUps:
    """Signs users up from several threads until it is stopped: `acknowledged` were answered with 201, `statuses` are all answers."""

    def __init__(self, gatehouse, process=0, threads=4):
        self.gatehouse, self.process, self.acknowledged, self.statuses, self.worst = gatehouse, process, set(), [], 0
        self.stopping, self.key = False, gatehouse.key("accounts")
        self.threads = [threading.Thread(target=self._go_on, args=(n,)) for n in range(threads)]

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.stopping = True
        for thread in self.threads:
            thread.join()

    def _go_on(self, number):
        connection, count = wire.HTTP(self.gatehouse.apis[self.process].port), 0
        while not self.stopping:
            count += 1
            email = f"p{self.process}-{number}-{count}-{time.monotonic_ns()}@example.com"
            start = time.monotonic()
            try:
                answer = connection.ask("POST", "/v1/users", {"email": email, "password": "a quiet canary sings at dawn"}, self.key)
            except (wire.NotSent, wire.NoAnswer):
                self.statuses.append("no answer")
                time.sleep(0.05)
                continue
            self.worst = max(self.worst, time.monotonic() - start)
            self.statuses.append(answer.status)
            if answer.status == 201:
                self.acknowledged.add(email)
        connection.close()


def busy(claims):
    with Service() as gatehouse:
        key = gatehouse.key("gate")
        user = gatehouse.new_user()
        other = sqlite3.connect(gatehouse.ledger, isolation_level=None)
        with SignUps(gatehouse) as load:
            wait_until(lambda: len(load.acknowledged) > 20, "sign-ups")
            other.execute("BEGIN IMMEDIATE")
            held_until, slowest, answers = time.monotonic() + BUSY_SECONDS, 0, set()
            while time.monotonic() < held_until:
                start = time.monotonic()
                answers.add(gatehouse.ask("POST", "/v1/gate", {"token": user.token, "limits": []}, key).json["decision"])
                slowest = max(slowest, time.monotonic() - start)
            other.execute("COMMIT")
            count = len(load.acknowledged)
            wait_until(lambda: len(load.acknowledged) > count + 20, "sign-ups after the wait")
        claims(f"another program holds the ledger for {BUSY_SECONDS} s: the gate goes on ({slowest * 1000:.0f} ms at worst)", answers == {"allow"}, answers)
        right = set(load.statuses) <= {201, 503} and load.acknowledged <= emails(gatehouse)
        claims(f"and every one of {len(load.acknowledged)} acknowledged sign-ups is there", right, set(load.statuses))


def input_output_error(claims, call):
    """The N-th call fails with EIO, after which nothing may be acknowledged: the process stops and the file tells."""
    with Service() as gatehouse:
        api = gatehouse.apis[0]
        with SignUps(gatehouse) as load:
            wait_until(lambda: len(load.acknowledged) > 20, "sign-ups")
            tracer = subprocess.Popen(
                ["strace", "-f", "-qq", "-e", f"trace={call}", "-e", f"inject={call}:error=EIO:when=5+", "-p", str(api.process.pid)],
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
            ended = soon(lambda: not api.running, EXIT_SECONDS)
        tracer.kill()
        tracer.wait()
        claims(f"EIO on {call}: the process stops by itself", ended is not None and api.process.returncode == 70, api.process.poll())
        claims(f"EIO on {call}: and says why", "stop" in api.tail().lower(), api.tail())
        if api.running:
            api.kill()
        api.start()
        missing = load.acknowledged - emails(gatehouse)
        claims(f"EIO on {call}: after the next start all {len(load.acknowledged)} acknowledged sign-ups are there", not missing, missing)
        claims(f"EIO on {call}: and it works on", gatehouse.new_user().token.startswith("gh_"))


def no_room(claims, name, gatehouse, load, is_full, make_room):
    """Nothing can be written for a while: 503 and alive; then writes pass again, and nothing acknowledged is lost."""
    api = gatehouse.apis[0]
    full = soon(is_full, EXIT_SECONDS)
    claims(f"{name}: writes are refused with 503", full is not None and load.statuses[-1] == 503, load.statuses[-5:])
    count = len(load.acknowledged)
    token = gatehouse.user.token
    claims(f"{name}: the process lives and decides", api.running and gatehouse.ask("GET", "/v1/session", None, token).status == 200, api.tail())
    make_room()
    again = soon(lambda: len(load.acknowledged) > count + 20, EXIT_SECONDS)
    claims(f"{name}: writes pass when there is room again, without a restart", again is not None, api.tail())


def judged(claims, name, gatehouse, load):
    missing = load.acknowledged - emails(gatehouse)
    claims(f"{name}: all {len(load.acknowledged)} acknowledged sign-ups are there", not missing, missing)
    claims(f"{name}: no status but 201 and 503", set(load.statuses) <= {201, 503}, set(load.statuses))


def quota(claims):
    """EDQUOT: the user's share of the disk is used up."""
    with Service() as gatehouse:
        gatehouse.user, api = gatehouse.new_user(), gatehouse.apis[0]
        with SignUps(gatehouse) as load:
            wait_until(lambda: len(load.acknowledged) > 20, "sign-ups")
            # It ends by itself: a tracer that is ended within a call leaves it with ENOSYS, which says that the disk failed.
            tracer = subprocess.Popen(
                ["strace", "-f", "-qq", "-e", "trace=pwrite64", "-e", f"inject=pwrite64:error=EDQUOT:when=5..{REFUSED_WRITES}", "-p", str(api.process.pid)],
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
            no_room(claims, "EDQUOT", gatehouse, load, lambda: load.statuses[-8:] == [503] * 8, lambda: None)
        tracer.terminate()
        tracer.wait()
        judged(claims, "EDQUOT", gatehouse, load)


def file_size(claims):
    """RLIMIT_FSIZE: the log may not grow; by default its signal ends a process."""
    with Service() as gatehouse:
        gatehouse.user, process = gatehouse.new_user(), gatehouse.apis[0].process
        with SignUps(gatehouse) as load:
            wait_until(lambda: len(load.acknowledged) > 20, "sign-ups")
            size = os.path.getsize(f"{gatehouse.ledger}-wal")
            hard = resource.prlimit(process.pid, resource.RLIMIT_FSIZE)[1]
            resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (size + 50_000, hard))
            no_room(claims, "RLIMIT_FSIZE", gatehouse, load, lambda: load.statuses[-8:] == [503] * 8,
                    lambda: resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (hard, hard)))  # fmt: skip
        judged(claims, "RLIMIT_FSIZE", gatehouse, load)


def torn_log(claims):
    with Service() as gatehouse:
        with SignUps(gatehouse) as load:
            wait_until(lambda: len(load.acknowledged) > 50, "sign-ups")
            gatehouse.apis[0].kill()
        log = f"{gatehouse.ledger}-wal"
        size = os.path.getsize(log)
        with open(log, "ab") as file:
            file.write(os.urandom(4096 + 24 - 100))
        gatehouse.apis[0].start()
        missing = load.acknowledged - emails(gatehouse)
        claims(f"a torn frame behind a log of {size} bytes: all {len(load.acknowledged)} acknowledged sign-ups are there", not missing, missing)


def killed_writer(claims):
    """One of two writers is stopped at some moment, perhaps holding the lock, and killed: the other goes on at once."""
    with Service(processes=2) as gatehouse:
        worst, missing = 0, set()
        with SignUps(gatehouse, process=0):
            number = itertools.count()
            bound = TAKEOVER_SECONDS + 2 * slowest(lambda: gatehouse.sign_up(f"ordinary{next(number)}@example.com"))
        for _ in range(10):
            with SignUps(gatehouse, process=0) as first, SignUps(gatehouse, process=1, threads=1) as second:
                wait_until(lambda: first.acknowledged and second.acknowledged, "sign-ups")
                gatehouse.apis[0].pause()
                gatehouse.apis[0].kill()
                killed, count = time.monotonic(), len(second.acknowledged)
                wait_until(lambda: len(second.acknowledged) > count, "the other's sign-ups")
                worst = max(worst, time.monotonic() - killed)
            missing |= (first.acknowledged | second.acknowledged) - emails(gatehouse)
            gatehouse.apis[0].start()
        claims(f"a writer is killed 10 times: the other's next write took {worst * 1000:.0f} ms at worst", worst <= bound, (worst, bound))
        claims("a writer is killed 10 times: nothing acknowledged is lost", not missing, missing)


def stops(claims, where, gatehouse):
    """Whether the process ends by itself, and says why."""
    api = gatehouse.apis[0]
    ended = soon(lambda: not api.running, EXIT_SECONDS)
    claims(f"{where}: the process stops by itself", ended is not None and api.process.returncode == 70, api.process.poll())
    claims(f"{where}: and says why", "removed or replaced while the service ran" in api.tail(), api.tail())
    if api.running:
        api.kill()


def removed_log(claims):
    """Somebody clears up: the log is gone while users sign up."""
    with Service() as gatehouse:
        for _ in range(3):
            with SignUps(gatehouse) as load:
                wait_until(lambda: len(load.acknowledged) > 50, "sign-ups")
                os.unlink(f"{gatehouse.ledger}-wal")
                stops(claims, "the log is removed", gatehouse)
            gatehouse.apis[0].start()
            missing = load.acknowledged - emails(gatehouse)
            claims(f"the log is removed: all {len(load.acknowledged)} acknowledged sign-ups are there", not missing, missing)


def emptied_log(claims):
    """Something cuts files that grow, as a rotation of logs does: what only the log held is gone, and no more is acknowledged into it."""
    with Service() as gatehouse, SignUps(gatehouse) as load:
        wait_until(lambda: len(load.acknowledged) > 50, "sign-ups")
        os.truncate(f"{gatehouse.ledger}-wal", 0)
        stops(claims, "the log is emptied", gatehouse)


def moved_over(other, ledger):
    os.replace(other, ledger)


def copied_over(other, ledger):
    shutil.copyfile(other, ledger)


def replaced(claims, way, is_loaded):
    """A backup is put in place of the ledger while it is open: nothing is acknowledged into it, and no start mixes the two."""
    where = f"an older ledger is {way.__name__.replace('_', ' ')}, {'under load' if is_loaded else 'idle'}"
    with Service() as gatehouse:
        with SignUps(gatehouse) as load:
            wait_until(lambda: len(load.acknowledged) > 20, "sign-ups")
        gatehouse.apis[0].stop()
        checkpoint(gatehouse)
        backup = f"{gatehouse.folder}/backup"
        shutil.copyfile(gatehouse.ledger, backup)
        gatehouse.apis[0].start()
        kept = f"{gatehouse.folder}/kept"
        with SignUps(gatehouse) as load:
            wait_until(lambda: len(load.acknowledged) > 20, "sign-ups")
            checkpoint(gatehouse)
            count = len(load.acknowledged)
            wait_until(lambda: len(load.acknowledged) > count + 20, "more sign-ups")
            if is_loaded:
                os.link(gatehouse.ledger, kept)
                way(backup, gatehouse.ledger)
                stops(claims, where, gatehouse)
        if not is_loaded:
            os.link(gatehouse.ledger, kept)
            way(backup, gatehouse.ledger)
            stops(claims, where, gatehouse)
        api = gatehouse.apis[0]
        api.start(wait=False)
        ended = soon(lambda: not api.running, EXIT_SECONDS)
        refused = ended is not None and api.process.returncode not in (0, 70) and "of different times" in api.tail()
        claims(f"{where}: the next start refuses the two, and says what to do", refused, api.tail())
        if way is moved_over:
            os.replace(kept, gatehouse.ledger)
            api.start()
            missing = load.acknowledged - emails(gatehouse)
            claims(f"{where}: put back, all {len(load.acknowledged)} acknowledged sign-ups are there", not missing, missing)


def checkpoint(gatehouse):
    """Another program copies the log into the file, all of it: a reader may keep a part in the log for a moment."""
    db = sqlite3.connect(gatehouse.ledger)

    def copied():
        is_busy, log, copied = db.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
        return not is_busy and copied == log

    wait_until(copied, "a copy of the log")
    db.close()


def torn_copy(claims):
    """A checkpoint came between the copies of the file and of its log."""
    with Service() as gatehouse:
        with SignUps(gatehouse) as load:
            wait_until(lambda: len(load.acknowledged) > 20, "sign-ups")
            checkpoint(gatehouse)
            count = len(load.acknowledged)
            wait_until(lambda: len(load.acknowledged) > count + 20, "more sign-ups")
            shutil.copyfile(gatehouse.ledger, f"{gatehouse.folder}/torn")
            checkpoint(gatehouse)
            count = len(load.acknowledged)
            wait_until(lambda: len(load.acknowledged) > count + 20, "more sign-ups")
            shutil.copyfile(f"{gatehouse.ledger}-wal", f"{gatehouse.folder}/torn-wal")
        api = gatehouse.apis[0]
        api.stop()
        os.unlink(f"{gatehouse.ledger}-shm") if os.path.exists(f"{gatehouse.ledger}-shm") else None
        os.replace(f"{gatehouse.folder}/torn", gatehouse.ledger)
        os.replace(f"{gatehouse.folder}/torn-wal", f"{gatehouse.ledger}-wal")
        api.start(wait=False)
        soon(lambda: not api.running, EXIT_SECONDS)
        claims("a copy torn by a checkpoint is refused at the start", not api.running and "of different times" in api.tail(), api.tail())
        os.unlink(f"{gatehouse.ledger}-wal")
        pathlib.Path(f"{gatehouse.ledger}-shm").unlink(missing_ok=True)
        api.start()
        claims("and the file alone is taken once the log is moved away", bool(emails(gatehouse)))


def by_hand(claims):
    """An operator changes rows with sqlite3: every process hears of it."""
    with Service(processes=2) as gatehouse:
        gate = gatehouse.key("gate")

        def change(sql, *values):
            with sqlite3.connect(gatehouse.ledger) as db:
                db.execute(sql, values)
            db.close()

        def decision(user, process):
            return gatehouse.ask("POST", "/v1/gate", {"token": user.token, "limits": []}, gate, process=process).json

        changes = {
            "suspended": ("UPDATE users SET status = 'suspended' WHERE id = ?", lambda found: found["decision"] == "suspended"),
            "a plan is set": ("UPDATE users SET plan = 'pro' WHERE id = ?", lambda found: found["user"]["plan"] == "pro"),
            "sessions are ended": ("UPDATE sessions SET ended_at = 1 WHERE user_id = ?", lambda found: found["decision"] == "unauthenticated"),
            "sessions are deleted": ("DELETE FROM sessions WHERE user_id = ?", lambda found: found["decision"] == "unauthenticated"),
            "deleted": ("DELETE FROM users WHERE id = ?", lambda found: found["decision"] == "unauthenticated"),
        }
        for what, (sql, heard) in changes.items():
            user = gatehouse.new_user()
            for process in (0, 1):
                wait_until(lambda: decision(user, process)["source"] == "redis", "Redis decides")
            change(sql, user.id)
            took = [soon(lambda: heard(decision(user, process)), 5) for process in (0, 1)]
            claims(f"by hand, {what}: both processes hear of it", None not in took, decision(user, 0))
        key = gatehouse.key("work")
        change("UPDATE service_keys SET revoked_at = 1 WHERE name = 'work'")
        refused = soon(lambda: gatehouse.ask("GET", "/v1/analyses", bearer=key, process=1).json.get("code") == "invalid_key", 5)
        claims("by hand, a key is revoked: it opens nothing any more", refused is not None)
