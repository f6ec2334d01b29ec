"""The figures of the documents are those of the kept runs."""

import subprocess
import sys

from tree import ROOT


def run(claims):
    done = subprocess.run([sys.executable, "Benchmarks", "--pages", "--check"], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    claims("README and docs/measurements.md have the figures and curves of the kept runs", done.returncode == 0, f"\n{done.stdout}{done.stderr}")
