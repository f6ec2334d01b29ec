"""Each judge must tell a bad history from a good one: a check that can't fail is worth nothing."""

import contextlib
import io
import pathlib
import sqlite3
import unittest

import checks
import store
from history import OK, REFUSED, UNKNOWN, History, Operation, Token
from load import Account

SCHEMA = pathlib.Path(__file__).resolve().parents[2] / "schema.sql"


class Fabricated(unittest.TestCase):
    """A history made by hand; `says(check)` is whether the check finds a violation in it."""

    def setUp(self):
        self.history = History()
        self.history.users["usr_a"] = Account("usr_a", "a@example.com")
        self.token = self.history.add(Token("gh_1", "usr_a", "ses_1", 1.0))
        self.ledger = sqlite3.connect(":memory:")
        self.ledger.row_factory = sqlite3.Row
        self.ledger.executescript(SCHEMA.read_text())

    def did(self, kind, invoked, answered, outcome=OK, status=200, answer=None, **arguments):
        return self.history.record(Operation(0, kind, invoked, answered, outcome, status, answer, **arguments))

    def gate(self, invoked, answered, decision="allow", user="usr_a", session="ses_1"):
        answer = {"decision": decision, "user": {"id": user}, "session": {"id": session}}
        return self.did("verify", invoked, answered, answer=answer, token=self.token)

    def reserve(self, invoked, answered, unit, used=0, kind="reserve", amount=1):
        answer = {"reservation": {"id": unit}, "allowance": {"used": used, "resets_at": "tomorrow"}}
        return self.did(kind, invoked, answered, answer=answer, user="usr_a", amount=amount)

    def insert(self, table, **values):
        names = ", ".join(values)
        self.ledger.execute(f"INSERT INTO {table} ({names}) VALUES ({', '.join('?' * len(values))})", list(values.values()))

    def insert_user(self, status="active"):
        self.insert("users", id="usr_a", email="a@example.com", time_zone="UTC", plan="free", status=status, password_hash="x",
                    created_at=1)  # fmt: skip

    def insert_unit(self, unit, committed=0, amount=1):
        self.insert("reservations", id=unit, user_id="usr_a", metric="video_analysis", amount=amount, committed=committed,
                    status="committed" if committed else "held", period_start=0, period_end=9, created_at=1)  # fmt: skip

    def says(self, check):
        return bool(check(self.history, self.ledger) if check in store.STORE_CHECKS.values() else check(self.history))


class Sessions(Fabricated):
    def test_a_refused_live_session_is_a_violation(self):
        self.gate(2, 3)
        self.assertFalse(self.says(checks.live_sessions_verify))
        self.gate(4, 5, "unauthenticated")
        self.assertTrue(self.says(checks.live_sessions_verify))

    def test_a_refusal_while_the_session_is_being_ended_is_none(self):
        self.token.doom(4.5, "logout")
        self.gate(4, 5, "unauthenticated")
        self.assertFalse(self.says(checks.live_sessions_verify))

    def test_an_ended_session_that_verifies_is_a_violation(self):
        self.token.doom(2, "logout")
        self.token.end(3)
        self.gate(2.9, 4)
        self.assertFalse(self.says(checks.ended_sessions_stay_ended))
        self.gate(3.1, 4)
        self.assertTrue(self.says(checks.ended_sessions_stay_ended))

    def test_an_answer_for_somebody_else_is_a_violation(self):
        self.gate(2, 3)
        self.assertFalse(self.says(checks.answers_belong_to_askers))
        self.gate(2, 3, session="ses_2")
        self.assertTrue(self.says(checks.answers_belong_to_askers))

    def test_a_lost_session_row_is_a_violation(self):
        self.insert_user()
        self.assertTrue(self.says(store.sessions_are_there))
        self.insert("sessions", id="ses_1", user_id="usr_a", **{"class": "web"}, transport="bearer", created_at=1, seen_at=1,
                    expires_at=9)  # fmt: skip
        self.assertFalse(self.says(store.sessions_are_there))
        self.token.doom(2, "logout")
        self.token.end(3)
        self.assertTrue(self.says(store.sessions_are_there))
        self.token.successor_is_lost = True
        self.assertFalse(self.says(store.sessions_are_there))

    def test_a_lost_user_is_a_violation(self):
        self.assertTrue(self.says(store.users_are_there))
        self.insert_user()
        self.assertFalse(self.says(store.users_are_there))


