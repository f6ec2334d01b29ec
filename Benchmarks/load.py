"""Load from outside: wrk for the most that a contender answers, h2load for how long it takes at a fixed rate."""

import json
import math
import pathlib
import re
import subprocess
import tempfile

from Harness.process import Failure
from processes import PEERS, tool

WRK_TIMEOUT_SECONDS = 10
# The share of a fixed rate that must have been answered.
RATE_KEPT = 0.95
NUMBER_MARK = b"\1"


class Rate:
    """The outcome of a run of wrk: `per_second`, `p50` and `p99` in milliseconds, `processor` microseconds of the contender a request."""

    def __init__(self, told, processor_seconds):
        self.requests = told["requests"]
        self.per_second = told["requests"] / (told["microseconds"] / 1e6)
        self.p50, self.p99 = told["p50"] / 1000, told["p99"] / 1000
        self.processor = 1e6 * processor_seconds / told["requests"]


def request(method, path, bearer, body=None, headers=None):
    """A request as bytes. `NUMBER_MARK` in a header stands for a number that no other request has."""
    lines = [f"{method} {path} HTTP/1.1", "Host: gatehouse"]
    lines += [f"Authorization: Bearer {bearer}"] if bearer else []
    data = b"" if body is None else json.dumps(body, separators=(",", ":")).encode()
    if body is not None:
        lines += ["Content-Type: application/json", f"Content-Length: {len(data)}"]
    lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + data


def write_requests(folder, requests):
    """The path of a new file in `folder` with these requests, for `most`."""
    with tempfile.NamedTemporaryFile(dir=folder, prefix="requests-", delete=False) as file:
        file.write(b"".join(each + b"\0" for each in requests))
    return file.name


def most(contender, requests, connections=64, seconds=4, threads=1):
    """As many of the file's requests as the contender answers. One that is not answered with 2xx or 3xx makes the run void."""
    before = contender.processor_seconds()
    words = [tool("wrk"), f"-t{threads}", f"-c{connections}", f"-d{seconds}s", "--timeout", f"{WRK_TIMEOUT_SECONDS}s", "--latency"]
    words += ["-s", str(PEERS / "load.lua"), f"http://127.0.0.1:{contender.port}", "--", requests]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    used = contender.processor_seconds() - before
    found = re.search(r"^RESULT (.*)$", done.stdout, re.M)
    if done.returncode != 0 or not found:
        raise Failure(f"wrk on {contender.name}: {done.stdout}{done.stderr}")
    told = json.loads(found[1])
    if told["failed"] or told["lost"] or not told["requests"]:
        raise Failure(f"{contender.name}: {told['failed']} refused and {told['lost']} lost of {told['requests']} requests: its rate does not count")
    return Rate(told, used)


def at_rate(contender, path, per_second, bearer, body=None, connections=64, seconds=4):
    """The p50 and p99 in milliseconds at a fixed rate over all connections, by h2load. Every answer must be 200."""
    with tempfile.TemporaryDirectory(prefix="h2load-") as folder:
        log = pathlib.Path(folder, "log")
        words = [tool("h2load"), "--h1", f"--clients={connections}", "--threads=1", f"--duration={seconds}", "--warm-up-time=1"]
        words += [f"--rps={per_second / connections:.3f}", f"--log-file={log}", "-H", f"authorization: Bearer {bearer}"]
        words += ["-H", "gatehouse-method: own"]
        if body is not None:
            data = pathlib.Path(folder, "body")
            data.write_text(json.dumps(body))
            words += [f"--data={data}", "-H", "content-type: application/json"]
        done = subprocess.run([*words, f"http://127.0.0.1:{contender.port}{path}"], capture_output=True, text=True, check=False)
        rows = [line.split("\t") for line in log.read_text().splitlines()] if log.exists() else []
    if done.returncode != 0 or not rows:
        raise Failure(f"h2load on {contender.name}: {done.stdout}{done.stderr}")
    if wrong := sum(row[1] != "200" for row in rows):
        raise Failure(f"{contender.name}: {wrong} of {len(rows)} answers are not 200: its times do not count")
    if len(rows) < RATE_KEPT * per_second * seconds:
        raise Failure(f"h2load on {contender.name}: {len(rows):,} answers in {seconds} s, not {per_second:,.0f} a second: its times do not count")
    times = [int(row[2]) / 1000 for row in rows]
    return percentile(times, 0.5), percentile(times, 0.99)


def percentile(values, share):
    """The smallest of the values that at least this share of them does not exceed."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]
