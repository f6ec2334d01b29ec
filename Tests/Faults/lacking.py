"""A configuration that lacks a plan or a metric for a while: a slip in a reload, or a rollout that has reached one process of two. The
plans and the used units of users are the ledger's: with the name back all of it is there, and meanwhile nothing is lost, given twice, or a 500."""

import datetime
import pathlib
import signal
import uuid

from Harness.service import Service, wait_until

RELOADED = "The settings are reloaded"
FREE_UNITS = 2
WHOLE = """metrics:
  names: [video_analysis, export]
  export:
    period: day
plans:
  names: [free, pro]
  free:
    allowances:
      export: 2
  pro:
    allowances:
      export: unlimited
policies:
  api:
    limit_by_plan:
      pro: 600
  upload:
    limit_by_plan:
      pro: 100
"""
WITHOUT_METRIC = WHOLE.replace("[video_analysis, export]", "[video_analysis]").replace("  export:\n    period: day\n", "")
WITHOUT_METRIC = WITHOUT_METRIC.replace("      export:", "      video_analysis:")
WITHOUT_PLAN = WHOLE.replace("[free, pro]", "[free]").replace("  pro:\n    allowances:\n      export: unlimited\n", "")
for limit in (600, 100):
    WITHOUT_PLAN = WITHOUT_PLAN.replace(f"    limit_by_plan:\n      pro: {limit}\n", f"    limit: {limit // 10}\n")
MONTHLY = WHOLE.replace("period: day", "period: month")


class Configured(Service):
    """Two processes, each with a configuration of its own."""

    def __init__(self):
        super().__init__(processes=2)
        self.files, self.statuses = [pathlib.Path(self.folder) / f"{number}.yaml" for number in (0, 1)], set()
        for api, file in zip(self.apis, self.files):
            file.write_text(WHOLE)
            api.start = lambda start=api.start, file=file: start(("env", f"GATEHOUSE_CONFIG={file}"))

    def ask(self, *words, **more):
        answer = super().ask(*words, **more)
        self.statuses.add(answer.status)
        return answer

    def reload(self, text, *processes):
        """These processes, or both, go by this configuration when it returns."""
        for process in processes or (0, 1):
            api = self.apis[process]
            self.files[process].write_text(text)
            told = api.tail(None).count(RELOADED)
            api.process.send_signal(signal.SIGHUP)
            wait_until(lambda: api.tail(None).count(RELOADED) > told, lambda: f"no reload: {api.tail()}", 30)

    def lack(self, text, *processes):
        """The same with something missing; and Redis gets each user's copy anew while it is: what it made of them would stay there."""
        self.reload(text, *processes)
        answer = self.operate("POST", "/v1/admin/redis/forget", {"reason": "a test"})
        assert answer.status in (200, 204), answer

    def plan(self, user, process=0):
        """The plan by which a process decides, once Redis serves it."""

        def found():
            answer = self.ask("POST", "/v1/gate", {"token": user.token, "limits": []}, self.key("gate"), process=process)
            return answer.json if answer.status == 200 and answer.json["source"] == "redis" else None

        return wait_until(found, "Redis does not serve", 15)["user"]["plan"]

    def take(self, user, metric="export", process=0, **more):
        body = {"user_id": user.id, "metric": metric, "amount": 1, **more}
        return self.ask("POST", "/v1/reservations", body, self.key("work"), {"Idempotency-Key": uuid.uuid4().hex}, process)

    def end(self, reservation, how, process=0):
        return self.ask("POST", f"/v1/reservations/{reservation}/{how}", None, self.key("work"), process=process)

    def on_pro(self):
        user = self.new_user()
        answer = self.ask("PUT", f"/v1/users/{user.id}/plan", {"plan": "pro", "reason": "a test"}, self.key("accounts"))
        assert answer.status == 200, answer
        return user


