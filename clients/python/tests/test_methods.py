"""Every method, against a running Gatehouse, of both clients (`either`)."""

import inspect
import pathlib
import re
from datetime import date, datetime, timedelta, timezone

import pytest
from gatehouse import (
    COOKIE,
    AsyncGatehouse,
    Conflict,
    Decision,
    Gatehouse,
    InvalidRequest,
    KeyRejected,
    Limit,
    LimitReached,
    NotFound,
    Refused,
    Require,
    Reserve,
    Unauthenticated,
    read_token,
)  # fmt: skip

from Harness.service import PASSWORD

TOKEN = "gh_1" + "a" * 40
METRIC = "video_analysis"
NEW_PASSWORD = "an even quieter canary sings"


def methods(kind):
    return {name for name, _ in inspect.getmembers(kind, callable) if not name.startswith("_")}


def test_both_clients_have_the_same_methods_with_the_same_arguments():
    assert methods(Gatehouse) == methods(AsyncGatehouse)
    for name in methods(Gatehouse) - {"close"}:
        assert inspect.signature(getattr(Gatehouse, name)) == inspect.signature(getattr(AsyncGatehouse, name))
        assert inspect.iscoroutinefunction(getattr(AsyncGatehouse, name))
        assert getattr(Gatehouse, name).__doc__


def test_no_method_is_without_a_call_in_this_file():
    called = set(re.findall(r"either\.(\w+)\(", pathlib.Path(__file__).read_text()))
    assert methods(Gatehouse) - {"close"} <= called


# The gate


def test_the_gate_lets_a_session_in_and_says_where_it_stands(either, user):
    answer = either.gate(user.token, limits=["api", ("upload", 3)], client_ip="203.0.113.7", user_agent="Firefox", request_id="mine-1")
    assert answer and answer.decision is Decision.ALLOW and answer.error is None and answer.raise_for_refusal() is answer
    assert (answer.user.id, answer.user.plan, answer.user.status) == (user.id, "free", "active")
    assert answer.session.session_class == "web" and answer.session.expires_at > datetime.now(timezone.utc)
    assert [(each.policy, each.remaining) for each in answer.limits] == [("api", 59), ("upload", 7)]
    assert answer.headers["RateLimit"].startswith('"api";r=59') and answer.raw["source"] == answer.source


def test_the_gate_reserves_once_for_one_key_and_refuses_the_next_unit(either, user):
    held = Reserve(METRIC, idempotency_key=f"upload-{user.id}", lease_seconds=60)
    first = either.gate(user.token, reserve=held).reservation
    assert first.status == "held" and first.lease_expires_at - datetime.now(timezone.utc) < timedelta(seconds=61)
    assert either.gate(user.token, reserve=held).reservation.id == first.id
    refused = either.gate(user.token, reserve=METRIC)
    assert not refused and refused.decision is Decision.ALLOWANCE_EXHAUSTED
    with pytest.raises(LimitReached) as raised:
        refused.raise_for_refusal()
    assert raised.value.code == "allowance_exhausted" and raised.value.status == 429
    assert raised.value.retry_after == refused.retry_after_seconds and raised.value.extras["metric"] == METRIC


def test_an_answer_carries_its_token_and_the_cookies_for_it(client, user):
    caller = client.gate(user.token)
    assert caller.token == user.token and user.token not in repr(caller)
    pair, *attributes = caller.set_cookie.split("; ")
    assert set(attributes) == {"Path=/", "Secure", "HttpOnly", "SameSite=Lax"} and read_token("GET", [("Cookie", pair)]) == user.token
    assert client.usage(caller.token).plan == "free"
    client.log_out(caller.token)
    assert caller.clear_cookie.startswith(f"{COOKIE}=; Path=/; ") and caller.clear_cookie.endswith("; Max-Age=0")
    refused = client.gate(user.token)
    assert refused.token == user.token and refused.set_cookie is None and [each.token for each in client.gate_batch([user.token])] == [user.token]


def test_the_cookie_of_a_remembered_session_lasts_as_long_as_it(client, user, service):
    token = service.ask("POST", "/v1/sessions", {"email": user.email, "password": PASSWORD, "class": "remember"}, service.key("accounts")).json["token"]
    caller = client.gate(token)
    seconds = int(caller.set_cookie.rpartition("Max-Age=")[2])
    assert 0 < seconds <= (caller.session.expires_at - caller.session.authenticated_at).total_seconds()


