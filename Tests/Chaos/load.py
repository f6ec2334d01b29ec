"""Seeded clients that live an app's life through the HTTP contract and remember every answer."""

import random
import threading
import time

from Harness import wire
from Harness.service import PASSWORD, some_client
from history import OK, REFUSED, UNKNOWN, Operation, Token

LOGINS_OF_USER_MAX = 8  # below the cap of plan free: no login may end another session
LIVE_SESSIONS_MAX = 4
RETRY_SECONDS = 40
ROTATION_GRACE_SECONDS = 31


class Account:
    """A user with one client's knowledge of it. `plans`: all that it may have been on."""

    def __init__(self, id, email, password=PASSWORD):
        self.id, self.email, self.password = id, email, password
        self.plan, self.plans, self.logins, self.live, self.analyses = "free", {"free"}, 0, [], []
        self.status, self.made = "active", None  # by which call

    def is_known_in(self, era):
        """Whether what this client knows of it holds in that era: not if the ledger was put back since."""
        return self.made is None or self.made.era == era


class World:
    """Shared by all clients: the service, its keys, the history, and accounts that they contend for."""

    def __init__(self, service, history, seed):
        self.service, self.history, self.seed = service, history, seed
        self.ports = [api.port for api in service.apis]
        self.ops_ports = [api.ops_port for api in service.apis]
        self.keys = {scope: service.key(scope) for scope in ("gate", "work", "accounts", "admin")}
        self.stopping = threading.Event()
        self.contended, self.counted, self.windowed = [], [], []


ONCE = ("delete",)  # a second try of these is refused because of the first


class Caller:
    """Sends calls, repeats what has no outcome through whichever process answers, classifies what comes back."""

    def __init__(self, world, number):
        self.world, self.number, self.random = world, number, random.Random(f"{world.seed}-{number}")
        self.history, self.connections, self.count, self.reached = world.history, {}, 0, False
        self.era = 0  # of the last try
        self.retry_seconds, self.login_tries = RETRY_SECONDS, 40

    def send(self, kind, method, path, body=None, bearer=None, headers=None):
        """One try at a random process: the answer, or None if there is none or nobody can say of which era. Admin routes are on its ops
        listener."""
        port, moment = self.random.choice(self.world.ops_ports if path.startswith("/v1/admin") else self.world.ports), self.history.moment
        connection = self.connections.setdefault(port, wire.HTTP(port))
        self.reached = True
        try:
            answer = connection.ask(method, path, body, bearer, headers)
            self.era = self.history.era
        except wire.NotSent:
            self.era, self.reached = self.history.era, False
            self.history.saw(kind, "refused connection")
            return None
        except wire.NoAnswer as error:
            self.era = self.history.era
            self.history.saw(kind, "no answer")
            self.history.unanswered.append(str(error))
            return None
        self.history.saw(kind, answer.status)
        if answer.status == 500 or answer.status > 503 or answer.status in (501, 502):
            self.history.violate("no answer with 500", f"{method} {path}: {answer}")
        if answer.status == 503 and "retry-after" not in answer.headers:
            self.history.violate("503 carries Retry-After", f"{method} {path}: {answer}")
        return answer if moment == self.era == self.history.moment else None

    def call(self, kind, method, path, body=None, bearer=None, headers=None, retry=True, ok=(200, 201, 204), **arguments):
        """One logical call, recorded. With `retry` it is repeated until an answer tells its outcome."""
        invoked, is_doubtful = time.monotonic(), False
        while True:
            answer = self.send(kind, method, path, body, bearer, headers)
            decided = answer is not None and answer.status < 500
            if decided or not retry or time.monotonic() > invoked + self.retry_seconds:
                break
            is_doubtful |= answer is None and self.reached
            time.sleep(self.random.uniform(0.02, 0.2))
        outcome = UNKNOWN if not decided else OK if answer.status in ok else REFUSED
        if outcome == REFUSED and is_doubtful and kind in ONCE:
            outcome = UNKNOWN  # what is not there may have been deleted by the try before
        if outcome == REFUSED and answer.status not in (401, 403, 404, 409, 410, 422, 429):
            self.history.violate("an understood request", f"{method} {path} {body}: {answer}")
        return self.history.record(
            Operation(
                self.number,
                kind,
                invoked,
                time.monotonic(),
                outcome,
                answer.status if answer else None,
                answer.json if answer and answer.body else None,
                self.era,
                **arguments,
            )
        )

    def fresh(self, word):
        """A name that no other call of the run has."""
        self.count += 1
        return f"{word}-{self.world.seed}-{self.number}-{self.count}"

    def verify(self, token, retry=False):
        """Asks the gate whose token this is, most often without any charge."""
        body = {"token": token.text, "limits": []}
        if self.random.random() < 0.1:
            del body["limits"]
        return self.call("verify", "POST", "/v1/gate", body, self.world.keys["gate"], retry=retry, token=token)


