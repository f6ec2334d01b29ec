"""Connections that log in, or ask the gate in batches, as fast as they can: each sends its next request when the last one is answered.
One process with one loop, which stands back behind the service: in life these clients have machines of their own, and must not take its
cores here. As it may so be late to read, the kernel notes when an answer arrived."""

import json
import multiprocessing
import random
import re
import selectors
import socket
import struct
import time

from . import rate
from .host import HostShare
from .priority import set_priority
from .process import Failure
from .rate import SAMPLES_SECONDS, Sample
from .service import Service, some_client

# Behind the service's loops, before its hashing.
NICENESS, SLICE_MILLISECONDS = 10, 3
WAIT_SECONDS = 0.2
SEND_BUFFER_BYTES = 256 << 10
USERS = 100  # enough that no account reaches its own limit early
TURNS = 3
END_SECONDS = 3  # at most, from the storm's last request to the next turn
REQUESTS_PREPARED = 5_000
BATCH, BATCHES_PREPARED = 1_000, 8
# Of Linux, not named by Python 3.11: each message is then received with the time it arrived, seconds and nanoseconds since 1970.
SO_TIMESTAMPNS, TIMESTAMP = 35, struct.Struct("qq")
LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)\r\n", re.I)


def requests(emails, bearer):
    """Logins with a wrong password, each from an address of its own."""
    source, prepared = random.Random(7), []
    for _ in range(REQUESTS_PREPARED):
        body = json.dumps({"email": source.choice(emails), "password": "not the canary"}).encode()
        address = f"10.{source.randrange(256)}.{source.randrange(256)}.{source.randrange(1, 255)}"
        head = (f"POST /v1/sessions HTTP/1.1\r\nHost: gatehouse\r\nAuthorization: Bearer {bearer}\r\nContent-Type: application/json\r\n"
                f"Gatehouse-Client-IP: {address}\r\nContent-Length: {len(body)}\r\n\r\n")  # fmt: skip
        prepared.append(head.encode() + body)
    return prepared


class Logins:
    """With a wrong password."""

    def __init__(self, service, users):
        self.service, self.emails, self.key = service, [user.email for user in users], service.key("accounts")
        self.prepared = requests(self.emails, self.key)

    def over(self):
        """Waits until nothing of the storm is left: hashing keeps the order of arrival."""
        self.service.ask("POST", "/v1/sessions", {"email": self.emails[0], "password": "not the canary"}, self.key, some_client())


class Batches:
    """Of a thousand questions to the gate."""

    def __init__(self, service, users):
        self.service, self.question, self.key = service, {"token": users[0].token, "limits": []}, service.key("gate")
        source, self.prepared = random.Random(7), []
        for _ in range(BATCHES_PREPARED):
            body = json.dumps({"requests": [{"token": source.choice(users).token, "limits": []} for _ in range(BATCH)]}).encode()
            head = (f"POST /v1/gate/batch HTTP/1.1\r\nHost: gatehouse\r\nAuthorization: Bearer {self.key}\r\nContent-Type: application/json\r\n"
                    f"Content-Length: {len(body)}\r\n\r\n")  # fmt: skip
            self.prepared.append(head.encode() + body)

    def over(self):
        """Waits until nothing of the storm is left: batches take turns."""
        self.service.ask("POST", "/v1/gate/batch", {"requests": [self.question]}, self.key)


class Client:
    """One connection: a request at a time, its answer read to its end."""

    def __init__(self, port):
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.socket.setblocking(False)
        self.socket.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER_BYTES)
        self.buffer, self.head_bytes, self.bytes, self.sent, self.unread = bytearray(), 0, 0, 0.0, 0.0

    def send(self, request):
        self.buffer, self.head_bytes, self.bytes, self.sent, self.unread = bytearray(), 0, 0, time.monotonic(), 0.0
        if self.socket.send(request) < len(request):
            raise Failure("a request is longer than the kernel takes at once")

    def receive(self):
        """The outcome once the answer is whole; else None."""
        data, notes, _, _ = self.socket.recvmsg(65536, 64)
        if not data:
            raise ConnectionError("closed")
        if notes:  # where a sandbox has none, the time counts until now
            seconds, nanoseconds = TIMESTAMP.unpack(notes[0][2])
            self.unread = time.time() - seconds - nanoseconds / 1e9
        self.buffer += data
        # Of a long answer the head is read once.
        if not self.bytes and not self.read_head():
            return None
        return self.outcome() if len(self.buffer) >= self.bytes else None

    def read_head(self):
        """Whether the head is whole; it says where the answer ends."""
        end = self.buffer.find(b"\r\n\r\n")
        if end < 0:
            return False
        length = LENGTH.search(self.buffer, 0, end + 2)
        if not length:
            raise ConnectionError("an answer says no length")
        self.head_bytes = end + 4
        self.bytes = self.head_bytes + int(length[1])
        return True

    def outcome(self):
        """The status that the whole answer says."""
        return self.buffer[9:12].decode()


