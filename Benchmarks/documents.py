"""The parts of README.md and docs/measurements.md that come from the kept runs: docs/measurements/*.json.

A part stands between `<!-- measured: NAME -->` and `<!-- end -->`; `python3 Benchmarks --pages` writes all of them anew.
"""

import json
import pathlib
import re

import curves
import limits
import machine
from verdict import Row, markdown

ROOT = pathlib.Path(__file__).resolve().parents[1]
KEPT = ROOT / "docs/measurements"
PART = re.compile(r"(<!-- measured: (\w+) -->\n)(.*?)(<!-- end -->)", re.S)
# The README shows rates beside those of others.
SHORT_UNITS = ("requests/s", "decisions/s")
SHORT = ["what", "unit", "ours", "peer", "ratio"]


def kept(name):
    """A run that is kept, by its name: bench, limits or scale; None if there is none."""
    path = KEPT / f"{name}.json"
    return json.loads(path.read_text()) if path.exists() else None


def of_run(name):
    """Makes the text of a part from a kept run, in the place of a function that is given one."""

    def decorate(text_of):
        def text():
            run = kept(name)
            return text_of(run) if run else "No run is kept yet.\n"

        text.__doc__ = text_of.__doc__
        return text

    return decorate


def rows(run):
    return [Row.read(told) for told in run["rows"]]


def machine_of(run):
    return f"The machine: {machine.described(run['machine'])}."


@of_run("bench")
def speed(run):
    """The table of `make bench`."""
    return f"{machine_of(run)}\n\n{markdown(rows(run))}\n"


@of_run("bench")
def short(run):
    """The rows for README."""
    chosen = [row for row in rows(run) if row.peer and row.unit in SHORT_UNITS]
    return f"{machine_of(run)}\n\n{markdown(chosen, SHORT)}\n"


@of_run("limits")
def limiters(run):
    """The tables of `make bench-limits`."""
    host = f" The host took {run['host']:.1%} of the cores' time meanwhile." if "host" in run else ""
    texts = [f"{machine_of(run)}{host}\n"]
    for lines in limits.tables(run["limits"]):
        lines = [lines[0], ["---"] * len(lines[0]), *lines[1:]]
        texts.append("\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n")
    return "\n".join(texts)


@of_run("scale")
def growth(run):
    """The table and the curves of `make scale`."""
    pictures = "\n".join(f"![{name.removesuffix('.svg')}](measurements/{name})" for name in curves.curves(run["points"]))
    return f"{machine_of(run)}\n\n{markdown(rows(run))}\n\n{pictures}\n"


PARTS = {"speed": speed, "short": short, "limiters": limiters, "growth": growth}


def wanted():
    """The text that each file must have, by its path."""
    texts = {}
    for page in (ROOT / "README.md", ROOT / "docs/measurements.md"):
        texts[page] = PART.sub(lambda found: found[1] + PARTS[found[2]]() + found[4], page.read_text())
    run = kept("scale")
    return texts | {KEPT / name: text for name, text in (curves.curves(run["points"]) if run else {}).items()}


def stale():
    """The files that are not what the kept runs give, and the parts that no page has."""
    texts = wanted()
    for path, text in texts.items():
        if not path.exists() or path.read_text() != text:
            yield f"{path.relative_to(ROOT)}: run `python3 Benchmarks --pages`"
    there = {name for text in texts.values() for _, name, _, _ in PART.findall(text)}
    yield from (f"no page has <!-- measured: {name} -->" for name in PARTS.keys() - there)


def put(run, path):
    """Writes a run as JSON, and its curves beside it."""
    path.write_text(json.dumps(run, indent=1) + "\n")
    for name, text in (curves.curves(run["points"]) if "points" in run else {}).items():
        path.with_name(name).write_text(text)


def check():
    """Says what is old; the exit status."""
    old = sorted(stale())
    print("\n".join(old) or "The documents have the figures of the kept runs.")
    return 1 if old else 0


def write():
    """Writes them; the exit status."""
    for path, text in wanted().items():
        if not path.exists() or path.read_text() != text:
            path.write_text(text)
            print(f"written: {path.relative_to(ROOT)}")
    return 0
