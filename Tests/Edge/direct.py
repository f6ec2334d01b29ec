"""Claims about Gatehouse itself that proxies rely on."""

import socket

from client import Client
from edge import expect


def head_has_no_body(service):
    """the answer to a HEAD question has no body, so the next answer on the connection is the next"""
    question = b"HEAD /v1/auth/api HTTP/1.1\r\nHost: gatehouse\r\n"
    last = b"GET /livez HTTP/1.1\r\nHost: gatehouse\r\nConnection: close\r\n\r\n"
    token = f"Authorization: Bearer {service.new_user().token}\r\n".encode()
    for fields, status in ((b"", b"401"), (token, b"200")):
        with socket.create_connection(("127.0.0.1", service.apis[0].port), 10) as connection:
            connection.sendall(question + fields + b"\r\n" + last)
            received = b"".join(iter(lambda: connection.recv(65536), b""))
        first, _, rest = received.partition(b"\r\n\r\n")
        expect(first.startswith(b"HTTP/1.1 " + status) and rest.startswith(b"HTTP/1.1 200"), received.decode())


def question_ignores_the_rest(service):
    """body, query, conditions and the path behind the profile change nothing of the answer"""
    user = service.new_user()
    conditions = [("If-None-Match", "*"), ("If-Modified-Since", "Wed, 25 Nov 2026 09:00:00 GMT"), ("Range", "bytes=0-1")]
    with Client(service.apis[0].port) as client:
        for target in ("/v1/auth/api", "/v1/auth/api/", "/v1/auth/api//x", "/v1/auth/api/../none", "/v1/auth/api?a=1&a=1&%zz"):
            answer = client.ask("POST", target, conditions, b"{not json", bearer=user.token)
            expect(answer.status == 200 and answer.headers["gatehouse-user"] == user.id, f"{target}: {answer}")


DIRECT = (head_has_no_body, question_ignores_the_rest)
