"""Clocks go wrong, Redis's and the host's, alone and together: no unit is given, nobody is logged out, nothing is removed. They are
moved while the processes run, and nothing but the wall clock is: see `clocks`."""

import sqlite3
import time
from datetime import datetime, timezone

from Harness.claims import soon
from Harness.clocks import Clocks
from Harness.service import Service, wait_until

HOUR = 3_600
DAY = 24 * HOUR
OFFSETS = {"three days back": -3 * DAY, "an hour back": -HOUR, "an hour ahead": HOUR, "a day ahead": DAY, "ten days ahead": 10 * DAY}
SLACK_SECONDS = 5
# An alarm ends two seconds after the last reading that was wrong.
CALM_SECONDS = 10


def run(claims):
    for step, offset in OFFSETS.items():
        for who in (("redis",), ("host",), ("redis", "host")):
            Moved(claims, f"{' and '.join(who)} {step}", who, offset).run()
    redis_away(claims)
    for step in ("three days back", "ten days ahead"):
        after_reboot(claims, step, OFFSETS[step])


def instant(text):
    return datetime.strptime(text, "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=timezone.utc).timestamp()


def http_date(gatehouse):
    """The wall clock of the API's process: the Date of a refusal that is written without a cache."""
    date = gatehouse.ask("GET", "/livez", headers={"Expect": "nothing"}).headers["date"]
    return datetime.strptime(date, "%a, %d %b %Y %H:%M:%S GMT").replace(tzinfo=timezone.utc).timestamp()


class Moved:
    """One move of some clocks, for a while and for good."""

    def __init__(self, claims, where, who, offset):
        self.claims, self.where, self.who, self.offset = claims, where, who, offset

    def claim(self, claim, holds, evidence=""):
        self.claims(f"{self.where}: {claim}", holds, evidence)

    def run(self):
        with Service(prepare=Clocks) as self.gatehouse:
            self.clocks = self.gatehouse.prepared
            self.gate, self.work = self.gatehouse.key("gate"), self.gatehouse.key("work")
            self.user = self.gatehouse.new_user()
            wait_until(lambda: self.decide()["source"] == "redis", "Redis decides")
            self.reserve = {"user_id": self.user.id, "metric": "video_analysis"}
            first = self.ask_unit("first")
            self.before, self.reservation = first.json["allowance"]["resets_at"], first.json["reservation"]["id"]
            self.rows = self.count_rows()
            self.move(self.offset)
            self.unharmed("for a while")
            self.move(0)
            self.claim("afterwards Redis decides again", soon(lambda: self.decide()["source"] == "redis", CALM_SECONDS) is not None, self.clock())
            self.unharmed("afterwards")
            self.move(self.offset)
            self.gatehouse.apis[0].stop()
            self.gatehouse.apis[0].start()
            self.move(self.offset)
            self.unharmed("for good, in a new process")
            if "redis" in self.who:
                self.accepted()
            self.clocks.set(("redis", "host"), 0)

    def move(self, offset):
        self.clocks.set(self.who, offset)
        if "redis" in self.who:
            state = "alarm" if offset else "believed"
            seen = soon(lambda: self.clock()["clock"] == state, CALM_SECONDS)
            self.claim(f"moved by {offset} s /readyz says clock {state}", seen is not None, self.clock())
        if "host" in self.who:
            moved = soon(lambda: abs(http_date(self.gatehouse) - time.time() - offset) < SLACK_SECONDS, CALM_SECONDS)
            self.claim(f"the host's clock is moved by {offset} s", moved is not None, http_date(self.gatehouse))

    def unharmed(self, when):
        decision = self.decide()
        self.claim(f"{when} the session verifies", decision["decision"] == "allow", decision)
        second = self.ask_unit("second")
        spent = second.status == 429 and second.json["resets_at"] == self.before
        self.claim(f"{when} the spent unit stays spent until the same end", spent, second)
        again = self.ask_unit("first")
        self.claim(f"{when} a repeat gets the first answer", again.status == 201 and again.json["reservation"]["id"] == self.reservation, again)
        made = self.gatehouse.ask("GET", "/v1/sessions", bearer=self.gatehouse.log_in(self.user.email)).json["data"][0]
        self.claim(f"{when} a new session begins now", abs(instant(made["created_at"]) - time.time()) < SLACK_SECONDS, made)
        self.nothing_removed(when)

    def nothing_removed(self, when):
        rows = self.count_rows()
        kept = all(rows[table] >= count for table, count in self.rows.items())
        self.claim(f"{when} nothing is removed", kept, (self.rows, rows))
        self.claim(f"{when} the job keeps its units", self.status() == "held", self.status())

    def accepted(self):
        answer = self.gatehouse.operate("POST", "/v1/admin/clock/accept", {"source": "redis", "reason": "test"})
        # By the new time the old session may be past its end.
        self.user = self.user._replace(token=self.gatehouse.log_in(self.user.email))
        moved = abs(instant(answer.json["now"]) - time.time() - self.offset) < SLACK_SECONDS
        self.claim("an operator accepts the time", answer.status == 200 and answer.json["status"] == "believed" and moved, answer)
        self.claim("then Redis decides", soon(lambda: self.decide()["source"] == "redis", CALM_SECONDS) is not None, self.clock())
        if self.offset < 0:
            for number in range(4):
                again = self.ask_unit(f"after-{number}")
                self.claim("accepted: no day opens again", again.status == 429 and again.json["resets_at"] == self.before, again)
        self.gatehouse.apis[0].stop()
        self.gatehouse.apis[0].start()
        self.claim("accepted: a new process goes on with it", self.clock()["clock"] == "believed", self.clock())
        self.nothing_removed("accepted")
        again = self.ask_unit("first")
        self.claim("accepted: a repeat gets the first answer", again.status == 201 and again.json["reservation"]["id"] == self.reservation, again)

    def decide(self):
        return self.gatehouse.ask("POST", "/v1/gate", {"token": self.user.token, "limits": []}, self.gate).json

    def ask_unit(self, key):
        return self.gatehouse.ask("POST", "/v1/reservations", self.reserve, self.work, {"Idempotency-Key": key})

    def clock(self):
        return self.gatehouse.ask("GET", "/readyz").json

    def count_rows(self):
        with sqlite3.connect(f"file:{self.gatehouse.ledger}?mode=ro", uri=True) as db:
            return {table: db.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for table in ("sessions", "idempotency", "reservations")}

    def status(self):
        with sqlite3.connect(f"file:{self.gatehouse.ledger}?mode=ro", uri=True) as db:
            return db.execute("SELECT status FROM reservations WHERE id = ?", (self.reservation,)).fetchone()[0]


def redis_away(claims):
    """While Redis is away nothing but the boot-time clock moves time."""
    for step, offset in OFFSETS.items():
        with Service(prepare=Clocks) as gatehouse:
            key, work, user = gatehouse.key("gate"), gatehouse.key("work"), gatehouse.new_user()
            reserve = {"user_id": user.id, "metric": "video_analysis"}
            first = gatehouse.ask("POST", "/v1/reservations", reserve, work, {"Idempotency-Key": "first"})
            gatehouse.kill_redis()
            for when in ("", "after a restart "):
                gatehouse.prepared.set(("host",), offset)
                if when:
                    gatehouse.apis[0].stop()
                    gatehouse.apis[0].start()
                moved = soon(lambda: abs(http_date(gatehouse) - time.time() - offset) < SLACK_SECONDS, CALM_SECONDS)
                where = f"host {step}, Redis away"
                claims(f"{where}: {when}the host's clock is wrong", moved is not None, http_date(gatehouse))
                answer = gatehouse.ask("POST", "/v1/gate", {"token": user.token, "limits": []}, key)
                claims(f"{where}: {when}the session verifies", answer.json["decision"] == "allow", answer)
                second = gatehouse.ask("POST", "/v1/reservations", reserve, work, {"Idempotency-Key": f"second{len(when)}"})
                spent = second.status == 429 and second.json["resets_at"] == first.json["allowance"]["resets_at"]
                claims(f"{where}: {when}the spent unit stays spent until the same end", spent, second)
            gatehouse.start_redis()


def after_reboot(claims, step, offset):
    """A start that finds no line of its boot, on a host whose clock is wrong, and so is Redis's."""
    with Service(prepare=Clocks) as gatehouse:
        work, user = gatehouse.key("work"), gatehouse.new_user()
        reserve = {"user_id": user.id, "metric": "video_analysis"}
        first = gatehouse.ask("POST", "/v1/reservations", reserve, work, {"Idempotency-Key": "first"})
        gatehouse.apis[0].stop()
        with sqlite3.connect(gatehouse.ledger) as db:
            db.execute("UPDATE clock SET boot = 'another'")
            sessions = db.execute("SELECT count(*) FROM sessions").fetchone()[0]
        db.close()
        gatehouse.prepared.set(("redis", "host"), offset)
        gatehouse.apis[0].start()
        where = f"a boot with clocks {step}"
        if offset < 0:
            wait_until(lambda: gatehouse.ask("GET", "/readyz").json["clock"] == "alarm", "an alarm")
            second = gatehouse.ask("POST", "/v1/reservations", reserve, work, {"Idempotency-Key": "second"})
            spent = second.status == 429 and second.json["resets_at"] == first.json["allowance"]["resets_at"]
            claims(f"{where}: the spent unit stays spent until the same end", spent, second)
        again = gatehouse.ask("POST", "/v1/reservations", reserve, work, {"Idempotency-Key": "first"})
        claims(f"{where}: a repeat gets the first answer", again.status == 201 and again.json["reservation"]["id"] == first.json["reservation"]["id"], again)
        with sqlite3.connect(f"file:{gatehouse.ledger}?mode=ro", uri=True) as db:
            left = db.execute("SELECT count(*) FROM sessions").fetchone()[0]
        claims(f"{where}: no session is removed", left == sessions, (sessions, left))
        gatehouse.prepared.set(("redis", "host"), 0)