def test_a_peek_spends_nothing(either, user):
    assert either.gate(user.token, limits=[Limit("api", 5)], peek=True).limits[0].remaining == 60
    assert either.gate(user.token).limits[0].remaining == 59


@pytest.mark.parametrize(
    "question, decision, kind, status",
    [
        ({"require": Require(plan="pro")}, Decision.PLAN_REQUIRED, Refused, 403),
        ({"require": Require(email_verified=True)}, Decision.EMAIL_UNVERIFIED, Refused, 403),
        ({"limits": [("api", 61)]}, Decision.COST_EXCEEDS_LIMIT, Refused, 422),
    ],
)
def test_a_refusal_is_an_answer_with_a_typed_error(either, user, question, decision, kind, status):
    answer = either.gate(user.token, **question)
    assert not answer.allowed and answer.decision is decision
    assert type(answer.error) is kind and (answer.error.code, answer.error.status) == (decision.value, status)


@pytest.mark.parametrize("token", ["", "gh_1forged", "Bearer gh_1x", "ghk_1notasession", "gh_1" + "x" * 5000, "gh_ü", "gh_1\r\nX: y"])
def test_what_is_no_token_is_unauthenticated_and_never_an_exception(either, token):
    answer = either.gate(token)
    assert answer.decision is Decision.UNAUTHENTICATED and type(answer.error) is Unauthenticated
    assert answer.error.status == 401 and "WWW-Authenticate" in answer.error.headers


def test_a_full_window_says_when_to_come_back(either, user):
    assert either.gate(user.token, limits=[("upload", 10)])
    answer = either.gate(user.token, limits=["upload"])
    assert answer.decision is Decision.RATE_LIMITED and answer.retry_after_seconds > 0
    assert answer.error.retry_after == answer.retry_after_seconds and answer.error.extras["violated-policies"] == ["upload"]


def test_a_batch_is_answered_in_order_and_a_wrong_item_fails_alone(either, service, user):
    other = service.new_user()
    questions = [user.token, {"token": other.token, "limits": ["upload"]}, "gh_1forged", {"token": user.token, "limits": ["nothing"]}]
    first, second, forged, wrong = either.gate_batch(questions)
    assert (first.user.id, second.user.id) == (user.id, other.id) and second.limits[0].policy == "upload"
    assert forged.decision is Decision.UNAUTHENTICATED and not forged
    assert not wrong and isinstance(wrong.error, InvalidRequest) and wrong.error.fields[0]["code"] == "unknown_policy"


def test_a_wrong_question_names_the_wrong_field(either, user):
    with pytest.raises(InvalidRequest) as raised:
        either.gate(user.token, limits=["nothing"])
    assert raised.value.code == "invalid_fields" and raised.value.request_id and raised.value.fields[0]["field"] == "limits"


def test_any_subject_can_be_counted(either, user):
    answer = either.check_limit("seats", f"org:{user.id}", cost=4)
    assert answer and (answer.limit, answer.remaining) == (10, 6)
    refused = either.check_limit("seats", f"org:{user.id}", cost=7)
    assert not refused and refused.retry_after_seconds > 0
    assert either.check_limit("seats", f"org:{user.id}", cost=6, peek=True).allowed
    with pytest.raises(NotFound):
        either.check_limit("no/such policy", "x")


# Accounts


def test_a_user_signs_up_and_is_found(either, service, password):
    email = f"mia{service.new_user().id}@example.com"
    user = either.sign_up(email, password, name="Mia Ø", time_zone="Europe/Berlin", external_id=f"x-{email}", client_ip="203.0.113.9", user_agent="Ünix 1")
    assert (user.email, user.name, user.time_zone, user.plan, user.email_verified) == (email, "Mia Ø", "Europe/Berlin", "free", False)
    assert either.user(user.id) == user == either.find_user(email=email) == either.find_user(external_id=f"x-{email}")
    assert either.find_user(email="nobody@example.com") is None
    with pytest.raises(Conflict, match="email_taken"):
        either.sign_up(email, password)
    with pytest.raises(InvalidRequest) as raised:
        either.sign_up("two" + email, "password")
    assert [each["field"] for each in raised.value.fields] == ["password"]
    with pytest.raises(NotFound):
        either.user("usr_none")


