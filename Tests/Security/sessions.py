"""Sessions: their tokens, their ends, and who may touch whose."""

import concurrent.futures
import sqlite3
import time

from Harness.claims import soon
from Harness.service import PASSWORD, Service, some_client

PARALLEL = 200
SHORT = "sessions: {web: {idle: 3s, absolute: 8s}}"
# A session that idles is dead by then: the touch is written at most once in a tenth of the idle time, which is allowed for twice.
IDLE_SECONDS, IDLE_LATEST_SECONDS, ABSOLUTE_SECONDS = 3.0, 3.0 * 1.2 + 1, 8.0


def run(claims, long):
    with Service(processes=2) as gatehouse:
        fixation(gatehouse, claims)
        reading_makes_none(gatehouse, claims)
        devices(gatehouse, claims)
        sensitive(gatehouse, claims)
        account_ends(gatehouse, claims)
        others(gatehouse, claims)
        logout_is_the_end(gatehouse, claims)
    with Service(configuration=SHORT) as gatehouse:
        timeouts(gatehouse, claims)


def status_of(gatehouse, token, process=0):
    return gatehouse.ask("GET", "/v1/session", None, token, process=process).status


def allowed(gatehouse, token, process=0):
    answer = gatehouse.ask("POST", "/v1/gate", {"token": token, "limits": []}, gatehouse.key("gate"), process=process)
    return answer.json["decision"] == "allow"


# ASVS: 7.2.1, 7.2.2, 7.2.4
def fixation(gatehouse, claims):
    user = gatehouse.new_user()
    presented = "gh_" + "1" * 67
    body = {"email": user.email, "password": PASSWORD}
    tokens = set()
    for headers in ({"Cookie": f"__Host-gatehouse={presented}"}, {"Cookie": f"__Host-gatehouse={user.token}"}, {}):
        answer = gatehouse.ask("POST", "/v1/sessions", body, None, headers)
        tokens.add(answer.json.get("token") if answer.status == 201 else f"{answer}")
    claims("every login makes a token of its own, whatever the client presents", len(tokens) == 3 and not tokens & {presented, user.token}, tokens)
    claims("a token that the client made up is none", status_of(gatehouse, presented) == 401)
    rotated = gatehouse.ask("POST", "/v1/session/reauthenticate", {"password": PASSWORD}, user.token)
    fresh = rotated.json["token"]
    claims("the password again gives another token", rotated.status == 200 and fresh != user.token and allowed(gatehouse, fresh))


# ASVS: 7.6.2
def reading_makes_none(gatehouse, claims):
    user = gatehouse.new_user()
    before = len(gatehouse.ask("GET", "/v1/sessions", None, user.token).json["data"])
    for path in ("/livez", "/readyz", "/openapi.json", "/v1/session", "/v1/auth/api"):
        answer = gatehouse.ask("GET", path)
        claims(f"GET {path} sets no cookie for a stranger", "set-cookie" not in answer.headers, answer.headers)
    after = len(gatehouse.ask("GET", "/v1/sessions", None, user.token).json["data"])
    claims("and opens no session", before == after == 1, (before, after))


# ASVS: 7.5.2, 14.2.6, 15.3.1
def devices(gatehouse, claims):
    user, stranger = gatehouse.new_user(), gatehouse.new_user()
    gatehouse.log_in(user.email)
    answer = gatehouse.ask("GET", "/v1/sessions", None, user.token)
    text = answer.body.decode()
    shown = {"id", "ip", "user_agent", "last_seen_at", "current"} <= set(answer.json["data"][0])
    claims("the list of devices has what tells them apart and no token", shown and "gh_" not in text and "hash" not in text, text)
    other = next(session["id"] for session in answer.json["data"] if not session["current"])
    foreign = gatehouse.ask("DELETE", f"/v1/sessions/{other}", None, stranger.token)
    claims("somebody else's device is 404", foreign.status == 404, foreign)
    claims("one's own ends", gatehouse.ask("DELETE", f"/v1/sessions/{other}", None, user.token).status == 204)


# ASVS: 7.5.1, 7.5.3
def sensitive(gatehouse, claims):
    user = gatehouse.new_user()
    other = gatehouse.log_in(user.email)
    ledger = sqlite3.connect(gatehouse.ledger, timeout=5)
    # An hour passes since the password was entered.
    of_user = "session_id IN (SELECT id FROM sessions WHERE user_id = ?)"
    ledger.execute(f"UPDATE session_tokens SET authenticated_at = authenticated_at - 3600000 WHERE {of_user}", (user.id,))
    ledger.commit()
    ledger.close()
    gatehouse.redis("flushall")
    for method, path, body in (("DELETE", "/v1/user", None), ("GET", "/v1/user/export", None), ("DELETE", "/v1/sessions", None)):
        answer = gatehouse.ask(method, path, body, user.token)
        refused = answer.status == 403 and answer.json["code"] == "reauthentication_required"
        claims(f"{method} {path} needs the password of late", refused, answer)
    fresh = gatehouse.ask("POST", "/v1/session/reauthenticate", {"password": PASSWORD}, user.token).json["token"]
    ended = gatehouse.ask("DELETE", "/v1/sessions", None, fresh)
    claims("after which it may", ended.status == 200 and ended.json["ended"] == 1 and status_of(gatehouse, other) == 401, ended)


