"""The demonstration: a service of its own, its promises one after another, as a transcript. Exit status 0 only if every step held."""

import json
import pathlib
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "Tests"))

from Harness import service, wire

ROOT = pathlib.Path(__file__).resolve().parents[1]
USERS = 20
GATED_CALLS = 1_000
WINDOW_LIMIT, WINDOW_SECONDS = 5, 2
CONFIGURATION = f"""
policies:
  names: [api, upload, login_pair, login_account, login_network, signup_network, mail_account, demo]
  api: {{limit: 5000}}
  demo: {{by: user, limit: {WINDOW_LIMIT}, window: {WINDOW_SECONDS}s, cells: 60, shadow: false}}
"""


class Broken(Exception):
    """A step did not hold."""


ERRORS = (Broken, service.Failure, wire.NoAnswer, wire.NotSent)


def title(text):
    print(f"\n\033[1m{text}\033[0m" if sys.stdout.isatty() else f"\n{text}", flush=True)


def held(claim, holds, answer=None):
    print(f"  {'ok ' if holds else 'NOT'}  {claim}", flush=True)
    if not holds:
        raise Broken(f"{claim}{'' if answer is None else f': {answer}'}")


def start_analysis(gatehouse, token, key, filename):
    headers = {"Idempotency-Key": key}
    return gatehouse.ask("POST", "/v1/analyses", {"filename": filename}, token, headers)


def sign_up(gatehouse):
    title(f"1. {USERS} users sign up, and log in from two devices each")
    users = [gatehouse.new_user(f"user{number}@example.com") for number in range(USERS)]
    second = [gatehouse.log_in(user.email) for user in users]
    devices = gatehouse.ask("GET", "/v1/sessions", bearer=users[0].token)
    held("user0 sees two devices, the current one first", [d["current"] for d in devices.json["data"]] == [True, False], devices)
    return users, second


def gate(gatehouse, users):
    title(f"2. The gate: {GATED_CALLS} calls, one Redis round trip each")
    key = gatehouse.key("gate")
    connection = wire.HTTP(gatehouse.apis[0].port)
    start = time.monotonic()
    right = 0
    for number in range(GATED_CALLS):
        user = users[number % len(users)]
        answer = connection.ask("POST", "/v1/gate", {"token": user.token}, key)
        right += answer.json["decision"] == "allow" and answer.json["user"]["id"] == user.id
    connection.close()
    seconds = time.monotonic() - start
    held(f"{right} of {GATED_CALLS} allowed, each as the user who asked ({GATED_CALLS / seconds:.0f} a second over one connection)", right == GATED_CALLS)


def window(gatehouse, user):
    title(f"3. A window is a window: at most {WINDOW_LIMIT} in any {WINDOW_SECONDS} seconds")
    key = gatehouse.key("gate")
    body = {"token": user.token, "limits": [{"policy": "demo"}]}
    decisions = [gatehouse.ask("POST", "/v1/gate", body, key).json["decision"] for _ in range(WINDOW_LIMIT)]
    held(f"{WINDOW_LIMIT} pass", decisions == ["allow"] * WINDOW_LIMIT, decisions)
    refused = gatehouse.ask("POST", "/v1/gate", body, key)
    wait = refused.json["retry_after_seconds"]
    held(f"the next is refused: {refused.json['problem']['detail']}", refused.json["decision"] == "rate_limited", refused)
    time.sleep(wait)
    reopened = gatehouse.ask("POST", "/v1/gate", body, key)
    held(f"after those {wait} seconds it passes again", reopened.json["decision"] == "allow", reopened)


def allowance(gatehouse, user, results):
    title("4. The free plan has one video analysis a day")
    work = gatehouse.key("work")
    first = start_analysis(gatehouse, user.token, "squat-1", "squat.mp4")
    held("the first analysis starts", first.status == 201, first)
    again = start_analysis(gatehouse, user.token, "squat-1", "squat.mp4")
    same = again.json["analysis"]["id"] == first.json["analysis"]["id"]
    held("a retry with the same Idempotency-Key gives the first answer", same and again.headers.get("idempotency-replayed") == "true", again)
    second = start_analysis(gatehouse, user.token, "squat-2", "squat.mp4")
    held(f"the second is 429, resets_at {second.json.get('resets_at')}", second.status == 429 and second.json["resets_at"], second)
    failure = {"status": "failed", "error": {"code": "unsupported_codec", "message": "AV1 is not supported"}}
    failed = gatehouse.ask("PATCH", f"/v1/analyses/{first.json['analysis']['id']}", failure, work)
    held("the job fails: its unit returns", failed.status == 200 and failed.json["allowance"]["remaining"] == 1, failed)
    third = start_analysis(gatehouse, user.token, "squat-3", "squat.mp4")
    held("so another can start", third.status == 201, third)
    path = f"/v1/analyses/{third.json['analysis']['id']}"
    done = gatehouse.ask("PATCH", path, {"status": "completed", "result": results[0]["result"]}, work)
    held("it completes with a real result: the unit is used", done.status == 200 and done.json["allowance"]["used"] == 1, done)
    stored = gatehouse.ask("GET", path, bearer=user.token)
    held(f"the result reads back as it was written ({len(stored.body)} bytes)", stored.json["result"] == results[0]["result"])


