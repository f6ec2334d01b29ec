"""All that was asked and answered, in a form that checkers can judge: operations with their times, tokens with their ends."""

import json
import threading
import time

NEVER = float("inf")
OK, REFUSED, UNKNOWN = "ok", "refused", "unknown"


class Operation:
    """One logical call; its retries belong to it. Times are of the monotonic clock: `invoked` before the first send, `answered`
    after the last answer. `ok`: it had its effect; `refused`: it had none; `unknown`: nobody can say (no answer, or a 5xx)."""

    __slots__ = ("client", "kind", "arguments", "invoked", "answered", "outcome", "status", "answer")

    def __init__(self, client, kind, invoked, answered, outcome, status=None, answer=None, **arguments):
        self.client, self.kind, self.arguments = client, kind, arguments
        self.invoked, self.answered, self.outcome = invoked, answered, outcome
        self.status, self.answer = status, answer

    def __getattr__(self, name):
        try:
            return self.arguments[name]
        except KeyError:
            raise AttributeError(name) from None

    def __repr__(self):
        told = {k: str(v) for k, v in self.arguments.items()}
        return f"#{self.client} {self.kind} {told} [{self.invoked:.3f}, {self.answered:.3f}] {self.outcome} {self.status} {self.answer}"


class Token:
    """A session's token and what is known of its life: it must verify from `opened` until `doomed` (something was invoked that may
    end it), and never again after `ended` (that was acknowledged). In between both answers are right."""

    __slots__ = ("text", "user", "session", "opened", "doomed", "ended", "why", "successor_is_lost")

    def __init__(self, text, user, session, opened):
        self.text, self.user, self.session, self.opened = text, user, session, opened
        self.doomed, self.ended, self.why = NEVER, NEVER, None
        self.successor_is_lost = False  # its session goes on with a token that no answer brought

    def doom(self, at, why):
        if at < self.doomed:
            self.doomed, self.why = at, why

    def end(self, at):
        self.ended = min(self.ended, at)

    @property
    def is_live(self):
        return self.doomed == NEVER

    def __repr__(self):
        return f"{self.session} of {self.user} ({self.why or 'live'})"


class History:
    """All operations of a run; safe for many threads."""

    def __init__(self):
        self.operations, self.tokens, self.users, self.violations = [], [], {}, []
        self.window_losses = []
        self.answers, self.unanswered = {}, []
        self.lock = threading.Lock()

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
            for token in self.tokens:
                file.write(f"token {token} opened {token.opened:.3f} doomed {token.doomed:.3f} ended {token.ended:.3f}\n")
            file.write(json.dumps({f"{kind} {status}": count for (kind, status), count in sorted(self.answers.items(), key=str)}) + "\n")
