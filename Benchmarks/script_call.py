"""Our gate script as the service calls it, so that a peer can call it with the same arguments.

Nothing of the script is written down here: the call is heard by MONITOR, and what differs from call to call is found by comparing.
"""

import itertools
import json
import pathlib
import re
import time

from Harness import wire
from Harness.process import Failure

WAIT_SECONDS = 10
# An argument that is so near to now is a time.
NEAR_MILLISECONDS = 3_600_000


class ScriptCall:
    """`sha` and `keys` (how many) of the script, and its `words`: each a dictionary with its `kind`: text, user, hash, ticket or now."""

    def __init__(self, sha, keys, words):
        self.sha, self.keys, self.words = sha, keys, words
        self.tickets = itertools.count()

    def arguments(self, person, now=None):
        """The keys and arguments of a call about a person."""
        now, said = now or int(time.time() * 1000), []
        for word in self.words:
            kind = word["kind"]
            if kind == "text":
                said.append(word["text"])
            elif kind == "now":
                said.append(str(now + word["offset"]))
            elif kind == "ticket":
                said.append(f"{next(self.tickets):016}")
            else:
                said.append(word["before"] + (person.routing if kind == "user" else person.hash.hexdigest()) + word["after"])
        return said

    def command(self, person, now=None):
        """A whole EVALSHA."""
        return ["EVALSHA", self.sha, str(self.keys), *self.arguments(person, now)]

    def write(self, service, key, folder):
        """A file that tells a peer all it needs to ask and to answer; its path."""
        told = {
            "sha": self.sha, "keys": self.keys, "arguments": self.words, "socket": f"unix:{service.redis_socket}", "key": key,
            "idle": IDLE, "policy": POLICY,
        }  # fmt: skip
        path = pathlib.Path(folder, "call.json")
        path.write_text(json.dumps(told))
        return str(path)


# As the benches configure the service: limits that refuse nobody, else the defaults.
LIMIT = 1_000_000_000
POLICY = {"name": "api", "limits": dict.fromkeys(["free", "pro", "coach"], LIMIT), "window_seconds": 60, "cells": 60}
IDLE = {"web": 86_400_000, "remember": 1_209_600_000, "mobile": 2_592_000_000}


def heard(service, population):
    """The gate script's call, from two calls about two people who are in Redis already."""
    people = [population.person(0), population.person(1)]
    key = service.key("gate")
    monitor = wire.Redis(service.redis_socket)
    try:
        monitor("MONITOR")
        for person in people + people:
            service.ask("POST", "/v1/gate", {"token": person.token}, key)
        calls = [call_of(monitor, person) for person in people + people]
    finally:
        monitor.close()
    sha, keys = calls[0][1], int(calls[0][2])
    words = [word(samples, people) for samples in zip(*(call[3:] for call in calls), strict=True)]
    return ScriptCall(sha, keys, words)


def call_of(monitor, person):
    """The words of the next EVALSHA about a person."""
    end = time.monotonic() + WAIT_SECONDS
    while time.monotonic() < end:
        line = monitor.stream.line().decode()
        words = re.findall(r'"((?:[^"\\]|\\.)*)"', line)
        if words and words[0].upper() == "EVALSHA" and " lua] " not in line and person.routing in words[3]:
            return words
    raise Failure("the service asks no script about a user: is the population in Redis?")


def word(samples, people):
    """One argument's kind, from what it was in the four calls."""
    first = samples[0]
    if len(set(samples)) == 1:
        return {"kind": "text", "text": first}
    for kind, parts in (("user", [person.routing for person in people]), ("hash", [person.hash.hexdigest() for person in people])):
        if parts[0] in first:
            before, _, after = first.partition(parts[0])
            if [before + part + after for part in parts + parts] == list(samples):
                return {"kind": kind, "before": before, "after": after}
    now = int(time.time() * 1000)
    if all(sample.isdigit() and abs(int(sample) - now) < NEAR_MILLISECONDS for sample in samples):
        return {"kind": "now", "offset": 1_000 * round((int(samples[-1]) - now) / 1_000)}
    return {"kind": "ticket"}
