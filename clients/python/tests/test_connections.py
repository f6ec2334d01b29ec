"""Connections are kept, bounded, never mixed up, and given up for dead without harm."""

import asyncio
import glob
import os
import threading
import time

import pytest
from gatehouse import AsyncGatehouse, Gatehouse, Unavailable

from Harness.service import Service, wait_until
from scripted import http_answer

THREADS = 64
READY = http_answer(b'{"status": "ready", "redis": "up", "ledger": "up"}')
CREATED = http_answer(b'{"accepted": 1}', b"201 Created")


def patient(url, key=None, **more):
    return Gatehouse(url, key, **{"timeout": 30, "connect_timeout": 10, **more})


def test_calls_one_after_another_use_one_connection(relay, key, user):
    with patient(relay.url, key) as client:
        for _ in range(20):
            assert client.gate(user.token, peek=True)
        client.check_limit("seats", user.id)
    assert relay.connections == 1


def test_calls_that_fail_with_a_problem_keep_the_connection(relay, key):
    with patient(relay.url, key) as client:
        for _ in range(5):
            with pytest.raises(Exception, match="not_found"):
                client.user("usr_none")
        client.ready()
    assert relay.connections == 1


def test_each_of_64_threads_gets_the_answer_to_its_own_question_over_a_few_connections(relay, service, key):
    users = [service.new_user() for _ in range(THREADS)]
    wrong = []
    with patient(relay.url, key, timeout=60, connections=8) as client:

        def ask(user):
            for _ in range(10):
                if (found := client.gate(user.token, peek=True)).user is None or found.user.id != user.id:
                    wrong.append((user.id, found))

        threads = [threading.Thread(target=ask, args=(user,)) for user in users]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert not wrong and 1 <= relay.connections <= 8


def test_a_hundred_coroutines_share_the_connections_too(relay, service, key):
    users = [service.new_user() for _ in range(5)]

    async def ask():
        async with AsyncGatehouse(relay.url, key, timeout=60, connect_timeout=10, connections=4) as client:
            return await asyncio.gather(*(client.gate(user.token, peek=True) for user in users * 20))

    answers = asyncio.run(ask())
    assert [answer.user.id for answer in answers] == [user.id for user in users * 20] and relay.connections <= 4


def test_a_service_that_restarts_between_calls_is_found_again():
    with Service() as other:
        user, key = other.new_user(), other.key("gate", "work")
        with patient(f"http://127.0.0.1:{other.apis[0].port}", key) as client:
            assert client.gate(user.token)
            other.apis[0].kill()
            with pytest.raises(Unavailable):
                client.gate(user.token)
            other.apis[0].start()
            assert client.gate(user.token).user.id == user.id
            other.apis[0].stop()
            other.apis[0].start()
            # Not even a call that must not be repeated notices: the closed connection is not used.
            assert client.gate(user.token, limits=["upload"]).allowed


def test_a_good_key_is_never_refused_by_a_service_that_has_just_started():
    with Service() as other:
        user, key = other.new_user(), other.key("gate")
        for _ in range(12):
            other.apis[0].kill()
            other.apis[0].start(wait=False)
            with patient(f"http://127.0.0.1:{other.apis[0].port}", key) as client:
                while True:
                    try:
                        assert client.gate(user.token, limits=[]).allowed
                        break
                    except Unavailable:
                        assert other.apis[0].running


def test_a_kept_connection_closed_unanswered_is_replaced_once_for_a_call_that_may_be_repeated(scripted):
    server = scripted(READY, ["close"], READY)
    with patient(server.url) as client:
        client.ready()
        assert client.ready().status == "ready"
    assert (len(server.requests), server.connections) == (3, 2)


def test_a_call_with_an_idempotency_key_is_repeated_with_the_same_key(scripted):
    server = scripted(READY, ["close"], CREATED)
    with patient(server.url) as client:
        client.ready()
        assert client.record_events([{"user_id": "usr_x", "action": "y"}]) == 1
    assert len(server.requests) == 3 and server.requests[1] == server.requests[2] and b"Idempotency-Key: " in server.requests[1]


@pytest.mark.parametrize("repeated_in_vain", [["close"], [b"HTTP/1.1 20", "close"]])
def test_it_is_repeated_no_more_than_once(scripted, repeated_in_vain):
    server = scripted(READY, ["close"], repeated_in_vain)
    with patient(server.url) as client:
        client.ready()
        with pytest.raises(Unavailable):
            client.ready()
    assert len(server.requests) == 3


