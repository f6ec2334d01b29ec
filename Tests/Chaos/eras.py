"""A ledger that is put back divides a history into eras. Changes that the copy does not know are lost, by the operator's own act; what it knows
holds again as it did when the copy was made. This says which is which, and where nobody can say."""

from collections import namedtuple

NEVER = float("inf")


class PutBack(namedtuple("PutBack", "start stop")):
    """The end of an era: the ledger became a copy that was made within that era, between these two moments."""


class Life(namedtuple("Life", "begun opened doomed ended why")):
    """A token in one era, as far as it is known: see `Token`. It was made between `begun` and `opened`."""

    def carried(self, put_back):
        """The same in the next era. Of what the copy certainly holds as live, nothing is doomed; of what it certainly does not hold, or
        holds as ended, everything is over from the start; else both answers are right."""
        if self.begun > put_back.stop:
            return Life(0, 0, 0, 0, "lost with its ledger")
        is_in_copy = self.opened < put_back.start
        if is_in_copy and self.ended < put_back.start:
            return Life(0, 0, 0, 0, self.why)
        if is_in_copy and self.doomed > put_back.stop:
            return Life(0, 0, NEVER, NEVER, None)
        return Life(0, 0, 0, NEVER, self.why or "made while the copy was")

    def and_then(self, ends):
        """With what was done to it within the era itself: `doomed`, `ended`, `why`."""
        doomed, ended, why = ends
        return Life(self.begun, self.opened, min(self.doomed, doomed), min(self.ended, ended), why if doomed < self.doomed else self.why)


class Lives:
    """The lives of a history's tokens, for judges: `lives(token, era)`; without an era it is the last one."""

    def __init__(self, history):
        self.history, self.known = history, {}

    def __call__(self, token, era=None):
        era = self.history.era if era is None else era
        if (token, era) not in self.known:
            if era <= token.era:
                before = Life(token.begun, token.opened, NEVER, NEVER, None)
            else:
                before = self(token, era - 1).carried(self.history.put_backs[era - 1])
            self.known[token, era] = before.and_then(token.ends.get(era, (NEVER, NEVER, None)))
        return self.known[token, era]


def survives(history, call):
    """Whether the effect of a call is in the ledger of the last era: yes, no, or None where nobody can say. A call without an
    outcome may have had its effect in each era that it was tried in."""
    if call.era == history.era:
        return True
    put_back = history.put_backs[call.era]
    if call.invoked > put_back.stop:
        return False
    return True if call.outcome == "ok" and call.answered < put_back.start else None


def eras_of(history, call):
    """The eras in which the effect of a call that succeeded certainly stands."""
    return range(call.era, history.era + 1 if survives(history, call) else call.era + 1)