def upgrade(gatehouse, user, results):
    title(f"5. An upgrade to pro, live, and {len(results) - 1} analyses of a real history")
    body = {"plan": "pro", "reason": "demonstration"}
    changed = gatehouse.ask("PUT", f"/v1/users/{user.id}/plan", body, gatehouse.key("accounts"))
    held("the plan changes", changed.status == 200 and changed.json["plan"] == "pro", changed)
    work = gatehouse.key("work")
    connection = wire.HTTP(gatehouse.apis[0].port)
    for number, one in enumerate(results[1:]):
        body = {"user_id": user.id, "filename": one["filename"]}
        made = connection.ask("POST", "/v1/analyses", body, work, {"Idempotency-Key": f"history-{number}"})
        path = f"/v1/analyses/{made.json['analysis']['id']}"
        done = connection.ask("PATCH", path, {"status": "completed", "result": one["result"]}, work)
        if (made.status, done.status) != (201, 200):
            raise Broken(f"{made} {done}")
    connection.close()
    usage = gatehouse.ask("GET", "/v1/usage", bearer=user.token).json["data"][0]
    held(f"{usage['used']} used today, no limit", usage["used"] == len(results) and usage["limit"] is None, usage)


def crash(gatehouse, tokens):
    title("6. SIGKILL to the API and to Redis")
    gatehouse.apis[0].kill()
    gatehouse.kill_redis()
    held("both are gone", not gatehouse.apis[0].running)
    gatehouse.start_redis()
    gatehouse.apis[0].start()
    statuses = [gatehouse.ask("GET", "/v1/session", bearer=token).status for token in tokens]
    held(f"{statuses.count(200)} of {len(tokens)} sessions are still valid", statuses.count(200) == len(tokens), statuses)


def log_out(gatehouse, user, second):
    title("7. One device ends, then all")
    held("the second device logs out", gatehouse.ask("DELETE", "/v1/session", bearer=second).status == 204)
    held("its next request is 401", gatehouse.ask("GET", "/v1/session", bearer=second).status == 401)
    held("the first is still in", gatehouse.ask("GET", "/v1/session", bearer=user.token).status == 200)
    ended = gatehouse.ask("DELETE", "/v1/sessions?include_current=true", bearer=user.token)
    held("all of them end", ended.status == 200 and ended.json == {"ended": 1}, ended)
    held("and the first is out as well", gatehouse.ask("GET", "/v1/session", bearer=user.token).status == 401)


def main():
    results = [json.loads(line) for line in (ROOT / "Tests/Fixtures/results.jsonl").read_text().splitlines()]
    print("Starting Redis and Gatehouse on a data folder of their own ...", flush=True)
    start = time.monotonic()
    with service.Service(cheap_hashing=False, configuration=CONFIGURATION) as gatehouse:
        users, second = sign_up(gatehouse)
        steps = [
            lambda: gate(gatehouse, users),
            lambda: window(gatehouse, users[1]),
            lambda: allowance(gatehouse, users[2], results),
            lambda: upgrade(gatehouse, users[2], results),
            lambda: crash(gatehouse, [user.token for user in users] + second),
            lambda: log_out(gatehouse, users[0], second[0]),
        ]
        broken = [error for error in map(tried, steps) if error]
        gatehouse.kept = bool(broken)
    print(f"\n{1 + len(steps) - len(broken)} of {1 + len(steps)} steps held ({time.monotonic() - start:.1f} s). All that was started is stopped.")
    return 1 if broken else 0


def tried(step):
    """The error that broke a step, or None: the steps after it are shown all the same."""
    try:
        step()
    except ERRORS as error:
        print(f"  This step broke: {error}", flush=True)
        return error


if __name__ == "__main__":
    try:
        sys.exit(main())
    except ERRORS as error:
        print(f"\nThe demonstration could not begin: {error}", file=sys.stderr)
        sys.exit(1)
