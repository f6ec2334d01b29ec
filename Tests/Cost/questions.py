"""The requests whose cost is measured, and connections that ask them again and again."""

import json

from bounds import BATCH, CHANNEL
from Harness import wire
from Harness.process import Failure

TIMEOUT_SECONDS = 60
# The limit refuses nobody. Its cells last a second, as by default. Its window is short: while units count that the ledger granted in place
# of Redis, each answer of the same user costs a tenth more.
ENVIRONMENT = {"GATEHOUSE_POLICIES_API_LIMIT": "1000000000", "GATEHOUSE_POLICIES_API_WINDOW": "5s", "GATEHOUSE_POLICIES_API_CELLS": "5"}
# How long they are counted with: two windows, and as long as a reply of Redis may take.
COUNTED_SECONDS = 11


class Asked:
    """The requests of a new user, each by its method and path."""

    def __init__(self, service):
        token, key = service.new_user().token, service.key("gate")
        self.requests = {
            "GET /v1/auth/api": get("/v1/auth/api", token, "X-Forwarded-For: 203.0.113.7\r\n"),
            "POST /v1/gate": post("/v1/gate", key, {"token": token}),
            "POST /v1/gate/batch": post("/v1/gate/batch", key, {"requests": [{"token": token}] * BATCH}),
            "GET /v1/session": get("/v1/session", token),
        }

    def questions(self, api, kinds):
        """A `Question` for each kind, which is a name and a way. The channel leaves a request to the route if an empty line stands before it."""
        return {(name, way): Question(api.port, (b"" if way == CHANNEL else b"\r\n") + self.requests[name]) for name, way in kinds}


def get(path, bearer, more=""):
    return f"GET {path} HTTP/1.1\r\nHost: gatehouse\r\nAuthorization: Bearer {bearer}\r\n{more}\r\n".encode()


def post(path, bearer, body):
    text = json.dumps(body, separators=(",", ":"))
    head = f"POST {path} HTTP/1.1\r\nHost: gatehouse\r\nAuthorization: Bearer {bearer}\r\n"
    return f"{head}Content-Type: application/json\r\nContent-Length: {len(text)}\r\n\r\n{text}".encode()


class Question:
    """One request on a connection of its own: a connection that has left one to the route leaves all that follow. `from_ledger` counts the
    answers that say that the ledger decided."""

    def __init__(self, port, request):
        self.request, self.stream, self.from_ledger = request, wire.Stream(port, TIMEOUT_SECONDS), 0

    def ask(self, times):
        """Asks so many times, one after another. Raises `Failure` at an answer that is not 200."""
        for _ in range(times):
            self.stream.socket.sendall(self.request)
            status, size = self.stream.line(), 0
            while line := self.stream.line():
                name, _, value = line.partition(b":")
                if name.lower() == b"content-length":
                    size = int(value)
            body = self.stream.take(size)
            if status.split()[1] != b"200":
                raise Failure(f"{status} {body}")
            self.from_ledger += b'"source":"ledger"' in body
