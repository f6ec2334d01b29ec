"""Requests that could be read in two ways, sent to Gatehouse directly and through each proxy, with a canary behind or inside them.

The canary ends a session. It must never run: after every case the session is alive.
"""

import queue
import re
import socket
import time
from concurrent.futures import ThreadPoolExecutor

from edge import expect

QUIET_SECONDS = 0.4
ANSWER_SECONDS = 10
UNTIL_CLOSED = 1_000
THREADS = 8

POST = "POST {root}/v1/sessions HTTP/1.1\r\nHost: gatehouse\r\n"
GET = "GET {root}/livez HTTP/1.1\r\n"
END = "\r\n"
CHUNKS = "Transfer-Encoding: chunked\r\n\r\n"

# Each must be 400 and the end of the connection; the canary follows.
BEHIND = {
    "length and chunks": POST + "Content-Length: 5\r\n" + CHUNKS + "0\r\n\r\n",
    "chunks and length": POST + "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n",
    "two lengths": POST + "Content-Length: 5\r\nContent-Length: 6\r\n\r\nabcde",
    "the same length twice": POST + "Content-Length: 5\r\nContent-Length: 5\r\n\r\nabcde",
    "length 5, 6": POST + "Content-Length: 5, 6\r\n\r\nabcde",
    "length +5": POST + "Content-Length: +5\r\n\r\nabcde",
    "length -1": POST + "Content-Length: -1\r\n\r\n",
    "length 0x5": POST + "Content-Length: 0x5\r\n\r\nabcde",
    "length 5 6": POST + "Content-Length: 5 6\r\n\r\nabcde",
    "length 2^64": POST + "Content-Length: 18446744073709551616\r\n\r\n",
    "length 2^64 + 5": POST + "Content-Length: 18446744073709551621\r\n\r\nabcde",
    "no length in the length": POST + "Content-Length:\r\n\r\n",
    "chunked, gzip": POST + "Transfer-Encoding: chunked, gzip\r\n\r\n0\r\n\r\n",
    "gzip, chunked": POST + "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
    "chunked, chunked": POST + "Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n",
    "chunked twice": POST + "Transfer-Encoding: chunked\r\n" + CHUNKS + "0\r\n\r\n",
    "xchunked": POST + "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
    "identity": POST + "Transfer-Encoding: identity\r\n\r\n0\r\n\r\n",
    "chunks in 1.0": POST.replace("1.1", "1.0") + CHUNKS + "0\r\n\r\n",
    "space before the colon": POST + "Content-Length : 5\r\n\r\nabcde",
    "space before the colon of chunks": POST + "Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
    "a folded field": POST + "X-A: b\r\n c\r\nContent-Length: 0\r\n\r\n",
    "folded chunks": POST + "Transfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n",
    "CR in a field": POST + "X-A: b\rContent-Length: 5\r\n\r\n",
    "NUL in a field": POST + "X-A: b\0c\r\nContent-Length: 0\r\n\r\n",
    "a control byte in a field": POST + "X-A: b\x01c\r\nContent-Length: 0\r\n\r\n",
    "a line without a colon": POST + "nonsense\r\n\r\n",
    "an empty field name": POST + ": x\r\n\r\n",
    "bare LF in a chunk line": POST + CHUNKS + "5\nabcde\r\n0\r\n\r\n",
    "bare LF in a chunk extension": POST + CHUNKS + "5;a\nabcde\r\n0\r\n\r\n",
    "bare LF behind a chunk": POST + CHUNKS + "5\r\nabcde\n0\r\n\r\n",
    "no CRLF behind a chunk": POST + CHUNKS + "5\r\nabcdefg\r\n0\r\n\r\n",
    "chunk size z": POST + CHUNKS + "z\r\nabcde\r\n0\r\n\r\n",
    "chunk size -5": POST + CHUNKS + "-5\r\nabcde\r\n0\r\n\r\n",
    "chunk size 0x5": POST + CHUNKS + "0x5\r\nabcde\r\n0\r\n\r\n",
    "chunk size 2^64": POST + CHUNKS + "10000000000000000\r\nabcde\r\n0\r\n\r\n",
    "a chunk extension of 300,000 bytes": POST + CHUNKS + "5;" + "a" * 300_000 + "\r\nabcde\r\n0\r\n\r\n",
    "two hosts": GET + "Host: a\r\nHost: b\r\n\r\n",
    "no host": GET + END,
    "a host that is none": GET + "Host: a/b@c\r\n\r\n",
    "another host in the target": "GET http://b{root}/livez HTTP/1.1\r\nHost: a\r\n\r\n",
    "a space in the target": "GET {root}/livez x HTTP/1.1\r\nHost: a\r\n\r\n",
    "a control byte in the method": "G\x01T {root}/livez HTTP/1.1\r\nHost: a\r\n\r\n",
    "version 1.2": "GET {root}/livez HTTP/1.2\r\nHost: a\r\n\r\n",
    "version 2.0": "GET {root}/livez HTTP/2.0\r\nHost: a\r\n\r\n",
    "version 0.9": "GET {root}/livez HTTP/0.9\r\nHost: a\r\n\r\n",
    "random bytes": "\x16\x03\x01\x02random\r\n\r\n",
}

