"""The clock of the API's host goes wrong: no deadline moves, no unit is given. Needs libfaketime."""

import os
import pathlib
import time
from datetime import datetime, timezone

from claims import soon
from service import Failure, Service

LIBRARIES = ("/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1", "/usr/lib/aarch64-linux-gnu/faketime/libfaketimeMT.so.1")
STEPS = {"an hour back": "-3600", "a day ahead": "+86400"}
SLACK_SECONDS = 5


def instant(text):
    return datetime.strptime(text, "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=timezone.utc).timestamp()


def run(claims):
    library = next((path for path in LIBRARIES if os.path.exists(path)), None)
    if not library:
        raise Failure("libfaketime is not installed")
    for redis_is_up in (True, False):
        for step, offset in STEPS.items():
            one_step(claims, library, step, offset, redis_is_up)


def one_step(claims, library, step, offset, redis_is_up):
    where = f"{step}, Redis {'up' if redis_is_up else 'away'}"
    with Service() as gatehouse:
        offsets = pathlib.Path(gatehouse.folder) / "offset"
        offsets.write_text("+0")
        api = gatehouse.apis[0]
        api.kill()
        gatehouse.environment |= {
            "LD_PRELOAD": library, "FAKETIME_TIMESTAMP_FILE": str(offsets), "FAKETIME_NO_CACHE": "1", "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        }
        # Through env, since the library's first process loses its arguments to the variable that the library sets in it.
        api.start(wrapper=["env"])
        key, work = gatehouse.key("gate"), gatehouse.key("work")
        user = gatehouse.new_user()
        soon(lambda: gatehouse.ask("POST", "/v1/gate", {"token": user.token}, key).json["source"] == "redis", 10)
        reserve = {"user_id": user.id, "metric": "video_analysis"}
        first = gatehouse.ask("POST", "/v1/reservations", reserve, work, {"Idempotency-Key": "first"})
        before = first.json["allowance"]["resets_at"]
        if not redis_is_up:
            gatehouse.kill_redis()
        offsets.write_text(offset)
        faked = soon(lambda: abs(http_date(gatehouse) - time.time() - float(offset)) < SLACK_SECONDS, 20)
        claims(f"{where}: the host's clock is wrong", faked is not None, http_date(gatehouse))
        # Long enough for the lease to notice that Redis is away.
        soon(lambda: False, 0.7)
        answer = gatehouse.ask("POST", "/v1/gate", {"token": user.token, "limits": []}, key)
        claims(f"{where}: the session verifies", answer.json["decision"] == "allow", answer)
        second = gatehouse.ask("POST", "/v1/reservations", reserve, work, {"Idempotency-Key": "second"})
        claims(f"{where}: the spent unit stays spent until the same end", second.status == 429 and second.json["resets_at"] == before, second)
        made = gatehouse.ask("GET", "/v1/sessions", bearer=gatehouse.log_in(user.email)).json["data"][0]
        claims(f"{where}: a new session begins now", abs(instant(made["created_at"]) - time.time()) < SLACK_SECONDS, made)
        offsets.write_text("+0")
        if not redis_is_up:
            gatehouse.start_redis()


def http_date(gatehouse):
    """What the process takes for the time: the Date of a refusal that is written without a cache."""
    date = gatehouse.ask("GET", "/livez", headers={"Expect": "nothing"}).headers["date"]
    return datetime.strptime(date, "%a, %d %b %Y %H:%M:%S GMT").replace(tzinfo=timezone.utc).timestamp()
