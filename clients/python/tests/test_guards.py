"""The guards of FastAPI and Flask with a request; each claim for both."""

import logging
import threading

import pytest
from fastapi import Depends, FastAPI
from fastapi.testclient import TestClient
from gatehouse import AsyncGatehouse, FastAPIGuard, FlaskGuard

from apps import APPS, CLIENT_IP, METRIC, ORIGIN, bearer, cookie
from Harness.service import free_port
from scripted import http_answer

USER = b'{"id": "usr_x", "external_id": null, "plan": "free", "status": "active", "email_verified": false}'
ALLOW = b'{"decision": "allow", "allowed": true, "user": ' + USER + b"}"


@pytest.fixture(params=APPS)
def make(request):
    """Makes the app of a framework over a client."""
    return APPS[request.param]


@pytest.fixture
def app(make, client):
    return make(client)


def assert_problem(answer, status, code):
    assert (answer.status_code, answer.json()["code"], answer.json()["status"]) == (status, code, status)
    assert answer.headers["content-type"] == "application/problem+json" and answer.headers["cache-control"] == "no-store"
    assert {"type", "title", "detail", "request_id"} <= set(answer.json())


def test_a_session_is_let_in_by_bearer_and_by_cookie_and_told_where_it_stands(app, user):
    for headers in (bearer(user.token), cookie(user.token)):
        answer = app.get("/me", headers=headers)
        assert answer.status_code == 200 and answer.json()["user"] == user.id
        assert answer.headers["ratelimit-policy"] == '"api";q=60;w=60'
    assert answer.headers["ratelimit"].startswith('"api";r=58;t=')


def test_a_route_that_says_ratelimit_itself_is_left_alone(app, user):
    answer = app.get("/sync", headers=bearer(user.token))
    assert answer.headers.get_list("ratelimit") == ["my own"] and answer.headers["ratelimit-policy"]


@pytest.mark.parametrize("headers", [{}, bearer("gh_1forged"), bearer("ghk_1key"), cookie("nonsense"), {"Authorization": "Basic eDp5"}])
def test_without_a_session_it_is_401_with_a_challenge(app, headers):
    answer = app.get("/me", headers=headers)
    assert_problem(answer, 401, "unauthenticated")
    assert answer.headers["www-authenticate"].startswith('Bearer realm="gatehouse"') and "ratelimit" not in answer.headers


def test_two_credentials_are_400(app, user):
    assert_problem(app.get("/me", headers={**bearer(user.token), **cookie(user.token)}), 400, "ambiguous_credentials")


def test_a_cookie_changes_something_only_from_here_or_from_an_allowed_origin(app, user):
    assert_problem(app.post("/me", headers=cookie(user.token)), 403, "csrf_rejected")
    assert_problem(app.post("/me", headers=cookie(user.token, **{"Sec-Fetch-Site": "cross-site"})), 403, "csrf_rejected")
    assert_problem(app.post("/me", headers=cookie(user.token, Origin="https://evil.example.com")), 403, "csrf_rejected")
    for headers in (cookie(user.token, Origin=ORIGIN), cookie(user.token, **{"Sec-Fetch-Site": "same-origin"}), bearer(user.token)):
        assert app.post("/me", headers=headers).status_code == 200


def test_a_unit_is_held_and_the_next_refused_with_the_time_to_come_back(app, client, user):
    held = app.post("/videos", headers=bearer(user.token))
    assert held.status_code == 200 and f'"{METRIC}";r=0' in held.headers["ratelimit"]
    refused = app.post("/videos", headers=bearer(user.token))
    assert_problem(refused, 429, "allowance_exhausted")
    assert int(refused.headers["retry-after"]) > 0 and refused.json()["metric"] == METRIC and f'"{METRIC}"' in refused.headers["ratelimit"]
    assert refused.headers.get_list("ratelimit-policy") == [refused.headers["ratelimit-policy"]]
    client.release(held.json()["reservation"])
    assert app.post("/videos", headers=bearer(user.token)).status_code == 200


