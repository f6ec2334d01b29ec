"""The work of a client beyond sessions: plans, keys and suspensions as an operator; analyses, events, units and rates as an app."""

import time

import load
from history import OK

ANALYSES_KEPT_MAX = 6


class Work:
    """Steps of a `Client`."""

    # what operators do

    def admin(self, account, kind, method, body, tokens):
        path = f"/v1/admin/users/{account.id}"
        return load.end(self.caller, tokens, kind, method, path, {**body, "reason": "chaos"}, self.world.keys["admin"], user=account.id)

    def suspend(self, account):
        tokens, account.live, account.status = account.live, [], "suspended"
        if self.admin(account, "suspend", "PATCH", {"status": "suspended"}, tokens).outcome != OK:
            self.leave(account)
            return
        for token in tokens:
            self.caller.verify(token)
        if self.admin(account, "lift", "PATCH", {"status": "active"}, []).outcome != OK:
            self.leave(account)
            return
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
                if used.era != made.era:
                    return  # the ledger of now need not know the key
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
        done = self.repeatable("analysis", "/v1/analyses", {"filename": name, "metadata": {"n": name}}, token.text, user=account.id, amount=1, name=name)
        if done.outcome == OK:
            account.analyses.append((done.answer["analysis"]["id"], done.answer["analysis"]["reservation_id"]))

    def report(self, account):
        if account.analyses:
            analysis, unit = account.analyses.pop(0)
            fails = self.random.random() < 0.5
            result = {"score": self.random.randrange(1000), "text": "x" * self.random.randrange(3000)}
            body = {"status": "failed", "error": {"code": "chaos"}} if fails else {"status": "completed", "result": result}
            kind = "failed" if fails else "completed"
            self.caller.call(kind, "PATCH", f"/v1/analyses/{analysis}", body, self.world.keys["work"], analysis=analysis, unit=unit, result=result)

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
            gate = self.world.keys["gate"]
            done = self.caller.call("gate-reserve", "POST", "/v1/gate", body, gate, token=token, user=account.id, amount=1)
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
            "spend", "POST", "/v1/gate", body, self.world.keys["gate"], retry=False, token=account.live[0], user=account.id, policy=policy, cost=cost
        )

    def repeatable(self, kind, path, body, bearer, **arguments):
        """A call with an Idempotency-Key; now and then it is sent once more, and must give the first answer again."""
        headers = {"Idempotency-Key": self.caller.fresh("key")}
        done = self.caller.call(kind, "POST", path, body, bearer, headers, **arguments)
        if done.outcome == OK and self.random.random() < 0.2:
            again = self.caller.send("replay", "POST", path, body, bearer, headers)
            is_told = again is not None and self.caller.era == done.era
            same = not is_told or again.status in (401, 403, 429, 503) or again.json == done.answer
            if not same:
                self.world.history.violate("a retry gives the first answer", f"{done} and then {again}")
        return done
