"""What a client of the load does: one random step after the other, each remembered with its answer."""

import threading
import time

import load
from history import OK
from service import some_client

ANALYSES_KEPT_MAX = 6
THINK_SECONDS = 0.03


class Client(threading.Thread):
    """A thread that owns a few accounts and shares the contended ones. Ends when the world stops."""

    def __init__(self, world, number):
        super().__init__(name=f"client-{number}", daemon=True)
        self.world, self.number = world, number
        self.caller = load.Caller(world, number)
        self.random, self.accounts, self.held, self.failure = self.caller.random, [], [], None

    def run(self):
        names, weights = zip(*STEPS)
        while not self.world.stopping.is_set():
            try:
                if len(self.accounts) < 2:
                    self.adopt(load.sign_up(self.caller))
                    continue
                account = self.random.choice(self.accounts)
                getattr(self, self.random.choices(names, weights)[0])(account)
                if account.logins >= load.LOGINS_OF_USER_MAX and len(account.live) < 2:
                    self.leave(account)  # its sessions stay in the history and must stay true
            except Exception as error:  # a broken step must fail the run, not silence a client
                self.failure = error
                self.world.history.violate("the harness itself works", f"{self.name}: {error!r}")
                raise
            time.sleep(self.random.uniform(0, THINK_SECONDS))

    def adopt(self, account):
        if account:
            self.accounts.append(account)

    def leave(self, account):
        if account in self.accounts:
            self.accounts.remove(account)

    def session_of(self, account):
        return self.random.choice(account.live) if account.live else None

    # sessions

    def verify(self, _):
        tokens = self.world.history.tokens
        recent = tokens[-40:] if self.random.random() < 0.5 else tokens
        self.caller.verify(self.random.choice(recent))

    def who_am_i(self, account):
        if token := self.session_of(account):
            self.caller.call("who", "GET", "/v1/session", None, token.text, retry=False, token=token)

    def log_in(self, account):
        if len(account.live) < load.LIVE_SESSIONS_MAX:
            load.log_in(self.caller, account)

    def log_out(self, account):
        if len(account.live) > 1:
            token = self.session_of(account)
            account.live.remove(token)
            load.end(self.caller, [token], "logout", "DELETE", "/v1/session", None, token.text)
            self.caller.verify(token)

    def end_others(self, account):
        if token := self.session_of(account):
            others = [other for other in account.live if other is not token]
            account.live = [token]
            load.end(self.caller, others, "end-others", "DELETE", "/v1/sessions", None, token.text)

    def end_all(self, account):
        if token := self.session_of(account):
            ended, account.live = account.live, []
            load.end(self.caller, ended, "end-all", "DELETE", "/v1/sessions?include_current=true", None, token.text)
            self.caller.verify(token)
            load.log_in(self.caller, account)

    def rotate(self, account):
        if token := self.session_of(account):
            token.doom(time.monotonic(), "rotate")
            account.live.remove(token)
            done = self.caller.call("rotate", "POST", "/v1/session/rotate", None, token.text)
            if done.outcome == OK:
                load.successor(self.caller, account, token, done, "rotate")

    def change_password(self, account):
        if token := self.session_of(account):
            new = self.caller.fresh("another quiet canary sings")
            ended, account.live = account.live, []
            body = {"current_password": account.password, "new_password": new}
            forwarded = {"X-Forwarded-For": next(iter(some_client(self.random).values()))}
            done = load.end(self.caller, ended, "password", "PUT", "/v1/user/password", body, token.text, forwarded)
            if done.outcome == OK or done.status == 401:
                account.password = new
            if done.outcome == OK:
                load.successor(self.caller, account, token, done, "password")
            elif done.status == 401:
                load.log_in(self.caller, account)
            else:
                self.leave(account)  # which of the two passwords is right is not known

    # what operators do

    def admin(self, account, kind, method, body, tokens):
        path = f"/v1/admin/users/{account.id}"
        return load.end(self.caller, tokens, kind, method, path, {**body, "reason": "chaos"}, self.world.keys["admin"], user=account.id)

    def suspend(self, account):
        tokens, account.live, account.status = account.live, [], "suspended"
        if self.admin(account, "suspend", "PATCH", {"status": "suspended"}, tokens).outcome != OK:
            return self.leave(account)
        for token in tokens:
            self.caller.verify(token)
        if self.admin(account, "lift", "PATCH", {"status": "active"}, []).outcome != OK:
            return self.leave(account)
        account.status = "active"
        for token in tokens:
            self.caller.verify(token)
        load.log_in(self.caller, account)

    def delete(self, account):
        account.status = "deleted"
        self.leave(account)
        if self.admin(account, "delete", "DELETE", {}, account.live).outcome != OK:
            return
        for token in account.live:
            self.caller.verify(token)
        load.log_in(self.caller, account)  # must be refused

    def use_key(self, account):
        """A service key is true on every process from its answer on, and on none after its end."""
        body, admin = {"name": self.caller.fresh("key"), "scopes": ["accounts"]}, self.world.keys["admin"]
        made = self.caller.call("key", "POST", "/v1/admin/keys", body, admin, retry=False)
        if made.outcome != OK:
            return
        for refused in (False, True):
            for _ in range(3):
                used = self.caller.call("key-use", "GET", f"/v1/users/{account.id}", None, made.answer["key"], retry=False)
                if used.status in (200, 401) and (used.status == 401) != refused:
                    self.world.history.violate("a service key is true on every process at once", f"ended: {refused}, {used}")
            if not refused and self.caller.call("key-end", "DELETE", f"/v1/admin/keys/{made.answer['id']}", None, admin).outcome != OK:
                return

    def change_plan(self, account):
        plan = self.random.choice(("free", "pro"))
        account.plans.add(plan)
        path, body = f"/v1/users/{account.id}/plan", {"plan": plan, "reason": "chaos"}
        done = self.caller.call("plan", "PUT", path, body, self.world.keys["accounts"], user=account.id, plan=plan)
        account.plan = plan if done.outcome == OK else None

    # work

    def analyse(self, account):
        token = self.session_of(account)
        if token is None or len(account.analyses) >= ANALYSES_KEPT_MAX:
            return
        name = self.caller.fresh("video")
        done = self.repeatable(
            "analysis", "/v1/analyses", {"filename": name, "metadata": {"n": name}}, token.text, user=account.id, amount=1, name=name)
        if done.outcome == OK:
            account.analyses.append((done.answer["analysis"]["id"], done.answer["analysis"]["reservation_id"]))

    def report(self, account):
        if account.analyses:
            analysis, unit = account.analyses.pop(0)
            fails = self.random.random() < 0.5
            result = {"score": self.random.randrange(1000), "text": "x" * self.random.randrange(3000)}
            body = {"status": "failed", "error": {"code": "chaos"}} if fails else {"status": "completed", "result": result}
            kind = "failed" if fails else "completed"
            self.caller.call(
                kind, "PATCH", f"/v1/analyses/{analysis}", body, self.world.keys["work"], analysis=analysis, unit=unit, result=result)

    def list_analyses(self, account):
        if token := self.session_of(account):
            found = self.caller.call("list", "GET", "/v1/analyses?limit=100", None, token.text, retry=False, user=account.id)
            for item in found.answer["data"] if found.outcome == OK else []:
                if item["user_id"] != account.id:
                    self.world.history.violate("each answer belongs to its asker", f"{found}")

    def use(self, account):
        name = self.caller.fresh("event")
        events = [{"user_id": account.id, "action": "export", "metadata": {"n": name}}]
        self.repeatable("event", "/v1/usage/events", {"events": events}, self.world.keys["work"], user=account.id, name=name)

    def contend(self, _):
        account = self.random.choice(self.world.contended)
        if self.random.random() < 0.3:
            key, token = self.caller.fresh("gate"), account.live[0]
            reserve = {"metric": "video_analysis", "amount": 1, "idempotency_key": key, "lease_seconds": 600}
            body = {"token": token.text, "limits": [], "reserve": reserve}
            done = self.caller.call("gate-reserve", "POST", "/v1/gate", body, self.world.keys["gate"], token=token, user=account.id, amount=1)
            unit = done.answer["reservation"]["id"] if done.outcome == OK and done.answer["reservation"] else None
        else:
            body = {"user_id": account.id, "metric": "video_analysis", "amount": 1, "lease_seconds": 600}
            done = self.repeatable("reserve", "/v1/reservations", body, self.world.keys["work"], user=account.id, amount=1)
            unit = done.answer["reservation"]["id"] if done.outcome == OK else None
        if unit:
            time.sleep(self.random.uniform(0, 0.1))
            self.caller.call("release", "POST", f"/v1/reservations/{unit}/release", None, self.world.keys["work"], unit=unit)

    def count(self, _):
        account, amount = self.random.choice(self.world.counted), self.random.randrange(1, 4)
        body = {"user_id": account.id, "metric": "video_analysis", "amount": amount, "commit": True}
        self.repeatable("count", "/v1/reservations", body, self.world.keys["work"], user=account.id, amount=amount)

    def spend(self, _):
        account = self.random.choice(self.world.windowed)
        policy, cost = self.random.choice((("upload", self.random.randrange(1, 4)), ("api", self.random.randrange(1, 10))))
        body = {"token": account.live[0].text, "limits": [{"policy": policy, "cost": cost}]}
        self.caller.call(
            "spend", "POST", "/v1/gate", body, self.world.keys["gate"], retry=False, token=account.live[0], user=account.id, policy=policy,
            cost=cost)

    def repeatable(self, kind, path, body, bearer, **arguments):
        """A call with an Idempotency-Key; now and then it is sent once more, and must give the first answer again."""
        headers = {"Idempotency-Key": self.caller.fresh("key")}
        done = self.caller.call(kind, "POST", path, body, bearer, headers, **arguments)
        if done.outcome == OK and self.random.random() < 0.2:
            again = self.caller.send("replay", "POST", path, body, bearer, headers)
            same = again is None or again.status in (401, 403, 429, 503) or again.json == done.answer
            if not same:
                self.world.history.violate("a retry gives the first answer", f"{done} and then {again}")
        return done


STEPS = [
    ("verify", 40), ("who_am_i", 5), ("log_in", 4), ("log_out", 3), ("end_others", 1), ("end_all", 0.5), ("rotate", 2),
    ("change_password", 1), ("suspend", 0.5), ("delete", 0.3), ("use_key", 0.5), ("change_plan", 1), ("analyse", 8), ("report", 6), ("list_analyses", 2),
    ("use", 5), ("contend", 10), ("count", 6), ("spend", 8),
]  # fmt: skip


def settle(world):
    """Accounts that all clients share: `contended` on plan free, `counted` on plan pro, `windowed` on plan free."""
    caller = load.Caller(world, "setup")
    for group, count in ((world.contended, 4), (world.counted, 3), (world.windowed, 6)):
        while len(group) < count:
            if account := load.sign_up(caller):
                group.append(account)
    for account in world.counted:
        account.plans.add("pro")
        path, body = f"/v1/users/{account.id}/plan", {"plan": "pro", "reason": "chaos"}
        done = caller.call("plan", "PUT", path, body, world.keys["accounts"], user=account.id, plan="pro")
        account.plan = "pro" if done.outcome == OK else None
    assert all(account.plan == "pro" for account in world.counted), "the plans were not set"
    return caller
