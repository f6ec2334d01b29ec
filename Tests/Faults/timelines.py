"""Two timelines of Redis, data that went back within one, and an older ledger under a Redis that was kept."""

import shutil
import sqlite3
import subprocess
import time

from Harness import wire
from Harness.claims import soon
from Harness.process import wait_until
from Harness.service import PASSWORD, ROOT, Service

# So long both servers answer while everybody is asked.
LOOK_SECONDS = 2.0
# A registration: the patience with the server that is missed, the quarantine, a few polls; and what a loaded machine adds.
REGISTERED_SECONDS = 10
LOGINS_THAT_OUTGROW = 8


def decision(gatehouse, token, process):
    answer = gatehouse.ask("POST", "/v1/gate", {"token": token, "limits": []}, gatehouse.key("gate"), process=process)
    return (answer.json["decision"], answer.json["source"]) if answer.status == 200 else (answer.status, "none")


def warm(gatehouse, token, process):
    return soon(lambda: decision(gatehouse, token, process) == ("allow", "redis"), REGISTERED_SECONDS)


def nobody_allows(gatehouse, token):
    """The first process that lets the token in within a while; None if nobody does."""
    end = time.monotonic() + LOOK_SECONDS
    while time.monotonic() < end:
        for process in range(len(gatehouse.apis)):
            if (seen := decision(gatehouse, token, process))[0] == "allow":
                return f"process {process} by {seen[1]}"
    return None


class SecondServer:
    """Another redis-server at the path where the first listens: connections to the first stay, new ones find this one."""

    def __init__(self, gatehouse):
        self.folder, self.path = f"{gatehouse.folder}/second", gatehouse.redis_socket
        subprocess.run(["mkdir", "-p", self.folder], check=True)
        words = ["redis-server", str(ROOT / "redis.conf"), "--dir", self.folder, "--unixsocket", self.path]
        null = subprocess.DEVNULL
        self.process = subprocess.Popen([*words, "--logfile", f"{self.folder}/log"], stdin=null, stdout=null, stderr=null)
        wait_until(self._answers, lambda: f"the second Redis does not answer: see {self.folder}/log")

    def _answers(self):
        try:
            connection = wire.Redis(self.path)
            number = connection("info", "server").split(b"process_id:")[1].split(b"\r\n")[0]
            connection.close()
            return int(number) == self.process.pid
        except (OSError, wire.RedisError):
            return False

    def has_clients(self):
        """Waits until Gatehouse has found it."""
        connection = wire.Redis(self.path)
        wait_until(lambda: b" name=gatehouse" in connection("client", "list"), "Gatehouse does not find the second Redis")
        connection.close()

    def end(self):
        self.process.kill()
        self.process.wait()


def take_away(gatehouse, change, user, token, process):
    """Takes the token's right away through a process; the status of the answer."""
    if change == "logout":
        return gatehouse.ask("DELETE", "/v1/session", bearer=token, process=process).status
    if change == "suspension":
        return gatehouse.ask("PATCH", f"/v1/users/{user.id}", {"status": "suspended"}, gatehouse.key("accounts"), process=process).status
    body = {"current_password": PASSWORD, "new_password": PASSWORD + ", twice"}
    return gatehouse.ask("PUT", "/v1/user/password", body, user.token, process=process).status


def two_masters(claims):
    with Service(processes=2) as gatehouse:
        changes = [(change, through) for change in ("logout", "password change") for through in (0, 1)]
        people = []
        for change, through in changes:
            user = gatehouse.new_user()
            token = gatehouse.log_in(user.email)
            people.append((change, through, user, token))
        for _, _, _, token in people:
            for process in (0, 1):
                assert warm(gatehouse, token, process) is not None, "Redis does not serve"
        # A process that begins finds the second server; the other keeps its connections to the first.
        gatehouse.apis[0].kill()
        second = SecondServer(gatehouse)
        gatehouse.apis[0].start()
        second.has_clients()
        for change, through, user, token in people:
            status = take_away(gatehouse, change, user, token, through)
            wrong = nobody_allows(gatehouse, token)
            claims(f"two masters: a {change} through process {through} holds everywhere", status in (200, 204) and not wrong, (status, wrong))
        second.end()
        gatehouse.kill_redis()
        gatehouse.start_redis()
        user = gatehouse.new_user()
        back = [warm(gatehouse, user.token, process) for process in (0, 1)]
        claims("two masters: with one again, Redis decides on both processes", None not in back, back)


def two_connections(claims):
    with Service() as gatehouse:
        user = gatehouse.new_user()
        tokens = [gatehouse.log_in(user.email) for _ in range(3)]
        for token in tokens:
            assert warm(gatehouse, token, 0) is not None, "Redis does not serve"
        first = wire.Redis(gatehouse.redis_socket)
        second = SecondServer(gatehouse)
        ours = [line for line in first("client", "list").decode().splitlines() if " name=gatehouse" in line]
        identity = ours[0].split("id=")[1].split()[0]
        first("client", "kill", "id", identity)
        second.has_clients()
        for token in tokens:
            status = take_away(gatehouse, "logout", user, token, 0)
            wrong = nobody_allows(gatehouse, token)
            claims("two masters on one process's connections: a logout holds", status == 204 and not wrong, (status, wrong))
        first.close()
        second.end()
        gatehouse.kill_redis()
        gatehouse.start_redis()


