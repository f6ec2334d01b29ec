"""The ground of all claims about one proxy: the proxy between taps, the app behind it, a Gatehouse."""

import contextlib
import importlib.util
import threading

from client import Client, own_address
from Harness.service import ROOT, free_port
from tap import Tap

# The app of deploy/, which is no package.
specification = importlib.util.spec_from_file_location("echo", ROOT / "deploy/echo.py")
echo = importlib.util.module_from_spec(specification)
specification.loader.exec_module(echo)


class Broken(Exception):
    """A claim does not hold; says what was seen."""


def expect(condition, seen):
    if not condition:
        raise Broken(str(seen)[:1500])


class World:
    """A Gatehouse and the app, each behind a tap; they serve all proxies."""

    def __init__(self, service):
        self.service = service
        self.app_server = echo.Server(("127.0.0.1", free_port()), echo.Echo)
        threading.Thread(target=self.app_server.serve_forever, daemon=True).start()
        self.gatehouse, self.app = Tap(service.apis[0].port), Tap(self.app_server.server_port)
        self.address = own_address()

    def close(self):
        self.gatehouse.cut()
        self.app.cut()
        self.app_server.shutdown()
        self.app_server.server_close()


class Edge:
    """One proxy in its world, and what claims ask of it."""

    def __init__(self, world, proxy):
        self.world, self.service, self.proxy = world, world.service, proxy
        self.gatehouse, self.app = world.gatehouse, world.app

    def client(self):
        return Client(self.proxy.port, self.world.address)

    def ask(self, *words, **more):
        """One request on a connection of its own."""
        with self.client() as client:
            return client.ask(*words, **more)

    @contextlib.contextmanager
    def another(self, edit):
        """The same proxy once more, with its configuration changed."""
        with type(self.proxy)(self.gatehouse.port, self.app.port, edit) as proxy:
            yield Edge(self.world, proxy)

    def forget(self):
        """Both taps begin anew."""
        self.gatehouse.requests()
        self.app.requests()

    def passes(self, answer):
        """Asserts that the app answered; what it saw."""
        expect(answer.status == 200 and answer.json and "target" in answer.json, answer)
        return answer.json

    def refuses(self, answer, status, code=None):
        """Asserts a refusal that the app never heard of."""
        expect(answer.status == status, answer)
        expect(not (reached := self.app.requests()), f"the app got {reached} and the client {answer}")
        if code:
            expect(answer.headers.get("content-type") == "application/problem+json", answer)
            expect(answer.json and answer.json["code"] == code and answer.json["status"] == status, answer)
        return answer

    def spend(self, user):
        """Uses up the user's limit."""
        limits = [{"policy": "api", "cost": 60}]
        answer = self.service.ask("POST", "/v1/gate", {"token": user.token, "limits": limits}, self.service.key("gate"))
        expect(answer.status == 200 and answer.json["allowed"], answer)


def ours(fields):
    """Header fields that an app may take for Gatehouse's words, whatever the spelling: {name: [values]}."""
    found = {}
    for name, value in fields:
        name = name.lower().replace("_", "-")
        if name.startswith("gatehouse-"):
            found.setdefault(name, []).append(value)
    return found
