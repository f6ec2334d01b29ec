"""P7: memory, of Redis and of the process."""

import pathlib
import re
import resource
import time

from gate import AUTH, CONFIGURATION, OWN_METHOD
from Harness import wire
from Harness.process import Failure
from Harness.service import Service
from load import request
from population import populate
from verdict import LESS, Goal, Row

USERS = 1_000
CONNECTIONS = 10_000
# Sockets of the client and of the service, and what else a process has open.
FILES = CONNECTIONS + 1_000
# A window whose cells all hold units within a few seconds; what it takes is the same for any length.
BUSY_SECONDS = 8
POLICY = "bench"
WINDOW = f"""
  names: [api, upload, login_pair, login_account, login_network, signup_network, mail_account, email_change, {POLICY}]
  {POLICY}: {{by: subject, limit: 1000000000, window: 6s, cells: 60, shadow: false}}
"""
SUBJECT_BYTES, USER_BYTES, RESIDENT_MIB = 584, 520, 120


def sizes(options):
    """Redis's bytes of a user with a session and of a busy limiter subject; the process at 10,000 connections"""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    if hard < FILES:
        raise Failure(f"{CONNECTIONS} connections need {FILES} open files; the system allows {hard}: raise it with `ulimit -Hn {FILES}`")
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    with Service(configuration=CONFIGURATION.replace("policies:\n", "policies:" + WINDOW)) as service:
        population = populate(service, USERS, metadata_bytes=100)
        population.warm()
        people = population.people()
        users = [service.redis("MEMORY", "USAGE", f"gh:{{{person.routing}}}") for person in people]
        key = busy_subject(service)
        subject = service.redis("MEMORY", "USAGE", key)
        few = resident_mib(service)
        idle, used = with_connections(service, people)
    return [
        Row("P7", "Redis, a user with a session", "bytes", users, [], Goal(LESS, USER_BYTES, "ours")),
        Row("P7", f"Redis, a busy limiter subject (its key has {len(key)})", "bytes", [subject], [], Goal(LESS, SUBJECT_BYTES + len(key), "ours")),
        Row("P7", "the process, resident", "MiB", [few]),
        Row("P7", f"the process, resident, with {CONNECTIONS:,} idle connections", "MiB", [idle], [], Goal(LESS, RESIDENT_MIB, "ours")),
        Row("P7", "the same, each after an answer", "MiB", [used]),
    ]


def busy_subject(service):
    """The key of a subject's window whose cells are all in use."""
    key, end, connection = service.key("gate"), time.monotonic() + BUSY_SECONDS, wire.HTTP(service.apis[0].port)
    while time.monotonic() < end:
        answer = connection.ask("POST", f"/v1/limits/{POLICY}/check", {"subject": "org:42"}, key)
        if answer.status != 200 or not answer.json["allowed"]:
            raise Failure(f"a subject: {answer}")
    connection.close()
    [found] = service.redis("KEYS", "gh:{sub:*")
    return found


def with_connections(service, people):
    """The resident size with so many connections, and with as many each of which has had an answer."""
    streams = []
    try:
        for _ in range(CONNECTIONS):
            streams.append(wire.Stream(service.apis[0].port, 15))
        # All are accepted once the last one is answered.
        asked(streams[-1], people[0])
        idle = resident_mib(service)
        for number, stream in enumerate(streams[:-1]):
            asked(stream, people[number % len(people)])
        return idle, resident_mib(service)
    finally:
        for each in streams:
            each.socket.close()


def asked(stream, person):
    """Has a connection answered once."""
    stream.socket.sendall(request("GET", AUTH, person.token, headers=OWN_METHOD))
    if (answer := stream.answer()).status != 200:
        raise Failure(f"a connection is not answered with 200: {answer}")


def resident_mib(service):
    status = pathlib.Path(f"/proc/{service.apis[0].process.pid}/status").read_text()
    return int(re.search(r"^VmRSS:\s+(\d+) kB", status, re.M)[1]) / 1024