def swapped(claims):
    with Service(processes=2) as gatehouse:
        user, other = gatehouse.new_user(), gatehouse.new_user()
        for token in (user.token, other.token):
            for process in (0, 1):
                assert warm(gatehouse, token, process) is not None, "Redis does not serve"
        gatehouse.redis("swapdb", 0, 1)
        used = [warm(gatehouse, other.token, process) for process in (0, 1)]
        status = take_away(gatehouse, "logout", user, user.token, 0)
        gatehouse.redis("swapdb", 0, 1)
        wrong = nobody_allows(gatehouse, user.token)
        claims("SWAPDB and back: what was ended in between stays ended", status == 204 and not wrong and None not in used, (status, wrong, used))
        back = [warm(gatehouse, other.token, process) for process in (0, 1)]
        claims("SWAPDB and back: Redis decides again, and the others are still in", None not in back, back)
        other_database = wire.Redis(gatehouse.redis_socket)
        other_database("select", 1)
        other_database("flushdb")
        other_database.close()


def older_image(claims):
    """All keys are copied, somebody logs out, the copy is put in place at once: one life of Redis, one term, and older data."""
    with Service(processes=2) as gatehouse:
        user, other = gatehouse.new_user(), gatehouse.new_user()
        for process in (0, 1):
            for token in (user.token, other.token):
                assert warm(gatehouse, token, process) is not None, "Redis does not serve"
        gatehouse.redis("eval", "for _, key in ipairs(redis.call('KEYS', '*')) do redis.call('COPY', key, key, 'DB', 1) end", 0)
        status = take_away(gatehouse, "logout", user, user.token, 0)
        gatehouse.redis("swapdb", 0, 1)
        # A poll, or a lease where Redis hangs, may pass until it is seen.
        out = soon(lambda: all(decision(gatehouse, user.token, process)[0] != "allow" for process in (0, 1)), LOOK_SECONDS)
        wrong = nobody_allows(gatehouse, user.token)
        right = status == 204 and out is not None and not wrong
        claims("an older image of Redis: what was ended since is out again", right, (status, out, wrong))
        back = [warm(gatehouse, other.token, process) for process in (0, 1)]
        claims("an older image of Redis: the others are in, by Redis", None not in back, back)
        other_database = wire.Redis(gatehouse.redis_socket)
        other_database("select", 1)
        other_database("flushdb")
        other_database.close()


def back_up(gatehouse, path):
    source, target = sqlite3.connect(gatehouse.ledger), sqlite3.connect(path)
    source.backup(target)
    source.close()
    target.close()


def older_ledger(claims, state, outgrows):
    """Each state in a service of its own: a term that the first had registered would give the second away. With `outgrows` Redis is away
    while the older ledger goes on, until its number is beyond all that Redis knows."""
    with Service() as gatehouse:
        gatehouse.key("gate")
        user = gatehouse.new_user()
        gone = gatehouse.log_in(user.email)
        backup = f"{gatehouse.folder}/backup"
        back_up(gatehouse, backup)
        late = gatehouse.new_user()
        for token in (user.token, gone, late.token):
            assert warm(gatehouse, token, 0) is not None, "Redis does not serve"
        gatehouse.apis[0].stop()
        for end in ("-wal", "-shm"):
            subprocess.run(["rm", "-f", gatehouse.ledger + end], check=True)
        shutil.copyfile(backup, gatehouse.ledger)
        if outgrows:
            gatehouse.pause_redis()
        gatehouse.apis[0].start()
        if outgrows:
            for _ in range(LOGINS_THAT_OUTGROW):
                gatehouse.log_in(user.email)
            gatehouse.resume_redis()
        seen = soon(lambda: decision(gatehouse, user.token, 0) == ("allow", "redis"), REGISTERED_SECONDS)
        claims(f"an older ledger, {state}: its own users are in, by Redis", seen is not None, decision(gatehouse, user.token, 0))
        wrong = nobody_allows(gatehouse, late.token)
        claims(f"an older ledger, {state}: a user that it does not know is out", not wrong, wrong)
        status = take_away(gatehouse, "logout", user, gone, 0)
        wrong = nobody_allows(gatehouse, gone)
        claims(f"an older ledger, {state}: a logout holds", status == 204 and not wrong, (status, wrong))


def older_ledger_in_place(claims):
    with Service() as gatehouse:
        gatehouse.key("gate")
        user = gatehouse.new_user()
        backup = f"{gatehouse.folder}/backup"
        back_up(gatehouse, backup)
        late = gatehouse.new_user()
        # The ledger that comes back knows fewer changes of the service keys.
        gatehouse.key("work")
        for token in (user.token, late.token):
            assert warm(gatehouse, token, 0) is not None, "Redis does not serve"
        source, target = sqlite3.connect(backup), sqlite3.connect(gatehouse.ledger, timeout=30)
        source.backup(target)
        source.close()
        target.close()
        out = soon(lambda: decision(gatehouse, late.token, 0)[0] == "unauthenticated", REGISTERED_SECONDS)
        claims("a ledger put back while it is served: a user that it does not know is out", out is not None and out < 2, out)
        seen = warm(gatehouse, user.token, 0)
        claims("a ledger put back while it is served: its own users are in, by Redis", seen is not None, decision(gatehouse, user.token, 0))
        wrong, later = nobody_allows(gatehouse, late.token), decision(gatehouse, user.token, 0)
        claims("a ledger put back while it is served: and both stay so", not wrong and later[0] == "allow", (wrong, later))


def run(claims):
    two_masters(claims)
    two_connections(claims)
    swapped(claims)
    older_image(claims)
    older_ledger(claims, "put back while it was stopped", outgrows=False)
    older_ledger(claims, "beyond all that Redis knows", outgrows=True)
    older_ledger_in_place(claims)
