"""Clients that are slow on purpose, and many that do nothing: whoever else asks is answered at once."""

import asyncio
import contextlib
import csv
import pathlib
import resource
import select
import socket
import subprocess
import tempfile
import threading
import time

from client import Client
from edge import expect
from Harness import wire
from Harness.service import API, Service, free_port, wait_until
from proxies import tool

PROBE_SECONDS_MAX = 1.0
PROBE_PAUSE_SECONDS = 0.1
IDLE_MAX = 15_000
SPARE_DESCRIPTORS = 1_000
IDLE_SHORT = 3_000
ATTACKERS_A_SECOND = 200
BATCH = 250
SETTLED_DESCRIPTORS = 100
# A listener takes so many connections before it looks at its limit again.
ACCEPTED_AT_ONCE = 16


class Probe:
    """Asks an API process on a new connection ten times a second while it stands; `worst` seconds, `count`, `failures`.

    A busy machine may withhold the processor from the service: the time that its threads stood ready and did not run is not counted,
    `withheld` tells how much that was at worst.
    """

    def __init__(self, api):
        self.api, self.worst, self.withheld, self.count, self.failures = api, 0.0, 0.0, 0, []
        self.stopping = threading.Event()
        self.thread = threading.Thread(target=self.run, daemon=True)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.stopping.set()
        self.thread.join()

    def run(self):
        while not self.stopping.wait(PROBE_PAUSE_SECONDS):
            before, began = self.delays(), time.monotonic()
            try:
                with Client(self.api.port) as client:
                    if (answer := client.ask("GET", "/livez")).status != 200:
                        self.failures.append(repr(answer))
            except OSError as error:
                self.failures.append(repr(error))
            seconds, after = time.monotonic() - began, self.delays()
            withheld = max((after[thread] - before.get(thread, 0) for thread in after), default=0.0)
            self.withheld = max(self.withheld, withheld)
            self.worst = max(self.worst, seconds - withheld)
            self.count += 1

    def delays(self):
        """Seconds for which each thread of the process has waited for a processor."""
        found = {}
        for task in pathlib.Path(f"/proc/{self.api.process.pid}/task").iterdir():
            with contextlib.suppress(OSError):
                found[task.name] = int((task / "schedstat").read_text().split()[1]) / 1e9
        return found

    def judge(self):
        expect(not self.failures, f"{len(self.failures)} of {self.count} probes failed: {self.failures[:3]}")
        told = f"{self.count} probes, the slowest {self.worst * 1000:.0f} ms, the processor withheld up to {self.withheld * 1000:.0f} ms"
        expect(self.count > 5 and self.worst < PROBE_SECONDS_MAX, told)
        return told


# Attackers: each coroutine ends when the service has ended its connection, and gives the seconds that took.


async def slow_header(port):
    """A header that never ends."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    return await drip(reader, writer, b"GET /livez HTTP/1.1\r\nHost: gatehouse\r\nX-A: ")


async def slow_body(port):
    """A body that never ends."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    return await drip(reader, writer, b"POST /v1/sessions HTTP/1.1\r\nHost: gatehouse\r\nContent-Length: 60000\r\n\r\n")


async def drip(reader, writer, first):
    began, closed = time.monotonic(), asyncio.ensure_future(reader.read())
    try:
        writer.write(first)
        while not closed.done():
            await asyncio.wait([closed], timeout=1)
            writer.write(b"a")
        closed.result()
    except OSError:
        pass
    finally:
        closed.cancel()
        writer.close()
    return time.monotonic() - began


async def slow_reader(port):
    """Asks for many answers and takes none."""
    with socket.socket() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.setblocking(False)
        loop, began = asyncio.get_running_loop(), time.monotonic()
        await loop.sock_connect(connection, ("127.0.0.1", port))
        try:
            # Returns when the service has read all, so never before it has ended the connection.
            await loop.sock_sendall(connection, MANY_REQUESTS)
        except OSError:
            return time.monotonic() - began
        raise ConnectionError("the service read everything")