def test_a_repeat_with_the_same_idempotency_key_holds_the_same_unit(app, user):
    headers = bearer(user.token, **{"Idempotency-Key": "upload-1"})
    first, second = app.post("/videos", headers=headers), app.post("/videos", headers={**headers, "Idempotency-Key": '"upload-1"'})
    assert first.status_code == second.status_code == 200 and first.json()["reservation"] == second.json()["reservation"]


def test_a_repeat_after_a_rotation_holds_the_same_unit(app, client, user):
    first = app.post("/videos", headers=bearer(user.token, **{"Idempotency-Key": "upload-2"}))
    renewed = client.rotate(user.token).token
    second = app.post("/videos", headers=bearer(renewed, **{"Idempotency-Key": "upload-2"}))
    assert first.status_code == second.status_code == 200 and first.json()["reservation"] == second.json()["reservation"]


@pytest.mark.parametrize("limits", ["api", {"api": 1}, ("upload", 3), [3], [("api",)], [("api", "1")]])
def test_limits_that_are_no_list_of_limits_are_refused_when_the_route_is_made(client, limits):
    for guard in (FastAPIGuard(client), FlaskGuard(client)):
        with pytest.raises(ValueError, match="limits"):
            guard(limits=limits)
    with pytest.raises(ValueError, match="limits"):
        client.gate("gh_1abc", limits=limits)


def test_two_users_may_use_the_same_idempotency_key(app, service):
    users = [service.new_user() for _ in range(2)]
    answers = [app.post("/videos", headers=bearer(user.token, **{"Idempotency-Key": "1"})) for user in users]
    assert [answer.json().get("user") for answer in answers] == [user.id for user in users]
    assert answers[0].json()["reservation"] != answers[1].json()["reservation"]


def test_a_requirement_that_is_not_met_is_403_with_what_would_meet_it(app, client, user):
    answer = app.get("/pro", headers=bearer(user.token))
    assert_problem(answer, 403, "plan_required")
    client.set_plan(user.id, "pro")
    assert app.get("/pro", headers=bearer(user.token)).status_code == 200


def test_a_full_window_is_429(app, client, user):
    client.gate(user.token, limits=[("api", 60)])
    answer = app.get("/me", headers=bearer(user.token))
    assert_problem(answer, 429, "rate_limited")
    assert answer.headers["ratelimit"].startswith('"api";r=0') and int(answer.headers["retry-after"]) > 0


def test_the_clients_address_is_counted_as_the_framework_sees_it_or_as_the_app_says(make, client, user, somewhere):
    app = make(client, client_ip=lambda request: somewhere)
    answers = [app.get("/network", headers=bearer(user.token)) for _ in range(11)]
    assert [answer.status_code for answer in answers] == [200] * 10 + [429]
    assert client.check_limit("visits", somewhere, peek=True).remaining == 0
    before = client.check_limit("visits", CLIENT_IP, peek=True).remaining
    make(client).get("/network", headers=bearer(user.token))
    assert before == 0 or client.check_limit("visits", CLIENT_IP, peek=True).remaining == before - 1


def test_the_request_keeps_its_id(app, user):
    assert app.get("/pro", headers=bearer(user.token, **{"X-Request-Id": "mine-7"})).json()["request_id"] == "mine-7"


def test_an_error_of_the_routes_own_call_is_a_problem_too(app, user):
    answer = app.get("/missing", headers=bearer(user.token))
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found") and answer.headers["ratelimit"]


def test_without_gatehouse_nobody_is_let_in_and_it_is_503(make, user, connect):
    app = make(connect(f"http://127.0.0.1:{free_port()}", "ghk_1x", timeout=5))
    answer = app.get("/me", headers=bearer(user.token))
    assert_problem(answer, 503, "unavailable")
    assert answer.headers["retry-after"] == "1" and "127.0.0.1" not in answer.text


