"""Tokens, keys and passwords are in no repr, no message, no traceback's text and no log."""

import logging
import traceback

import pytest
from gatehouse import AsyncGatehouse, Gatehouse, GatehouseError

from scripted import http_answer

SECRET = "sEcReTsEcReT"


def test_no_repr_shows_a_secret(scripted, service, client, user, password, somewhere):
    login = client.log_in(user.email, password, client_ip=somewhere)
    cookie = client.log_in(user.email, password, client_ip=somewhere, transport="cookie")
    renewed = client.rotate(login.token)
    answer = client.call("GET", "/v1/session", token=user.token)
    shown = repr([login, cookie, renewed, client, AsyncGatehouse(key="ghk_1" + SECRET), answer])
    assert not any(secret in shown for secret in (login.token, cookie.set_cookie, renewed.token, SECRET, user.token))
    assert "gh_1" not in shown and "ghk_1" not in shown


@pytest.mark.parametrize(
    "answer",
    [
        [f"HTTP/1.1 gh_1{SECRET} OK\r\n\r\n".encode(), "close"],
        [f"gh_1{SECRET}\r\n\r\n".encode(), "close"],
        [http_answer(f"gh_1{SECRET}".encode())],
        [http_answer(f'{{"decision": "gh_1", "user": "gh_1{SECRET}"}}'.encode())],
        ["close"],
    ],
    ids=range(5),
)
def test_no_error_shows_what_was_sent_or_came(scripted, caplog, answer):
    server = scripted(answer)
    caplog.set_level(logging.DEBUG)
    with Gatehouse(server.url, "ghk_1" + SECRET, timeout=5) as client:
        for call in (
            lambda: client.gate("gh_1" + SECRET),
            lambda: client.session("gh_1" + SECRET),
            lambda: client.session("gh_1\r\n" + SECRET),
            lambda: client.log_in("mia@example.com", SECRET),
        ):
            with pytest.raises(GatehouseError) as raised:
                call()
            assert SECRET not in "".join(traceback.format_exception(raised.type, raised.value, None)) + repr(raised.value)
    assert SECRET not in caplog.text


def test_a_key_with_a_line_end_is_refused_without_being_shown():
    with pytest.raises(ValueError, match="line end") as raised:
        Gatehouse(key=f"ghk_1{SECRET}\n")
    assert SECRET not in str(raised.value)
