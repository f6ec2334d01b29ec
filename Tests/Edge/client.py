"""A client of a proxy: one connection that is never reopened behind one's back, any target, any field as often as one likes."""

import http.client
import json
import socket
from collections import namedtuple

from Harness import wire

COOKIE = "__Host-gatehouse"


class Answer(namedtuple("Answer", "status headers body")):
    """`headers` by name in lower case, fields of one name joined; `body` in bytes."""

    @property
    def json(self):
        return wire.Answer(*self).json

    def __repr__(self):
        return f"{self.status} {self.headers} {self.body[:300].decode(errors='replace')}"


class Client:
    """`source` is the address that the connection comes from."""

    def __init__(self, port, source="127.0.0.1"):
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=15, source_address=(source, 0))
        self.connection.connect()
        self.connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.connection.auto_open = 0

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.connection.close()

    @property
    def is_open(self):
        return self.connection.sock is not None

    def ask(self, method, target, fields=(), body=None, bearer=None, cookie=None, chunked=False):
        """`body` is bytes, or what becomes JSON."""
        connection = self.connection
        connection.putrequest(method, target, skip_accept_encoding=True)
        if bearer:
            connection.putheader("Authorization", f"Bearer {bearer}")
        if cookie:
            connection.putheader("Cookie", f"{COOKIE}={cookie}")
        if body is not None and not isinstance(body, bytes):
            body = json.dumps(body).encode()
            connection.putheader("Content-Type", "application/json")
        if chunked:
            connection.putheader("Transfer-Encoding", "chunked")
        elif body is not None or method in ("POST", "PUT", "PATCH"):
            connection.putheader("Content-Length", str(len(body or b"")))
        for name, value in fields:
            connection.putheader(name, value)
        connection.endheaders(body, encode_chunked=chunked)
        response = connection.getresponse()
        headers = {}
        for name, value in response.getheaders():
            headers[name.lower()] = f"{headers[name.lower()]}, {value}" if name.lower() in headers else value
        return Answer(response.status, headers, response.read())


def own_address():
    """An address of this machine that no proxy and no Gatehouse takes for its own; 127.0.0.1 where there is none."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))
            return probe.getsockname()[0]
        except OSError:
            return "127.0.0.1"
