"""Arguments of another type than a method takes: named before anything is sent."""

from datetime import datetime

import pytest
from gatehouse import Gatehouse, Reserve

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
