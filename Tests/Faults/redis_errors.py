"""Every way in which Redis can say no: the ledger answers instead, nobody is logged out, nothing is granted twice."""

import time

from Harness.claims import slowest, soon
from Harness.service import Service
from liar import Liar

RECOVERY_SECONDS = 1.0
# After so long the lease has run out, whatever Redis said last.
LEASE_SECONDS = 0.6

KINDS = {
    "LOADING": b"-LOADING Redis is loading the dataset in memory\r\n",
    "MISCONF": b"-MISCONF Errors writing to the AOF file: No space left on device\r\n",
    "OOM": b"-OOM command not allowed when used memory > 'maxmemory'.\r\n",
    "READONLY": b"-READONLY You can't write against a read only replica.\r\n",
    "BUSY": b"-BUSY Redis is busy running a script.\r\n",
    "NOAUTH": b"-NOAUTH Authentication required.\r\n",
    "NOPERM": b"-NOPERM this user has no permissions to run the 'evalsha' command\r\n",
    "NOSCRIPT": b"-NOSCRIPT No matching script. Please use EVAL.\r\n",
    "MASTERDOWN": b"-MASTERDOWN Link with MASTER is down\r\n",
    "an unknown error": b"-WHAT nobody knows\r\n",
    "an answer of another type": b"+OK\r\n",
    "bytes that are no protocol": b"\x00\xffgarbage\r\n",
}


def switch_on(proxy, kind):
    if kind == "no answer":
        proxy.lie = b""
    elif kind == "a reset in the middle of a reply":
        proxy.cuts = True
    elif kind == "too many clients":
        proxy.greeting = b"-ERR max number of clients reached\r\n"
        proxy.drop_all()
    else:
        proxy.lie = KINDS[kind]


def heal(proxy):
    proxy.lie, proxy.greeting, proxy.cuts = None, None, False
    proxy.drop_all()


def source(gatehouse, key, user):
    answer = gatehouse.ask("POST", "/v1/gate", {"token": user.token, "limits": []}, key)
    return answer.json["source"] if answer.status == 200 and answer.json["decision"] == "allow" else answer


def one_kind(gatehouse, claims, kind):
    key, work = gatehouse.key("gate"), gatehouse.key("work")
    user = gatehouse.new_user()
    leaving = gatehouse.log_in(user.email)
    proxy = gatehouse.proxy
    # Redis is asked again at an interval; what it then takes to be believed is some calls.
    bound = RECOVERY_SECONDS + 10 * slowest(lambda: source(gatehouse, key, user))
    before = proxy.answered
    switch_on(proxy, kind)
    statuses, worst = [], 0
    end = time.monotonic() + LEASE_SECONDS
    while time.monotonic() < end:
        for method, path, body, bearer in (
            ("GET", "/v1/session", None, user.token),
            ("POST", "/v1/gate", {"token": user.token, "limits": []}, key),
        ):
            start = time.monotonic()
            statuses.append(gatehouse.ask(method, path, body, bearer).status)
            worst = max(worst, time.monotonic() - start)
    # The session's own route costs a unit of its window, so it may say 429; never that nobody is there.
    right = all(status in (200, 429) for status in statuses)
    claims(f"{kind}: signed-in users stay in ({len(statuses)} calls, slowest {worst * 1000:.0f} ms)", right, sorted(set(statuses)))
    claims(f"{kind}: it was really said", proxy.answered > before, proxy.answered)
    claims(f"{kind}: the ledger answers", source(gatehouse, key, user) == "ledger", source(gatehouse, key, user))
    reserve = {"user_id": user.id, "metric": "video_analysis"}
    grants = [gatehouse.ask("POST", "/v1/reservations", reserve, work, {"Idempotency-Key": f"{user.id}-{n}"}).status for n in range(3)]
    claims(f"{kind}: the allowance is exact", sorted(grants) == [201, 429, 429], grants)
    ended = gatehouse.ask("DELETE", "/v1/session", bearer=leaving).status
    after = gatehouse.ask("GET", "/v1/session", bearer=leaving).status
    claims(f"{kind}: a logout holds at once", (ended, after) == (204, 401), (ended, after))
    heal(proxy)
    back = soon(lambda: source(gatehouse, key, user) == "redis", 10)
    claims(f"{kind}: Redis decides again, {back or 0:.2f} s after it answers", back is not None and back <= bound, (back, bound))
    revived = gatehouse.ask("GET", "/v1/session", bearer=leaving).status
    again = gatehouse.ask("POST", "/v1/reservations", reserve, work, {"Idempotency-Key": f"{user.id}-again"}).status
    claims(f"{kind}: and neither the ended session nor the spent unit is back", (revived, again) == (401, 429), (revived, again))


def foreign_keys(gatehouse, claims):
    key = gatehouse.key("gate")
    for words in (("set", "text"), ("rpush", "item"), ("sadd", "member")):
        user = gatehouse.new_user()
        routing = user.id.removeprefix("usr_")
        for name in (f"gh:{{{routing}}}", f"gh:{{{routing}}}:rl"):
            gatehouse.redis("del", name)
            gatehouse.redis(words[0], name, words[1])
        answer = gatehouse.ask("POST", "/v1/gate", {"token": user.token}, key)
        right = answer.status == 200 and answer.json["decision"] == "allow" and answer.json["source"] == "redis"
        claims(f"WRONGTYPE ({words[0]} in a user's keys): taken away and rebuilt", right, answer)


def evicting(claims):
    """An operator lets Redis evict: failed logins that it forgets are counted all the same, and it is said."""
    with Service() as gatehouse:
        user, attempts = gatehouse.new_user(), 40
        gatehouse.redis("config", "set", "maxmemory-policy", "allkeys-lru")
        said = soon(lambda: "evict" in gatehouse.apis[0].tail() and not gatehouse.apis[0].ready(("ready",)), 15)
        claims("a Redis that may evict: the log says so, and /readyz is degraded", said is not None, gatehouse.apis[0].tail())
        statuses = []
        for _ in range(attempts):
            # As if each counter were evicted at once.
            for name in gatehouse.redis("keys", "gh:*"):
                if b"own:" in name or b"sub:" in name or b"ip:" in name:
                    gatehouse.redis("del", name)
            statuses.append(gatehouse.ask("POST", "/v1/sessions", {"email": user.email, "password": "not this one"}).status)
        claims(f"and {attempts} guesses at one account are limited", 429 in statuses and set(statuses) == {401, 429}, statuses)
        gatehouse.redis("config", "set", "maxmemory-policy", "noeviction")
        claims("set back, it is believed again", soon(lambda: gatehouse.apis[0].ready(("ready",)), 15) is not None)


def run(claims):
    evicting(claims)
    with Service(behind_proxy=Liar) as gatehouse:
        foreign_keys(gatehouse, claims)
        for kind in [*KINDS, "no answer", "a reset in the middle of a reply", "too many clients"]:
            one_kind(gatehouse, claims, kind)
        claims("the process is the one that was started", gatehouse.apis[0].running)
