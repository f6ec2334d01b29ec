"""A Gatehouse of its own: a temporary data folder, Redis on a socket in it, API processes on free loopback ports.

    with Service(processes=2) as gatehouse:              # Redis and two API processes, all ready
        user = gatehouse.new_user()                      # .id .email .token: signed up and logged in
        key = gatehouse.key("gate", "work")              # a service key with these scopes, made once
        answer = gatehouse.ask("POST", "/v1/gate", {"token": user.token}, bearer=key)
        answer.status, answer.json["decision"]           # process=1 asks the second process
        gatehouse.redis("dbsize")                        # a Redis command, as the default user
        gatehouse.operate("GET", "/v1/admin/users")      # through the ops socket of a process
        gatehouse.kill_redis(); gatehouse.start_redis()  # SIGKILL; start returns when it answers PONG
        gatehouse.apis[0].kill(); gatehouse.apis[0].start()

At the end everything is stopped; a clean end also requires that no key of Redis lives without a time to live. After an
exception the folder with all logs is kept and named. The program is `.build/debug/gatehouse`, or what GATEHOUSE_BINARY names.
Passwords are hashed cheaply unless `cheap_hashing=False`. Every wait is for a condition with a deadline.
"""

import contextlib
import os
import pathlib
import random
import shutil
import signal
import subprocess
import tempfile
from collections import namedtuple

from . import wire
from .process import API, STOP_SECONDS, Failure, free_port, wait_until
from .proxy import RedisProxy

ROOT = pathlib.Path(__file__).resolve().parents[2]
PASSWORD = "a quiet canary sings at dawn"
User = namedtuple("User", "id email token")


