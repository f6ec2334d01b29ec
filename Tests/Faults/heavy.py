"""One account's large work beside everybody's small calls: each compared with the same calls when nothing else runs."""

import os
import pathlib
import secrets
import sqlite3
import subprocess
import time

from Harness import wire
from Harness.claims import soon
from Harness.service import PASSWORD, Service

PURGED, EXPORTED, RESULT_BYTES = 1_500, 200, 64_000
EXPORTS = 40
CALLS = 400
# How much longer the slowest hundredth may take while the large work goes on. Waiting behind it would be a factor of hundreds.
FACTOR_MAX = 12
# Behind forty exports in one queue with them, the gate waits for some sixteen. Beside them it shares the cores alone.
EXPORTS_WAITED_MAX = 3
SWEEP_SECONDS = 120


def run(claims):
    exports(claims)
    purge(claims)


def with_results(gatehouse, user, count):
    """Gives a user as many finished analyses, with large results, as nobody makes in a test by calls."""
    ledger = sqlite3.connect(gatehouse.ledger, timeout=30)
    text = '{"text":"' + secrets.token_hex(RESULT_BYTES // 2) + '"}'
    now = int(time.time() * 1000)
    for number in range(count):
        ledger.execute(
            "INSERT INTO analyses (id, user_id, reservation_id, status, filename, metadata, metric, amount, created_at, finished_at, result)"
            " VALUES (?, ?, ?, 'completed', NULL, '{}', 'video_analysis', 1, ?, ?, ?)",
            (f"ana_{number:014d}", user.id, f"rsv_{number:014d}", now + number, now + number, text))  # fmt: skip
        if number % 50 == 0:
            ledger.commit()
    ledger.commit()
    ledger.close()


def slowest_hundredth(call, until=None, count=CALLS):
    """The 99th percentile of calls one after another, in milliseconds; `until()` ends them early."""
    times = []
    while len(times) < count or (until and not until()):
        start = time.monotonic()
        call(len(times))
        times.append((time.monotonic() - start) * 1000)
        if until and until():
            break
    return sorted(times)[int(len(times) * 0.99)], len(times)


def exports(claims):
    with Service() as gatehouse:
        heavy, light, key = gatehouse.new_user(), gatehouse.new_user(), gatehouse.key("gate")
        with_results(gatehouse, heavy, EXPORTED)
        connection = wire.HTTP(gatehouse.apis[0].port)

        def decide(_):
            assert connection.ask("POST", "/v1/gate", {"token": light.token, "limits": []}, key).status == 200

        quiet, _ = slowest_hundredth(decide)
        whole = gatehouse.ask("GET", "/v1/user/export", None, heavy.token)
        claims(f"an export of {EXPORTED} results is whole", whole.json is not None and len(whole.json["analyses"]) == EXPORTED, whole.status)
        # A program of its own, so that this one has time to measure.
        words = ["curl", "-s", "--no-progress-meter", "--parallel", "--parallel-max", str(EXPORTS), "-w", "%{http_code} %{size_download} %{time_total}\n"]
        words += ["-H", f"Authorization: Bearer {heavy.token}"]
        one = ["-o", "/dev/null", f"http://127.0.0.1:{gatehouse.apis[0].port}/v1/user/export"]
        alone = sorted(float(subprocess.check_output(words + one, text=True).split()[2]) * 1000 for _ in range(5))[2]
        clients = subprocess.Popen(words + one * EXPORTS, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        busy, count = slowest_hundredth(decide, lambda: clients.poll() is not None)
        answers = [line.split() for line in clients.communicate()[0].splitlines()]
        claims(f"{EXPORTS} exports of {EXPORTED * RESULT_BYTES >> 20} MiB at once: the gate's slowest hundredth of {count} takes {busy:.1f} ms,"
               f" {quiet:.1f} ms without; one export alone takes {alone:.0f} ms", busy <= EXPORTS_WAITED_MAX * alone, busy / alone)  # fmt: skip
        good = [status for status, size, _ in answers if status == "200" and int(size) >= EXPORTED * RESULT_BYTES]
        claims("and each export is whole", len(good) == EXPORTS, answers)
        connection.close()
        slow_client(claims, gatehouse, heavy)
        memory = int(next(line.split()[1] for line in lines_of(f"/proc/{gatehouse.apis[0].process.pid}/status") if line.startswith("VmRSS")))
        claims(f"and the process has {memory >> 10} MiB: no export is in memory as a whole", memory >> 10 < 600, memory)


def lines_of(path):
    return pathlib.Path(path).read_text().splitlines()


def slow_client(claims, gatehouse, user):
    """A client that takes nothing of its export: no reader and no transaction waits for it."""
    stalled = wire.Stream(gatehouse.apis[0].port, 60)
    stalled.socket.sendall(f"GET /v1/user/export HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {user.token}\r\n\r\n".encode())
    stalled.line()
    other = wire.HTTP(gatehouse.apis[0].port, 60)
    claims("beside a client that takes nothing of its export the next one is answered", other.ask("GET", "/v1/user/export", None, user.token).status == 200)
    other.close()
    inode = os.stat(f"{gatehouse.ledger}-shm").st_ino
    pid = str(gatehouse.apis[0].process.pid)

    def reads():
        marks = (line.split() for line in lines_of("/proc/locks"))
        return [words for words in marks if words[1] == "POSIX" and words[4] == pid and words[5].endswith(f":{inode}") and 123 <= int(words[6]) <= 127]

    claims("and no transaction is open", soon(lambda: not reads(), 10) is not None, reads())
    stalled.socket.close()


def purge(claims):
    with Service() as gatehouse:
        heavy, keys = gatehouse.new_user(), gatehouse.key("work")
        light = gatehouse.new_user()
        with_results(gatehouse, heavy, PURGED)
        connection = wire.HTTP(gatehouse.apis[0].port)

        def write(number):
            body = {"events": [{"user_id": light.id, "action": "wrote", "metadata": {}}]}
            answer = connection.ask("POST", "/v1/usage/events", body, keys, {"Idempotency-Key": f"heavy-{number}-{time.monotonic_ns()}"})
            assert answer.status in (200, 201), answer

        quiet, _ = slowest_hundredth(write)
        deleted = gatehouse.ask("DELETE", "/v1/user", {"password": PASSWORD}, heavy.token).status
        ledger = sqlite3.connect(f"file:{gatehouse.ledger}?mode=ro", uri=True, timeout=30)

        def left():
            return ledger.execute("SELECT count(*) FROM analyses WHERE user_id = ?", (heavy.id,)).fetchone()[0]

        begun = soon(lambda: left() < PURGED, SWEEP_SECONDS)
        busy, count = slowest_hundredth(write, lambda: count_of(left) == 0)
        claims(f"while an account of {PURGED * RESULT_BYTES >> 20} MiB is purged, the slowest hundredth of {count} writes takes {busy:.1f} ms,"
               f" {quiet:.1f} ms without", begun is not None and busy <= FACTOR_MAX * quiet, (deleted, busy / quiet))  # fmt: skip
        claims("and the account is gone", soon(lambda: left() == 0, SWEEP_SECONDS) is not None, left())
        ledger.close()
        connection.close()


looks = [0, 1]


def count_of(left):
    """`left()`, asked four times a second at most: it is a query too."""
    if time.monotonic() - looks[0] > 0.25:
        looks[:] = [time.monotonic(), left()]
    return looks[1]