def test_an_external_id_is_set_and_cleared(either, user):
    assert either.set_external_id(user.id, f"app-{user.id}").external_id == f"app-{user.id}"
    assert either.set_external_id(user.id, None).external_id is None


def test_a_plan_changes_at_once(either, user):
    end = datetime.now(timezone.utc) + timedelta(days=30)
    changed = either.set_plan(user.id, "pro", ends_at=end, reason="invoice 2041")
    assert changed.plan == "pro" and abs(changed.plan_ends_at - end) < timedelta(milliseconds=1)
    assert either.gate(user.token).user.plan == "pro"
    assert either.set_plan(user.id, "coach").plan_ends_at is None
    with pytest.raises(InvalidRequest, match="plan"):
        either.set_plan(user.id, "gold")
    with pytest.raises(ValueError, match="time zone"):
        either.set_plan(user.id, "pro", ends_at=datetime(2030, 1, 1))


def test_an_address_is_verified_and_changed_by_mail(either, user):
    mail = either.request_verification(user.id)
    assert mail.to == user.email and mail.token not in repr(mail) and mail.expires_at > datetime.now(timezone.utc)
    assert either.complete_verification(mail.token, client_ip="203.0.113.9").email_verified
    assert either.request_verification(user.id) is None
    with pytest.raises(Conflict, match="token_spent"):
        either.complete_verification(mail.token)
    assert either.change_account(user.token, email="new" + user.email).pending_email == "new" + user.email
    assert either.change_account(user.token, pending_email=None).pending_email is None
    assert either.change_account(user.token, email="new" + user.email).pending_email == "new" + user.email
    changed = either.complete_verification(either.request_verification(user.id).token)
    assert changed.email == "new" + user.email and changed.pending_email is None


def test_a_password_is_reset_by_mail_and_every_session_ends(either, user):
    assert either.request_reset("nobody@example.com") is None
    mail = either.request_reset(user.email, client_ip="203.0.113.9")
    with pytest.raises(InvalidRequest):
        either.complete_reset(mail.token, "short")
    assert either.complete_reset(mail.token, NEW_PASSWORD).id == user.id
    with pytest.raises(Unauthenticated):
        either.session(user.token)
    assert either.log_in(user.email, NEW_PASSWORD).user.email_verified


def test_the_feed_tells_what_happened_and_where_to_go_on(either, user):
    seen, cursor = [], None
    while True:
        page = either.events(limit=100, cursor=cursor)
        cursor = page.next_cursor
        if not page.data:
            break
        seen += page.data
    assert [each.type for each in seen if each.user_id == user.id][:2] == ["user.created", "session.created"]
    either.set_plan(user.id, "pro", reason="test")
    told = [each for each in either.events(cursor=cursor).data if each.user_id == user.id]
    assert [(each.type, each.data["plan"], each.external_id) for each in told] == [("plan.changed", "pro", None)]


def test_a_login_gives_a_token_or_a_cookie(either, user, password, somewhere):
    login = either.log_in(user.email, password, session_class="mobile", device="Pixel 9", client_ip=somewhere, user_agent="App 3.2")
    assert login.session.ip == somewhere and login.session.user_agent == "App 3.2" and login.session.device == "Pixel 9"
    assert login.session.session_class == "mobile" and login.user.id == user.id and login.set_cookie is None and login.sessions_ended == 0
    assert either.session(login.token).session.id == login.session.id
    cookie = either.log_in(user.email, password, transport="cookie", client_ip=somewhere)
    assert cookie.token is None and cookie.set_cookie.startswith("__Host-gatehouse=gh_")
    with pytest.raises(Unauthenticated, match="invalid_login"):
        either.log_in(user.email, "a wrong one", client_ip=somewhere)


def test_a_session_ends_at_logout(either, user):
    assert either.session(user.token).user.email == user.email
    assert either.log_out(user.token) is None and either.log_out(user.token) is None
    assert either.gate(user.token).decision is Decision.UNAUTHENTICATED
    with pytest.raises(Unauthenticated):
        either.session(user.token)


