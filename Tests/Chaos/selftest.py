"""Each judge must tell a bad history from a good one: a check that can't fail is worth nothing."""

import contextlib
import io
import pathlib
import sqlite3
import types
import unittest

import checks
import load
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
        return self.history.record(Operation(0, kind, invoked, answered, outcome, status, answer, self.history.era, **arguments))

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


class PutBacks(Fabricated):
    """The ledger was put back to a copy that was made between 10 and 11."""

    def put_back(self):
        with self.history.putting_back((10, 11)):
            pass

    def test_what_the_copy_does_not_know_may_be_refused_and_must_be(self):
        self.token = self.history.add(Token("gh_2", "usr_a", "ses_1", 13, 12))
        self.put_back()
        self.gate(20, 21, "unauthenticated")
        self.assertFalse(self.says(checks.live_sessions_verify))
        self.assertFalse(self.says(checks.ended_sessions_stay_ended))
        self.gate(22, 23)
        self.assertTrue(self.says(checks.ended_sessions_stay_ended))

    def test_what_was_made_while_the_copy_was_may_be_there_or_not(self):
        for opened, begun in ((10.5, 9), (12, 9), (12, 10.5)):
            self.token = self.history.add(Token("gh_2", "usr_a", "ses_1", opened, begun))
        self.put_back()
        for token in self.history.tokens[1:]:
            self.token = token
            self.gate(20, 21, "unauthenticated")
            self.gate(22, 23)
        self.assertFalse(self.says(checks.live_sessions_verify) or self.says(checks.ended_sessions_stay_ended))

    def test_what_the_copy_holds_as_live_must_verify_though_it_was_ended_since(self):
        self.token.doom(12, "logout")
        self.token.end(13)
        self.put_back()
        self.gate(20, 21)
        self.assertFalse(self.says(checks.ended_sessions_stay_ended))
        self.gate(22, 23, "unauthenticated")
        self.assertTrue(self.says(checks.live_sessions_verify))

    def test_what_the_copy_holds_as_ended_stays_ended(self):
        self.token.doom(2, "logout")
        self.token.end(3)
        self.put_back()
        self.gate(20, 21)
        self.assertTrue(self.says(checks.ended_sessions_stay_ended))

    def test_what_is_ended_in_the_copy_stays_ended(self):
        self.put_back()
        self.token.doom(20, "logout", era=1)
        self.token.end(21, era=1)
        self.gate(22, 23)
        self.assertTrue(self.says(checks.ended_sessions_stay_ended))

    def test_a_logout_by_a_token_that_the_copy_lacks_ends_no_other_token(self):
        late = self.history.add(Token("gh_2", "usr_a", "ses_1", 12, 11.5))
        self.put_back()
        caller = types.SimpleNamespace(history=self.history, call=lambda kind, *_: self.did(kind, 20, 21, status=204))
        load.end(caller, [late], "logout", "DELETE", "/v1/session", presented=late)
        self.gate(22, 23)
        self.assertFalse(self.says(checks.ended_sessions_stay_ended))
        load.end(caller, [self.token], "logout", "DELETE", "/v1/session", presented=self.token)
        self.gate(24, 25)
        self.assertTrue(self.says(checks.ended_sessions_stay_ended))

    def test_a_second_copy_knows_what_the_first_knew(self):
        self.put_back()
        late = self.history.add(Token("gh_2", "usr_a", "ses_1", 33, 32, self.history.era))
        with self.history.putting_back((30, 31)):
            pass
        self.gate(40, 41)
        self.assertFalse(self.says(checks.ended_sessions_stay_ended))
        self.gate(42, 43, "unauthenticated")
        self.assertTrue(self.says(checks.live_sessions_verify))
        self.token = late
        self.gate(44, 45)
        self.assertTrue(self.says(checks.ended_sessions_stay_ended))

    def test_units_of_the_copy_stand_and_those_that_are_lost_do_not(self):
        self.reserve(1, 2, "rsv_1")
        self.did("release", 12, 13, unit="rsv_1")
        self.reserve(13.5, 14, "rsv_2")
        self.put_back()
        self.assertFalse(self.says(checks.allowance_is_never_exceeded))
        self.did("release", 20, 21, unit="rsv_1")
        self.reserve(22, 23, "rsv_3")
        self.assertFalse(self.says(checks.allowance_is_never_exceeded))

    def test_a_unit_beside_one_of_the_copy_is_a_violation(self):
        self.reserve(1, 2, "rsv_1")
        self.did("release", 12, 13, unit="rsv_1")
        self.put_back()
        self.reserve(22, 23, "rsv_3")
        self.assertTrue(self.says(checks.allowance_is_never_exceeded))

    def test_a_unit_of_the_copy_stands_as_long_as_its_lease(self):
        self.reserve(1, 2, "rsv_1")
        self.put_back()
        self.reserve(2 + checks.HOLD_SECONDS, 3 + checks.HOLD_SECONDS, "rsv_2")
        self.assertFalse(self.says(checks.allowance_is_never_exceeded))

    def test_counts_go_on_from_those_of_the_copy(self):
        self.reserve(1, 2, "rsv_1", used=2, kind="count", amount=2)
        self.reserve(12, 13, "rsv_2", used=3, kind="count")
        self.put_back()
        self.reserve(20, 21, "rsv_3", used=3, kind="count")
        self.assertFalse(self.says(checks.counters_are_linearizable))
        self.reserve(22, 23, "rsv_4", used=2, kind="count")
        self.assertTrue(self.says(checks.counters_are_linearizable))

    def test_only_what_the_copy_knows_must_be_there(self):
        self.insert_user()
        self.did("event", 1, 2, user="usr_a", name="e1")
        self.did("event", 12, 13, user="usr_a", name="e2")
        self.put_back()
        self.assertTrue(self.says(store.events_are_there_once))
        row = {"user_id": "usr_a", "action": "export", "occurred_at": 1}
        self.insert("usage_events", id="evt_1", metadata='{"n":"e1"}', **row)
        self.assertFalse(self.says(store.events_are_there_once))
        self.insert("usage_events", id="evt_2", metadata='{"n":"e2"}', **row)
        self.assertTrue(self.says(store.events_are_there_once))

    def test_a_user_who_is_lost_need_not_be_there_and_one_of_the_copy_must(self):
        account = self.history.users["usr_a"]
        account.made = self.did("sign-up", 12, 13)
        self.put_back()
        self.assertFalse(self.says(store.users_are_there))
        account.made = Operation(0, "sign-up", 1, 2, OK)
        self.assertTrue(self.says(store.users_are_there))

    def test_a_status_is_that_of_the_copy(self):
        self.insert_user("suspended")
        self.did("suspend", 1, 2, user="usr_a")
        self.put_back()
        self.assertFalse(self.says(store.users_are_there))
        self.history.operations.clear()
        self.history.record(Operation(0, "suspend", 12, 13, OK, user="usr_a"))
        self.assertTrue(self.says(store.users_are_there))

    def test_an_analysis_of_the_copy_must_be_there_and_one_that_is_lost_need_not(self):
        answer = {"analysis": {"id": "ana_1", "reservation_id": "rsv_1"}, "allowance": None}
        self.did("analysis", 12, 13, answer=answer, user="usr_a", amount=1)
        self.put_back()
        self.assertFalse(self.says(store.analyses_are_there) or self.says(store.units_are_there))
        self.history.record(Operation(0, "analysis", 1, 2, OK, answer=answer, user="usr_a", amount=1))
        self.assertTrue(self.says(store.analyses_are_there) and self.says(store.units_are_there))

    def test_used_units_are_those_of_the_copy_and_since(self):
        self.insert_user()
        self.reserve(1, 2, "rsv_1", used=1, kind="count")
        self.reserve(12, 13, "rsv_2", used=2, kind="count")
        self.put_back()
        self.insert_unit("rsv_1", committed=1)
        self.insert("usage_daily", user_id="usr_a", metric="video_analysis", period_start=0, used=1)
        self.assertFalse(self.says(store.counters_add_up))
        self.reserve(20, 21, "rsv_3", used=2, kind="count")
        self.assertTrue(self.says(store.counters_add_up))

    def test_an_answer_tells_of_the_ledger_that_was_there_all_the_time(self):
        before = self.history.moment
        with self.history.putting_back((10, 11)):
            self.assertIsNone(self.history.moment)
        self.assertNotIn(self.history.moment, (None, before))


def passes():
    """Runs all of it; the report, empty if every judge can tell."""
    report = io.StringIO()
    with contextlib.redirect_stderr(report):
        result = unittest.TextTestRunner(stream=report).run(unittest.defaultTestLoader.loadTestsFromModule(__import__(__name__)))
    return "" if result.wasSuccessful() and result.testsRun else report.getvalue()


if __name__ == "__main__":
    unittest.main()