# ASVS: 7.4.2, 8.3.2
def account_ends(gatehouse, claims):
    for what, act in (
        ("deleted", lambda user, token: gatehouse.ask("DELETE", "/v1/user", None, token)),
        ("suspended", lambda user, token: gatehouse.operate("PATCH", f"/v1/admin/users/{user.id}", {"status": "suspended", "reason": "a test"})),
    ):
        user = gatehouse.new_user()
        tokens = [user.token] + [gatehouse.log_in(user.email, process=number % 2) for number in range(4)]
        assert all(allowed(gatehouse, token) for token in tokens)
        answer = act(user, tokens[-1])
        left = [token for token in tokens for process in (0, 1) if allowed(gatehouse, token, process)]
        claims(f"an account that is {what} has no session left on either process", answer.status in (200, 204) and not left, (answer, left))
        body = {"email": user.email, "password": PASSWORD}
        answer = gatehouse.ask("POST", "/v1/sessions", body, gatehouse.key("accounts"), some_client())
        claims("nor a login", answer.status == 401, answer)


# ASVS: 8.1.1, 8.2.1, 8.2.2, 8.2.3, 8.3.1
def others(gatehouse, claims):
    owner, stranger = gatehouse.new_user(), gatehouse.new_user()
    made = gatehouse.ask("POST", "/v1/analyses", {"filename": "squat.mp4"}, owner.token, {"Idempotency-Key": "mine"})
    analysis = made.json["analysis"]["id"]
    for method in ("GET", "DELETE"):
        answer = gatehouse.ask(method, f"/v1/analyses/{analysis}", None, stranger.token)
        claims(f"{method} of somebody else's analysis is 404", answer.status == 404, answer)
    report = gatehouse.ask("PATCH", f"/v1/analyses/{analysis}", {"status": "failed", "error": {"code": "x", "message": "y"}}, owner.token)
    claims("a user can't report on their own analysis", report.status in (401, 403), report)
    taken = gatehouse.ask("POST", "/v1/analyses", {"reservation_id": made.json["analysis"]["reservation_id"]}, stranger.token, {"Idempotency-Key": "theirs"})
    claims("nor take somebody else's reservation", taken.status in (404, 409), taken)
    for method, path in (("GET", f"/v1/users/{owner.id}"), ("PUT", f"/v1/users/{owner.id}/plan"), ("POST", "/v1/gate"), ("GET", "/v1/users?email=a@b.de")):
        answer = gatehouse.ask(method, path, {} if method != "GET" else None, owner.token)
        claims(f"{method} {path.split('?')[0]} is no user's, their own neither", answer.status in (401, 403), answer)
    answer = gatehouse.ask("GET", "/v1/admin/users", None, owner.token)
    claims("operators' routes are not on the public listener", answer.status == 404, answer)


# ASVS: 7.4.1, 7.4.4
def logout_is_the_end(gatehouse, claims):
    user = gatehouse.new_user()
    token, kept = gatehouse.log_in(user.email), gatehouse.log_in(user.email)
    assert allowed(gatehouse, token)
    claims("logging out is 204, and again", [gatehouse.ask("DELETE", "/v1/session", None, token).status for _ in range(2)] == [204, 204])

    def verify(number):
        return allowed(gatehouse, token, number % 2)

    def nobody():
        with concurrent.futures.ThreadPoolExecutor(32) as pool:
            return not any(pool.map(verify, range(PARALLEL)))

    claims(f"none of {PARALLEL} calls at once gets in after it", nobody())
    gatehouse.kill_redis()
    for api in gatehouse.apis:
        api.kill()
    gatehouse.start_redis()
    for api in gatehouse.apis:
        api.start()
    claims("nor after Redis and both processes were killed", nobody() and allowed(gatehouse, kept))


# ASVS: 7.3.1, 7.3.2
def timeouts(gatehouse, claims):
    email = gatehouse.new_user().email
    start, idle = time.monotonic(), gatehouse.log_in(email)
    active = gatehouse.log_in(email)

    def use():
        # A session in use is seen every 20 ms, so it can only end by its absolute time.
        return not allowed(gatehouse, active)

    ended = soon(use, ABSOLUTE_SECONDS + 3)
    spent = time.monotonic() - start
    claims(f"a session in use ends at its absolute time of {ABSOLUTE_SECONDS:.0f} s", ended and ABSOLUTE_SECONDS - 1 < spent < ABSOLUTE_SECONDS + 2, spent)
    claims("one that idled ended before", not allowed(gatehouse, idle))
    start, idle = time.monotonic(), gatehouse.log_in(email)
    # Looking at it with a peek does not touch it.
    peek = {"token": idle, "limits": [], "peek": True}
    dead = soon(lambda: gatehouse.ask("POST", "/v1/gate", peek, gatehouse.key("gate")).json["decision"] == "unauthenticated", 10)
    spent = time.monotonic() - start
    holds = dead and IDLE_SECONDS <= spent + 0.1 <= IDLE_LATEST_SECONDS
    claims(f"an idle session lives {IDLE_SECONDS:.0f} s and ends by {IDLE_LATEST_SECONDS:.1f} s", holds, spent)