def test_devices_are_listed_page_by_page_and_ended(either, service, user):
    tokens = [service.log_in(user.email) for _ in range(3)]
    first = either.sessions(user.token, limit=2)
    second = either.sessions(user.token, limit=2, cursor=first.next_cursor)
    devices = first.data + second.data
    assert len({device.id for device in devices}) == 4 and devices[0].current and second.next_cursor is None
    other = either.session(tokens[0]).session.id
    either.end_session(user.token, other)
    assert not either.gate(tokens[0]) and either.gate(tokens[1])
    with pytest.raises(NotFound):
        either.end_session(user.token, other)
    assert either.end_sessions(user.token) == 2 and not either.gate(tokens[1]) and either.gate(user.token)
    assert either.end_sessions(user.token, include_current=True) == 1 and not either.gate(user.token)


def test_a_token_is_renewed(either, user, password, somewhere):
    rotated = either.rotate(user.token)
    assert rotated.token != user.token and either.gate(rotated.token)
    again = either.reauthenticate(rotated.token, password, client_ip=somewhere, user_agent="App 3.2")
    assert again.session.id == rotated.session.id and either.gate(again.token)
    changed = either.change_password(again.token, password, NEW_PASSWORD, client_ip=somewhere)
    assert either.gate(changed.token).session.id == rotated.session.id
    with pytest.raises(Refused):
        either.change_password(changed.token, "not the password", NEW_PASSWORD)


def test_what_a_backend_reads_for_a_user_costs_the_user_nothing(either, service, url, user):
    for _ in range(3):
        either.session(user.token), either.usage(user.token), either.analyses(token=user.token)
    assert either.gate(user.token, peek=True).limits[0].remaining == 60
    with Gatehouse(url, service.key("gate"), timeout=30) as narrow:
        assert narrow.session(user.token).user.id == user.id
        with pytest.raises(KeyRejected, match="scope_missing"):
            narrow.reauthenticate(user.token, "x", client_ip="203.0.113.9")
    # A call that is refused for what it brings costs nothing; the one with a narrow key costs what the user's own does.
    assert either.gate(user.token, peek=True).limits[0].remaining == 59


def test_a_backend_sees_and_ends_its_users_sessions(either, service, user):
    tokens = [user.token] + [service.log_in(user.email) for _ in range(2)]
    first = either.user_sessions(user.id, limit=2)
    second = either.user_sessions(user.id, limit=2, cursor=first.next_cursor)
    assert len({each.id for each in first.data + second.data}) == 3 and not any(each.current for each in first.data)
    either.end_user_session(user.id, either.session(tokens[2]).session.id)
    assert not either.gate(tokens[2]) and either.gate(tokens[1])
    with pytest.raises(NotFound):
        either.end_user_session(user.id, "ses_00000000000000")
    assert either.end_user_sessions(user.id, reason="lost phone") == 2 and not either.gate(tokens[1])
    assert either.user_usage(user.id).data[0].remaining == 1


def test_a_backend_suspends_and_deletes_its_users(either, service, user):
    assert either.suspend_user(user.id, "chargeback").status == "suspended"
    assert either.gate(user.token).decision is Decision.SUSPENDED
    assert either.lift_suspension(user.id, reason="paid").status == "active"
    token = service.log_in(user.email)
    assert either.delete_user(user.id, reason="asked for") is None
    assert either.gate(token).decision is Decision.UNAUTHENTICATED
    with pytest.raises(NotFound):
        either.delete_user(user.id)


def test_an_account_is_read_changed_exported_and_deleted(either, user):
    assert either.account(user.token).id == user.id
    changed = either.change_account(user.token, name="Mia", time_zone="Asia/Tokyo")
    assert (changed.name, changed.time_zone) == ("Mia", "Asia/Tokyo")
    assert either.change_account(user.token, name=None).name is None
    assert either.export_account(user.token)["user"]["id"] == user.id
    either.delete_account(user.token)
    assert not either.gate(user.token)


# Work


