"""The benches' own arithmetic, on rounds that are made up."""

import contextlib
import json
import queue
import select
import socket
import threading
import time
import xml.etree.ElementTree
from unittest import mock

import calm
import verdict
from answers import different
from curves import curves, label_places, step_of
from decisions import enough, script_time, served
from documents import PART
from Harness import rate, storm
from Harness.claims import Claims
from Harness.process import Failure
from limits import LIMIT, WINDOW_MS, most_in_any_window, refused_within_limit
from load import NUMBER_MARK, percentile, request
from population import base62
from scale import sizes
from script_call import word
from verdict import LESS, MORE, Goal, Row

PATIENCE_SECONDS = 10
# Longer than any wait of a fixed length.
RUN_SECONDS = 3_600


def run():
    """Tries all of it; the exit status."""
    claims = Claims()
    claims.suite("verdicts", of_verdicts)
    claims.suite("windows and sizes", of_windows)
    claims.suite("pictures and pages", of_pictures)
    claims.suite("what is sent and compared", of_parts)
    claims.suite("decisions", of_decisions)
    claims.suite("answers in pieces", of_pieces)
    claims.suite("loads at a fixed rate", of_loads)
    print(f"\n{claims.passed} passed, {claims.failed} failed")
    return 1 if claims.failed else 0


def of_verdicts(claims):
    row = Row("P0", "a|b", "requests/s", [120, 100, 160], [100, 100, 100], Goal(MORE, 1.2))
    claims("the ratio is the median of the rounds' ratios", row.ratio == 1.2, row.ratio)
    claims("the spread is what the rounds' ratios differ by, over their median", abs(row.spread - 0.5) < 1e-9, row.spread)
    claims("a goal that is just met is reached", row.verdict == "reached", row.verdict)
    claims("rounds are compared in pairs, not by their medians", Row("", "", "", [10, 40, 30], [10, 10, 30]).ratio == 1)
    claims("less than at least is missed", Row("", "", "", [119], [100], Goal(MORE, 1.2)).verdict == "missed")
    claims("more than at most is missed", Row("", "", "", [101], [100], Goal(LESS, 1.0)).verdict == "missed")
    alone = Row("", "", "bytes", [470, 530, 510], goal=Goal(LESS, 520, "ours"))
    claims("without a peer there is no ratio, and the goal bounds the median", (alone.ratio, alone.verdict) == (None, "reached"), alone)
    storms = Row("", "", "%", [0, 0, 0, 0, 1], goal=Goal(LESS, 0, "each"))
    claims("a goal of each round is missed by the worst one", (storms.verdict, str(storms.goal)) == ("missed", "each at most 0"), storms)
    claims("the share of a host that nobody measured is an empty cell", verdict.cells(alone)[8] == "", verdict.cells(alone))
    claims("without a goal there is no verdict", Row("", "", "", [1], [1]).verdict == "")
    read = Row.read(json.loads(json.dumps(row.json())))
    claims("a row comes back from its JSON as it was", read == row, read)
    claims("a bar in a text does not end a cell of Markdown", "a\\|b" in verdict.markdown([row]), verdict.markdown([row]))
    lines = verdict.table([row, alone]).splitlines()
    claims("the table has a line for each row below its head", len(lines) == 3 and lines[1].endswith("reached"), lines)
    shown = [verdict.number(value) for value in (0, 0.123, 1.234, 12.34, 123.4, 12345.6, 2.0)]
    claims("numbers have three digits that say something", shown == ["0", "0.12", "1.23", "12.3", "123", "12,346", "2"], shown)
    try:
        fewer = Row("", "", "", [1, 2], [1]).ratio
    except ValueError:
        fewer = None
    claims("rounds without a pair have no ratio", fewer is None, fewer)


def of_windows(claims):
    times = [0, 0, WINDOW_MS - 1, WINDOW_MS, WINDOW_MS + 1]
    claims("units a whole window apart are in no window together", most_in_any_window(times, [True] * 5) == 3, most_in_any_window(times, [True] * 5))
    claims("refused units are in none", most_in_any_window(times, [True, False, True, False, False]) == 2)
    claims("a refusal counts if fewer than the limit passed", refused_within_limit(times, [True, True, False, False, True], 2) == 1)
    claims("none is counted where all pass", refused_within_limit(times, [True] * 5, LIMIT) == 0)
    claims("growth is measured tenfold, and at its end", sizes(250_000) == [1_000, 10_000, 100_000, 250_000], sizes(250_000))
    claims("and once where there is no more", sizes(500) == [500])


def of_pictures(claims):
    points = [
        {"users": users, "gate": [rate], "list": [rate], "login": [1], "gate_p99": [2], "list_p99": [2], "login_p99": [3], "redis_bytes": users * 500,
         "resident_mib": 60, "file_bytes": users * 4_000}
        for users, rate in ((1_000, 9_000), (10_000, 8_500))
    ]  # fmt: skip
    pictures = curves(points)
    roots = {xml.etree.ElementTree.fromstring(text).tag for text in pictures.values()}
    claims("each curve is a picture", len(pictures) == 4 and roots == {"{http://www.w3.org/2000/svg}svg"}, roots)
    claims("lines of a scale are round and few", [step_of(most) for most in (9_000, 1, 0.04, 12)] == [2_000, 0.2, 0.01, 5])
    claims("names of lines that end together stand apart", label_places([100, 101, 50]) == [100, 114, 50], label_places([100, 101, 50]))
    page = "a\n<!-- measured: speed -->\nold\n<!-- end -->\nb"
    claims("a part of a page is found with its name", [found[1] for found in PART.findall(page)] == ["speed"])