class Service:
    """See the module. `prepare(service)` is called before anything starts; its result is `prepared`. `configuration` is the text of a
    gatehouse.yaml. `behind_proxy` (true, or a class like it): Redis listens on `redis-real.sock`, and `proxy` (see `RedisProxy`) stands
    before it."""

    def __init__(self, processes=1, cheap_hashing=True, behind_proxy=False, environment=None, configuration=None, prepare=None):
        self.binary = pathlib.Path(os.environ.get("GATEHOUSE_BINARY", ROOT / ".build/debug/gatehouse")).resolve()
        if not self.binary.exists():
            raise Failure(f"there is no {self.binary}: run swift build, or name the program in GATEHOUSE_BINARY")
        if not shutil.which("redis-server"):
            raise Failure("redis-server is not installed")
        self.folder = tempfile.mkdtemp(prefix="gatehouse-", dir="/tmp")
        self.redis_socket = f"{self.folder}/redis{'-real' if behind_proxy else ''}.sock"
        self.ledger = f"{self.folder}/gatehouse.sqlite"
        cheap = {"GATEHOUSE_PASSWORD_ARGON_MEMORY_KIB": "64", "GATEHOUSE_LOGIN_FLOOR_MS": "0"}
        self.environment = {**os.environ, "GATEHOUSE_PROCESSES": str(max(1, processes))}
        self.environment |= {**(cheap if cheap_hashing else {}), **(environment or {})}
        if configuration:
            self.environment["GATEHOUSE_CONFIG"] = f"{self.folder}/gatehouse.yaml"
            pathlib.Path(self.environment["GATEHOUSE_CONFIG"]).write_text(configuration)
        self.apis = [API(self, free_port(), free_port()) for _ in range(processes)]
        self.behind_proxy, self.proxy = RedisProxy if behind_proxy is True else behind_proxy, None
        self.redis_process, self.keys, self.kept, self.redis_environment = None, {}, False, dict(os.environ)
        self.prepared = prepare(self) if prepare else None

    def __enter__(self):
        try:
            self.start_redis()
            if self.behind_proxy:
                self.proxy = self.behind_proxy(f"{self.folder}/redis.sock", self.redis_socket)
            for api in self.apis:
                api.start()
        except BaseException:
            self._end(keep=True)
            raise
        return self

    def __exit__(self, kind, error, trace):
        try:
            if kind is None:
                self.assert_no_immortal_keys()
        except BaseException:
            self._end(keep=True)
            raise
        self._end(keep=kind is not None or self.kept)

    def _end(self, keep):
        for api in self.apis:
            if api.process:
                api.kill()
        if self.proxy:
            self.proxy.stop()
        if self.redis_process:
            self.kill_redis()
        if keep:
            print(f"  the data folder with all logs is kept: {self.folder}", flush=True)
        else:
            shutil.rmtree(self.folder, ignore_errors=True)

    # Redis

    def start_redis(self, wait=True):
        words = ["redis-server", str(ROOT / "redis.conf"), "--dir", self.folder, "--unixsocket", self.redis_socket]
        words += ["--logfile", f"{self.folder}/redis.log"]
        null = subprocess.DEVNULL
        self.redis_process = subprocess.Popen(words, stdin=null, stdout=null, stderr=null, env=self.redis_environment)
        if wait:
            wait_until(self._pong, lambda: f"Redis does not answer: see {self.folder}/redis.log")

    def _pong(self):
        if self.redis_process.poll() is not None:
            raise Failure(f"Redis ended with {self.redis_process.returncode} at its start: see {self.folder}/redis.log")
        try:
            return self.redis("ping") == b"PONG"
        except (OSError, wire.RedisError):
            return False

    def kill_redis(self):
        self.redis_process.kill()
        self.redis_process.wait(STOP_SECONDS)

    @contextlib.contextmanager
    def second_redis(self):
        """Another redis-server, with nothing in it; its socket. It is killed at the end."""
        folder = tempfile.mkdtemp(prefix="second-", dir=self.folder)
        words = ["redis-server", str(ROOT / "redis.conf"), "--dir", folder, "--unixsocket", f"{folder}/s", "--logfile", f"{folder}/log"]
        null = subprocess.DEVNULL
        process = subprocess.Popen(words, stdin=null, stdout=null, stderr=null)
        try:
            wait_until(lambda: os.path.exists(f"{folder}/s"), lambda: f"the second Redis does not start: see {folder}/log")
            yield f"{folder}/s"
        finally:
            process.kill()
            process.wait(STOP_SECONDS)

    def pause_redis(self):
        self.redis_process.send_signal(signal.SIGSTOP)

    def resume_redis(self):
        self.redis_process.send_signal(signal.SIGCONT)

    def redis(self, *words):
        connection = wire.Redis(self.redis_socket)
        try:
            return connection(*words)
        finally:
            connection.close()

    def immortal_keys(self):
        """Keys that nothing will ever expire: there must be none."""
        keys = self.redis("keys", "*")
        connection = wire.Redis(self.redis_socket)
        times = connection.pipeline([("pttl", key) for key in keys])
        connection.close()
        return [key.decode(errors="replace") for key, time in zip(keys, times) if time == -1]

    def assert_no_immortal_keys(self):
        if found := self.immortal_keys():
            raise Failure(f"keys without a time to live: {found}")

    # calls

    def ask(self, method, path, body=None, bearer=None, headers=None, process=0):
        connection = wire.HTTP(self.apis[process].port)
        try:
            return connection.ask(method, path, body, bearer, headers)
        finally:
            connection.close()

    def operate(self, method, path, body=None):
        """A call through the ops socket of the first process that runs."""
        for api in self.apis:
            path_of_socket = f"{self.folder}/ops-{api.process.pid}.sock" if api.running else None
            if path_of_socket and os.path.exists(path_of_socket):
                connection = wire.HTTP(path_of_socket)
                try:
                    return connection.ask(method, path, body)
                finally:
                    connection.close()
        raise Failure("no API process runs")

    def key(self, *scopes):
        """A service key with these scopes."""
        if scopes not in self.keys:
            answer = self.operate("POST", "/v1/admin/keys", {"name": "-".join(scopes), "scopes": list(scopes)})
            if answer.status != 201:
                raise Failure(f"no service key: {answer}")
            self.keys[scopes] = answer.json["key"]
        return self.keys[scopes]

    def sign_up(self, email, **more):
        answer = self.ask("POST", "/v1/users", {"email": email, "password": PASSWORD, **more}, self.key("accounts"))
        if answer.status != 201:
            raise Failure(f"sign-up: {answer}")
        return answer.json["id"]

    def log_in(self, email, process=0):
        """A new session's token. Each login comes from an address of its own, so that no limit of a network counts."""
        answer = self.ask("POST", "/v1/sessions", {"email": email, "password": PASSWORD}, self.key("accounts"), some_client(), process)
        if answer.status != 201:
            raise Failure(f"login: {answer}")
        return answer.json["token"]

    def new_user(self, email=None, **more):
        email = email or f"u{random.getrandbits(64):x}@example.com"
        return User(self.sign_up(email, **more), email, self.log_in(email))


def some_client(source=random):
    """The headers of a backend that speaks for a client at a random address."""
    return {"Gatehouse-Client-IP": f"10.{source.randrange(256)}.{source.randrange(256)}.{source.randrange(1, 255)}"}
