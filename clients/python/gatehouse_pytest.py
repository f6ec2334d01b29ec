"""pytest fixtures over a Gatehouse that lives only for the tests: temporary data, its own Redis, cheap hashing, loopback alone.

    pytest_plugins = ["gatehouse_pytest"]            # in conftest.py

    def test_upload(gatehouse, gatehouse_user):
        answer = gatehouse.gate(gatehouse_user.token)

The program is `gatehouse`, or what GATEHOUSE_BINARY names. It is started once a test run, with `gatehouse serve --ephemeral`, whose
first line on standard output is JSON with `url`, `ops_socket` and `key`; it ends when its standard input closes, so that it can't outlive
the tests.
"""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
import threading
import uuid
from dataclasses import dataclass, field
from typing import Iterator

import pytest
from gatehouse import Gatehouse

START_SECONDS = 60.0
STOP_SECONDS = 15.0
PASSWORD = "a quiet canary sings at dawn"


@dataclass(frozen=True)
class EphemeralGatehouse:
    """Where the Gatehouse of the tests is; `key` has all scopes of a backend."""

    url: str
    ops_socket: str
    key: str = field(repr=False)


@dataclass(frozen=True)
class SignedInUser:
    """A user that was made for one test, with a session."""

    id: str
    email: str
    password: str = field(repr=False)
    token: str = field(repr=False)


@pytest.fixture(scope="session")
def gatehouse_server() -> Iterator[EphemeralGatehouse]:
    """A Gatehouse of the test run's own."""
    program = os.environ.get("GATEHOUSE_BINARY", "gatehouse")
    with tempfile.TemporaryFile() as log:
        pipe = subprocess.PIPE
        with subprocess.Popen([program, "serve", "--ephemeral"], stdin=pipe, stdout=pipe, stderr=log) as process:
            impatience = threading.Timer(START_SECONDS, process.kill)
            impatience.start()
            assert process.stdout is not None and process.stdin is not None
            try:
                line = process.stdout.readline()
                impatience.cancel()
                yield _announced(line, log.fileno())
            finally:
                impatience.cancel()
                process.stdin.close()
                try:
                    process.wait(STOP_SECONDS)
                except subprocess.TimeoutExpired:
                    process.kill()


def _announced(line: bytes, log: int) -> EphemeralGatehouse:
    try:
        said = json.loads(line)
        return EphemeralGatehouse(url=said["url"], ops_socket=said["ops_socket"], key=said["key"])
    except (ValueError, KeyError, TypeError):
        words = os.pread(log, 4096, 0).decode(errors="replace").strip()
        raise RuntimeError(f"gatehouse serve --ephemeral did not say where it is. It said: {words or '(nothing)'}") from None


@pytest.fixture(scope="session")
def gatehouse(gatehouse_server: EphemeralGatehouse) -> Iterator[Gatehouse]:
    """A client of it, with all scopes of a backend."""
    with Gatehouse(gatehouse_server.url, key=gatehouse_server.key) as client:
        yield client


@pytest.fixture
def gatehouse_user(gatehouse: Gatehouse) -> SignedInUser:
    """A fresh user on the default plan, logged in."""
    user = gatehouse.sign_up(f"{uuid.uuid4().hex}@example.com", PASSWORD)
    # Each from an address of its own: no limit of a network counts.
    login = gatehouse.log_in(user.email, PASSWORD, client_ip=f"2001:db8:{uuid.uuid4().hex[:4]}:{uuid.uuid4().hex[:4]}::1")
    return SignedInUser(user.id, user.email, PASSWORD, login.token or "")