# The canary stands in the body: it runs if what is in front and what is behind disagree on where the body ends.
INSIDE = {
    "plain chunks": CHUNKS,
    "xchunked": "Transfer-Encoding: xchunked\r\n\r\n",
    "chunked, identity": "Transfer-Encoding: chunked, identity\r\n\r\n",
    "identity, chunked": "Transfer-Encoding: identity\r\nTransfer-Encoding: chunked\r\n\r\n",
    "a space before the colon": "Transfer-Encoding : chunked\r\n\r\n",
    "a tab before the value": "Transfer-Encoding:\tchunked\r\n\r\n",
    "a vertical tab": "Transfer-Encoding: \x0bchunked\r\n\r\n",
    "folded": "Transfer-Encoding:\r\n chunked\r\n\r\n",
    "an underscore": "Transfer_Encoding: chunked\r\n\r\n",
    "quoted": 'Transfer-Encoding: "chunked"\r\n\r\n',
    "behind a bare LF": "X-A: b\nTransfer-Encoding: chunked\r\n\r\n",
    "behind a bare CR": "X-A: b\rTransfer-Encoding: chunked\r\n\r\n",
    "named by Connection": "Connection: Transfer-Encoding\r\n" + CHUNKS,
    "a leading space": " Transfer-Encoding: chunked\r\n\r\n",
    "in capitals": "TRANSFER-ENCODING: CHUNKED\r\n\r\n",
}

# A proxy may read these in its own way, and pass them on in good order: it takes the canary for the client's next request and answers it.
# A newer one may be stricter. Nothing else may let the canary run, and never without an answer of its own.
READ_IN_ITS_OWN_WAY = {
    "nginx": {
        "a control byte in a field", "a line without a colon", "bare LF in a chunk line", "bare LF in a chunk extension",
        "bare LF behind a chunk", "a chunk extension of 300,000 bytes", "another host in the target", "version 1.2",
    },
    "Caddy": {
        "length and chunks", "chunks and length", "the same length twice", "no length in the length", "a folded field", "folded chunks",
        "an empty field name", "bare LF in a chunk line", "bare LF in a chunk extension", "another host in the target", "version 1.2",
        "inside a body: plain chunks", "inside a body: a tab before the value", "inside a body: folded",
        "inside a body: behind a bare LF", "inside a body: named by Connection", "inside a body: in capitals",
    },
    "Envoy": {
        "a folded field", "folded chunks", "CR in a field", "bare LF behind a chunk", "no CRLF behind a chunk",
        "a chunk extension of 300,000 bytes", "two hosts", "another host in the target",
    },
}  # fmt: skip


