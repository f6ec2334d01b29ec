"""The machine and the program of a run, named by what matters for its figures."""

import datetime
import pathlib
import platform
import re
import subprocess

from Harness.host import cores, memory_bytes
from processes import tool

ROOT = pathlib.Path(__file__).resolve().parents[1]


def facts():
    """Cores, memory, system, the versions of what was measured, and the day."""
    release = pathlib.Path("/etc/os-release").read_text()
    # The version of the newest changes: `gatehouse --version` says the same.
    said = re.search(r"^## (\S+)", (ROOT / "CHANGELOG.md").read_text(), re.M)[1]
    redis = subprocess.run([tool("redis-server"), "--version"], capture_output=True, text=True, check=True).stdout
    return {
        "cores": cores(), "memory_gib": round(memory_bytes() / 2**30), "architecture": platform.machine(),
        "system": re.search(r'^PRETTY_NAME="(.*)"', release, re.M)[1], "gatehouse": said,
        "redis": re.search(r"v=(\S+)", redis)[1], "day": datetime.date.today().isoformat(),
    }  # fmt: skip


def described(told=None):
    """The same in a sentence."""
    f = told or facts()
    return (f"{f['cores']} cores, {f['memory_gib']} GB of memory ({f['architecture']}), {f['system']}, Redis {f['redis']}; "
            f"Gatehouse {f['gatehouse']}, {f['day']}")  # fmt: skip
