"""Whether a peer gives the answer that Gatehouse gives: its rate counts only then."""

import json

from Harness.process import Failure

# Header fields that every server has its own of.
OWN_FIELDS = {"date", "server", "connection", "x-request-id", "keep-alive", "vary"}
# Members that stand for the moment: another call, another value.
MOMENT = {"remaining", "reset_seconds", "idle_expires_at", "RateLimit", "ratelimit"}


def units(answer):
    """The units that an answer says are left."""
    body, fields = answer["body"], answer["fields"]
    return body["limits"][0]["remaining"] if "ratelimit" not in fields else int(fields["ratelimit"].partition("r=")[2].partition(";")[0])


def same_answer(ask_ours, ask_peer, name, status=200, moment=MOMENT, counts=units):
    """Asks each twice in turn about the same caller, and compares; members of the `moment` may differ. Both count in the same window, and
    `counts` says how many units an answer leaves: each must see the other's call, with two units less the second time."""
    answers = [ask_ours(), ask_peer(), ask_ours(), ask_peer()]
    for answer in answers:
        if answer.status != status:
            raise Failure(f"{name}: {answer}")
    first, second, third, fourth = map(told, answers)
    differences = list(different(first, second, "", moment))
    if differences:
        raise Failure(f"{name} answers otherwise: {'; '.join(differences[:5])}")
    # Not one less in turn: Gatehouse also counts units that it granted when Redis was late, which are in no window of Redis.
    left = [counts(each) for each in (first, second, third, fourth)]
    if (left[0] - left[2], left[1] - left[3]) != (2, 2):
        raise Failure(f"{name} does not count in the same window: {left} units were left in turn")


def told(answer):
    """All that an answer says: its fields and the members of its body."""
    # nginx sends no empty field.
    fields = {name: value for name, value in answer.headers.items() if name not in OWN_FIELDS and value}
    return {"fields": fields, "body": json.loads(answer.body) if answer.body else None}


def different(ours, peers, place, moment=MOMENT):
    """Where two answers differ; members of the moment may, in all but their kind."""
    if isinstance(ours, dict) and isinstance(peers, dict):
        for name in sorted(ours.keys() | peers.keys()):
            if name not in ours or name not in peers:
                yield f"{place}{name} is in one alone"
            elif name in moment:
                if type(ours[name]) is not type(peers[name]):
                    yield f"{place}{name}: {ours[name]!r} and {peers[name]!r}"
            elif name != "content-length":  # it follows from the rest
                yield from different(ours[name], peers[name], f"{place}{name}.", moment)
    elif isinstance(ours, list) and isinstance(peers, list) and len(ours) == len(peers):
        for at, (one, other) in enumerate(zip(ours, peers)):
            yield from different(one, other, f"{place}{at}.", moment)
    elif ours != peers:
        yield f"{place.rstrip('.')}: {ours!r} and {peers!r}"
