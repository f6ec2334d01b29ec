"""docs/operations.md against a service that runs: each command, the files, the keys, readiness, signals, backup and restore."""

import datetime
import os
import pathlib
import re
import shutil
import signal
import subprocess

from commands import BINARY
from Harness.service import PASSWORD, Failure, Service, some_client, wait_until
from pages import told
from tree import page

PAGE = "docs/operations.md"
# These serve: what they do is shown by starting and restoring.
SERVING = "gatehouse serve"
READY_SECONDS = 20


def run(claims):
    with Service() as gatehouse:
        user = gatehouse.new_user()
        use(gatehouse, user)
        told(claims, "every key of Redis is of a form in the table, and explain knows it", keys(gatehouse))
        told(claims, "every command of the table does its work beside a service that runs", commands(gatehouse, user))
        told(claims, "the files of the data folder are those of the table", files(gatehouse))
        told(claims, "/readyz says ready, and degraded while Redis is away", readiness(gatehouse))
        told(claims, "SIGHUP is told in the log, and SIGTERM ends a process with status 0", signals(gatehouse))
        told(claims, "a backup that is made and restored as the page says is served, and Redis is not believed beyond it", backup(gatehouse))


def gatehouse_command(gatehouse, *words):
    environment = {**gatehouse.environment, "GATEHOUSE_DATA": gatehouse.folder}
    return subprocess.run([BINARY, *words], env=environment, capture_output=True, text=True, timeout=60, check=False)


def use(gatehouse, user):
    """Leaves a key of every form in Redis."""
    gatehouse.ask("POST", "/v1/sessions", {"email": user.email, "password": PASSWORD}, gatehouse.key("accounts"), some_client())
    # After the login, which drops the copy of the user.
    gate = {"token": user.token, "reserve": {"metric": "video_analysis", "idempotency_key": "one"}}
    gatehouse.ask("POST", "/v1/gate", gate, gatehouse.key("gate"))
    gatehouse.ask("POST", "/v1/limits/upload/check", {"subject": "org:42"}, gatehouse.key("gate"))


def commands(gatehouse, user):
    made = gatehouse_command(gatehouse, "key", "create", "--name", "other", "--scopes", "gate")
    key = re.match(r"ghk_(.{14})", made.stdout)
    next_year = (datetime.date.today() + datetime.timedelta(365)).isoformat()
    pathlib.Path(gatehouse.folder, "some.yaml").write_text("http: {port: 8080}\n")
    values = {
        "PREFIX": user.email[:3], "USER": user.email, "PLAN": "pro", "2027-11-23": next_year, "ID": f"key_{key[1]}" if key else "ID",
        "PATH": f"{gatehouse.folder}/some.yaml", "N": "another", "'gh:{…}'": f"gh:{{{user.id.removeprefix('usr_')}}}",
    }  # fmt: skip
    for cell, *_ in page(PAGE).rows("## Commands"):
        for line in re.findall(r"`gatehouse ([^`]+)`", cell):
            if f"gatehouse {line}".startswith(SERVING):
                continue
            words = [values.get(word, word) for word in re.sub(r"[\[\]]", "", line).split()]
            done = gatehouse_command(gatehouse, *words)
            if done.returncode or not done.stdout:
                yield f"gatehouse {' '.join(words)}: exit status {done.returncode}: {done.stderr or 'it says nothing'}"


def files(gatehouse):
    # The process's number stands in one, and a folder ends in a slash.
    told_of = {name.rstrip("/") for row in page(PAGE).rows("## Files in the data folder") for name in re.findall(r"`([^`]+)`", row[0])}
    # The harness starts Redis and keeps logs in its own way.
    harness = {name for name in os.listdir(gatehouse.folder) if name.startswith("api-") or name == "some.yaml"}
    seen = {re.sub(r"^ops-\d+\.sock$", "ops-PID.sock", name) for name in set(os.listdir(gatehouse.folder)) - harness}
    yield from (f"{name} is in the folder and not in the table" for name in seen - told_of)
    yield from (f"{name} is in the table and not in the folder" for name in told_of - seen - {"redis.pid"})


def keys(gatehouse):
    forms = [form for row in page(PAGE).rows("## Redis keys") for form in re.findall(r"`(gh:[^`]+)`", row[0])]
    # A user's id has 14 letters and digits.
    users = [re.escape(form).replace(r"\{u\}", r"\{[a-z0-9]{14}\}") for form in forms]
    patterns = {form: re.sub(r"<\w+>", r"[\\w.:/-]+", escaped) for form, escaped in zip(forms, users)}
    found = [key.decode() for key in gatehouse.redis("keys", "*")]
    for key in found:
        if not any(re.fullmatch(pattern, key) for pattern in patterns.values()):
            yield f"{key} has no form of the table"
        elif gatehouse_command(gatehouse, "explain", key).returncode:
            yield f"explain does not know {key}"
    for form, pattern in patterns.items():
        # Windows of an app's policies by address are not configured by default.
        if form != "gh:{ip:<net>}:rl" and not any(re.fullmatch(pattern, key) for key in found):
            yield f"no key is of the form {form}: {found}"


def ready(gatehouse):
    answer = gatehouse.operate("GET", "/readyz")
    return answer.status, answer.json["status"]


def readiness(gatehouse):
    table = {row[0].strip("`"): int(row[1]) for row in page(PAGE).rows("## Readiness")[1:]}
    for wanted, change in (("ready", lambda: None), ("degraded", gatehouse.kill_redis), ("ready", gatehouse.start_redis)):
        change()
        try:
            wait_until(lambda wanted=wanted: ready(gatehouse) == (table[wanted], wanted), "", READY_SECONDS)
        except Failure:
            yield f"/readyz says {ready(gatehouse)}, not {(table[wanted], wanted)}"


def signals(gatehouse):
    api = gatehouse.apis[0]
    api.process.send_signal(signal.SIGHUP)
    wait_until(lambda: "The settings are reloaded" in pathlib.Path(api.log).read_text(), "SIGHUP is not in the log")
    if status := api.stop():
        yield f"SIGTERM ends it with {status}"
    api.start()


def backup(gatehouse):
    """The procedure of the page: a copy while it serves; then what came after the copy must be unknown, by Redis too."""
    if not shutil.which("sqlite3"):
        yield "sqlite3 is not installed: apt install sqlite3"
        return
    before = gatehouse.new_user()
    [command] = re.findall(r"`sqlite3 data/(gatehouse\.sqlite \"\.backup copy\.sqlite\")`", page(PAGE).text)
    done = subprocess.run(["sh", "-c", f"sqlite3 {command}"], cwd=gatehouse.folder, capture_output=True, text=True, timeout=60, check=False)
    if done.returncode:
        yield f"the copy: {done.stderr}"
        return
    after = gatehouse.new_user()
    api, folder = gatehouse.apis[0], pathlib.Path(gatehouse.folder)
    api.stop()
    for name in ("gatehouse.sqlite", "gatehouse.sqlite-wal", "gatehouse.sqlite-shm"):
        if (folder / name).exists():
            (folder / name).rename(folder / f"old-{name}")
    (folder / "copy.sqlite").rename(folder / "gatehouse.sqlite")
    (folder / "gatehouse.sqlite").chmod(0o600)
    api.start(["sh", "-c", 'exec "$@" --check', "sh"])
    statuses = [gatehouse.ask("GET", "/v1/session", bearer=user.token).status for user in (before, after)]
    if statuses != [200, 401]:
        yield f"the user of before the copy and the one of after it: {statuses}, not 200 and 401"