MANY_REQUESTS = b"GET /v1/nothing HTTP/1.1\r\nHost: gatehouse\r\n\r\n" * 100_000

KINDS = {"slow headers": (slow_header, 10), "slow bodies": (slow_body, 20), "slow readers": (slow_reader, 30)}


def attack(port, counts, awaited, seconds):
    """`counts` attackers of each kind, until all of the `awaited` kinds were ended, at most for `seconds`.

    {kind: ([seconds until each was ended], how many still hold on)}
    """

    async def later(number, body):
        await asyncio.sleep(number / ATTACKERS_A_SECOND)
        return await body(port)

    async def go():
        tasks = {kind: [asyncio.ensure_future(later(number, KINDS[kind][0])) for number in range(counts[kind])] for kind in counts}
        await asyncio.wait([task for kind in awaited for task in tasks[kind]], timeout=seconds)
        found = {}
        for kind, group in tasks.items():
            done = [task for task in group if task.done()]
            failed = [task.exception() for task in done if task.exception()]
            expect(not failed, f"{kind}: {failed[:3]}")
            found[kind] = [task.result() for task in done], len(group) - len(done)
        everyone = [task for group in tasks.values() for task in group]
        for task in everyone:
            task.cancel()
        await asyncio.gather(*everyone, return_exceptions=True)
        return found

    return asyncio.run(go())


def settle(service):
    """Waits until the service has let go of all connections of the test before."""
    descriptors = pathlib.Path(f"/proc/{service.apis[0].process.pid}/fd")
    count = lambda: len(list(descriptors.iterdir()))  # noqa: E731
    wait_until(lambda: count() < SETTLED_DESCRIPTORS, lambda: f"{count()} descriptors stay open")
    return service.apis[0].port


def come_further(probe, count=10):
    """Waits for that many probes more."""
    before = probe.count
    wait_until(lambda: probe.count > before + count or probe.failures, "the probe came no further")


def flood(service, long=False):
    """three thousand connections at once keep nobody waiting"""
    port = settle(service)
    with contextlib.ExitStack() as stack, Probe(service.apis[0]) as probe:
        connections = [stack.enter_context(socket.socket()) for _ in range(3_000)]
        for connection in connections:
            connection.setblocking(False)
            connection.connect_ex(("127.0.0.1", port))
        come_further(probe)
    return probe.judge()


def slow_clients(service, long=False):
    """500 clients with slow headers, slow bodies or slow reading take nothing from others, and are ended in time"""
    port = settle(service)
    awaited = list(KINDS) if long else ["slow headers"]
    with Probe(service.apis[0]) as probe:
        found = attack(port, {"slow headers": 280, "slow bodies": 200, "slow readers": 20}, awaited, 90 if long else 30)
    told = probe.judge()
    for kind in awaited:
        ended, holding = found[kind]
        expect(not holding, f"{kind}: {holding} still hold on, {KINDS[kind][1]} s is the deadline")
        told += f"; {kind} ended within {max(ended):.1f} s"
    return told


def idle(service, long=False):
    """thousands of idle connections are held and take nothing from others, nor do they when they all end at once"""
    port = settle(service)
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    count = min(IDLE_MAX if long else IDLE_SHORT, limit - SPARE_DESCRIPTORS)
    with contextlib.ExitStack() as stack, Probe(service.apis[0]) as probe:
        connections = []
        for start in range(0, count, BATCH):
            batch = [wire.Stream(port, 10) for _ in range(min(BATCH, count - start))]
            connections += [stack.enter_context(stream.socket) for stream in batch]
            # One request each: a connection that never asked anything is ended after ten seconds.
            for stream in batch:
                stream.socket.sendall(b"GET /livez HTTP/1.1\r\nHost: gatehouse\r\n\r\n")
            for stream in batch:
                expect(stream.answer().status == 200, "a connection was not answered")
        time.sleep(20 if long else 1)
        held = sum(is_open(connection) for connection in connections)
        come_further(probe)
        expect(held == count, f"{held} of {count} connections are still open")
        stack.close()
        settle(service)
        come_further(probe)
    return f"{held} held; {probe.judge()}"


