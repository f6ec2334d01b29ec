"""Does the time of a refused login tell whether an account exists, or of what kind it is? Groups of accounts are asked in turn, so
that the machine's moods fall on all alike; two groups of unknown accounts are the control, which must not differ either."""

import hashlib
import json
import math
import os
import pathlib
import random
import sqlite3
import threading
import time

from Harness import wire
from Harness.service import PASSWORD, Service, some_client

SAMPLES_SHORT, SAMPLES_LONG = 40, 300
# With fewer than 18 no difference, however plain, reaches P_MIN.
FOREIGN_SAMPLES_SHORT = 18
GAP_MAX, P_MIN = 0.05, 1e-6
ACCOUNTS = 10
NEWS = 0.25  # the part by which a floor changes before the log tells of it
WARM_LOGINS = 40  # so that the floor knows what hashing costs beside everything else that this machine does
CONFIGURATION = """
policies: {login_pair: {limit: 1000000}, login_account: {limit: 1000000}, login_network: {limit: 1000000}}
"""


def pbkdf2():
    salt = os.urandom(8).hex()
    return f"pbkdf2:sha256:600000${salt}${hashlib.pbkdf2_hmac('sha256', PASSWORD.encode(), salt.encode(), 600_000).hex()}"


def scrypt():
    salt = os.urandom(8).hex()
    made = hashlib.scrypt(PASSWORD.encode(), salt=salt.encode(), n=32768, r=8, p=1, maxmem=132 << 20, dklen=64)
    return f"scrypt:32768:8:1${salt}${made.hex()}"


# An Argon2id hash of another memory cost: no password opens it here, but each guess is hashed by these parameters.
OLDER = "$argon2id$v=19$m=12288,t=3,p=1$c29tZXNhbHRzb21lc2FsdA$" + "A" * 43
# The same of bcrypt at cost 10.
BCRYPT = "$2b$10$abcdefghijklmnopqrstuuBzzIgyKkz7xMWYSzkIjUSnxEQFQ0WNe"


def mann_whitney(one, other):
    """The two-sided p by the normal approximation with ties."""
    ranked = sorted([(value, 0) for value in one] + [(value, 1) for value in other])
    sum_of_one, ties, at = 0.0, 0, 0
    while at < len(ranked):
        end = at
        while end < len(ranked) and ranked[end][0] == ranked[at][0]:
            end += 1
        sum_of_one += sum((at + 1 + end) / 2 for _, group in ranked[at:end] if group == 0)
        ties += (end - at) ** 3 - (end - at)
        at = end
    n, m = len(one), len(other)
    mean, total = n * m / 2, n + m
    spread = math.sqrt(n * m / 12 * (total + 1 - ties / (total * (total - 1))))
    z = (sum_of_one - n * (n + 1) / 2 - mean) / spread
    return math.erfc(abs(z) / math.sqrt(2))


