"""Rounds and their outcome: medians, ratios, spread, and whether a goal is reached."""

import statistics
from dataclasses import asdict, dataclass, field

MORE, LESS = "at least", "at most"


@dataclass
class Goal:
    """`kind` is MORE or LESS; `of` says what it bounds: the `ratio` of ours to the peer's, `ours` alone, or `each` round of ours."""

    kind: str
    bound: float
    of: str = "ratio"

    def holds(self, value):
        return value >= self.bound if self.kind == MORE else value <= self.bound

    def __str__(self):
        return f"{'each ' if self.of == 'each' else ''}{self.kind} {number(self.bound)}{'x' if self.of == 'ratio' else ''}"


@dataclass
class Row:
    """One line of the table. `ours` and `peer` hold a figure a round, the same rounds; `peer` is empty where there is none. `host` is the
    share of the cores' time that the machine's host gave to others meanwhile; None where nobody measured it."""

    id: str
    what: str
    unit: str
    ours: list
    peer: list = field(default_factory=list)
    goal: Goal | None = None
    host: float | None = None

    @property
    def ratios(self):
        """Ours over the peer's, round by round: what the machine did in a round falls on both."""
        return [a / b for a, b in zip(self.ours, self.peer, strict=True)] if self.peer else []

    @property
    def ratio(self):
        return statistics.median(self.ratios) if self.peer else None

    @property
    def spread(self):
        """The largest less the smallest of the rounds, over their median."""
        rounds = self.ratios or self.ours
        middle = statistics.median(rounds)
        return (max(rounds) - min(rounds)) / middle if middle else 0.0

    @property
    def verdict(self):
        if self.goal is None:
            return ""
        values = {"ratio": lambda: [self.ratio], "ours": lambda: [statistics.median(self.ours)], "each": lambda: self.ours}[self.goal.of]()
        return "reached" if all(map(self.goal.holds, values)) else "missed"

    def json(self):
        """All of it, with what follows from the rounds, for those who read no Python."""
        peer = statistics.median(self.peer) if self.peer else None
        follows = {"ours_median": statistics.median(self.ours), "peer_median": peer, "ratio": self.ratio, "spread": self.spread}
        return asdict(self) | follows | {"verdict": self.verdict}

    @classmethod
    def read(cls, told):
        goal = Goal(**told["goal"]) if told["goal"] else None
        return cls(told["id"], told["what"], told["unit"], told["ours"], told["peer"], goal, told["host"])


def cells(row):
    """The cells of a row, as texts."""
    ours, peer = (number(statistics.median(rounds)) if rounds else "" for rounds in (row.ours, row.peer))
    ratio = "" if row.ratio is None else f"{number(row.ratio)}x"
    host = "" if row.host is None else f"{row.host:.1%}"
    return [row.id, row.what, row.unit, ours, peer, ratio, str(row.goal or ""), f"{row.spread:.0%}", host, row.verdict]


HEAD = ["id", "what", "unit", "ours", "peer", "ratio", "goal", "spread", "host", "verdict"]


def table(rows):
    """The rows as a text of columns."""
    lines = [HEAD] + [cells(row) for row in rows]
    widths = [max(len(line[at]) for line in lines) for at in range(len(HEAD))]
    texts = {0, 1, 2, len(HEAD) - 1}
    return "\n".join("  ".join(cell.ljust(w) if at in texts else cell.rjust(w) for at, (cell, w) in enumerate(zip(line, widths))).rstrip() for line in lines)


def markdown(rows, columns=HEAD):
    """The rows as a table of Markdown with these columns."""
    chosen = [HEAD.index(name) for name in columns]
    lines = [columns, ["---"] * len(columns)] + [[cells(row)[at].replace("|", "\\|") for at in chosen] for row in rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def number(value):
    """Three significant digits, or all of them before the point, with commas."""
    if value == 0:
        return "0"
    digits = max(0, 2 - len(str(int(abs(value)))) + 1) if abs(value) >= 1 else 2
    text = f"{value:,.{digits}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
