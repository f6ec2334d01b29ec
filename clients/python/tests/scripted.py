"""Servers for what a well-behaved Gatehouse never does: a relay that counts, and one that answers whatever bytes a test wants."""

import select
import socket
import struct
import threading
import time


def http_answer(body=b"{}", status=b"200 OK", headers=()):
    """A whole HTTP answer."""
    lines = [b"HTTP/1.1 " + status, b"Content-Type: application/json", b"Content-Length: %d" % len(body), *headers]
    return b"\r\n".join(lines) + b"\r\n\r\n" + body


class _Server:
    def __init__(self):
        self.connections, self.open, self.ending = 0, set(), threading.Event()
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.port = self.listener.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self.threads = [threading.Thread(target=self._accept, daemon=True)]
        self.threads[0].start()

    def _accept(self):
        while not self.ending.is_set():
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            self.connections += 1
            thread = threading.Thread(target=self._serve_and_close, args=(connection,), daemon=True)
            self.threads.append(thread)
            thread.start()

    def _serve_and_close(self, connection):
        self.open.add(connection)
        with connection:
            try:
                self._serve(connection)
            except OSError:
                pass
            self.open.discard(connection)

    def close(self):
        self.ending.set()
        for each in [self.listener, *self.open]:
            try:
                each.shutdown(socket.SHUT_RDWR)  # whoever waits for it wakes up
            except OSError:
                pass
        self.listener.close()
        for thread in self.threads:
            thread.join(10)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


class Relay(_Server):
    """Passes bytes on to a port on loopback. `connections` is how many were opened to it."""

    def __init__(self, port):
        self.target = port
        super().__init__()

    def _serve(self, near):
        with socket.create_connection(("127.0.0.1", self.target)) as far:
            other = {near: far, far: near}
            while not self.ending.is_set():
                for ready in select.select([near, far], [], [], 0.1)[0]:
                    data = ready.recv(65_536)
                    if not data:
                        return
                    other[ready].sendall(data)


class ScriptedServer(_Server):
    """Reads requests and answers each with the next of `answers` (the last is repeated). An answer is bytes to send, or a list of steps:
    bytes to send, a number of seconds to wait, "close" or "reset", or a function that
    gives bytes again and again. `requests` holds what came."""

    def __init__(self, answers):
        self.answers, self.requests, self.lock = list(answers), [], threading.Lock()
        super().__init__()

    def _serve(self, connection):
        while request := self._request(connection):
            with self.lock:
                self.requests.append(request)
                steps = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
            for step in steps if isinstance(steps, list) else [steps]:
                if step == "close":
                    return
                if step == "reset":
                    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                    return
                if isinstance(step, (int, float)):
                    self.ending.wait(step)
                elif callable(step):
                    self._endless(connection, step)
                else:
                    connection.sendall(step)

    def _endless(self, connection, piece):
        """Sends what `piece()` gives, a little at a time, until the client leaves."""
        end = time.monotonic() + 30
        while not self.ending.is_set() and time.monotonic() < end:
            connection.sendall(piece())
            self.ending.wait(0.02)

    @staticmethod
    def _request(connection):
        data = b""
        while b"\r\n\r\n" not in data:
            more = connection.recv(65_536)
            if not more:
                return None
            data += more
        head, _, body = data.partition(b"\r\n\r\n")
        length = next((int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")), 0)
        while len(body) < length:
            body += connection.recv(65_536)
        return head + b"\r\n\r\n" + body
