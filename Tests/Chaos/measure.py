"""Measured scenarios: what the gate's callers feel while Redis hangs, while logins storm, while everybody is rebuilt. Times are
printed; only wrong answers fail."""

import random
import threading
import time

from Harness import wire
from Harness.rate import GateLoad, line, outcomes, percentile, within, wrong
from Harness.service import Failure, Service, some_client
from Harness.storm import gate_in_storm

USERS = 200


def hang(rate=1000, seconds=10, processes=1):
    """Redis hangs (SIGSTOP), then refuses connections (SIGKILL), for `seconds` each, under gate calls at `rate` a second."""
    with Service(processes) as service:
        tokens = [service.new_user().token for _ in range(USERS)]
        load = GateLoad(service, tokens, rate, 4 * seconds + 4)
        marks = [load.start + 2, load.start + 2 + seconds, load.start + 4 + seconds, load.start + 4 + 2 * seconds]
        for moment, action in zip(marks, (service.pause_redis, service.resume_redis, service.kill_redis, service.start_redis)):
            time.sleep(max(0, moment - time.monotonic()))
            action()
        samples = load.samples()
    caught = marks[0] - 0.1  # calls that are under way when Redis stops
    parts = {
        "before": (load.start + 1, caught),
        "hung, first second": (caught, marks[0] + 1), "hung, breaker open": (marks[0] + 1, marks[1]),
        "refused, first second": (marks[2], marks[2] + 1), "refused, breaker open": (marks[2] + 1, marks[3]),
        "after": (marks[3] + 2, load.start + 4 * seconds + 4),
    }  # fmt: skip
    for title, (start, stop) in parts.items():
        print("  " + line(title, within([(start, stop)], samples)), flush=True)
    for title, resumed in (("hung", marks[1]), ("refused", marks[3])):
        back = next((sample.due for sample in samples if sample.due > resumed and sample.source == "redis"), None)
        print(f"  {title}: Redis serves again {'never' if back is None else f'{back - resumed:.2f} s'} after it answers")
    return [f"{len(wrong(samples))} calls of valid sessions were not allowed: {outcomes(wrong(samples))}"] if wrong(samples) else []


def storm(rate=200, seconds=60, connections=200):
    """The gate while `connections` log in as fast as they can."""
    calls, failed = gate_in_storm(rate, seconds, connections)
    for title, times in {"gate, quiet": calls.calm, "gate, in the storm": calls.busy, "refused logins": sum(calls.refused, [])}.items():
        print("  " + line(title, times))
    for number, (times, share) in enumerate(zip(calls.refused, calls.shares), 1):
        late = sum(sample.seconds > 0.05 for sample in times)
        print(f"  storm {number}: {late} of {len(times)} refused logins waited longer than 50 ms, {percentile(times, 1):.0f} ms at most; "
              f"the host took {share:.1%} of the cores' time")  # fmt: skip
    print(f"  logins: {outcomes(sum(calls.storms, []))}; the gate's p99 is {calls.ratio:.2f} of the quiet one's", flush=True)
    return [f"{len(failed)} gate calls failed: {outcomes(failed)}"] if failed else []


def flush(sessions=50_000, rate=500, processes=2):
    """FLUSHALL with `sessions` live sessions under gate calls; every session verifies, what is used stays used."""
    with Service(processes) as service:
        start, made = time.monotonic(), []

        def fill(number):
            key, source = service.key("accounts"), random.Random(number)
            connection = wire.HTTP(service.apis[number % processes].port)
            for user in range(sessions // 5 // 16 + 1):
                email = f"flush-{number}-{user}@example.com"
                answer = connection.ask("POST", "/v1/users", {"email": email, "password": "a quiet canary sings"}, key)
                tokens = []
                for _ in range(5):
                    body = {"email": email, "password": "a quiet canary sings"}
                    answer = connection.ask("POST", "/v1/sessions", body, key, some_client(source))
                    if answer.status != 201:
                        raise Failure(f"login: {answer}")
                    tokens.append(answer.json["token"])
                made.append(tokens)

        service.key("accounts"), service.key("work"), service.key("gate")
        threads = [threading.Thread(target=fill, args=(number,), daemon=True) for number in range(16)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        tokens = [token for few in made for token in few]
        spent = [few[0] for few in made[::50]]
        for token in spent:
            answer = service.ask("POST", "/v1/analyses", {"filename": "a.mp4"}, token, {"Idempotency-Key": "before"})
            if answer.status != 201:
                raise Failure(f"analysis: {answer}")
        print(f"  {len(tokens)} sessions of {len(made)} users made in {time.monotonic() - start:.0f} s", flush=True)
        load = GateLoad(service, random.Random(1).sample(tokens, min(len(tokens), 5000)), rate, 15)
        for moment in (3, 6, 9):
            time.sleep(max(0, load.start + moment - time.monotonic()))
            service.redis("flushall")
        samples = load.samples()
        service.redis("flushall")
        failed, connection, key = [], wire.HTTP(service.apis[0].port), service.key("gate")
        start = time.monotonic()
        for token in tokens:
            answer = connection.ask("POST", "/v1/gate", {"token": token, "limits": []}, key)
            if answer.status != 200 or answer.json["decision"] != "allow":
                failed.append(f"a session: {answer}")
        print(f"  every session asked for once after a last FLUSHALL: {len(tokens) / (time.monotonic() - start):.0f}/s one after another")
        for token in spent:
            answer = service.ask("POST", "/v1/analyses", {"filename": "a.mp4"}, token, {"Idempotency-Key": "after"})
            if answer.status != 429:
                failed.append(f"an allowance was given twice: {answer}")
    for title, (first, last) in {"before FLUSHALL": (1, 3), "within a second of it": (3, 4), "all": (0, 15)}.items():
        print("  " + line(title, within([(load.start + first, load.start + last)], samples)), flush=True)
    return failed[:5] + ([f"calls failed: {outcomes(wrong(samples))}"] if wrong(samples) else [])


SCENARIOS = {"hang": hang, "storm": storm, "flush-many": flush}
