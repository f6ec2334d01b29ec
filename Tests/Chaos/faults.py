"""The faults: each injects one kind of harm into a running service and heals it before it returns."""

import glob
import os
import shutil
import sqlite3
import time

import wire
from service import Failure, wait_until

FAULTS = {}


def fault(name, domain, loses_windows=False, slow=False):
    """Registers a fault. Faults of one `domain` never overlap; `loses_windows`: Redis may forget rate windows; `slow`: not in the
    short form's mix."""

    def register(body):
        FAULTS[name] = body
        body.title, body.domain, body.loses_windows, body.slow = name, domain, loses_windows, slow
        return body

    return register


class Harm:
    """What a fault works on. `service` stands behind `proxy`."""

    def __init__(self, service, proxy, random, hang_seconds=10):
        self.service, self.proxy, self.random, self.hang_seconds = service, proxy, random, hang_seconds
        self.old_files = f"{service.folder}/old-appendonly"

    def keep_old_files(self):
        """What "yesterday's backup" of Redis is in this run."""
        shutil.rmtree(self.old_files, ignore_errors=True)
        shutil.copytree(f"{self.service.folder}/appendonlydir", self.old_files)

    def pause(self, low, high):
        time.sleep(self.random.uniform(low, high))

    def for_a_while(self, seconds, every, action):
        """Repeats `action` and says how often it was done."""
        end, count = time.monotonic() + seconds, 0
        while time.monotonic() < end:
            action()
            count += 1
            time.sleep(every)
        return count

    def any_api(self):
        return self.random.choice(self.service.apis)


@fault("kill-api", "api")
def kill_api(harm):
    api = harm.any_api()
    api.kill()
    harm.pause(0, 0.5)
    api.start()


@fault("kill-all", "all", loses_windows=True)
def kill_all(harm):
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


@fault("kill-redis", "redis", loses_windows=True)
def kill_redis(harm):
    harm.service.kill_redis()
    harm.pause(0, 2)
    harm.service.start_redis()


@fault("hang-redis", "redis", slow=True)
def hang_redis(harm):
    harm.service.pause_redis()
    time.sleep(harm.hang_seconds)
    harm.service.resume_redis()


@fault("hiccup-redis", "redis")
def hiccup_redis(harm):
    harm.service.pause_redis()
    harm.pause(0.02, 0.8)
    harm.service.resume_redis()


@fault("flushall", "redis", loses_windows=True)
def flushall(harm):
    for _ in range(harm.random.randrange(1, 6)):
        harm.service.redis("flushall")
        harm.pause(0, 0.2)


@fault("cut-aof", "redis", loses_windows=True)
def cut_aof(harm):
    harm.service.kill_redis()
    newest = max(glob.glob(f"{harm.service.folder}/appendonlydir/*.incr.aof"), key=os.path.getmtime)
    size = os.path.getsize(newest)
    os.truncate(newest, max(0, size - harm.random.randrange(1, 201)))
    harm.service.start_redis()


@fault("old-aof", "redis", loses_windows=True)
def old_aof(harm):
    """Redis comes back with the files of an earlier time: sessions since then are missing, ended ones are in them."""
    harm.service.kill_redis()
    shutil.rmtree(f"{harm.service.folder}/appendonlydir")
    shutil.copytree(harm.old_files, f"{harm.service.folder}/appendonlydir")
    harm.service.start_redis()
    harm.keep_old_files()


@fault("script-flush", "redis")
def script_flush(harm):
    return harm.for_a_while(2, 0.05, lambda: harm.service.redis("script", "flush"))


@fault("client-kill", "redis")
def client_kill(harm):
    return harm.for_a_while(2, 0.05, lambda: harm.service.redis("client", "kill", "type", "normal"))


@fault("client-pause", "redis")
def client_pause(harm):
    harm.service.redis("client", "pause", 500)
    time.sleep(0.6)


@fault("busy-redis", "redis")
def busy_redis(harm):
    """A script that does not end: Redis says BUSY to all others until it is killed."""
    harm.service.redis("config", "set", "busy-reply-threshold", "100")
    runaway = wire.Redis(harm.service.redis_socket)
    runaway.send("eval", "while true do end", 0)
    time.sleep(0.6)
    harm.service.redis("script", "kill")
    runaway.close()


@fault("full-redis", "redis")
def full_redis(harm):
    harm.service.redis("config", "set", "maxmemory", "1")
    harm.pause(0.2, 1.5)
    harm.service.redis("config", "set", "maxmemory", "0")


@fault("replica-redis", "redis", loses_windows=True)
def replica_redis(harm):
    """READONLY to every write, then a timeline of another name."""
    harm.service.redis("replicaof", "127.0.0.1", "1")
    harm.pause(0.2, 1.5)
    harm.service.redis("replicaof", "no", "one")


@fault("locked-redis", "redis")
def locked_redis(harm):
    harm.service.redis("acl", "setuser", "gatehouse", "off")
    harm.service.redis("client", "kill", "type", "normal")
    harm.pause(0.2, 1.5)
    harm.service.redis("acl", "setuser", "gatehouse", "on")


@fault("foreign-keys", "redis", loses_windows=True)
def foreign_keys(harm):
    """Users' keys hold something else: WRONGTYPE."""
    keys = [key for key in harm.service.redis("keys", "gh:*")]
    connection = wire.Redis(harm.service.redis_socket)
    connection.pipeline([("set", key, "foreign", "ex", 600) for key in keys if harm.random.random() < 0.5])
    connection.close()


@fault("slow-proxy", "redis")
def slow_proxy(harm):
    harm.proxy.delay_seconds = harm.random.choice((0.005, 0.02, 0.04, 0.08))
    through_proxy(harm, "delay")


@fault("cut-proxy", "redis")
def cut_proxy(harm):
    through_proxy(harm, "cut")


@fault("torn-replies", "redis")
def torn_replies(harm):
    through_proxy(harm, "tear")


@fault("black-hole", "redis")
def black_hole(harm):
    through_proxy(harm, "swallow")


def through_proxy(harm, mode):
    harm.proxy.set(mode)
    harm.pause(0.2, 3)
    harm.proxy.set("pass")


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
    """ENOSPC for a while: the process says 503 and lives on, and nothing that it acknowledged is lost."""
    api, told = harm.any_api(), f"{harm.service.folder}/full-disk.log"
    api.stop()
    api.start(traced("pwrite64", "error=ENOSPC", 40, 120, told))
    wait_until(lambda: injected(told) > 20 or not api.running, "the disk was never full: the load wrote nothing", 30)
    harm.pause(1, 4)
    if not api.running:
        raise Failure(f"a full disk ended the API: {api.tail()}")
    api.kill()
    api.start()
    return injected(told)


@fault("failing-disk", "api", slow=True)
def failing_disk(harm):
    """EIO on a sync: nothing may be acknowledged after it, so the process must end, with a reason in its log."""
    api, told = harm.any_api(), f"{harm.service.folder}/failing-disk.log"
    api.stop()
    api.start(traced("fdatasync", "error=EIO", 4, 4, told), wait=False)
    try:
        wait_until(lambda: injected(told) or not api.running, "no sync failed: the load wrote nothing", 30)
        wait_until(lambda: not api.running, "the API goes on after a failed fdatasync", 5)
        if "unknown" not in api.tail():
            raise Failure(f"the API ended after a failed fdatasync without saying why: {api.tail()}")
    finally:
        api.kill()
        api.start()