def test_an_analysis_runs_and_commits_its_unit(either, user):
    held = either.gate(user.token, reserve=METRIC).reservation
    started = either.start_analysis(
        user_id=user.id, reservation_id=held.id, filename="squat.mp4", metadata={"athlete": "17"}, lease_seconds=600,
        idempotency_key=held.id)  # fmt: skip
    assert started.analysis.status == "pending" and started.analysis.reservation_id == held.id and started.allowance.held == 1
    assert either.report_running(started.analysis.id, lease_seconds=900).analysis.status == "running"
    done = either.report_completed(started.analysis.id, {"score": 36.1, "note": "für Mia"})
    assert done.analysis.result == {"score": 36.1, "note": "für Mia"} and (done.allowance.used, done.allowance.remaining) == (1, 0)
    assert either.report_completed(started.analysis.id, {"score": 36.1, "note": "für Mia"}).analysis.status == "completed"
    with pytest.raises(Conflict, match="invalid_transition"):
        either.report_failed(started.analysis.id, "late", "too late")
    assert either.analysis(started.analysis.id, token=user.token).filename == "squat.mp4"
    listed = either.analyses(user_id=user.id, status="completed", include_result=True, start=datetime(2020, 1, 1, tzinfo=timezone.utc))
    assert [each.result["score"] for each in listed.data] == [36.1]
    assert either.analyses(token=user.token).data[0].result is None
    either.delete_analysis(started.analysis.id)
    with pytest.raises(NotFound):
        either.analysis(started.analysis.id)


def test_a_failed_or_cancelled_analysis_costs_nothing(either, user):
    started = either.start_analysis(token=user.token, filename="squat.mp4")
    with pytest.raises(LimitReached, match="allowance_exhausted") as raised:
        either.start_analysis(user_id=user.id)
    assert raised.value.retry_after > 0 and raised.value.extras["limit"] == 1
    failed = either.report_failed(started.analysis.id, "unsupported_codec", "AV1 is not supported")
    assert failed.analysis.error["code"] == "unsupported_codec" and failed.allowance.remaining == 1
    again = either.start_analysis(user_id=user.id)
    either.delete_analysis(again.analysis.id, token=user.token)
    assert either.usage(user.token).data[0].remaining == 1


def test_reservations_are_extended_committed_in_part_and_released(either, user):
    either.set_plan(user.id, "pro")
    held = either.reserve(user.id, METRIC, amount=10, lease_seconds=60, idempotency_key=f"r-{user.id}")
    assert either.reserve(user.id, METRIC, amount=10, lease_seconds=60, idempotency_key=f"r-{user.id}").reservation == held.reservation
    longer = either.extend(held.reservation.id, 600).reservation
    assert longer.lease_expires_at > held.reservation.lease_expires_at
    done = either.commit(held.reservation.id, 7)
    assert (done.reservation.committed, done.reservation.status, done.allowance.used, done.allowance.limit) == (7, "committed", 7, None)
    second = either.reserve(user.id, METRIC).reservation
    assert either.release(second.id).reservation.status == "released"
    assert either.commit(either.reserve(user.id, METRIC, amount=2).reservation.id).reservation.committed == 2
    assert either.reserve(user.id, METRIC, commit=True).reservation.status == "committed"
    with pytest.raises(InvalidRequest, match="idempotency_key_reused"):
        either.reserve(user.id, METRIC, amount=9, idempotency_key=f"r-{user.id}")


def test_usage_is_told_by_day_and_event(either, user):
    either.reserve(user.id, METRIC, commit=True)
    usage = either.usage(user.token)
    assert (usage.plan, usage.data[0].metric, usage.data[0].used, usage.data[0].bonus) == ("free", METRIC, 1, 0)
    today = date.fromisoformat(usage.period["starts_at"][:10])
    history = either.usage_history(user.token, today - timedelta(days=1), today + timedelta(days=1), metric=METRIC)
    assert [(day.date, day.used) for day in history.data] == [(str(today - timedelta(days=1)), 0), (str(today), 1)]
    when = datetime(2026, 1, 2, 3, 4, 5, 678_000, tzinfo=timezone.utc)
    events = [{"user_id": user.id, "action": "export", "occurred_at": when}, {"user_id": user.id, "action": "login", "metadata": {"a": 1}}]
    for _ in range(2):
        assert either.record_events(events, idempotency_key=f"e-{user.id}") == 2
    told = either.usage_events(user.token, start="2026-01-01", end=datetime.now(timezone.utc) + timedelta(days=1), limit=10).data
    assert {"export", "login"} <= {event.action for event in told}
    assert [event.occurred_at for event in told if event.action == "export"] == [when]


# Anything


def test_readiness_is_told(either):
    assert either.ready().ledger == "up" and either.ready().status in ("ready", "degraded")


def test_any_other_call_can_be_made(either, user):
    answer = either.call("GET", "/v1/session", token=user.token)
    assert answer.status == 200 and answer.json["user"]["id"] == user.id and answer.headers["cache-control"] == "no-store"
    with pytest.raises(NotFound):
        either.call("POST", "/v1/nothing", {})
