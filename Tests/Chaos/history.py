"""All that was asked and answered, in a form that checkers can judge: operations with their times, tokens with their ends."""

import contextlib
import json
import threading
import time

from eras import NEVER, Lives, PutBack

OK, REFUSED, UNKNOWN = "ok", "refused", "unknown"


class Operation:
    """One logical call; its retries belong to it. Times are of the monotonic clock: `invoked` before the first send, `answered`
    after the last answer. `ok`: it had its effect; `refused`: it had none; `unknown`: nobody can say (no answer, or a 5xx). `era` is
    that of its answer, or of its last try."""

    __slots__ = ("client", "kind", "arguments", "invoked", "answered", "outcome", "status", "answer", "era")

    def __init__(self, client, kind, invoked, answered, outcome, status=None, answer=None, era=0, **arguments):
        self.client, self.kind, self.arguments, self.era = client, kind, arguments, era
        self.invoked, self.answered, self.outcome = invoked, answered, outcome
        self.status, self.answer = status, answer

    def __getattr__(self, name):
        try:
            return self.arguments[name]
        except KeyError:
            raise AttributeError(name) from None

    def __repr__(self):
        told = {k: str(v) for k, v in self.arguments.items()}
        when = f"[{self.invoked:.3f}, {self.answered:.3f}] era {self.era}"
        return f"#{self.client} {self.kind} {told} {when} {self.outcome} {self.status} {self.answer}"


class Token:
    """A session's token and what is known of its life: it must verify from `opened` until `doomed` (something was invoked that may
    end it), and never again after `ended` (that was acknowledged). In between both answers are right. All this is of one era: `Lives`
    says what is known in each. The call that made it was `begun` before it was `opened`."""

    __slots__ = ("text", "user", "session", "begun", "opened", "era", "ends", "successor_is_lost")

    def __init__(self, text, user, session, opened, begun=None, era=0):
        self.text, self.user, self.session, self.opened, self.era = text, user, session, opened, era
        self.begun = opened if begun is None else begun
        self.ends = {}  # by era: doomed, ended, why
        self.successor_is_lost = False  # its session goes on with a token that no answer brought

    def doom(self, at, why, era=0):
        doomed, ended, _ = before = self.ends.get(era, (NEVER, NEVER, None))
        self.ends[era] = (at, ended, why) if at < doomed else before

    def end(self, at, era=0):
        doomed, ended, why = self.ends.get(era, (NEVER, NEVER, None))
        self.ends[era] = (doomed, min(ended, at), why)

    def __repr__(self):
        return f"{self.session} of {self.user}, opened in era {self.era}"


class History:
    """All operations of a run; safe for many threads."""

    def __init__(self):
        self.operations, self.tokens, self.users, self.violations = [], [], {}, []
        self.window_losses = []
        self.answers, self.unanswered = {}, []
        self.put_backs, self.is_settled = [], True
        self.lock = threading.Lock()

    @property
    def era(self):
        """How often the ledger was put back. Within `putting_back` it is that of the ledger to come."""
        return len(self.put_backs)

    @property
    def moment(self):
        """The era, or None while the ledger is being put back. An answer tells something only if this is what it was as the question
        went."""
        era, is_settled = self.era, self.is_settled
        return era if is_settled and era == self.era else None

    @contextlib.contextmanager
    def putting_back(self, copied):
        """Within this the ledger becomes a copy that was made between the two moments of `copied`; no answer tells of either."""
        self.is_settled = False
        self.put_backs.append(PutBack(*copied))
        try:
            yield
        finally:
            self.is_settled = True

    def record(self, operation):
        self.operations.append(operation)
        return operation

    def add(self, token):
        self.tokens.append(token)
        return token

    def saw(self, kind, status):
        """Counts an answer of the wire; `status` None is no answer."""
        with self.lock:
            self.answers[kind, status] = self.answers.get((kind, status), 0) + 1

    def violate(self, claim, detail):
        """A promise was seen broken while the run was on."""
        self.violations.append((claim, f"{detail} (at {time.monotonic():.3f})"))

    def of(self, *kinds):
        return [operation for operation in self.operations if operation.kind in kinds]

    def write(self, path):
        """One operation a line, for whoever looks for the cause."""
        with open(path, "w") as file:
            for operation in sorted(self.operations, key=lambda o: o.invoked):
                file.write(f"{operation}\n")
            lives = Lives(self)
            for token in self.tokens:
                for era in range(token.era, self.era + 1):
                    file.write(f"token {token}, in era {era}: {lives(token, era)}\n")
            for era, put_back in enumerate(self.put_backs):
                file.write(f"era {era} ends with {put_back}\n")
            file.write(json.dumps({f"{kind} {status}": count for (kind, status), count in sorted(self.answers.items(), key=str)}) + "\n")
