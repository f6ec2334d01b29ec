"""For every answer, and for none: a typed error in bounded time, and never a session let in."""

import time

import pytest
from gatehouse import AsyncGatehouse, Decision, Gatehouse, GatehouseError, InvalidAnswer, KeyRejected, Unavailable

from Harness.service import free_port
from scripted import http_answer

TOKEN = "gh_1" + "a" * 40
TIMEOUT = 0.5
BOUND = 15  # generous: the machine may be loaded; a server of these tests would go on for 30 s and more
USER = '"user": {"id": "usr_x", "external_id": null, "plan": "free", "status": "active", "email_verified": false}'

ALLOW = b'{"decision": "allow", "allowed": true, ' + USER.encode() + b"}"


def ask(server, **more):
    begun = time.monotonic()
    with Gatehouse(server.url, "ghk_1x", **{"timeout": TIMEOUT, **more}) as client:
        try:
            return client.gate(TOKEN)
        finally:
            assert time.monotonic() - begun < BOUND


@pytest.mark.parametrize(
    "answer",
    [
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b"\x00\xff" * 500,
        b"HTTP/1.1 200 OK\r\n\r\n",
        b"HTTP/9.9 200 OK\r\nContent-Length: 2\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\n" + b"X: " + b"y" * 70_000,
        b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 500 + b"\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nnonsense\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-5\r\n{}",
        http_answer(b""),
        http_answer(b"<html>hello</html>"),
        http_answer(b"[1, 2]"),
        http_answer(b'"allow"'),
        http_answer(b"\xff\xfe{}"),
        http_answer(b"[" * 200_000),
        http_answer(b"{}"),
        http_answer(b'{"allowed": true}'),
        http_answer(b'{"decision": "allow", "allowed": true, "user": "usr_x"}'),
        http_answer(b'{"decision": "allow", "allowed": true, "limits": [1]}'),
        http_answer(b'{"decision": "allow", "allowed": 1, ' + USER.encode() + b"}"),
        http_answer(b"{}", b"204 No Content"),
        http_answer(b"", b"302 Found", [b"Location: http://127.0.0.1:1/"]),
        http_answer(b"<html>who are you?</html>", b"401 Unauthorized"),
        http_answer(b'{"error": "unauthorized"}', b"401 Unauthorized"),
        http_answer(b"", b"429 Too Many Requests"),
    ],
    ids=range(24),
)
def test_garbage_is_an_invalid_answer(scripted, answer):
    server = scripted([answer, "close"])
    with pytest.raises(InvalidAnswer) as raised:
        ask(server)
    assert raised.value.status == 503 and raised.value.retry_after == 1 and raised.value.outcome_unknown


