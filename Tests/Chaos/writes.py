"""Durable writes at a steady rate: how long each waits for its acknowledgement, copies of the log into the ledger included."""

import glob
import os

from Harness import wire
from Harness.host import HostShare
from Harness.process import Failure
from Harness.rate import Load, line, outcomes, percentile
from Harness.service import Service

USERS = 200
# An analysis that begins writes a reservation, the analysis and the stored answer.
ROWS_OF_CALL = 3
METADATA = {"athlete": "17", "note": "x" * 1_460}
RATIO_MAX = 20


def unlimited_users(service):
    """The ids of users whose plan sets no limit."""
    connection, key, users = wire.HTTP(service.apis[0].port), service.key("accounts"), []
    for number in range(USERS):
        body = {"email": f"writes-{number}@example.com", "password": "a quiet canary sings"}
        users.append(connection.ask("POST", "/v1/users", body, key).json["id"])
        answer = connection.ask("PUT", f"/v1/users/{users[-1]}/plan", {"plan": "pro", "reason": "measured"}, key)
        if answer.status != 200:
            raise Failure(f"plan: {answer}")
    return users


def writes(rate=667, seconds=600):
    """`POST /v1/analyses` with 1.5 KB of metadata at 667 calls a second, 2,000 rows; the slowest thousandth beside the median."""
    with Service(1) as service:
        work, users = service.key("work"), unlimited_users(service)

        def ask(connection, chooser):
            body = {"user_id": users[chooser.randrange(USERS)], "filename": "a.mp4", "metadata": METADATA}
            key = {"Idempotency-Key": f"{chooser.getrandbits(128):x}"}
            status = connection.ask("POST", "/v1/analyses", body, work, key).status
            return "made" if status == 201 else str(status), None

        host, load = HostShare(), Load(service, ask, rate, seconds)
        samples = load.samples()
        taken = host.until_now()
        bytes_written = sum(os.path.getsize(path) for path in glob.glob(f"{service.ledger}*"))
    median, slow = percentile(samples, 0.5), percentile(samples, 0.999)
    print("  " + line(f"{rate * ROWS_OF_CALL:.0f} rows a second for {seconds:.0f} s", samples))
    print(f"  the slowest thousandth took {slow / median:.1f} times the median (at most {RATIO_MAX} is meant); {bytes_written >> 20} MiB of "
          f"files; the host took {taken:.1%} of the cores' time", flush=True)  # fmt: skip
    failed = [sample for sample in samples if sample.outcome != "made"]
    return [f"{len(failed)} calls were not acknowledged: {outcomes(failed)}"] if failed else []