def blow(port, connections, prepared, stop, results):
    """Storms until `stop` is set; puts the samples in `results`."""
    set_priority(NICENESS, SLICE_MILLISECONDS)
    source, selector, samples = random.Random(7), selectors.DefaultSelector(), []
    clients = [Client(port) for _ in range(connections)]
    for client in clients:
        selector.register(client.socket, selectors.EVENT_READ, client)
        client.send(source.choice(prepared))
    while not stop.is_set():
        for key, _ in selector.select(WAIT_SECONDS):
            client = key.data
            try:
                if (outcome := client.receive()) is None:
                    continue
                samples.append((client.sent, time.monotonic() - client.unread - client.sent, outcome))
            except OSError as error:
                samples.append((client.sent, time.monotonic() - client.sent, type(error).__name__))
                client = renewed(selector, client, port)
            request = prepared[int(source.random() * len(prepared))]
            try:
                client.send(request)
            except OSError:  # the service has closed it behind its answer
                client = renewed(selector, client, port)
                client.send(request)
    results.put(samples)


def renewed(selector, client, port):
    """Another client in the place of one whose connection is over."""
    selector.unregister(client.socket)
    client.socket.close()
    client = Client(port)
    selector.register(client.socket, selectors.EVENT_READ, client)
    return client


class Storm:
    """`connections` that send what `requests` prepared to `port` until `samples()` is asked for."""

    def __init__(self, port, connections, prepared):
        context = multiprocessing.get_context("fork")
        self.stop, self.results = context.Event(), context.Queue()
        self.process = context.Process(target=blow, args=(port, connections, prepared, self.stop, self.results), daemon=True)
        self.process.start()

    def samples(self):
        self.stop.set()
        found = [Sample(start, seconds, outcome, None) for start, seconds, outcome in self.results.get(timeout=SAMPLES_SECONDS)]
        self.process.join(30)
        return found


class Calls:
    """The calls of a run: of the gate in the `calm` and the `busy` turns, together and turn by turn; `storms`, and the `refused` calls of each;
    the `shares` of the cores' time that the host took in each."""

    def __init__(self, calm_turns, busy_turns, storms, shares):
        self.calm_turns, self.busy_turns, self.storms, self.shares = calm_turns, busy_turns, storms, shares
        self.calm, self.busy = sum(calm_turns, []), sum(busy_turns, [])
        self.refused = [[sample for sample in few if sample.outcome in ("429", "503")] for few in storms]

    @property
    def ratio(self):
        """The gate's p99 in the storm over the quiet one."""
        return rate.percentile(self.busy, 0.99) / rate.percentile(self.calm, 0.99)


def gate_in_storm(calls_per_second=200, seconds=60, connections=200, turns=TURNS, kind=Logins):
    """`connections` storm as fast as they can, with hashing at full cost, while the gate is called at a fixed mean rate: quiet and storm
    take turns, so that what else the machine does meanwhile falls on both. Gives the `Calls`, and those of the gate that failed."""
    turn, quiet, stormy, answers, shares = seconds / 2 / turns, [], [], [], []
    with Service(1, cheap_hashing=False) as service:
        users = [service.new_user() for _ in range(USERS)]
        storm = kind(service, users)
        for user in users:  # so that none is cold
            service.ask("POST", "/v1/gate", {"token": user.token}, service.key("gate"))
        length = 1 + seconds + turns * END_SECONDS
        load = rate.GateLoad(service, [user.token for user in users], calls_per_second, length)
        start = load.start + 1  # before it the callers connect
        for _ in range(turns):
            quiet.append((start, start + turn))
            time.sleep(max(0, start + turn - time.monotonic()))
            start, blowing = time.monotonic(), Storm(service.apis[0].port, connections, storm.prepared)
            host = HostShare()
            time.sleep(turn)
            shares.append(host.until_now())
            stormy.append((start, time.monotonic()))
            answers.append(blowing.samples())
            storm.over()
            start = time.monotonic()
        if start > load.start + length:
            raise Failure("the storms' ends took so long that the gate's load was over before the last one was")
        samples = load.samples()
    calm, busy = ([rate.within([span], samples) for span in spans] for spans in (quiet, stormy))
    return Calls(calm, busy, answers, shares), rate.wrong(samples)