def test_one_repeat_does_not_try_the_other_kept_connections(scripted):
    server = scripted([0.5, READY], [0.5, READY], ["close"], ["close"], READY)
    with patient(server.url) as client:
        threads = [threading.Thread(target=client.ready) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert server.connections == 2
        with pytest.raises(Unavailable):
            client.ready()
    assert len(server.requests) == 4


def test_an_answer_that_comes_too_late_is_not_taken_for_the_next_ones(scripted):
    late = http_answer(b'{"status": "late", "redis": "up", "ledger": "up"}')
    server = scripted([1.0, late], READY)
    with patient(server.url, timeout=0.5) as client:
        with pytest.raises(Unavailable):
            client.ready()
        client.timeout = 30
        assert client.ready().status == "ready"
    assert server.connections == 2


def test_a_call_that_may_have_had_an_effect_is_never_sent_twice(scripted):
    server = scripted(READY, ["close"], CREATED)
    with patient(server.url, "ghk_1x") as client:
        client.ready()
        with pytest.raises(Unavailable) as raised:
            client.log_in("mia@example.com", "x")
    assert len(server.requests) == 2 and raised.value.outcome_unknown


def test_an_answer_that_has_begun_is_not_asked_for_again(scripted):
    server = scripted(READY, [b"HTTP/1.1 20", 0.3, "reset"], READY)
    with patient(server.url) as client:
        client.ready()
        with pytest.raises(Unavailable):
            client.ready()
    assert len(server.requests) == 2


def test_a_new_connection_that_is_closed_is_not_tried_again(scripted):
    server = scripted(["close"])
    with patient(server.url) as client, pytest.raises(Unavailable):
        client.ready()
    assert len(server.requests) == 1


def test_an_answer_nobody_asked_for_spoils_its_connection_and_no_call(scripted):
    stray = http_answer(b'{"status": "stray", "redis": "up", "ledger": "up"}')
    server = scripted([READY + stray], READY)
    with patient(server.url) as client:
        assert [client.ready().status for _ in range(3)] == ["ready"] * 3


def test_connection_close_is_obeyed(scripted):
    server = scripted(http_answer(READY.partition(b"\r\n\r\n")[2], headers=[b"Connection: close"]))
    with patient(server.url) as client:
        client.ready(), client.ready()
    assert server.connections == 2


def test_a_call_waits_for_a_free_connection_no_longer_than_its_timeout(scripted):
    server = scripted([60, "close"])
    with Gatehouse(server.url, timeout=30, connections=1) as client:
        holder = threading.Thread(target=lambda: pytest.raises(Unavailable, client.ready))
        holder.start()
        wait_until(lambda: server.requests, "the call that holds the connection does not arrive")
        client.timeout, began = 0.5, time.monotonic()
        with pytest.raises(Unavailable, match="busy"):
            client.ready()
        assert 0.4 < time.monotonic() - began < 10
        server.close()
        holder.join(30)
        assert not holder.is_alive()


def test_a_stalled_service_holds_no_coroutine_longer_than_twice_the_timeout_and_no_thread_of_the_app(scripted):
    server = scripted([60, "close"])

    async def ask():
        async with AsyncGatehouse(server.url, timeout=0.5, connections=2) as client:
            calls = [asyncio.ensure_future(client.ready()) for _ in range(20)]
            assert await asyncio.to_thread(lambda: "free") == "free"
            return await asyncio.gather(*calls, return_exceptions=True)

    answers = asyncio.run(asyncio.wait_for(ask(), 30))
    assert all(isinstance(answer, Unavailable) for answer in answers) and len(server.requests) <= 6


def test_a_forked_process_shares_no_connection(relay, key, user):
    with patient(relay.url, key) as client:
        assert client.gate(user.token, peek=True)
        child = os.fork()
        if child == 0:
            os._exit(0 if client.gate(user.token, peek=True).user.id == user.id else 1)
        assert os.waitpid(child, 0)[1] == 0
        assert client.gate(user.token, peek=True)
    assert relay.connections == 2


def test_a_unix_socket_serves_as_well(service):
    (path,) = glob.glob(f"{service.folder}/ops-*.sock")
    with patient(f"unix:{path}") as client:
        assert client.ready().ledger == "up"
        assert client.call("GET", "/v1/admin/users", query={"limit": 1}).json["data"] is not None


@pytest.mark.parametrize("url", ["127.0.0.1:8080", "ftp://x", "http://", "http://user:secret@host", "http://host/?key=ghk_1"])
def test_a_base_url_that_can_not_be_meant_is_refused_at_once(url):
    with pytest.raises(ValueError, match="base_url"):
        Gatehouse(url)


def test_a_path_before_the_api_is_kept(scripted):
    server = scripted(READY)
    with patient(server.url + "/gatehouse/") as client:
        client.ready()
    assert server.requests[0].startswith(b"GET /gatehouse/readyz HTTP/1.1\r\n")
