"""P8, P9, P10: growth. One data folder grows from 1,000 users; at each size the same is measured."""

import os
import pathlib
import statistics

import memory
from gate import CONFIGURATION, CONNECTIONS, GATE, WARM_UP_SECONDS, questions
from Harness.host import HostShare
from Harness.service import PASSWORD, Service, some_client
from load import most, request, write_requests
from machine import described, facts
from population import Population, progress
from processes import ours
from verdict import LESS, MORE, Goal, Row, table

FIRST, STEP = 1_000, 10
# Users that requests are about, from the whole population: each of their requests is held in memory.
ASKED_MAX = 50_000
REBUILT = 100_000
SECONDS_AFTER = 4
METADATA_BYTES = 3_000
# Logins beyond it end a user's older sessions, among them the one that is asked about: at the smallest size each user logs in many times.
SESSIONS = {"GATEHOUSE_PLANS_PRO_SESSIONS_MAX": "100"}
# The table's goals are for so many users.
GOAL_USERS = 1_000_000
FILE_GB, REDIS_GB, START_SECONDS = 5, 0.55, 1
LOGIN_CONNECTIONS = 8


def sizes(users):
    """The sizes at which it is measured: tenfold each, and the last one."""
    found, size = [], FIRST
    while size < users:
        found.append(size)
        size *= STEP
    return [*found, users]


def measured(service, population, start_seconds, options):
    """All figures of one size, by name."""
    key, accounts = service.key("gate"), service.key("accounts")
    people, contender = population.people(ASKED_MAX), ours(service)
    point = {"users": population.count, "start_seconds": start_seconds}
    files = {
        "gate": (questions(GATE, people, lambda person: person.token, key), CONNECTIONS),
        "list": ([request("GET", "/v1/analyses?limit=20", person.token) for person in people], CONNECTIONS),
        "login": ([request("POST", "/v1/sessions", accounts, {"email": person.email, "password": PASSWORD}, some_client()) for person in people],
                  LOGIN_CONNECTIONS),
    }  # fmt: skip
    host = HostShare()
    for name, (requests, connections) in files.items():
        file = write_requests(service.folder, requests)
        most(contender, file, connections, WARM_UP_SECONDS)
        runs = [most(contender, file, connections, options.seconds) for _ in range(options.rounds)]
        os.unlink(file)
        point[name] = [run.per_second for run in runs]
        point[f"{name}_p99"] = [run.p99 for run in runs]
    point |= {"host": host.until_now(), "redis_bytes": used_memory(service), "resident_mib": memory.resident_mib(service)}
    return point | {"file_bytes": sum(os.path.getsize(path) for path in pathlib.Path(service.folder).glob("gatehouse.sqlite*"))}


def used_memory(service):
    [line] = [line for line in service.redis("INFO", "memory").splitlines() if line.startswith(b"used_memory:")]
    return int(line.partition(b":")[2])


def rebuild(service, population, options):
    """The gate's rate in each second after FLUSHALL, round by round, beside that before it; every answer must be 200. Each second asks about
    people whom the one before did not come to."""
    contender, key = ours(service), service.key("gate")
    asked = questions(GATE, population.people(ASKED_MAX), lambda person: person.token, key)
    starts = [len(asked) * second // SECONDS_AFTER for second in range(SECONDS_AFTER)]
    files, host = [write_requests(service.folder, asked[start:] + asked[:start]) for start in starts], HostShare()
    before = [most(contender, files[0], CONNECTIONS, options.seconds).per_second for _ in range(options.rounds)]
    after = []
    for _ in range(options.rounds):
        service.redis("FLUSHALL")
        after.append([most(contender, file, CONNECTIONS, 1).per_second for file in files])
        population.warm(ASKED_MAX)
    return {"users": population.count, "before": before, "after": after, "host": host.until_now()}


def run(options):
    """Grows, measures, prints, and gives what `--json` writes."""
    points, rebuilt = [], None
    with Service(configuration=CONFIGURATION, environment=SESSIONS) as service:
        population = Population(service, metadata_bytes=METADATA_BYTES)
        for users in sizes(options.users):
            seconds = population.grow(users, progress(f"{users:,} users: the ledger"))
            population.warm(say=progress(f"{users:,} users: Redis"))
            points.append(measured(service, population, seconds, options))
            print(line(points[-1]), flush=True)
            if users == min(REBUILT, options.users):
                rebuilt = rebuild(service, population, options)
    rows = found(points, rebuilt)
    print(f"\n{described(facts())}\n{table(rows)}")
    return {"points": points, "rebuild": rebuilt, "rows": [row.json() for row in rows]}


def line(point):
    """One size in a line."""
    rates = ", ".join(f"{name} {statistics.median(point[name]):,.0f}/s" for name in ("gate", "list", "login"))
    return (f"{point['users']:>9,} users: {rates}; file {point['file_bytes'] / 1e9:.2f} GB, Redis {point['redis_bytes'] / 1e9:.2f} GB, "
            f"ready in {point['start_seconds']:.2f} s")  # fmt: skip


def found(points, rebuilt):
    """The rows of the table. Sizes are not measured in turns: their medians are compared."""
    first, last = points[0], points[-1]
    rows = []
    for name, title in (("gate", f"POST {GATE}"), ("login", "POST /v1/sessions, cheap hashing"), ("list", "GET /v1/analyses")):
        rows.append(Row("P8", f"{title} at {last['users']:,} users; peer: at {first['users']:,}", "requests/s", last[name], first[name],
                        Goal(MORE, 0.9), last["host"]))  # fmt: skip
        for small, large in zip(points[1:], points[2:]):
            slower = Row("P8", f"{title}, time of one at {large['users']:,}; peer: at {small['users']:,}", "ms", times(large[name]), times(small[name]),
                         Goal(LESS, 1.2), large["host"])  # fmt: skip
            rows.append(slower)
    whole = last["users"] == GOAL_USERS
    for what, unit, value, bound in (
        ("the ledger's file", "GB", last["file_bytes"] / 1e9, FILE_GB), ("Redis", "GB", last["redis_bytes"] / 1e9, REDIS_GB),
        ("a start, until it is ready", "s", last["start_seconds"], START_SECONDS),
    ):  # fmt: skip
        rows.append(Row("P9", f"{what} with {last['users']:,} users", unit, [value], [], Goal(LESS, bound, "ours") if whole else None))
    for second, rates in enumerate(zip(*rebuilt["after"]), 1):
        title = f"POST {GATE} in second {second} after FLUSHALL, {rebuilt['users']:,} sessions; peer: before"
        rows.append(Row("P10", title, "requests/s", list(rates), rebuilt["before"], Goal(MORE, 0.5) if second == 1 else None, rebuilt["host"]))
    return rows


def times(rates):
    return [1_000 / rate for rate in rates]
