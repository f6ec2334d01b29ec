"""One Gatehouse for the run, clients of it, and users."""

import asyncio
import threading

import pytest
from gatehouse import AsyncGatehouse, Gatehouse

from Harness.service import PASSWORD, Service, some_client
from scripted import Relay, ScriptedServer

# Beside the defaults two policies of an app, ten an hour: `visits` by address, `seats` by subject.
POLICIES = """
policies:
  names: [api, upload, login_pair, login_account, login_network, signup_network, mail_account, visits, seats]
  visits: {by: ip, limit: 10, window: 1h, cells: 60, shadow: false}
  seats: {by: subject, limit: 10, window: 1h, cells: 60, shadow: false}
"""


@pytest.fixture(scope="session")
def service():
    with Service(configuration=POLICIES) as running:
        yield running


@pytest.fixture(scope="session")
def key(service):
    return service.key("accounts", "gate", "work")


@pytest.fixture(scope="session")
def url(service):
    return f"http://127.0.0.1:{service.apis[0].port}"


@pytest.fixture(scope="session")
def client(url, key):
    """A blocking client with a key of a backend. Patient: the machine may be loaded."""
    with Gatehouse(url, key, timeout=30, connect_timeout=10) as made:
        yield made


@pytest.fixture
def connect():
    """Makes clients that the test need not close: `connect(url, key, timeout=…)`"""
    clients = []

    def make(*args, **named):
        clients.append(Gatehouse(*args, **named))
        return clients[-1]

    yield make
    for each in clients:
        each.close()


@pytest.fixture
def password():
    return PASSWORD


@pytest.fixture
def user(service):
    """A fresh user on plan free: .id .email .token"""
    return service.new_user()


@pytest.fixture
def somewhere():
    """An address of its own for a login, so that no limit of a network counts."""
    return some_client()["Gatehouse-Client-IP"]


@pytest.fixture
def relay(service):
    """A TCP relay before Gatehouse that counts connections."""
    with Relay(service.apis[0].port) as running:
        yield running


@pytest.fixture
def scripted():
    """Starts servers that answer what a test says: `scripted(b"…", …)`, one item for each request, the last for all that follow."""
    servers = []

    def start(*answers):
        servers.append(ScriptedServer(answers))
        return servers[-1]

    yield start
    for server in servers:
        server.close()


class Loop:
    """An event loop on a thread of its own."""

    def __init__(self):
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self.thread.start()

    def __call__(self, coroutine):
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop).result(60)

    def close(self):
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join(10)
        self.loop.close()


class Blocked:
    """An `AsyncGatehouse` whose coroutines are awaited at once, so that one test speaks to both clients."""

    def __init__(self, client, loop):
        self._client, self._loop = client, loop

    def __getattr__(self, name):
        return lambda *args, **named: self._loop(getattr(self._client, name)(*args, **named))


@pytest.fixture(scope="session")
def loop():
    running = Loop()
    yield running
    running.close()


@pytest.fixture(scope="session", params=["Gatehouse", "AsyncGatehouse"])
def either(request, client, url, key, loop):
    """The blocking client, then the one for asyncio."""
    if request.param == "Gatehouse":
        yield client
        return
    made = AsyncGatehouse(url, key, timeout=30, connect_timeout=10)
    yield Blocked(made, loop)
    loop(made.close())