def sign_up(caller):
    """A new account, or None if it stayed unknown."""
    email = f"{caller.fresh('user')}@example.com"
    made = caller.call("sign-up", "POST", "/v1/users", {"email": email, "password": PASSWORD}, caller.world.keys["accounts"], email=email)
    if made.outcome == OK:
        account = Account(made.answer["id"], email)
    elif made.outcome == REFUSED and made.answer["code"] == "email_taken":
        account = Account(None, email)  # a try without an answer had made it
    else:
        return None
    account.made = made
    session = log_in(caller, account)
    if session is None or account.id is None:
        return None
    caller.history.users[account.id] = account
    return account


def log_in(caller, account):
    """A new session's token; None if there is none. Not repeated: each try that came through made a session."""
    for _ in range(caller.login_tries):
        if account.logins >= LOGINS_OF_USER_MAX:
            return None
        body = {"email": account.email, "password": account.password}
        opened = caller.call("login", "POST", "/v1/sessions", body, caller.world.keys["accounts"], some_client(caller.random), retry=False, user=account.id)
        account.logins += caller.reached
        if opened.outcome == OK:
            answer = opened.answer
            if account.status == "deleted" and account.is_known_in(opened.era):
                caller.history.violate("a deleted user stays deleted", f"{opened}")
            if account.id not in (None, answer["user"]["id"]):
                caller.history.violate("each answer belongs to its asker", f"a login of {account.id}: {answer}")
            account.id = answer["user"]["id"]
            token = caller.history.add(Token(answer["token"], account.id, answer["session"]["id"], opened.answered, opened.invoked, opened.era))
            account.live.append(token)
            if answer["sessions_ended"]:
                caller.history.violate("a login below the cap ends nobody", f"{opened}")
            return token
        if opened.outcome == REFUSED:
            if account.status == "active" and opened.status != 429 and account.is_known_in(opened.era):
                caller.history.violate("an acknowledged user can log in", f"{opened}")
            return None
        if opened.status is None and caller.world.stopping.is_set():
            return None
        time.sleep(caller.random.uniform(0.05, 0.3))
    return None


def end(caller, tokens, kind, *request, presented=None, **more):
    """A call that ends `tokens`: they are doomed from its start and ended with its answer, whichever of its tries made it true. With
    `presented` the answer is the same for a token that the ledger does not know: then it tells of that token alone."""
    sessions, era = {token.session for token in tokens}, caller.history.era
    tokens = [token for token in caller.history.tokens if token.session in sessions]  # a rotated token ends with its session
    done = dooming(caller, tokens, kind, *request, **more)
    # 401 to a repeated call: the caller's own session is over, so an earlier try has done its work, unless that was in another ledger.
    if done.outcome == OK or done.status == 401 and done.era == era:
        is_whole = presented is None or is_in_copies(caller.history, presented, done.era)
        for token in tokens:
            if is_whole or token is presented:
                token.end(done.answered, done.era)
    return done


def is_in_copies(history, token, era):
    """Whether the ledger of an era certainly knows a token: each copy since was made after it."""
    return all(token.opened < put_back.start for put_back in history.put_backs[token.era : era])


def dooming(caller, tokens, kind, *request, **more):
    """A call that may end `tokens`, in each era that it is tried in."""
    start, era = time.monotonic(), caller.history.era
    for token in tokens:
        token.doom(start, kind, era)
    done = caller.call(kind, *request, **more)
    for later in range(era + 1, done.era + 1):
        for token in tokens:
            token.doom(start, kind, later)
    return done


def successor(caller, account, old, done, kind):
    """The token that replaces `old` after a rotation or a change of password."""
    token = caller.history.add(Token(done.answer["token"], account.id, done.answer["session"]["id"], done.answered, done.invoked, done.era))
    account.live.append(token)
    if kind == "rotate":
        used = caller.verify(token, retry=True)
        if used.outcome == OK and used.answer["decision"] == "allow" and used.era == done.era:
            old.end(used.answered + ROTATION_GRACE_SECONDS, used.era)
    return token