class Canaries:
    """Sessions to end, and the way they are sent to one port below `root`."""

    def __init__(self, service, port, root=""):
        self.service, self.port, self.root, self.free = service, port, root, queue.Queue()
        for _ in range(THREADS):
            self.free.put(service.new_user())

    def text(self, user):
        return f"DELETE {self.root}/v1/session HTTP/1.1\r\nHost: gatehouse\r\nAuthorization: Bearer {user.token}\r\n\r\n"

    def lives(self, user):
        return self.service.ask("GET", "/v1/session", bearer=user.token).status == 200

    def try_case(self, build, judge, may_run):
        """Sends `build(canary)`; raises if the canary ran. `judge` gets the statuses and whether it was closed."""
        user = self.free.get()
        try:
            data = build(self.text(user)).replace("{root}", self.root).encode("latin-1")
            received, closed = talk(self.port, data, answers=2 if may_run else UNTIL_CLOSED if judge else 0)
            ran = not self.lives(user)
            if ran:
                user = self.service.new_user()
            answered = may_run and len(received) == 2 and received[1] == 204
            expect(not ran or answered, f"THE CANARY RAN; the answers: {received}")
            if judge:
                judge(received, closed)
        finally:
            self.free.put(user)

    def try_all(self, cases, judge=None, own_way=()):
        """`cases` by name; {name: what is wrong}."""

        def attempt(item):
            try:
                self.try_case(item[1], judge, item[0] in own_way)
            except Exception as error:
                return item[0], str(error)

        with ThreadPoolExecutor(THREADS) as pool:
            wrong = dict(filter(None, pool.map(attempt, cases.items())))
        if dead := sum(not self.lives(user) for user in self.free.queue):
            wrong["late"] = f"{dead} canaries ran after their case"
        return wrong

    def prove_that_they_sing(self):
        """Behind a request that is in order the canary does run."""
        user = self.free.get()
        talk(self.port, (GET + "Host: gatehouse\r\n\r\n" + self.text(user)).replace("{root}", self.root).encode())
        expect(not self.lives(user), "behind a good request the canary did not run: the test proves nothing")
        self.free.put(self.service.new_user())


def talk(port, data, answers=0):
    """The answers until the other side closes, or is quiet after that many answers: (statuses, whether it closed)."""
    received, closed, end = b"", False, time.monotonic() + ANSWER_SECONDS
    with socket.create_connection(("127.0.0.1", port), ANSWER_SECONDS) as connection:
        try:
            connection.sendall(data)
            connection.settimeout(QUIET_SECONDS)
            while not closed:
                try:
                    more = connection.recv(65536)
                    received, closed = received + more, not more
                except TimeoutError:
                    if len(statuses(received)) >= answers or time.monotonic() > end:
                        break
        except OSError:
            closed = True
    return statuses(received), closed


def statuses(received):
    return [int(status) for status in re.findall(rb"HTTP/1\.[01] (\d{3}) [A-Z]", received)]


def refused_once(received, closed):
    """The verdict on an answer of Gatehouse itself."""
    expect(received == [400] and closed, f"answers {received}, {'closed' if closed else 'still open'}")


def behind():
    return {name: lambda canary, bytes=bytes: bytes + canary for name, bytes in BEHIND.items()}


def inside():
    def build(fields):
        def bytes(canary):
            body = "0\r\n\r\n" + canary
            return POST + f"Content-Length: {len(body)}\r\n" + fields + body

        return bytes

    return {f"inside a body: {name}": build(fields) for name, fields in INSIDE.items()}


# ASVS: 4.2.1, 4.2.2
def direct(service):
    """Gatehouse itself: {case: what is wrong}."""
    canaries = Canaries(service, service.apis[0].port)
    canaries.prove_that_they_sing()
    return canaries.try_all(behind(), refused_once) | canaries.try_all(inside())


# ASVS: 4.2.1
def through(service, proxy):
    """Behind a proxy: {case: what is wrong}."""
    canaries = Canaries(service, proxy.port, "/gatehouse")
    canaries.prove_that_they_sing()
    return canaries.try_all(behind() | inside(), own_way=READ_IN_ITS_OWN_WAY[proxy.name])
