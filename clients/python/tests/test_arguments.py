"""Arguments of another type than a method takes, which are named before anything is sent; odd ones, and larger ones than a plan has."""

from datetime import datetime

import pytest
from gatehouse import Decision, Gatehouse, LimitReached, Reserve

TOKEN = "gh_1" + "a" * 40
METRIC = "video_analysis"


@pytest.mark.parametrize(
    "call, named",
    [
        (lambda client: client.gate(None), "token"),
        (lambda client: client.gate(b"gh_1"), "token"),
        (lambda client: client.gate("", reserve=5), "reserve"),
        (lambda client: client.gate("", require="pro"), "require"),
        (lambda client: client.gate("", user_agent=5), "user_agent"),
        (lambda client: client.gate("", limits=5), "limits"),
        (lambda client: client.gate(TOKEN, request_id=5), "request_id"),
        (lambda client: client.gate(TOKEN, reserve=Reserve(METRIC, {1})), "JSON"),
        (lambda client: client.gate_batch(None), "questions"),
        (lambda client: client.gate_batch([None]), "questions"),
        (lambda client: client.gate_batch([{}]), "questions"),
        (lambda client: client.gate_batch([{"token": TOKEN, "reserve": METRIC}]), "reserve"),
        (lambda client: client.session(5), "token"),
        (lambda client: client.reserve("usr_x", METRIC, idempotency_key=5), "idempotency_key"),
        (lambda client: client.release(5), "path"),
        (lambda client: client.start_analysis(user_id="usr_x", metadata={"at": datetime(2026, 1, 1)}), "JSON"),
        (lambda client: Gatehouse(key=5), "key"),
    ],
)
def test_an_argument_of_another_type_is_named(call, named):
    with Gatehouse("http://127.0.0.1:1", "ghk_1x") as client, pytest.raises(ValueError, match=named):
        call(client)


def test_more_than_the_plan_has_is_refused_without_a_wait(either, user):
    for _ in range(2):
        with pytest.raises(LimitReached, match="allowance_exhausted") as raised:
            either.reserve(user.id, METRIC, amount=2)
        assert raised.value.retry_after is None and "Waiting will not help" in raised.value.detail
        asked = either.gate(user.token, reserve=Reserve(METRIC, 2))
        assert asked.decision is Decision.ALLOWANCE_EXHAUSTED and not asked.allowed and asked.retry_after_seconds is None


def test_an_external_id_is_found_whatever_is_in_it(either, user):
    for odd in ["a+b", "a b", "a%2Bb", "zoë&x=1"]:
        either.set_external_id(user.id, f"{odd}-{user.id}")
        assert either.find_user(external_id=f"{odd}-{user.id}").id == user.id