def of_decisions(claims):
    told = b"cmdstat_ping:calls=9,usec=9\r\ncmdstat_evalsha:calls=%d,usec=700,usec_per_call=7.00,rejected_calls=0,failed_calls=%d\r\n"
    claims("calls that Redis refused are no decisions", served(lambda *_: told % (120, 20)) == 100)
    claims("without a call there are none", served(lambda *_: b"") == 0 and script_time(lambda *_: b"") == (0, 0))
    claims("a call for each answer is enough", failure_of(lambda: enough("a", 1_000, 1_000)) == "")
    said = failure_of(lambda: enough("a", 999, 1_000))
    claims("fewer are not", "999 times for 1,000 answers" in said, said)


def of_pieces(claims):
    body = b'{"results":[{"decision":"allow","source":"ledger"},{"decision":"allow","source":"redis"},{"problem":{}}]}'
    head = b"HTTP/1.1 200 OK\r\nX-Content-Length: 1\r\nContent-Length: %d\r\n\r\n" % len(body)
    cuts = {"in the head": 20, "behind the head": len(head), "behind a brace": len(head) + body.index(b"}") + 1}
    for kind, outcome in ((storm.Client, "200"), (calm.Counting, "200/2 1")):
        for place, cut in cuts.items():
            heard = heard_by(kind, (head + body)[:cut], (head + body)[cut:])
            claims(f"{kind.__name__}: an answer that is cut {place} is whole with its last byte", heard == [None, outcome], heard)
    told = failure_of(lambda: heard_by(storm.Client, b"HTTP/1.1 200 OK\r\n\r\n{}"))
    claims("an answer that says no length is none", told == "an answer says no length", told)


def heard_by(kind, *pieces):
    """The words of a client of this kind after each piece of an answer."""
    with contextlib.ExitStack() as stack:
        listener = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        client = kind(listener.getsockname()[1])
        stack.callback(client.socket.close)
        server, found = stack.enter_context(listener.accept()[0]), []
        for piece in pieces:
            server.sendall(piece)
            select.select([client.socket], [], [], PATIENCE_SECONDS)
            found.append(client.receive())
        return found


def of_loads(claims):
    over, results = threading.Event(), queue.SimpleQueue()
    with mock.patch.multiple(rate, set_priority=lambda *_: None, ANSWERS_SECONDS=0):
        rate.drive(0, lambda *_: (over.wait(PATIENCE_SECONDS), None), 200, time.monotonic(), 0.1, 1, results)
    over.set()
    outcomes = {outcome for _, _, outcome, _ in results.get()}
    claims("a call that has no answer by the end is in the samples", outcomes == {"unanswered"}, outcomes)
    waits, load = [], rate.Load.__new__(rate.Load)
    load.drivers, load.end = [mock.Mock()], time.monotonic() + RUN_SECONDS
    load.results = mock.Mock(get=lambda timeout: waits.append(timeout) or [])
    claims("the samples of a long run are waited for until after its end", load.samples() == [] and waits[0] > RUN_SECONDS, waits)


def failure_of(act):
    """The words of the failure that `act()` raises; none without one."""
    try:
        act()
    except (Failure, ConnectionError) as failure:
        return str(failure)
    return ""


def of_parts(claims):
    claims("p99 is what 99 of 100 do not exceed", percentile(range(1, 101), 0.99) == 99 and percentile([7], 0.99) == 7)
    claims("p50 of an odd number is the middle one", percentile([3, 1, 2], 0.5) == 2)
    claims("bytes in base 62 are as the service writes them", base62(b"\0" * 31 + b"\x3e", 43) == "0" * 41 + "10", base62(b"\x3e", 3))
    sent = request("POST", "/x", "key", {"a": "é"}, {"Idempotency-Key": NUMBER_MARK.decode()})
    head, _, body = sent.partition(b"\r\n\r\n")
    claims("a request says its length", f"Content-Length: {len(body)}".encode() in head and NUMBER_MARK in head, sent)
    ours = {"fields": {"content-length": "9"}, "body": {"limits": [{"remaining": 5, "policy": "api"}]}}
    peer = {"fields": {"content-length": "8"}, "body": {"limits": [{"remaining": 4, "policy": "api"}]}}
    claims("units that are left may differ", list(different(ours, peer, "")) == [])
    peer["body"]["limits"][0] = {"remaining": "4", "policy": "other"}
    told = list(different(ours, peer, ""))
    claims("kinds and words may not", len(told) == 2, told)
    claims("a member that one lacks is told", list(different({"a": 1}, {}, "")) == ["a is in one alone"])

    class Somebody:
        def __init__(self, routing):
            self.routing = routing

        class hash:  # stands for a digest
            @staticmethod
            def hexdigest():
                return "ff"

    people = [Somebody("ann"), Somebody("bob")]
    found = word(["gh:{ann}:rl", "gh:{bob}:rl", "gh:{ann}:rl", "gh:{bob}:rl"], people)
    claims("an argument that names the user is known", found == {"kind": "user", "before": "gh:{", "after": "}:rl"}, found)
    claims("one that never differs is a text", word(["60"] * 4, people) == {"kind": "text", "text": "60"})
    claims("one that always does is a ticket", word(["a", "b", "c", "d"], people) == {"kind": "ticket"})
