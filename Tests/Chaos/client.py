"""A client of the load: one random step after the other, each remembered with its answer."""

import threading
import time

import load
from Harness.service import some_client
from history import OK
from work import Work

THINK_SECONDS = 0.03


class Client(threading.Thread, Work):
    """A thread that owns a few accounts and shares the contended ones. Ends when the world stops."""

    def __init__(self, world, number):
        super().__init__(name=f"client-{number}", daemon=True)
        self.world, self.number = world, number
        self.caller = load.Caller(world, number)
        self.random, self.accounts, self.held, self.failure = self.caller.random, [], [], None
        self.era = world.history.era

    def run(self):
        names, weights = zip(*STEPS)
        while not self.world.stopping.is_set():
            try:
                if self.era != self.world.history.era:
                    self.era, self.accounts = self.world.history.era, []  # what it knows of them is of another ledger
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
            load.end(self.caller, [token], "logout", "DELETE", "/v1/session", None, token.text, presented=token)
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
            account.live.remove(token)
            done = load.dooming(self.caller, [token], "rotate", "POST", "/v1/session/rotate", None, token.text)
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
                token.successor_is_lost = True
                load.log_in(self.caller, account)
            else:
                self.leave(account)  # which of the two passwords is right is not known


STEPS = [
    ("verify", 40), ("who_am_i", 5), ("log_in", 4), ("log_out", 3), ("end_others", 1), ("end_all", 0.5), ("rotate", 2),
    ("change_password", 1), ("suspend", 0.5), ("delete", 0.3), ("use_key", 0.5), ("change_plan", 1), ("analyse", 8),
    ("report", 6), ("list_analyses", 2), ("use", 5), ("contend", 10), ("count", 6), ("spend", 8),
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
