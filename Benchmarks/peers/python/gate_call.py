"""The gate script from Python, and its answer as Gatehouse writes it. Tokens are simpler than Gatehouse's: see peers/nginx/gate.lua."""

import base64
import datetime
import hashlib
import itertools
import json
import math
import os
import pathlib
import struct
import time

import orjson

CALL = json.loads(pathlib.Path(os.environ["CALL"]).read_text())
POLICY, IDLE, BEARER = CALL["policy"], CALL["idle"], f"Bearer {CALL['key']}"
tickets = itertools.count()


def credential(token):
    """The user and the token hash of a token; None for what is none."""
    user, point, secret = (token or "").partition(".")
    return (user, hashlib.sha256(base64.b64decode(secret)).hexdigest()) if point else None


def words(user, digest):
    """The words behind EVALSHA."""
    said, now = [CALL["sha"], CALL["keys"]], int(time.time() * 1000)
    for word in CALL["arguments"]:
        kind = word["kind"]
        if kind == "text":
            said.append(word["text"])
        elif kind == "now":
            said.append(now + word["offset"])
        elif kind == "ticket":
            said.append(f"{next(tickets):016}")
        else:
            said.append(word["before"] + (user if kind == "user" else digest) + word["after"])
    return said


class Allowed:
    """The facts of an allowing reply: words, then a line each for session, quota and account, then the window."""

    def __init__(self, reply, user):
        head, session, _, account, window = reply.split(b"\n", 4)
        _, seconds, microseconds = head.split(b" ")[:3]
        self.now, self.id = int(seconds) * 1000 + int(microseconds) // 1000, f"usr_{user}"
        _, self.plan, self.status, verified, self.external_id = account.decode().split("|", 4)
        self.verified = verified == "1"
        self.kind, self.session, _, auth, seen, ends = session.decode().split("|")[:6]
        self.auth, self.seen, self.ends = int(auth), int(seen), int(ends)
        self.limit = POLICY["limits"][self.plan]
        self.remaining, self.reset = standing(window, self.now, self.limit)

    @property
    def fields(self):
        name, window = POLICY["name"], POLICY["window_seconds"]
        return {"RateLimit-Policy": f'"{name}";q={self.limit};w={window}', "RateLimit": f'"{name}";r={self.remaining};t={self.reset}'}

    @property
    def proxy_fields(self):
        return {
            "Gatehouse-User": self.id, "Gatehouse-External-ID": self.external_id, "Gatehouse-Plan": self.plan,
            "Gatehouse-Session": self.session, "Gatehouse-Status": "200", **self.fields,
        }  # fmt: skip

    @property
    def body(self):
        return orjson.dumps(
            {
                "decision": "allow", "allowed": True, "source": "redis", "retry_after_seconds": None,
                "user": {"id": self.id, "external_id": self.external_id or None, "plan": self.plan, "status": self.status,
                         "email_verified": self.verified},
                "session": {"id": self.session, "class": self.kind, "authenticated_at": instant(self.auth),
                            "idle_expires_at": instant(min(self.seen + IDLE[self.kind], self.ends)), "expires_at": instant(self.ends)},
                "limits": [{"policy": POLICY["name"], "limit": self.limit, "window_seconds": POLICY["window_seconds"],
                            "remaining": self.remaining, "reset_seconds": self.reset, "exceeded": False, "shadow": False}],
                "allowances": [], "reservation": None, "headers": self.fields, "problem": None,
            })  # fmt: skip


def standing(packed, now, limit):
    """Units left, and the seconds until more are."""
    if len(packed) < 12:
        return limit, 0
    total, *cells = struct.unpack(f"<{len(packed) // 4}I", packed)
    left, bound = total, min(total, limit)
    window, count = POLICY["window_seconds"] * 1000, POLICY["cells"]
    current = now * count // window
    for number, units in zip(cells[::2], cells[1::2]):
        left -= units
        if left < bound:
            behind = (number - current + 2**31) % 2**32 - 2**31
            ends = -(-(current + behind + count + 1) * window // count)
            return max(0, limit - total), math.ceil(max(1, ends - now) / 1000)
    return max(0, limit - total), 0


def instant(milliseconds):
    moment = datetime.datetime.fromtimestamp(milliseconds // 1000, datetime.timezone.utc)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{milliseconds % 1000:03}Z"


# On every answer.
HEADERS = {
    "Cache-Control": "no-store", "X-Content-Type-Options": "nosniff", "Strict-Transport-Security": "max-age=31536000",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'", "Referrer-Policy": "no-referrer", "X-Frame-Options": "DENY",
}  # fmt: skip