@pytest.mark.parametrize("reply", [[http_answer(b"<html>"), "close"], ["close"], [60], [http_answer(b'{"decision": "allow"}')]])
def test_what_is_no_answer_lets_nobody_in(make, scripted, reply, connect):
    answer = make(connect(scripted(reply).url, "ghk_1x", timeout=0.5)).get("/me", headers=bearer("gh_1abc"))
    assert answer.status_code in (403, 503) and answer.headers["content-type"] == "application/problem+json"


def test_a_draining_gatehouse_is_503_with_its_own_retry_after(make, scripted, connect):
    reply = http_answer(b'{"code": "draining", "status": 503, "detail": "x", "request_id": "req_1"}', b"503 Busy", [b"Retry-After: 7"])
    answer = make(connect(scripted(reply).url, "ghk_1x", timeout=10)).get("/me", headers=bearer("gh_1abc"))
    assert_problem(answer, 503, "unavailable")
    assert answer.headers["retry-after"] == "7" and answer.json()["request_id"] == "req_1"


def test_a_wrong_key_or_policy_of_the_backend_never_logs_its_users_out(make, url, client, user, caplog, connect):
    caplog.set_level(logging.ERROR, "gatehouse")
    wrong_key = make(connect(url, "ghk_1wrong", timeout=30)).get("/me", headers=bearer(user.token))
    assert_problem(wrong_key, 503, "unavailable")
    assert_problem(make(client).get("/wrong", headers=bearer(user.token)), 503, "unavailable")
    assert "invalid_key" in caplog.text and "misspelled" not in wrong_key.text and user.token not in caplog.text


def test_64_threads_are_each_let_in_as_themselves(make, url, key, service, connect):
    users, wrong = [service.new_user() for _ in range(64)], []
    app = make(connect(url, key, timeout=60, connect_timeout=10, connections=8))

    def ask(user):
        for _ in range(3):
            if (answer := app.get("/me", headers=bearer(user.token))).json().get("user") != user.id:
                wrong.append(answer.text)

    threads = [threading.Thread(target=ask, args=(user,)) for user in users]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_an_answer_of_gatehouse_can_not_add_headers_of_its_choice(make, scripted, connect):
    reply = ALLOW[:-1] + b', "headers": {"Set-Cookie": "a=b", "RateLimit": "x"}}'
    answer = make(connect(scripted(http_answer(reply)).url, "ghk_1x", timeout=10)).get("/me", headers=bearer("gh_1abc"))
    assert answer.status_code == 200 and answer.headers["ratelimit"] == "x" and "set-cookie" not in answer.headers


def test_a_guard_over_the_asyncio_client_works_the_same(url, key, user, loop):
    client = AsyncGatehouse(url, key, timeout=30)
    app, guard = FastAPI(), FastAPIGuard(client)
    guard.install(app)
    app.get("/me")(lambda caller=Depends(guard()): caller.user.id)
    assert TestClient(app).get("/me", headers=bearer(user.token)).json() == user.id
    loop(client.close())


def test_a_guard_that_was_not_installed_says_so_and_lets_nobody_in(client, user):
    app = FastAPI()
    app.get("/me")(lambda caller=Depends(FastAPIGuard(client)()): caller.user.id)
    with pytest.raises(RuntimeError, match="install"):
        TestClient(app).get("/me", headers=bearer(user.token))


def test_a_guarded_flask_view_needs_no_install_and_keeps_its_name(client):
    guard = FlaskGuard(client)

    @guard()
    def view():
        """The rows that it shows."""

    assert (view.__name__, view.__doc__) == ("view", "The rows that it shows.")


def test_an_origin_given_as_text_is_refused_at_once(client):
    with pytest.raises(ValueError, match="list of origins"):
        FlaskGuard(client, allowed_origins=ORIGIN)