def median(values):
    return sorted(values)[len(values) // 2]


# ASVS: 6.3.8
def run(claims, long):
    judge_itself(claims)
    ours, foreign = {"older Argon2id": lambda: OLDER}, {"pbkdf2": pbkdf2, "scrypt": scrypt, "bcrypt": lambda: BCRYPT}
    measured(claims, "hashes of our own", SAMPLES_LONG if long else SAMPLES_SHORT, ("existing", "suspended"), ours)
    if long:
        measured(claims, "foreign hashes", SAMPLES_LONG, ("existing", "suspended"), ours | foreign)
    else:
        measured(claims, "foreign hashes", FOREIGN_SAMPLES_SHORT, (), foreign)
    two_at_once(claims, SAMPLES_LONG if long else FOREIGN_SAMPLES_SHORT)


def judge_itself(claims):
    source = random.Random(3)
    quiet = [[source.gauss(60, 1) for _ in range(60)] for _ in range(2)]
    late = [value + 4 for value in quiet[1]]
    claims("the judge tells 64 ms from 60 and sees nothing where nothing is", mann_whitney(*quiet) > P_MIN > mann_whitney(quiet[0], late))


def measured(claims, what, samples, own, kinds):
    """Accounts of each group are asked in turn. How long an answer takes is this machine's affair; that all take as long is ours."""
    with Service(cheap_hashing=False, configuration=CONFIGURATION) as gatehouse:
        groups = populate(gatehouse, own, kinds)
        times = {name: [] for name in groups}
        ask, source = asker(gatehouse), random.Random(11)
        for _ in range(WARM_LOGINS):
            ask(source.choice(groups["unknown"]))
        for _ in range(samples):
            for name in source.sample(sorted(groups), len(groups)):
                seconds, answer = ask(source.choice(groups[name]))
                times[name].append(1000 * seconds)
                if answer.status != 401 or answer.json["code"] != "invalid_login":
                    claims(f"{name} is refused like any other", False, answer)
                    return
        floors = floors_told(gatehouse)
    judge(claims, what, times)
    claims(f"{what}: the log says the floor ({', '.join(map(str, floors))} ms), and no answer came before the lowest, less what is no news",
           floors and min(min(values) for values in times.values()) >= (1 - NEWS) * min(floors), times)  # fmt: skip


def judge(claims, what, times):
    """Compares each group with the control. The groups of a round were asked one after another, so what the machine did meanwhile is
    taken out by dividing through the round's mean."""
    means = [sum(round) / len(round) for round in zip(*times.values())]
    shares = {name: [value / mean for value, mean in zip(values, means)] for name, values in times.items()}
    control = shares["unknown"]
    for name in sorted(set(times) - {"unknown"}):
        gap, p = abs(median(shares[name]) / median(control) - 1), mann_whitney(shares[name], control)
        claims(f"{what}: {name:20} median {median(times[name]):6.1f} ms against {median(times['unknown']):6.1f}, gap {100 * gap:4.1f} %, p {p:.2g}",
               gap <= GAP_MAX and p >= P_MIN, f"{len(control)} samples each: {times[name]} against {times['unknown']}")  # fmt: skip


# ASVS: 6.3.8
def two_at_once(claims, samples):
    """Does the time of a login that waits for another's hash tell what that one was?"""
    kinds = {"pbkdf2": pbkdf2}
    with Service(cheap_hashing=False, configuration=CONFIGURATION) as gatehouse:
        groups = populate(gatehouse, (), kinds)
        times = {name: [] for name in groups}
        source, first = random.Random(12), asker(gatehouse, random.Random(13))
        second = asker(gatehouse, random.Random(14))
        for _ in range(WARM_LOGINS):
            first(source.choice(groups["unknown"]))
        for _ in range(samples):
            for name in source.sample(sorted(groups), len(groups)):
                start = time.monotonic()
                other = threading.Thread(target=first, args=(source.choice(groups[name]),))
                other.start()
                second("nobody-at-all@example.com")
                other.join()
                # Either may come first; the later one has waited for the other.
                times[name].append(1000 * (time.monotonic() - start))
    judge(claims, "two at once, one of them", times)


def asker(gatehouse, source=None):
    """A function that logs in to an account with a wrong password, over a connection of its own: seconds and the answer."""
    connection, key, source = wire.HTTP(gatehouse.apis[0].port), gatehouse.key("accounts"), source or random.Random(15)

    def ask(email):
        body, headers = {"email": email, "password": "not the canary"}, some_client(source)
        start = time.monotonic()
        answer = connection.ask("POST", "/v1/sessions", body, key, headers)
        return time.monotonic() - start, answer

    return ask


def floors_told(gatehouse):
    """The floors that the log has told since the first account of another hash, in milliseconds."""
    lines = [json.loads(line) for line in pathlib.Path(gatehouse.apis[0].log).read_text().splitlines() if line.startswith("{")]
    told = [(int(line["floor_ms"]), line["dearest_hash"]) for line in lines if "floor_ms" in line]
    return [floor for floor, dearest in told if dearest == told[-1][1]]


def populate(gatehouse, own, kinds):
    """Some accounts of each group; those of another hash are written into the ledger, as an import does."""
    groups = {name: [f"{name.replace(' ', '-')}-{number}@example.com".lower() for number in range(ACCOUNTS)]
              for name in ("unknown", "unknown as well", *own, *kinds)}  # fmt: skip
    users = {email: gatehouse.sign_up(email) for name, emails in groups.items() if not name.startswith("unknown") for email in emails}
    for email in groups.get("suspended", []):
        gatehouse.operate("PATCH", f"/v1/admin/users/{users[email]}", {"status": "suspended", "reason": "a test"})
    ledger = sqlite3.connect(gatehouse.ledger, timeout=10)
    for name, make in kinds.items():
        for email in groups[name]:
            ledger.execute("UPDATE users SET password_hash = ? WHERE id = ?", (make(), users[email]))
    ledger.commit()
    ledger.close()
    return groups