class Allowances(Fabricated):
    def test_two_units_at_once_are_a_violation(self):
        self.reserve(1, 2, "rsv_1")
        self.did("release", 3, 4, unit="rsv_1")
        self.reserve(3.5, 5, "rsv_2")
        self.assertFalse(self.says(checks.allowance_is_never_exceeded))
        self.reserve(6, 7, "rsv_3")
        self.assertTrue(self.says(checks.allowance_is_never_exceeded))

    def test_counters_that_share_a_unit_are_a_violation(self):
        self.reserve(1, 2, "rsv_1", used=2, kind="count", amount=2)
        self.reserve(1, 2, "rsv_2", used=3, kind="count")
        self.assertFalse(self.says(checks.counters_are_linearizable))
        self.reserve(1, 2, "rsv_3", used=4, kind="count", amount=2)
        self.assertTrue(self.says(checks.counters_are_linearizable))

    def test_a_counter_that_runs_backwards_in_time_is_a_violation(self):
        self.reserve(5, 6, "rsv_1", used=1, kind="count")
        self.reserve(1, 2, "rsv_2", used=2, kind="count")
        self.assertTrue(self.says(checks.counters_are_linearizable))

    def test_one_unit_for_two_calls_is_a_violation(self):
        self.reserve(1, 2, "rsv_1")
        self.assertFalse(self.says(checks.replayed_units_are_one))
        self.reserve(3, 4, "rsv_1")
        self.assertTrue(self.says(checks.replayed_units_are_one))

    def test_too_many_rows_of_a_day_are_a_violation(self):
        self.insert_user()
        self.insert_unit("rsv_1")
        self.assertFalse(self.says(store.rows_keep_the_allowance))
        self.insert_unit("rsv_2", committed=1)
        self.assertTrue(self.says(store.rows_keep_the_allowance))

    def test_a_granted_unit_without_a_row_is_a_violation(self):
        self.reserve(1, 2, "rsv_1")
        self.assertTrue(self.says(store.units_are_there))
        self.insert_user()
        self.insert_unit("rsv_1")
        self.assertFalse(self.says(store.units_are_there))

    def test_sums_that_differ_are_a_violation(self):
        self.insert_user()
        self.insert_unit("rsv_1", committed=1)
        self.reserve(1, 2, "rsv_1", used=1, kind="count")
        self.assertTrue(self.says(store.counters_add_up))
        self.insert("usage_daily", user_id="usr_a", metric="video_analysis", period_start=0, used=1)
        self.assertFalse(self.says(store.counters_add_up))
        self.ledger.execute("UPDATE usage_daily SET used = 2")
        self.assertTrue(self.says(store.counters_add_up))


class Windows(Fabricated):
    def spend(self, invoked, answered, cost, source="redis"):
        answer = {"decision": "allow", "allowed": True, "source": source, "user": None, "session": None}
        self.did("spend", invoked, answered, answer=answer, token=self.token, user="usr_a", policy="upload", cost=cost)

    def test_more_than_the_limit_within_a_window_is_a_violation(self):
        self.spend(1, 2, 6)
        self.spend(3, 4, 4)
        self.spend(5, 6, 9, source="ledger")
        self.spend(3700, 3701, 10)
        self.assertFalse(self.says(checks.windows_hold))
        self.spend(7, 8, 1)
        self.assertTrue(self.says(checks.windows_hold))

    def test_a_loss_of_redis_parts_two_timelines(self):
        self.spend(1, 2, 10)
        self.spend(5, 6, 10)
        self.history.window_losses.append((3, 4))
        self.assertFalse(self.says(checks.windows_hold))


class Rows(Fabricated):
    def test_a_lost_analysis_is_a_violation(self):
        answer = {"analysis": {"id": "ana_1", "reservation_id": "rsv_1"}, "allowance": None}
        self.did("analysis", 1, 2, answer=answer, user="usr_a", amount=1)
        self.assertTrue(self.says(store.analyses_are_there))

    def test_an_event_that_is_missing_or_twice_is_a_violation(self):
        self.insert_user()
        self.did("event", 1, 2, user="usr_a", name="e1")
        self.did("event", 1, 2, UNKNOWN, None, user="usr_a", name="e2")
        self.did("event", 1, 2, REFUSED, 429, user="usr_a", name="e3")
        self.assertTrue(self.says(store.events_are_there_once))
        row = {"user_id": "usr_a", "action": "export", "occurred_at": 1, "metadata": '{"n":"e1"}'}
        self.insert("usage_events", id="evt_1", **row)
        self.assertFalse(self.says(store.events_are_there_once))
        self.insert("usage_events", id="evt_2", **row)
        self.assertTrue(self.says(store.events_are_there_once))

    def test_a_broken_reference_is_a_violation(self):
        self.assertFalse(self.says(store.file_is_sound))
        self.insert_unit("rsv_1")
        self.assertTrue(self.says(store.file_is_sound))

    def test_a_pending_row_is_a_violation(self):
        self.assertFalse(self.says(store.nothing_is_pending))
        self.insert("hot_pending", routing_id="a", seq=1)
        self.assertTrue(self.says(store.nothing_is_pending))

    def test_a_client_that_never_succeeds_again_is_a_violation(self):
        for kind in checks.MUST_GO_ON:
            self.assertTrue(checks.every_client_progressed(self.history, 10))
            self.did(kind, 11, 12)
        self.assertFalse(checks.every_client_progressed(self.history, 10))


def passes():
    """Runs all of it; the report, empty if every judge can tell."""
    report = io.StringIO()
    with contextlib.redirect_stderr(report):
        result = unittest.TextTestRunner(stream=report).run(unittest.defaultTestLoader.loadTestsFromModule(__import__(__name__)))
    return "" if result.wasSuccessful() and result.testsRun else report.getvalue()


if __name__ == "__main__":
    unittest.main()
