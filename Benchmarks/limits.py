"""The packed window beside the algorithms of others, for the same traffic: units that each admits beyond its limit and refuses within it,
its time in Redis and its bytes."""

import math
import pathlib
import random
import re
import statistics
import subprocess
import tempfile

from decisions import script_time
from Harness import wire
from Harness.host import HostShare
from Harness.process import STOP_SECONDS, Failure, wait_until
from processes import PEERS, tool
from script import pipelined
from verdict import Row

SCRIPTS = pathlib.Path(__file__).resolve().parents[1] / "Sources/GatehouseRedis/Scripts"
INCLUDE = re.compile(r"^-- include (\w+)$", re.M)
WINDOW_MS, LIMIT = 60_000, 100
FLOOD_MS = 25
WINDOWS = 5
ROUNDS = 5
# Of a round of the cost. Subjects call in turn, as in life.
CALLS_MIN, SUBJECTS_MIN = 10_000, 10
POISSON_LOAD = 1.5
SIZES = (10, 60, 500)
# Any instant at which a window of the clock begins.
START_MS = 30_000_000 * WINDOW_MS
SEED = 13


class Limiter:
    """An algorithm as a script. `cells` is that of the packed window."""

    def __init__(self, name, file, cells=None):
        self.name, self.cells = name, cells
        self.source = INCLUDE.sub(lambda name: (SCRIPTS / f"{name[1]}.lua").read_text(), (PEERS / "limits" / file).read_text())

    def decide(self, redis, moments, limit, subjects=1):
        """Whether each call at these moments is admitted; each subject calls at each of them, one after another."""
        sha = redis("SCRIPT", "LOAD", self.source)
        calls = [(at, subject(number)) for at in moments for number in range(subjects)]
        commands = [("EVALSHA", sha, 1, key, at, limit, WINDOW_MS, self.cells or number) for number, (at, key) in enumerate(calls)]
        replies = pipelined(redis, commands)
        if odd := [reply for reply in replies if reply not in (0, 1)]:
            raise Failure(f"{self.name}: {odd[0]}")
        return [reply == 1 for reply in replies]


def subject(number):
    """The key of a subject, which begins no other's."""
    return f"s{number:05}"


LIMITERS = [
    Limiter("fixed window", "fixed.lua"), Limiter("two weighted cells", "two_cells.lua"), Limiter("GCRA, burst of the limit", "gcra.lua"),
    Limiter("exact log", "log.lua"), Limiter("packed window, 60 cells", "packed.lua", 60),
    Limiter("packed window, 250 cells", "packed.lua", 250),
]  # fmt: skip
EXACT = "exact log"


def flood():
    """Calls at equal distances, many more than the limit."""
    return list(range(START_MS, START_MS + WINDOWS * WINDOW_MS, FLOOD_MS))


def burst_then_flood():
    """The whole limit at the end of a window of the clock, then a flood."""
    return [START_MS + WINDOW_MS - 100] * LIMIT + list(range(START_MS + WINDOW_MS, START_MS + WINDOWS * WINDOW_MS, FLOOD_MS))


def poisson():
    """Calls that know nothing of each other, half as many again as the limit."""
    source, at, moments = random.Random(SEED), START_MS, []
    while at < START_MS + 2 * WINDOWS * WINDOW_MS:
        at += source.expovariate(POISSON_LOAD * LIMIT / WINDOW_MS)
        moments.append(int(at))
    return moments


TRAFFICS = {"flood": flood, "burst, then flood": burst_then_flood, "Poisson, 1.5 times the limit": poisson}


def most_in_any_window(moments, admitted):
    """The most units that passed in any interval of the window's length."""
    passed, first, most = [at for at, one in zip(moments, admitted) if one], 0, 0
    for number, at in enumerate(passed):
        while at - passed[first] >= WINDOW_MS:
            first += 1
        most = max(most, number - first + 1)
    return most


def refused_within_limit(moments, admitted, limit):
    """The calls that were refused though fewer units than the limit had passed in the window before them."""
    passed, first, count = [], 0, 0
    for at, one in zip(moments, admitted):
        while first < len(passed) and at - passed[first] >= WINDOW_MS:
            first += 1
        if one:
            passed.append(at)
        elif len(passed) - first < limit:
            count += 1
    return count


