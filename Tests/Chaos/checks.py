"""Judges of a history. Each takes what was seen and gives the violations as sentences; an empty list is a pass.

They are sound: clients know only that an effect happened between a call's `invoked` and `answered`, and a violation is told only
where no order within those intervals explains the answers."""

from collections import defaultdict

from eras import Lives, eras_of
from history import NEVER, OK

LIMITS = {"upload": (10, 3600.0), "api": (60, 60.0)}  # of plan free: units, window in seconds
ALLOWANCE = 1  # units of video_analysis a day on plan free
GRANTS = ("analysis", "reserve", "gate-reserve", "count")
CHECKS_OF_TOKENS = ("verify", "who", "spend", "gate-reserve")
MUST_GO_ON = ("verify", "login", "reserve", "count", "event")
ENDED = ("unauthenticated", "suspended")
HOLD_SECONDS = 600  # for so long a hold of the load stands by itself


def verdict(operation):
    """The outcome of a check of a token: `live`, `dead`, `unknown`."""
    if operation.kind == "who":
        return {200: "live", 429: "live", 401: "dead", 403: "dead"}.get(operation.status, "unknown")
    if operation.outcome != OK:
        return "unknown"
    return "dead" if operation.answer["decision"] in ENDED else "live"


def live_sessions_verify(history):
    """No 401 for a session that was acknowledged and that nobody has begun to end."""
    lives = Lives(history)
    return [
        f"{check.token} was refused: {check}" for check in history.of(*CHECKS_OF_TOKENS)
        if verdict(check) == "dead" and check.answered < lives(check.token, check.era).doomed
    ]  # fmt: skip


def ended_sessions_stay_ended(history):
    """Nothing that was acknowledged as ended verifies in a call invoked after that, nor what a ledger that was put back does not know."""
    lives = Lives(history)
    return [
        f"{check.token}, {lives(check.token, check.era)}, verified: {check}" for check in history.of(*CHECKS_OF_TOKENS)
        if verdict(check) == "live" and check.invoked > lives(check.token, check.era).ended
    ]  # fmt: skip


def answers_belong_to_askers(history):
    """The user and the session of an answer are those of the token that asked."""
    wrong = []
    for check in history.of(*CHECKS_OF_TOKENS):
        answer = check.answer if check.outcome == OK else {}
        user, session = answer.get("user"), answer.get("session")
        if (user and user["id"] != check.token.user) or (session and session["id"] != check.token.session):
            wrong.append(f"{check.token} was answered with {check}")
    return wrong


def grant(operation):
    """(unit's id, allowance after it) of a call that took units, else None."""
    if operation.outcome != OK:
        return None
    answer = operation.answer
    if operation.kind == "gate-reserve":
        return (answer["reservation"]["id"], (answer["allowances"] or [None])[0]) if answer["reservation"] else None
    unit = answer["analysis"]["reservation_id"] if operation.kind == "analysis" else answer["reservation"]["id"]
    return unit, answer["allowance"]


def allowance_is_never_exceeded(history):
    """At no instant do more units certainly stand than plan free gives: each stands from its grant's answer until something that
    may return it is invoked, and again in a ledger that was put back to when it stood. Users that were ever on another plan are left
    out."""
    returns = defaultdict(list)
    for call in history.of("release", "failed", "cancel"):
        returns[call.unit].append(call)
    events = defaultdict(list)
    for call in history.of(*GRANTS):
        if (found := grant(call)) and history.users[call.user].plans == {"free"}:
            for era, start, stop in stretches(history, call, returns[found[0]]):
                day = (found[1] or {}).get("resets_at")
                events[call.user, day, era] += [(start, call.amount, found[0]), (stop, -call.amount, found[0])]
    wrong = []
    for (user, day, _), changes in events.items():
        units, standing = 0, set()
        for _, amount, unit in sorted(changes):
            units += amount
            (standing.add if amount > 0 else standing.discard)(unit)
            if units > ALLOWANCE:
                wrong.append(f"{user} held {units} units of the day that ends {day} at once: {sorted(standing)}")
                break
    return wrong


