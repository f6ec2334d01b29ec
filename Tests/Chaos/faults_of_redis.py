"""Faults of Redis: its process, its files, its answers, the way to it."""

import glob
import os
import shutil
import time

from faults import fault
from Harness import wire


@fault("kill-redis", "redis", loses_windows=True)
def kill_redis(harm):
    """SIGKILL of Redis; it is away for up to two seconds."""
    harm.service.kill_redis()
    harm.pause(0, 2)
    harm.service.start_redis()


@fault("hang-redis", "redis", slow=True)
def hang_redis(harm):
    """SIGSTOP of Redis for ten seconds (three in the short form)."""
    harm.service.pause_redis()
    time.sleep(harm.hang_seconds)
    harm.service.resume_redis()


@fault("hiccup-redis", "redis")
def hiccup_redis(harm):
    """SIGSTOP of Redis for less than a second."""
    harm.service.pause_redis()
    harm.pause(0.02, 0.8)
    harm.service.resume_redis()


@fault("flushall", "redis", loses_windows=True)
def flushall(harm):
    """FLUSHALL, up to five times."""
    for _ in range(harm.random.randrange(1, 6)):
        harm.service.redis("flushall")
        harm.pause(0, 0.2)


@fault("cut-aof", "redis", loses_windows=True)
def cut_aof(harm):
    """The append-only file loses its last bytes, up to 200."""
    harm.service.kill_redis()
    newest = max(glob.glob(f"{harm.service.folder}/appendonlydir/*.incr.aof"), key=os.path.getmtime)
    size = os.path.getsize(newest)
    os.truncate(newest, max(0, size - harm.random.randrange(1, 201)))
    harm.service.start_redis()


@fault("old-aof", "redis", loses_windows=True)
def old_aof(harm):
    """Redis comes back with the files of an earlier time: sessions since then are missing, ended ones are in them."""
    # So that they are of an earlier time, whatever came before.
    harm.pause(0.5, 3)
    harm.service.kill_redis()
    shutil.rmtree(f"{harm.service.folder}/appendonlydir")
    shutil.copytree(harm.old_files, f"{harm.service.folder}/appendonlydir")
    harm.service.start_redis()
    harm.keep_old_files()


@fault("two-masters", "redis", loses_windows=True)
def two_masters(harm):
    """A second redis-server on the path: some connections find it, the others stay with the first, and both answer; then the way back."""
    with harm.service.second_redis() as second:
        harm.proxy.lead(second, harm.random.choice((0.2, 0.5, 1.0)), harm.random)
        harm.pause(0.2, 4)
        harm.proxy.lead(harm.service.redis_socket, harm.random.choice((0.2, 0.5, 1.0)), harm.random)
        harm.pause(0, 2)


@fault("swapdb", "redis", loses_windows=True)
def swapdb(harm):
    """SWAPDB, and back: the data of before is there again under the same name."""
    harm.service.redis("swapdb", 0, 1)
    harm.pause(0, 2)
    harm.service.redis("swapdb", 0, 1)
    connection = wire.Redis(harm.service.redis_socket)
    connection("select", 1)
    connection("flushdb")
    connection.close()


@fault("script-flush", "redis")
def script_flush(harm):
    """SCRIPT FLUSH, twenty times a second."""
    return harm.for_a_while(2, 0.05, lambda: harm.service.redis("script", "flush"))


@fault("client-kill", "redis")
def client_kill(harm):
    """CLIENT KILL of every connection, twenty times a second."""
    return harm.for_a_while(2, 0.05, lambda: harm.service.redis("client", "kill", "type", "normal"))


@fault("client-pause", "redis")
def client_pause(harm):
    """CLIENT PAUSE for half a second."""
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
    """Redis has no memory for writes: OOM."""
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
    """The API's account is off: every connection ends, and none is let in."""
    harm.service.redis("acl", "setuser", "gatehouse", "off")
    harm.service.redis("client", "kill", "type", "normal")
    harm.pause(0.2, 1.5)
    harm.service.redis("acl", "setuser", "gatehouse", "on")


@fault("foreign-keys", "redis", loses_windows=True)
def foreign_keys(harm):
    """Users' keys hold something else: WRONGTYPE."""
    keys = harm.service.redis("keys", "gh:*")
    connection = wire.Redis(harm.service.redis_socket)
    connection.pipeline([("set", key, "foreign", "ex", 600) for key in keys if harm.random.random() < 0.5])
    connection.close()


@fault("slow-proxy", "redis")
def slow_proxy(harm):
    """Everything to and from Redis is late, by less or more than the command deadline."""
    harm.proxy.delay_seconds = harm.random.choice((0.005, 0.02, 0.04, 0.08))
    through_proxy(harm, "delay")


@fault("cut-proxy", "redis")
def cut_proxy(harm):
    """Connections to Redis are reset, new ones too."""
    through_proxy(harm, "cut")


@fault("torn-replies", "redis")
def torn_replies(harm):
    """Replies end in their middle."""
    through_proxy(harm, "tear")


@fault("black-hole", "redis")
def black_hole(harm):
    """Connections to Redis stand, and nothing comes through until the end: then all of it, late."""
    through_proxy(harm, "swallow")


def through_proxy(harm, mode):
    harm.proxy.set(mode)
    harm.pause(0.2, 3)
    harm.proxy.set("pass")