def compare():
    """The outcome of each limiter: of each traffic, and its cost for each size of limit."""
    with tempfile.TemporaryDirectory(prefix="limits-") as folder:
        words = [tool("redis-server"), "--port", "0", "--unixsocket", f"{folder}/s", "--save", "", "--dir", folder, "--logfile", f"{folder}/log"]
        process = subprocess.Popen(words, stdin=subprocess.DEVNULL)
        try:
            wait_until(lambda: pathlib.Path(folder, "s").exists(), "Redis does not start")
            return in_redis(wire.Redis(f"{folder}/s"))
        finally:
            process.terminate()
            process.wait(STOP_SECONDS)


def in_redis(redis):
    """The outcome of each limiter, and the share of the cores' time that the host took while their cost was measured."""
    told = {limiter.name: {"traffic": {}, "cost": {}} for limiter in LIMITERS}
    for traffic, make in TRAFFICS.items():
        moments = make()
        for limiter in LIMITERS:
            redis("FLUSHALL")
            admitted = limiter.decide(redis, moments, LIMIT)
            most = most_in_any_window(moments, admitted)
            if limiter.cells and most > LIMIT:
                raise Failure(f"{limiter.name} admits {most} of {LIMIT} in one window: {traffic}")
            told[limiter.name]["traffic"][traffic] = {
                "most": most, "admitted": sum(admitted), "refused_within": refused_within_limit(moments, admitted, LIMIT)}  # fmt: skip
    host = HostShare()
    for limit in SIZES:
        # Twice the limit, so that half is refused: to refuse is a part of the cost.
        moments = list(range(START_MS, START_MS + WINDOWS * WINDOW_MS, max(1, WINDOW_MS // (2 * limit))))
        subjects = max(SUBJECTS_MIN, math.ceil(CALLS_MIN / len(moments)))
        rounds = {limiter.name: [] for limiter in LIMITERS}
        for _ in range(ROUNDS):
            for limiter in LIMITERS:
                redis("FLUSHALL")
                before = script_time(redis)
                limiter.decide(redis, moments, limit, subjects)
                after = script_time(redis)
                rounds[limiter.name].append((after[1] - before[1]) / (after[0] - before[0]))
                told[limiter.name]["cost"][str(limit)] = cost(rounds[limiter.name], live_bytes(redis), subjects * len(moments))
    return told, host.until_now()


def cost(rounds, size, calls):
    """The cost of a call in some rounds of so many, and the bytes of a subject."""
    row = Row("", "", "us", rounds)
    return {"microseconds": statistics.median(rounds), "spread": row.spread, "rounds": list(rounds), "calls": calls, "bytes": size}


def live_bytes(redis):
    """The bytes of a subject's newest two keys: told times pass faster than Redis lets those of older windows expire."""
    return sum(redis("MEMORY", "USAGE", key) for key in sorted(redis("KEYS", f"{subject(0)}*"))[-2:])


def tables(told):
    """Both tables as lists of lines, their heads first."""
    traffics = list(TRAFFICS)
    exact = told[EXACT]["traffic"]
    guarantee = [["limiter"] + [f"{traffic}: {what}" for traffic in traffics for what in ("most", "refused within", "of the log's")]]
    for name, each in told.items():
        line = [name]
        for traffic in traffics:
            one = each["traffic"][traffic]
            line += [str(one["most"]), str(one["refused_within"]), f"{one['admitted'] / exact[traffic]['admitted']:.1%}"]
        guarantee.append(line)
    costs = [["limiter"] + [f"limit {limit}" for limit in SIZES]]
    for name, each in told.items():
        costs.append([name] + [cost_told(each["cost"][str(limit)]) for limit in SIZES])
    return guarantee, costs


def cost_told(one):
    """A cost with its spread; a run that was kept before has none."""
    spread = f" ({one['spread']:.0%})" if "spread" in one else ""
    return f"{one['microseconds']:.1f} us{spread}, {one['bytes']:,} bytes"


def run(options):
    """Compares, prints, and gives what `--json` writes."""
    told, host = compare()
    costs = tables(told)[1]
    print(f"At limit {LIMIT} in {WINDOW_MS // 1000} s: the most admitted in any window; calls refused though fewer had passed; admitted in all\n")
    for name, lines in told.items():
        for traffic, one in lines["traffic"].items():
            share = one["admitted"] / told[EXACT]["traffic"][traffic]["admitted"]
            print(f"{name:26} {traffic:30} most {one['most']:4}  refused within {one['refused_within']:6}  {share:7.1%} of the exact log's")
    print(f"\nRedis's time for a call (spread of {ROUNDS} rounds), and its bytes for a subject, at three limits; the host took {host:.1%} of the cores\n")
    for line in costs:
        print(f"{line[0]:26} " + "  ".join(f"{cell:>26}" for cell in line[1:]))
    return {"limits": told, "host": host}
