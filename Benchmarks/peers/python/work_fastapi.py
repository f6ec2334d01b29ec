"""Durable analyses as an app writes them: FastAPI, the gate's script through redis-py, sqlite3 with one commit for each request. The file is a
copy of the ledger that Gatehouse writes to: the same tables, indexes and rows, and as durable."""

import asyncio
import concurrent.futures
import hashlib
import hmac
import os
import secrets
import sqlite3
import time

import orjson
from fastapi import FastAPI, Request, Response
from gate_call import instant
from gate_fastapi import ask, headers

LETTERS = "0123456789abcdefghjkmnpqrstvwxyz"
METRIC, LEASE, DAY = "video_analysis", 1_800_000, 86_400_000
# Metadata of so many bytes stands in the analysis alone, as in Gatehouse: the stored answer has `{}` in its place.
CUT_BYTES_MIN, CUT = 128, b"{}"
WAIT_SECONDS = 10
# Those of Gatehouse.
PRAGMAS = (
    "journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON", "cache_size = -16384", "journal_size_limit = 16777216",
    "wal_autocheckpoint = 1024",
)  # fmt: skip
app = FastAPI(openapi_url=None)
key = secrets.token_bytes(32)
# One thread with one connection: no request waits for a lock that another one of this process has.
writer = concurrent.futures.ThreadPoolExecutor(1)


def opened():
    db = sqlite3.connect(os.environ["LEDGER"], timeout=WAIT_SECONDS, isolation_level=None, check_same_thread=False)
    # The ledger's triggers tell of changes by others: it takes this one for its own.
    db.create_function("sqlite_source_id", 0, lambda: "gatehouse", deterministic=True)
    for pragma in PRAGMAS:
        db.execute(f"PRAGMA {pragma}")
    return db


db = opened()


def identifier(prefix, now):
    """One that begins with the time, in units of 32 ms, so that rows are appended."""
    time_of, random = now >> 5, secrets.token_bytes(8)
    return prefix + "".join(LETTERS[time_of >> 5 * place & 31] for place in range(5, -1, -1)) + "".join(LETTERS[byte & 31] for byte in random)


def cut(answer, metadata):
    """The answer as it is stored, and where metadata was cut out of it; None if nowhere."""
    at = answer.find(metadata) if len(metadata) >= CUT_BYTES_MIN else -1
    return (answer, None) if at < 0 else (answer[:at] + CUT + answer[at + len(metadata) :], at)


def whole(stored, at, metadata):
    """The answer as it was before `cut`. Metadata is None once its analysis is deleted."""
    return stored if at is None or metadata is None else stored[:at] + metadata.encode() + stored[at + len(CUT) :]


def write(user, token, fingerprint, body):
    """Reads and writes all of it in one transaction; status, location and body of the answer."""
    now = int(time.time() * 1000)
    start = now - now % DAY
    db.execute("BEGIN IMMEDIATE")
    try:
        if before := db.execute(
            "SELECT i.fingerprint, i.status, i.location, i.body, i.cut_at, a.metadata FROM idempotency i "
            "LEFT JOIN analyses a ON a.id = i.analysis_id WHERE i.scope = ? AND i.key = ?", (user, token)).fetchone():  # fmt: skip
            db.execute("ROLLBACK")
            first, code, location, *parts = before
            return (code, location, whole(*parts)) if first == fingerprint else (409, None, b"{}")
        [(status,)] = db.execute("SELECT status FROM users WHERE id = ?", (user,))
        used = db.execute("SELECT used FROM usage_daily WHERE user_id = ? AND metric = ? AND period_start = ?", (user, METRIC, start)).fetchone()
        [(held,)] = db.execute(
            "SELECT coalesce(sum(amount), 0) FROM reservations WHERE user_id = ? AND metric = ? AND period_start = ? AND status = 'held'",
            (user, METRIC, start))  # fmt: skip
        reservation, analysis, ends = identifier("rsv_", now), identifier("ana_", now), now + LEASE
        metadata = orjson.dumps(body["metadata"])
        told = {
            "analysis": {
                "id": analysis, "user_id": user, "status": "pending", "filename": body["filename"], "metadata": body["metadata"],
                "metric": METRIC, "amount": 1, "reservation_id": reservation, "lease_expires_at": instant(ends), "result": None, "error": None,
                "created_at": instant(now), "finished_at": None},
            "allowance": {
                "metric": METRIC, "limit": None, "used": used[0] if used else 0, "held": held + 1, "remaining": None,
                "resets_at": instant(start + DAY)},
        }  # fmt: skip
        answer, location = orjson.dumps(told), f"/v1/analyses/{analysis}"
        stored, cut_at = cut(answer, metadata)
        db.execute(
            "INSERT INTO reservations (id, user_id, metric, amount, committed, status, period_start, period_end, lease_expires_at, created_at) "
            "VALUES (?, ?, ?, 1, 0, 'held', ?, ?, ?, ?)", (reservation, user, METRIC, start, start + DAY, ends, now))  # fmt: skip
        db.execute(
            "INSERT INTO analyses (id, user_id, reservation_id, status, filename, metadata, metric, amount, created_at) "
            "VALUES (?, ?, ?, 'pending', ?, ?, ?, 1, ?)", (analysis, user, reservation, body["filename"], metadata.decode(), METRIC, now))  # fmt: skip
        db.execute(
            "INSERT INTO idempotency (scope, key, fingerprint, status, location, body, created_at, user_id, analysis_id, cut_at) "
            "VALUES (?, ?, ?, 201, ?, ?, ?, ?, ?, ?)",
            (user, token, fingerprint, location, stored, now, user, None if cut_at is None else analysis, cut_at))  # fmt: skip
        db.execute("COMMIT")
    except BaseException:
        if db.in_transaction:
            db.execute("ROLLBACK")
        raise
    return (201, location, answer) if status == "active" else (403, None, b"{}")


@app.post("/v1/analyses")
async def create(request: Request):
    found = await ask(request.headers.get("authorization", "").partition(" ")[2])
    if isinstance(found, int):
        return Response(status_code=found)
    raw = await request.body()
    token = request.headers["idempotency-key"]
    fingerprint = hmac.digest(key, b"POST /v1/analyses\n" + raw, hashlib.sha256)
    run = asyncio.get_running_loop().run_in_executor
    status, location, body = await run(writer, write, found.id, token, fingerprint, orjson.loads(raw))
    return Response(body, status, headers({**found.fields, "Location": location or ""}), "application/json")
