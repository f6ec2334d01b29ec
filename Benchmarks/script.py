"""P4s, P3: the gate script itself, and many of its decisions in one call."""

import csv
import io
import subprocess
import time

import script_call
from decisions import Decisions, enough, script_time
from gate import CONNECTIONS, in_turns, populated
from Harness import wire
from Harness.host import HostShare
from Harness.process import Failure
from load import most, request, write_requests
from processes import PEERS, ours, tool
from verdict import LESS, MORE, Goal, Row

USERS = 2_000
CALLS = 10_000
PIPELINED = 100
REFERENCE_DATABASE = 9
BATCH = 100
BATCHES = 200
BATCH_CONNECTIONS = 8


def pipelined(redis, commands):
    """Sends commands, many at a time, and gives the replies."""
    replies = []
    for at in range(0, len(commands), PIPELINED):
        replies += redis.pipeline(commands[at : at + PIPELINED])
    return replies


class Scripted:
    """A script under calls about users in turn; `name` is its own."""

    def __init__(self, name, redis, command, people, allows):
        self.name, self.redis, self.command, self.people, self.allows, self.at = name, redis, command, people, allows, 0

    def run(self, calls=CALLS):
        """Microseconds a call, as Redis counts. Every call must be allowed."""
        now = int(time.time() * 1000)
        chosen = [self.people[(self.at + number) % len(self.people)] for number in range(calls)]
        commands = [self.command(person, now) for person in chosen]
        self.at += calls
        before = script_time(self.redis)
        replies = pipelined(self.redis, commands)
        after = script_time(self.redis)
        if refused := [reply for reply in replies if not self.allows(reply)]:
            raise Failure(f"{self.name}: {len(refused)} of {calls} calls are not allowed: {refused[0]}")
        return (after[1] - before[1]) / (after[0] - before[0])


def allows(reply):
    """Whether a reply of the gate script lets the caller in."""
    return isinstance(reply, bytes) and reply.startswith(b"allow ")


def reference(service, people):
    """The reference script, with a database of its own in the same Redis in which these people have a session."""
    redis = wire.Redis(service.redis_socket)
    redis("SELECT", REFERENCE_DATABASE)
    now = int(time.time() * 1000)
    session = f"web|ses_reference0000|{now}|{now}|{now}|{now + 86_400_000}"
    for person in people:
        fields = ["id", person.id, "plan", "pro", "status", "active", "until", now, "epoch", "0", f"s:{person.hash.hexdigest()}", session]
        redis("HSET", f"app:{{{person.routing}}}", *fields)
        redis("PEXPIRE", f"app:{{{person.routing}}}", 3_600_000)
    sha = redis("SCRIPT", "LOAD", (PEERS / "reference.lua").read_text())

    def command(person, _now):
        keys = [f"app:{{{person.routing}}}", f"app:{{{person.routing}}}:w"]
        return ["EVALSHA", sha, 2, *keys, person.hash.hexdigest(), script_call.LIMIT, 60_000, 86_400_000]

    return Scripted("reference", redis, command, people, lambda reply: reply[0] == 1)


def against_reference(options):
    """The gate script beside the least that an app writes itself, by Redis's own count"""
    with populated(USERS) as (service, population):
        people = population.people()
        call = script_call.heard(service, population)
        mine = Scripted("gate", wire.Redis(service.redis_socket), call.command, people, allows)
        pair = (mine, reference(service, people))
        service.apis[0].pause()  # its polls are scripts too
        try:
            for each in pair:
                each.run()
            found, host = in_turns(pair, options.rounds, Scripted.run)
        finally:
            service.apis[0].resume()
    title = "gate script, one policy and a session; peer: reference"
    return [Row("P4s", title, "us/call", found["gate"], found["reference"], Goal(LESS, 1.0), host)]


def batches(options):
    """Decisions of POST /v1/gate/batch beside redis-benchmark -P 16 with the same script"""
    with populated() as (service, population):
        key, people, contender = service.key("gate"), population.people(), ours(service)
        bodies = [{"requests": [{"token": people[(number * BATCH + at) % len(people)].token} for at in range(BATCH)]} for number in range(BATCHES)]
        answer = contender.ask("POST", "/v1/gate/batch", bodies[0], key)
        results = answer.json["results"] if answer.status == 200 else []
        if [one["decision"] for one in results] != ["allow"] * BATCH:
            raise Failure(f"a batch: {answer}")
        file = write_requests(service.folder, [request("POST", "/v1/gate/batch", key, body) for body in bodies])
        call = script_call.heard(service, population)
        calls = int(benchmark(service, call, people[0], CALLS) * options.seconds)
        most(contender, file, BATCH_CONNECTIONS, 1)
        decisions, mine, peer, host = Decisions(service.redis), [], [], HostShare()
        for _ in range(options.rounds):
            mine.append(BATCH * decisions.most(contender, file, BATCH_CONNECTIONS, options.seconds, BATCH).per_second)
            rate, scripts = decisions.during(lambda: benchmark(service, call, people[0], calls))
            enough("redis-benchmark", scripts, calls)
            peer.append(rate)
    title = f"POST /v1/gate/batch of {BATCH}; peer: redis-benchmark -P 16"
    return [Row("P3", title, "decisions/s", mine, peer, Goal(MORE, 0.75), host.until_now())]


def benchmark(service, call, person, calls):
    """Calls a second of redis-benchmark, which repeats one call. It must be allowed after the last time too."""
    command = call.command(person)
    words = [tool("redis-benchmark"), "-s", service.redis_socket, "-P", "16", "-c", str(CONNECTIONS), "-n", str(calls), "--csv"]
    done = subprocess.run(words + command, capture_output=True, text=True, check=True)
    if not allows(reply := service.redis(*command)):
        raise Failure(f"the script says {reply} of what redis-benchmark asked")
    [row] = csv.DictReader(io.StringIO(done.stdout[done.stdout.index('"test"') :]))
    return float(row["rps"])
