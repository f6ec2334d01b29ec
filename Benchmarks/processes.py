"""Contenders: programs that answer on a port of their own, with the processor time that they have used."""

import contextlib
import os
import pathlib
import platform
import shutil
import signal
import subprocess
import tempfile

from Harness import wire
from Harness.process import STOP_SECONDS, Failure, free_port, wait_until

TICKS = os.sysconf("SC_CLK_TCK")
PEERS = pathlib.Path(__file__).resolve().parent / "peers"


class Contender:
    """A program under load. `name` is its own; `port` is where it answers; `pids()` are its processes."""

    def __init__(self, name, port, pids):
        self.name, self.port, self.pids = name, port, pids

    def processor_seconds(self):
        """User and system time of all its processes until now."""
        return sum(processor_seconds(pid) for pid in self.pids())

    def ask(self, method, path, body=None, bearer=None, headers=None):
        connection = wire.HTTP(self.port)
        try:
            return connection.ask(method, path, body, bearer, headers)
        finally:
            connection.close()


def ours(service):
    """Gatehouse's first process as a contender."""
    return Contender("gatehouse", service.apis[0].port, lambda: [service.apis[0].process.pid])


@contextlib.contextmanager
def peer(name, words, port, folder, environment=None):
    """Runs a program until the end of the block; it answers on `port` before the block begins."""
    log = pathlib.Path(folder) / f"{name}.log"
    with log.open("ab") as output:
        process = subprocess.Popen(
            [str(word) for word in words], stdin=subprocess.DEVNULL, stdout=output, stderr=output, cwd=folder,
            env={**os.environ, **(environment or {})}, start_new_session=True)  # fmt: skip
    try:
        wait_until(lambda: process.poll() is not None or answers(port), lambda: f"{name} does not answer: {tail(log)}")
        if process.poll() is not None:
            raise Failure(f"{name} ended with {process.returncode}: {tail(log)}")
        yield Contender(name, port, lambda: family(process.pid))
    finally:
        process.terminate()
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            # Its workers too: they would take the cores from what is measured next.
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


@contextlib.contextmanager
def nginx(service, call, workers):
    """nginx with LuaJIT and our script: `workers` of them, on the Redis of `service`. `call` is the file that `ScriptCall` wrote."""
    port, here = free_port(), PEERS / "nginx"
    folder = tempfile.mkdtemp(prefix="nginx-", dir=service.folder)
    text = (here / "nginx.conf").read_text()
    for name, value in {"WORKERS": workers, "FOLDER": folder, "HERE": here, "CALL": call, "PORT": port, "MACHINE": platform.machine()}.items():
        text = text.replace(f"@{name}@", str(value))
    configuration = pathlib.Path(folder, "nginx.conf")
    configuration.write_text(text)
    words = [tool("nginx", "/usr/sbin/nginx"), "-e", "stderr", "-p", folder, "-c", configuration]
    with peer(f"nginx with {workers} workers", words, port, folder) as contender:
        yield contender


def tool(name, *places):
    """The path of an installed program."""
    for place in (name, *places):
        if found := shutil.which(place):
            return found
    raise Failure(f"{name} is not installed; `make bench` installs what the benches need")


def answers(port):
    connection = wire.HTTP(port, 5)
    try:
        connection.ask("GET", "/")
        return True
    except (wire.NotSent, wire.NoAnswer):
        return False
    finally:
        connection.close()


def family(pid):
    """A process and all that it has started, with their own."""
    children = pathlib.Path(f"/proc/{pid}/task/{pid}/children")
    return [pid] + [each for child in children.read_text().split() for each in family(int(child))]


def processor_seconds(pid):
    # The name in brackets may hold anything.
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def tail(log):
    return "\n".join(log.read_text(errors="replace").splitlines()[-15:])
