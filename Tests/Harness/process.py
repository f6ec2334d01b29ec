"""A process under test: started, waited for by condition, killed, stopped, paused; its log is kept."""

import pathlib
import random
import signal
import socket
import subprocess
import time

from . import wire

PORTS = (20_000, 32_000)
START_SECONDS = 60
STOP_SECONDS = 30
given_ports = set()


class Failure(Exception):
    """The harness could not do what a test asked of it."""


def free_port():
    """A port that nobody has, below those that the system gives to clients: while a process is dead none of them takes its port."""
    while True:
        port = random.randrange(*PORTS)
        if port in given_ports:
            continue
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        given_ports.add(port)
        return port


def wait_until(condition, what, seconds=START_SECONDS):
    """Waits for `condition()` to be true and returns its value; raises `Failure` after `seconds`."""
    end = time.monotonic() + seconds
    while not (value := condition()):
        if time.monotonic() > end:
            raise Failure(f"waited {seconds} s in vain: {what() if callable(what) else what}")
        time.sleep(0.01)
    return value


class API:
    """One API process: `start`, `kill` (SIGKILL), `stop` (SIGTERM), `pause`, `resume`. Its port stays the same."""

    def __init__(self, service, port, ops_port):
        self.service, self.port, self.ops_port, self.process = service, port, ops_port, None
        self.log = f"{service.folder}/api-{port}.log"

    def start(self, wrapper=(), wait=True, output=None, seconds=START_SECONDS):
        """Runs `gatehouse serve`, in `wrapper` (such as strace) if there is one, and waits until it is ready, at most `seconds`. `output` is a
        descriptor in place of the log."""
        words = [*wrapper, str(self.service.binary), "serve", "--data", self.service.folder]
        words += ["--port", str(self.port), "--ops-port", str(self.ops_port)]
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=output or log, stderr=output or log,
                                            env=self.service.environment)  # fmt: skip
        if wait:
            wait_until(lambda: not self.running or self.ready(), lambda: f"the API is not ready: {self.tail()}", seconds)
            if not self.running:
                raise Failure(f"the API ended with {self.process.returncode} at its start: {self.tail()}")

    @property
    def running(self):
        return self.process is not None and self.process.poll() is None

    def ready(self, states=("ready", "degraded")):
        """Whether /readyz names one of `states` now."""
        connection = wire.HTTP(self.port, 5)
        try:
            answer = connection.ask("GET", "/readyz").json
            return answer is not None and answer["status"] in states
        except (wire.NotSent, wire.NoAnswer):
            return False
        finally:
            connection.close()

    def kill(self):
        if self.running:
            self.process.kill()
        self.process.wait(STOP_SECONDS)

    def stop(self):
        """SIGTERM; the exit status."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(STOP_SECONDS)

    def pause(self):
        self.process.send_signal(signal.SIGSTOP)

    def resume(self):
        self.process.send_signal(signal.SIGCONT)

    def tail(self, count=15):
        """The last lines of its log; all of them for None."""
        lines = pathlib.Path(self.log).read_text(errors="replace").splitlines()
        return "\n".join(lines[-count:] if count else lines)
