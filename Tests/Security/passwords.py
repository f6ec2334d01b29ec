"""Passwords: what is taken, what is refused, how they are kept."""

import random
import sqlite3

from Harness.service import PASSWORD, ROOT, Service, some_client

COMMON = ROOT / "Sources/GatehouseCrypto/Resources/common-passwords.txt"
COMMON_TRIED = 20
DEFAULT_ACCOUNTS = [("admin", "admin"), ("root", "root"), ("gatehouse", "gatehouse"), ("test", "test"), ("user", "password"), ("admin", "")]


def run(claims, long):
    # No bound on attempts: this is about passwords.
    with Service(configuration="policies: {login_pair: {limit: 1000000}, login_account: {limit: 1000000}, login_network: {limit: 1000000}}") as gatehouse:
        no_default_account(gatehouse, claims)
        lengths(gatehouse, claims)
        common_and_contextual(gatehouse, claims)
        composition(gatehouse, claims)
        change(gatehouse, claims)
        operators(gatehouse, claims)
        stored(gatehouse, claims)


def sign_up(gatehouse, password, email=None):
    email = email or f"s{random.getrandbits(64):x}@example.com"
    return email, gatehouse.ask("POST", "/v1/users", {"email": email, "password": password}, gatehouse.key("accounts"))


def log_in(gatehouse, email, password):
    return gatehouse.ask("POST", "/v1/sessions", {"email": email, "password": password}, gatehouse.key("accounts"), some_client())


def code_of(answer):
    return answer.json["errors"][0]["code"] if answer.status == 422 else answer.status


# ASVS: 6.3.2
def no_default_account(gatehouse, claims):
    answers = [log_in(gatehouse, name, password) for name, password in DEFAULT_ACCOUNTS]
    claims("a new service has no account: none of the usual ones logs in", {answer.status for answer in answers} <= {401, 422}, answers)
    admin = gatehouse.ask("GET", "/v1/admin/users", None, "ghk_admin")
    claims("and no operator's key", admin.status in (401, 404), admin)


# ASVS: 6.2.1, 6.2.9
def lengths(gatehouse, claims):
    table = {7: False, 8: True, 15: True, 64: True, 128: True, 1024: True, 1025: False}
    wrong = []
    for length, accepted in table.items():
        password = "".join(random.choice("abcdefghjkmnpqrstuvwxyz23456789") for _ in range(length))
        email, answer = sign_up(gatehouse, password)
        taken = answer.status == 201 and log_in(gatehouse, email, password).status == 201
        if taken != accepted or (not accepted and answer.status != 422):
            wrong.append((length, answer))
    claims("a password has 8 characters to 1,024 bytes, whole ones of 64 and 128 among them, and one more or less is 422", not wrong, wrong)


# ASVS: 6.2.4, 6.2.12, 6.1.2, 6.2.11
def common_and_contextual(gatehouse, claims):
    words = [word for word in COMMON.read_text().splitlines() if len(word) >= 8]
    tried = random.Random(5).sample(words, COMMON_TRIED)
    accepted = [word for word in tried if code_of(sign_up(gatehouse, word)[1]) != "password_common"]
    claims(f"{COMMON_TRIED} common passwords are refused, with the reason", not accepted, accepted)
    near = [f"{word} but not" for word in tried[:3]]
    claims("a common word with more around it is taken", all(sign_up(gatehouse, word)[1].status == 201 for word in near))
    for password, email in (("gatehouse1", None), ("Gatehouse!!", None), ("marianne77", "marianne@example.com")):
        answer = sign_up(gatehouse, password, email)[1]
        claims(f"{password!r} is refused for its words: {code_of(answer)}", answer.status == 422, answer)


# ASVS: 6.2.5
def composition(gatehouse, claims):
    for password in ("a a b b c c d d ", "ααββγγδδεε", "🐙🐙🐙🐙🐬🐬🐬🐬", "onlylowercaseletters"):
        email, answer = sign_up(gatehouse, password)
        held = answer.status == 201 and log_in(gatehouse, email, password).status == 201
        claims(f"{password!r} is a password: any characters do, in any mixture", held, answer)


# ASVS: 6.2.2, 6.2.3, 6.3.7
def change(gatehouse, claims):
    user = gatehouse.new_user()
    new = "another canary sings at noon"
    for body, status in (({"new_password": new}, 422), ({"current_password": "not the canary", "new_password": new}, 401)):
        answer = gatehouse.ask("PUT", "/v1/user/password", body, user.token)
        claims(f"a change without the right current password is {status}", answer.status == status, answer)
    claims("and changes nothing", log_in(gatehouse, user.email, PASSWORD).status == 201 and log_in(gatehouse, user.email, new).status == 401)
    answer = gatehouse.ask("PUT", "/v1/user/password", {"current_password": PASSWORD, "new_password": new}, user.token)
    changed = answer.status == 200 and log_in(gatehouse, user.email, new).status == 201 and log_in(gatehouse, user.email, PASSWORD).status == 401
    claims("with it the new one is the only one that logs in", changed, answer)
    events = gatehouse.ask("GET", "/v1/events?limit=100", None, gatehouse.key("accounts")).json["data"]
    told = [event for event in events if event["type"] == "password.changed" and event["user_id"] == user.id]
    claims("and the app's backend is told of it, once", len(told) == 1, events[-3:])


# ASVS: 6.4.6
def operators(gatehouse, claims):
    user = gatehouse.new_user()
    for field in ("password", "new_password", "password_hash"):
        answer = gatehouse.operate("PATCH", f"/v1/admin/users/{user.id}", {field: "an operator's own choice", "reason": "a test"})
        claims(f"an operator can't set a user's {field}", answer.status == 422, answer)
    claims("and it stays as it was", log_in(gatehouse, user.email, PASSWORD).status == 201)


# ASVS: 11.2.1, 11.2.2, 11.2.5, 11.4.2
def stored(gatehouse, claims):
    user = gatehouse.new_user()
    ledger = sqlite3.connect(gatehouse.ledger, timeout=5)

    def hash_now():
        return ledger.execute("SELECT password_hash FROM users WHERE id = ?", (user.id,)).fetchone()[0]

    def store(text):
        ledger.execute("UPDATE users SET password_hash = ? WHERE id = ?", (text, user.id))
        ledger.commit()

    good = hash_now()
    claims("a password is kept as Argon2id with its parameters", good.startswith("$argon2id$v=19$m=64,"), good)
    gatehouse.environment["GATEHOUSE_PASSWORD_ARGON_MEMORY_KIB"] = "128"
    gatehouse.apis[0].stop()
    gatehouse.apis[0].start()
    answer = log_in(gatehouse, user.email, PASSWORD)
    raised = hash_now()
    claims("dearer parameters reach a hash at its next login", answer.status == 201 and raised.startswith("$argon2id$v=19$m=128,"), raised)
    claims("after which it opens as before", log_in(gatehouse, user.email, PASSWORD).status == 201)
    for broken in (raised[:-5], raised.replace("$argon2id$", "$argon2i$"), raised.replace("m=128", "m=4294967295"), "", "$", "x" * 5000):
        store(broken)
        answers = [log_in(gatehouse, user.email, PASSWORD), log_in(gatehouse, user.email, "")]
        claims(f"a stored hash that is damaged ({broken[:24]!r}…) opens to nothing and breaks nothing",
               {answer.status for answer in answers} <= {401, 422}, answers)  # fmt: skip
    ledger.close()
    claims("the process is the one that was started", gatehouse.apis[0].running)