def crowded(service, long=False):
    """beyond http.connections_max, and beyond the descriptors of the process, clients wait and are served when others end"""
    told = []
    for bound, most, environment, wrapper in (
        ("connections_max", 50, {"GATEHOUSE_HTTP_CONNECTIONS_MAX": "50"}, ()),
        ("descriptors", 150, {}, ("prlimit", "--nofile=300:300")),
    ):
        with Service(processes=0, environment={"GATEHOUSE_PROCESSES": "1", **environment}) as small, contextlib.ExitStack() as stack:
            small.apis = [API(small, free_port(), free_port())]
            small.apis[0].start(wrapper)
            clients = [stack.enter_context(socket.create_connection(("127.0.0.1", small.apis[0].port), 5)) for _ in range(2 * most)]
            for client in clients:
                client.sendall(b"GET /livez HTTP/1.1\r\nHost: gatehouse\r\n\r\n")
            answered = lambda: [client for client in clients if select.select([client], [], [], 0)[0]]  # noqa: E731
            wait_until(lambda: len(answered()) >= most, lambda: f"{bound}: {len(answered())} of {most} are served")
            # A key that nobody has used yet is made by the ledger and found by Redis: both are within reach.
            small.key("gate")
            served = answered()
            expect(len(served) <= most + ACCEPTED_AT_ONCE, f"{bound}: {len(served)} served, {most} are allowed")
            for client in served:
                client.close()
            waiting = [client for client in clients if client not in served]
            wait_until(lambda: len(select.select(waiting, [], [], 0)[0]) >= min(most, len(waiting)), f"{bound}: those who waited are not served")
            told.append(f"{bound} {len(served)} of {len(clients)}")
    return "served at once: " + ", ".join(told)


def is_open(connection):
    connection.setblocking(False)
    try:
        return connection.recv(4096) != b"" and False
    except BlockingIOError:
        return True
    except OSError:
        return False


def slowhttptest(service, long=False):
    """slowhttptest finds the service available all the time, in its three ways of being slow"""
    told = []
    url = f"http://127.0.0.1:{settle(service)}"
    with tempfile.TemporaryDirectory() as folder:
        ways = {
            "headers": ["-H", "-u", f"{url}/livez"],
            "body": ["-B", "-s", "8192", "-u", f"{url}/v1/sessions"],
            "read": ["-X", "-w", "1", "-y", "2", "-n", "5", "-z", "1", "-k", "3", "-u", f"{url}/livez"],
        }
        for name, words in ways.items():
            prefix = pathlib.Path(folder, name)
            pace = ["-c", "500", "-r", "200", "-i", "5", "-x", "24", "-l", "15", "-p", "1"]
            command = [tool("slowhttptest"), *words, *pace, "-g", "-o", prefix]
            subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=120, check=False)
            with open(f"{prefix}.csv", newline="") as table:
                rows = list(csv.reader(table))[1:]
            expect(len(rows) > 5, f"{name}: {len(rows)} seconds only")
            gaps = [row for row in rows if row[-1].strip() in ("0", "NO")]
            expect(not gaps, f"{name}: not available in {len(gaps)} of {len(rows)} seconds: {gaps[:3]}")
            told.append(f"{name} {len(rows)} s")
    return "available throughout: " + ", ".join(told)


def raise_descriptor_limit():
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    wanted = IDLE_MAX + SPARE_DESCRIPTORS + 500
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(wanted, hard) if hard != resource.RLIM_INFINITY else wanted, hard))