def lost_metric(claims, gatehouse):
    user, spender, leaver = gatehouse.new_user(), gatehouse.new_user(), gatehouse.new_user()
    used = gatehouse.take(user, commit=True)
    kept, returned = gatehouse.take(spender), gatehouse.take(spender)
    gone = gatehouse.take(leaver, commit=True)
    assert {answer.status for answer in (used, kept, returned, gone)} == {201}, (used, kept, returned, gone)
    gatehouse.lack(WITHOUT_METRIC)
    for process in (0, 1):
        gatehouse.plan(user, process), gatehouse.plan(spender, process)
    refused = gatehouse.take(user)
    claims("a metric is missing: a reservation of it is 422", refused.status == 422, refused)
    body = {"token": user.token, "reserve": {"metric": "export", "amount": 1}}
    gate = gatehouse.ask("POST", "/v1/gate", body, gatehouse.key("gate"))
    claims("a metric is missing: so it is at the gate", gate.status == 422, gate)
    other = gatehouse.take(user, "video_analysis", commit=True)
    claims("a metric is missing: the others go on", other.status == 201, other)
    ended = [gatehouse.end(kept.json["reservation"]["id"], "commit"), gatehouse.end(returned.json["reservation"]["id"], "release", 1)]
    claims("a metric is missing: what is held of it is committed and returned", {found.status for found in ended} == {200}, ended)
    today = datetime.datetime.now(datetime.UTC).date()
    days = f"from={today - datetime.timedelta(days=1)}&to={today + datetime.timedelta(days=1)}"
    paths = ("/v1/usage", f"/v1/usage/history?{days}", "/v1/usage/events", "/v1/analyses", "/v1/session", "/v1/user/export")
    shown = [gatehouse.ask("GET", path, bearer=user.token) for path in paths]
    claims("a metric is missing: users see their usage and history", {found.status for found in shown} == {200}, shown)
    deleted = gatehouse.ask("DELETE", f"/v1/users/{leaver.id}", {"reason": "a test"}, gatehouse.key("accounts"))
    claims("a metric is missing: an account is deleted", deleted.status in (200, 202, 204), deleted)
    gatehouse.reload(WHOLE)
    left = [gatehouse.take(user, process=process, commit=True).status for process in (0, 1, 0)]
    claims("a metric is back: what was used of it still is", left == [201, 429, 429], left)
    left = [gatehouse.take(spender, process=process, commit=True).status for process in (1, 0, 1)]
    claims("a metric is back: what was committed counts, what was returned does not", left == [201, 429, 429], left)
    again = type(leaver)(gatehouse.sign_up(leaver.email), leaver.email, gatehouse.log_in(leaver.email))
    left = [gatehouse.take(again, process=process, commit=True).status for process in (0, 1)]
    claims("a metric is back: an account that was deleted meanwhile gets no unit twice", left == [201, 429], left)


def lost_plan(claims, gatehouse):
    user = gatehouse.on_pro()
    taken = [gatehouse.take(user, process=process, commit=True).status for process in (0, 1, 0)]
    gatehouse.lack(WITHOUT_PLAN)
    plans = [gatehouse.plan(user, process) for process in (0, 1)]
    over = [gatehouse.take(user, process=process, commit=True).status for process in (0, 1)]
    right = (taken, plans, over) == ([201] * 3, ["free"] * 2, [429] * 2)
    claims("a plan is missing: its users are on the first one, with all that they used", right, (taken, plans, over))
    refused = gatehouse.ask("PUT", f"/v1/users/{user.id}/plan", {"plan": "pro", "reason": "a test"}, gatehouse.key("accounts"))
    claims("a plan is missing: nobody is put on it", refused.status == 422, refused)
    gatehouse.reload(WHOLE)
    plans = [gatehouse.plan(user, process) for process in (0, 1)]
    more = gatehouse.take(user, commit=True)
    used = more.json["allowance"]["used"] if more.status == 201 else more
    claims("a plan is back: its users are on it, and the count goes on", (plans, used) == (["pro", "pro"], 4), (plans, used))


def rollout(claims, gatehouse):
    """One process of two has another configuration: each decides by its own, and neither leaves a trace in the other's answers."""
    user, metered = gatehouse.on_pro(), gatehouse.new_user()
    gatehouse.lack(WITHOUT_PLAN, 0)
    seen = [(gatehouse.plan(user, 0), gatehouse.plan(user, 1)) for _ in range(5)]
    claims("a plan is missing in one process of two: each decides by its own configuration", set(seen) == {("free", "pro")}, seen)
    gatehouse.reload(WHOLE, 0)
    plans = [gatehouse.plan(user, process) for process in (0, 1)]
    claims("and it is back at once", plans == ["pro", "pro"], plans)
    gatehouse.lack(WITHOUT_METRIC, 0)
    statuses = []
    for _ in range(3):
        gatehouse.plan(metered, 0)  # reads the user by the configuration that lacks the metric
        statuses += [gatehouse.take(metered, process=process, commit=True).status for process in (0, 1)]
    claims("a metric is missing in one process of two: the other counts on", statuses == [422, 201, 422, 201, 422, 429], statuses)
    gatehouse.reload(WHOLE, 0)


def other_period(claims, gatehouse):
    """A metric is counted by the month for a while, then by the day again."""
    user = gatehouse.new_user()
    first = gatehouse.take(user, commit=True).status
    gatehouse.lack(MONTHLY)
    month = [gatehouse.take(user, process=process, commit=True) for process in (0, 1, 0)]
    gatehouse.reload(WHOLE)
    back = [gatehouse.take(user, process=process, commit=True) for process in (1, 0)]
    day, month = [first, *(found.status for found in back)], [found.status for found in month]
    # On the first of a month its units and the day's may be the same rows: then there are fewer, never more.
    right = set(day + month) == {201, 429} and day.count(201) <= FREE_UNITS and month.count(201) <= FREE_UNITS
    claims("a metric is by the month for a while: no day and no month gives more than its units", right, (day, month))


def run(claims):
    with Configured() as gatehouse:
        for part in (lost_metric, lost_plan, rollout, other_period):
            part(claims, gatehouse)
        claims("no answer was a 5xx", not [status for status in gatehouse.statuses if status >= 500], gatehouse.statuses)
