"""Judges of what is left in the stores after a run: everything that was acknowledged is there, once, and the sums agree."""

import json
import sqlite3
import time
from collections import defaultdict

from checks import ALLOWANCE, GRANTS, grant
from eras import Lives, survives
from history import NEVER, OK, REFUSED, UNKNOWN

STATUS_AFTER = {"suspend": "suspended", "lift": "active", "delete": "deleted"}


def open_ledger(path):
    """The ledger, for reading."""
    database = sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=10)
    database.row_factory = sqlite3.Row
    return database


def kept(history, call):
    """Whether the user of a call was never deleted."""
    return history.users[call.user].status != "deleted" if call.user in history.users else False


def file_is_sound(history, ledger):
    wrong = [row[0] for row in ledger.execute("PRAGMA integrity_check") if row[0] != "ok"]
    return wrong + [f"foreign key: {tuple(row)}" for row in ledger.execute("PRAGMA foreign_key_check")]


def users_are_there(history, ledger):
    found = {row["id"]: row for row in ledger.execute("SELECT id, email, status FROM users")}
    changes = defaultdict(list)
    for call in history.of(*STATUS_AFTER):
        if call.outcome != REFUSED:
            changes[call.user].append(call)
    wrong = []
    for account in history.users.values():
        row = found.get(account.id)
        if is_active(history, account, changes[account.id]) and (row is None or row["status"] != "active" or row["email"] != account.email):
            wrong.append(f"{account.id} {account.email}: {dict(row) if row else 'no row'}")
    return wrong


def is_active(history, account, changes):
    """Whether the ledger certainly has this user, as active, after these changes of the status."""
    if account.made and not survives(history, account.made):
        return False
    kept = [call for call in changes if survives(history, call) is not False]
    if any(call.outcome == UNKNOWN or survives(history, call) is None for call in kept):
        return False
    return not kept or STATUS_AFTER[kept[-1].kind] == "active"


def sessions_are_there(history, ledger):
    """The live ones have a live row; the ended ones have none, but in the rows of a suspended user, which stay until it is lifted."""
    rows = "SELECT s.id, s.user_id FROM sessions s JOIN users u ON u.id = s.user_id WHERE s.ended_at IS NULL AND u.status = 'active'"
    live = {tuple(row) for row in ledger.execute(rows)}
    wrong, lives, of_session = [], Lives(history), defaultdict(list)
    for token in history.tokens:
        of_session[token.session].append(token)
    for token in history.tokens:
        has_row, life = (token.session, token.user) in live, lives(token)
        if life.doomed == NEVER and not has_row:
            wrong.append(f"{token}, {life} has no live row")
        if life.ended < NEVER and life.why != "rotate" and has_row and not succeeded(of_session[token.session], token, lives):
            wrong.append(f"{token}, {life} has a live row")
    return wrong


def succeeded(tokens, token, lives):
    """Whether another token of the same session may live on (after a rotation or a change of password), be it one that no answer brought,
    or one that a ledger has again that was put back."""
    return any(other.successor_is_lost or lives(other).ended == NEVER or lives(other).doomed > lives(token).doomed for other in tokens)


def analyses_are_there(history, ledger):
    found = {row["id"]: row for row in ledger.execute("SELECT id, user_id, reservation_id, status, result FROM analyses")}
    wrong = []
    for call in history.of("analysis"):
        if call.outcome == OK and kept(history, call) and survives(history, call):
            row = found.get(call.answer["analysis"]["id"])
            if row is None or row["user_id"] != call.user or row["reservation_id"] != call.answer["analysis"]["reservation_id"]:
                wrong.append(f"{call}: {dict(row) if row else 'no row'}")
    for call in history.of("completed", "failed"):
        row = found.get(call.analysis)
        if call.outcome != OK or row is None or not survives(history, call):
            continue
        if row["status"] != call.kind or (call.kind == "completed" and json.loads(row["result"]) != call.result):
            wrong.append(f"{call}: {dict(row)}")
    return wrong


def events_are_there_once(history, ledger):
    count = defaultdict(int)
    for row in ledger.execute("SELECT metadata FROM usage_events WHERE action = 'export'"):
        count[json.loads(row["metadata"]).get("n")] += 1
    wrong = []
    for call in history.of("event"):
        stands = survives(history, call)
        least, most = (1 if call.outcome == OK and stands else 0), (0 if call.outcome not in (OK, UNKNOWN) or stands is False else 1)
        if kept(history, call) and not least <= count[call.name] <= most:
            wrong.append(f"{count[call.name]} rows for {call}")
    return wrong


def counters_add_up(history, ledger):
    """Units granted <= units used <= units tried, and the daily row is the sum of the committed units."""
    granted, tried = defaultdict(int), defaultdict(int)
    for call in history.of("count"):
        stands = survives(history, call)
        granted[call.user] += call.amount if call.outcome == OK and stands else 0
        tried[call.user] += call.amount if call.outcome in (OK, UNKNOWN) and stands is not False else 0
    used = defaultdict(int)
    for row in ledger.execute("SELECT user_id, sum(used) AS used FROM usage_daily GROUP BY user_id"):
        used[row["user_id"]] = row["used"]
    wrong = [f"{user}: {granted[user]} granted, {used[user]} used, {tried[user]} tried" for user in tried
             if not granted[user] <= used[user] <= tried[user]]  # fmt: skip
    sums = """
        SELECT user_id, metric, period_start, sum(committed) AS total FROM reservations GROUP BY user_id, metric, period_start
        EXCEPT SELECT user_id, metric, period_start, used FROM usage_daily
        """
    return wrong + [f"the daily row differs from its commits: {tuple(row)}" for row in ledger.execute(sums) if row["total"] > 0]


def units_are_there(history, ledger):
    """Each granted unit is a row of its user's."""
    found = {row["id"]: row["user_id"] for row in ledger.execute("SELECT id, user_id FROM reservations")}
    return [f"no row for {call}" for call in history.of(*GRANTS)
            if (unit := grant(call)) and kept(history, call) and survives(history, call) and found.get(unit[0]) != call.user]  # fmt: skip


def rows_keep_the_allowance(history, ledger):
    free = {account.id for account in history.users.values() if account.plans == {"free"}}
    sums = """
        SELECT user_id, period_start, sum(CASE status WHEN 'held' THEN amount ELSE committed END) AS units FROM reservations
        GROUP BY user_id, metric, period_start HAVING units > ?
        """
    return [f"{tuple(row)}" for row in ledger.execute(sums, [ALLOWANCE]) if row["user_id"] in free]


def nothing_is_pending(history, ledger):
    """Every change has reached Redis."""
    return [f"hot_pending: {tuple(row)}" for row in ledger.execute("SELECT * FROM hot_pending")]


def wait_until_redis_has_heard(service, seconds=10):
    """Gives the last changes the time of a few polls; what is left then, `nothing_is_pending` tells."""
    end, left = time.monotonic() + seconds, True
    while left and time.monotonic() < end:
        ledger = open_ledger(service.ledger)
        left = nothing_is_pending(None, ledger)
        ledger.close()
        time.sleep(0.02)


STORE_CHECKS = {
    "the SQLite file is sound": file_is_sound,
    "acknowledged users are there": users_are_there,
    "acknowledged sessions are there": sessions_are_there,
    "acknowledged analyses are there": analyses_are_there,
    "acknowledged usage is there, once": events_are_there_once,
    "used units add up": counters_add_up,
    "granted units are there": units_are_there,
    "no day holds more units than the plan gives": rows_keep_the_allowance,
    "Redis has heard of every change": nothing_is_pending,
}