@pytest.mark.parametrize(
    "steps",
    [
        ["close"],
        [b"HTTP/1.1 200 OK\r\nContent-Le", "close"],
        [b'HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{"decision": "allow"', "close"],
        [b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{", "close"],
        [b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n" + ALLOW, "close"],
        [60],
        [b"HTTP/1.1 200 OK\r\n", 60],
        [b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{", 60],
        [http_answer(b"oops", b"502 Bad Gateway")],
        [http_answer(b'{"code": "draining", "status": 503, "detail": "Try again."}', b"503 Service Unavailable", [b"Retry-After: 7"])],
    ],
    ids=["nothing", "half head", "half body", "half chunk", "JSON of half", "silence", "silent head", "silent body", "a proxy", "draining"],
)
def test_half_an_answer_or_none_is_unavailable(scripted, steps):
    with pytest.raises(Unavailable) as raised:
        ask(scripted(steps))
    assert raised.value.status == 503 and raised.value.retry_after in (1, 7)


@pytest.mark.parametrize("drop", [b"X: y\r\n", b" ", b"HTTP/1.1 100 Continue\r\n\r\n"], ids=["headers", "spaces", "continues"])
def test_an_answer_that_drips_for_ever_is_cut_off(scripted, drop):
    start = b"" if drop.startswith(b"HTTP") else b"HTTP/1.1 200 OK\r\nContent-Length: 99999\r\n" + (b"\r\n" if drop == b" " else b"")
    with pytest.raises(Unavailable):
        ask(scripted([start, lambda: drop]))


def test_an_answer_without_end_is_cut_off(scripted):
    server = scripted([b"HTTP/1.1 200 OK\r\n\r\n", lambda: b" " * 4_000_000])
    with Gatehouse(server.url, timeout=60) as client, pytest.raises(InvalidAnswer):  # before its timeout: it is too long
        client.gate(TOKEN)


def test_a_service_that_is_away_is_unavailable_and_nothing_was_sent():
    with Gatehouse(f"http://127.0.0.1:{free_port()}", timeout=5) as client, pytest.raises(Unavailable) as raised:
        client.gate(TOKEN)
    assert not raised.value.outcome_unknown
    with Gatehouse("unix:/nowhere/gatehouse.sock") as client, pytest.raises(Unavailable):
        client.ready()
    with Gatehouse("http://nowhere.invalid:1", timeout=5) as client, pytest.raises(Unavailable):
        client.ready()


def test_the_client_works_again_after_any_of_it(scripted):
    half = b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n"
    server = scripted([b"garbage\r\n\r\n", "close"], ["close"], [half, "close"], http_answer(ALLOW))
    with Gatehouse(server.url, "ghk_1x", timeout=10, connections=1) as client:
        for _ in range(3):
            with pytest.raises(Unavailable):
                client.gate(TOKEN)
        assert client.gate(TOKEN).user.id == "usr_x"


def test_an_unknown_decision_refuses(scripted):
    body = '{"decision": "allow_for_now", "allowed": true, %s, "problem": null}' % USER
    answer = ask(scripted(http_answer(body.encode())), timeout=10)
    assert answer.decision is Decision.UNKNOWN and not answer and not answer.allowed
    assert answer.error.status == 403 and "allow_for_now" in answer.error.detail


@pytest.mark.parametrize(
    "body",
    [
        '{"decision": "allow", "allowed": false, %s}' % USER,
        '{"decision": "rate_limited", "allowed": true, %s}' % USER,
        '{"decision": "allow", "allowed": true, "user": null}',
        '{"decision": "allow", "allowed": true, %s, "problem": {"code": "suspended", "status": 403}}' % USER,
        '{"decision": null, "allowed": true, %s}' % USER,
    ],
)
def test_an_answer_that_contradicts_itself_refuses(scripted, body):
    answer = ask(scripted(http_answer(body.encode())), timeout=10)
    assert not answer.allowed and isinstance(answer.error, GatehouseError)
    with pytest.raises(GatehouseError):
        answer.raise_for_refusal()


def test_fields_that_are_new_break_nothing(scripted):
    body = '{"decision": "allow", "allowed": true, %s, "mood": {"good": true}}' % USER.replace('"plan"', '"badge": 7, "plan"')
    answer = ask(scripted(http_answer(body.encode())), timeout=10)
    assert answer and answer.raw["mood"] == {"good": True} and answer.user.raw["badge"] == 7


def test_a_batch_with_results_missing_lets_nobody_in(scripted):
    server = scripted(http_answer(b'{"results": []}'))
    with Gatehouse(server.url, timeout=10) as client, pytest.raises(InvalidAnswer):
        client.gate_batch([TOKEN])


def test_both_clients_put_it_the_same_way(scripted, loop):
    server = scripted(http_answer(b'{"code": "invalid_key", "status": 401, "detail": "no"}', b"401 Unauthorized"))
    with Gatehouse(server.url, timeout=10) as client, pytest.raises(KeyRejected):
        client.gate(TOKEN)
    client = AsyncGatehouse(server.url, timeout=10)
    with pytest.raises(KeyRejected):
        loop(client.gate(TOKEN))
    loop(client.close())
