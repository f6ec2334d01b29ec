"""HTTP/1.1 on kept connections and Redis's protocol, over TCP or a Unix socket, with the standard library alone."""

import json
import select
import socket
import time


class NotSent(Exception):
    """The request never reached the service: it had no effect."""


class NoAnswer(Exception):
    """The request was sent and its answer never came: it may have had an effect."""


class Answer:
    """An answer: `status`, `headers` (names in lower case), `body` (bytes), `json` (None if it is none)."""

    __slots__ = ("status", "headers", "body")

    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    @property
    def json(self):
        try:
            return json.loads(self.body)
        except ValueError:
            return None

    def __repr__(self):
        return f"{self.status} {self.body[:400].decode(errors='replace')}"


class Stream:
    """A connected socket with a buffer. `address` is a port on 127.0.0.1 or the path of a Unix socket."""

    def __init__(self, address, timeout_seconds):
        if isinstance(address, int):
            self.socket = socket.create_connection(("127.0.0.1", address), timeout_seconds)
            self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        else:
            self.socket = socket.socket(socket.AF_UNIX)
            self.socket.settimeout(timeout_seconds)
            try:
                self.socket.connect(address)
            except OSError:
                self.socket.close()
                raise
        self.buffer = b""

    @property
    def is_over(self):
        """Whether the other side has closed: known before anything is sent into the void."""
        return bool(select.select([self.socket], [], [], 0)[0])

    def line(self):
        while b"\r\n" not in self.buffer:
            self._more()
        line, self.buffer = self.buffer.split(b"\r\n", 1)
        return line

    def take(self, count):
        while len(self.buffer) < count:
            self._more()
        data, self.buffer = self.buffer[:count], self.buffer[count:]
        return data

    def answer(self):
        """The next answer of HTTP, read to its end."""
        status = int(self.line().split(b" ", 2)[1])
        headers = {}
        while line := self.line():
            name, _, value = line.decode("latin-1").partition(":")
            headers[name.strip().lower()] = value.strip()
        if headers.get("transfer-encoding") == "chunked":
            body = b""
            while size := int(self.line(), 16):
                body += self.take(size)
                self.line()
            self.line()
        else:
            body = self.take(int(headers.get("content-length", 0)))
        return Answer(status, headers, body)

    def _more(self):
        data = self.socket.recv(65536)
        if not data:
            raise ConnectionError("the other side closed")
        self.buffer += data


class HTTP:
    """One kept connection; opened when it is needed. Not for several threads at once."""

    def __init__(self, address, timeout_seconds=15):
        self.address, self.timeout_seconds, self.stream = address, timeout_seconds, None

    def ask(self, method, path, body=None, bearer=None, headers=None):
        """The answer. Raises `NotSent` when nothing can have happened, else `NoAnswer`."""
        lines = [f"{method} {path} HTTP/1.1", "Host: gatehouse"]
        if bearer:
            lines.append(f"Authorization: Bearer {bearer}")
        data = b""
        if body is not None:
            data = json.dumps(body).encode()
            lines.append("Content-Type: application/json")
        if body is not None or method in ("POST", "PUT", "PATCH"):
            lines.append(f"Content-Length: {len(data)}")
        lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
        request = "\r\n".join(lines).encode() + b"\r\n\r\n" + data
        try:
            if self.stream and self.stream.is_over:
                self.close()
            if self.stream is None:
                self.stream = Stream(self.address, self.timeout_seconds)
        except OSError as error:
            raise NotSent(str(error)) from error
        sent = time.monotonic()
        try:
            self.stream.socket.sendall(request)
            return self._answer()
        except (OSError, ValueError) as error:
            self.close()
            raise NoAnswer(f"{method} {path}: {error!r}, {time.monotonic() - sent:.3f} s after it was sent") from error

    def _answer(self):
        answer = self.stream.answer()
        if answer.headers.get("connection", "").lower() == "close":
            self.close()
        return answer

    def close(self):
        if self.stream:
            self.stream.socket.close()
            self.stream = None


def command(words):
    """A Redis command as bytes."""
    data = [w if isinstance(w, bytes) else str(w).encode() for w in words]
    return b"*%d\r\n" % len(data) + b"".join(b"$%d\r\n%s\r\n" % (len(w), w) for w in data)


class RedisError(Exception):
    """Redis answered with an error."""


class Redis:
    """One connection of the default user. Commands are words; replies are bytes, integers, lists or None."""

    def __init__(self, path, timeout_seconds=15):
        self.stream = Stream(path, timeout_seconds)

    def __call__(self, *words):
        self.send(*words)
        return self._reply()

    def send(self, *words):
        self.stream.socket.sendall(command(words))

    def pipeline(self, commands):
        """Sends them at once and gives the replies. So few that both sides' buffers hold them."""
        self.stream.socket.sendall(b"".join(map(command, commands)))
        return [self._reply() for _ in commands]

    def _reply(self):
        line = self.stream.line()
        kind, rest = line[:1], line[1:]
        if kind == b"+":
            return rest
        if kind == b":":
            return int(rest)
        if kind == b"-":
            raise RedisError(rest.decode())
        if int(rest) < 0:
            return None
        if kind == b"$":
            return self.stream.take(int(rest) + 2)[:-2]
        return [self._reply() for _ in range(int(rest))]

    def close(self):
        self.stream.socket.close()