def stretches(history, call, returns):
    """When the units of a grant certainly stand: era, start, stop. A copy surely holds them if nothing that may return them was invoked
    before it was made; what was lost with an era returns nothing in the next."""
    start = call.answered
    for era in eras_of(history, call):
        stop = min([done.invoked for done in returns if done.era >= era], default=NEVER)
        if era > call.era:
            stop = min(stop, call.invoked + HOLD_SECONDS)
        if start < stop:
            yield era, start, stop
        if era < history.era and stop <= history.put_backs[era].stop:
            return
        start = history.put_backs[era].stop if era < history.era else NEVER


def counters_are_linearizable(history):
    """Grants of an unlimited user that never returns units have distinct intervals (used after - amount, used after], in an order
    that agrees with time: a complete test for fetch-and-add. In each era for itself, together with those before it that it holds."""
    wrong, grants = [], defaultdict(dict)
    for call in history.of("count"):
        if found := grant(call):
            unit, allowance = found
            for era in eras_of(history, call):
                grants[call.user, allowance["resets_at"], era][unit] = (allowance["used"], call.amount, call.invoked, call.answered)
    for (user, *_), found in grants.items():
        before, latest_invoked = 0, 0.0
        ordered = sorted(found.values())
        for used, amount, invoked, answered in ordered:
            if used - amount < before:
                wrong.append(f"{user}: two grants share unit {used - amount + 1}")
            before = max(before, used)
            # No grant with a larger count may have been answered before this one was invoked.
            if answered < latest_invoked:
                wrong.append(f"{user}: the grant that counted to {used} came after one that counted higher")
            latest_invoked = max(latest_invoked, invoked)
    return wrong


def replayed_units_are_one(history):
    """Two calls are never granted the same unit."""
    wrong, seen = [], {}
    for call in history.of(*GRANTS):
        if found := grant(call):
            if found[0] in seen:
                wrong.append(f"unit {found[0]} was given to {seen[found[0]]} and to {call}")
            seen[found[0]] = call
    return wrong


def windows_hold(history):
    """In no interval of a policy's window do more units certainly pass than its limit, on one timeline of Redis: a call counts
    between its `invoked` and `answered`, and stretches in which Redis may have lost windows separate timelines."""
    losses = sorted(history.window_losses)

    def timeline(call):
        """The number of losses before the call; None if one overlaps it."""
        if any(start <= call.answered and call.invoked <= stop for start, stop in losses):
            return None
        return sum(stop < call.invoked for _, stop in losses)

    passed = defaultdict(list)
    for call in history.of("spend"):
        if call.outcome == OK and call.answer["allowed"] and call.answer["source"] == "redis" and (line := timeline(call)) is not None:
            passed[call.user, call.policy, line].append(call)
    wrong = []
    for (user, policy, _), calls in passed.items():
        limit, seconds = LIMITS[policy]
        for first in calls:
            units = sum(call.cost for call in calls if first.invoked <= call.invoked and call.answered <= first.invoked + seconds)
            if units > limit:
                wrong.append(f"{user}: {units} units of {policy} within {seconds:.0f} s, {limit} are allowed")
                break
    return wrong


def every_client_progressed(history, since):
    """After healing, each important kind of call succeeded again."""
    done = {call.kind for call in history.operations if call.outcome == OK and call.invoked > since}
    return [f"no {kind} succeeded after everything was healed" for kind in MUST_GO_ON if kind not in done]


HISTORY_CHECKS = {
    "no session was logged out": live_sessions_verify,
    "nothing ended verified again": ended_sessions_stay_ended,
    "each answer belonged to its asker": answers_belong_to_askers,
    "no allowance was exceeded": allowance_is_never_exceeded,
    "counters are linearizable": counters_are_linearizable,
    "no unit was given twice": replayed_units_are_one,
    "windows never let more pass": windows_hold,
}
