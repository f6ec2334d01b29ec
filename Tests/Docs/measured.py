"""The figures of the documents are those of the kept runs, and no request costs more than its bound."""

import re
import runpy
import subprocess
import sys

from pages import told
from tree import ROOT, page

PAGE, HEADING = "docs/measurements.md", "## Cost of a request"


def run(claims):
    done = subprocess.run([sys.executable, "Benchmarks", "--pages", "--check"], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    claims("README and docs/measurements.md have the figures and curves of the kept runs", done.returncode == 0, f"\n{done.stdout}{done.stderr}")
    bounds = runpy.run_path(str(ROOT / "Tests/Cost/bounds.py"))
    rows = page(PAGE).rows(HEADING)[1:]
    told(claims, "each request that Tests/Cost bounds has a cost in docs/measurements.md, at most its bound", beyond(rows, bounds))


def beyond(rows, bounds):
    """What the table of costs lacks, or has above its bound. A row without a request is of the request above it."""
    costs, request = {}, ""
    for first, way, *figures in rows:
        request = first or request
        for unit, figure in zip(("ALLOCATIONS", "INSTRUCTIONS"), figures):
            if figure:
                costs[unit, re.search(r"`(.*?)`", request)[1], way] = float(figure.replace(",", ""))
    for unit in ("ALLOCATIONS", "INSTRUCTIONS"):
        for (name, way), bound in bounds[unit].items():
            cost = costs.pop((unit, name, way), None)
            if cost is None or cost > bound:
                yield f"{PAGE}: {name} {way} costs {'no' if cost is None else f'{cost:,}'} {unit.lower()}; its bound is {bound:,}"
    yield from (f"{PAGE}: nothing bounds the {unit.lower()} of {name} {way}" for unit, name, way in costs)
