"""P2: the gate against what Python apps do: FastAPI with our script, Flask with its own sessions and limits."""

import contextlib
import subprocess
import tempfile
import time

import script_call
from answers import different, same_answer, told, units
from gate import AUTH, CONNECTIONS, GATE, WARM_UP_SECONDS, asker, in_turns, populated, sent, tuned
from Harness import packages, wire
from Harness.host import cores
from Harness.process import Failure, free_port
from load import most, request, write_requests
from processes import PEERS, ours, peer
from verdict import MORE, Goal, Row

HERE = PEERS / "python"
FLASK_USERS = 1_000
FLASK_THREADS = 8


def environment():
    """The virtual environment of the peers in Python."""
    try:
        return packages.environment("bench", (PEERS / "requirements.txt").read_text().split()) / "bin"
    except (OSError, subprocess.SubprocessError) as error:
        raise Failure("the packages of the peers in Python can't be installed; what pip says stands above") from error


@contextlib.contextmanager
def fastapi(service, app, workers, variables):
    """An app of peers/python under uvicorn."""
    port, folder = free_port(), tempfile.mkdtemp(prefix="fastapi-", dir=service.folder)
    words = [environment() / "uvicorn", f"{app}:app", "--app-dir", HERE, "--port", port, "--workers", workers, "--loop", "uvloop", "--http", "httptools"]
    words += ["--no-access-log", "--log-level", "warning", "--timeout-keep-alive", "600", "--no-server-header"]
    with peer(f"FastAPI with {workers} workers", words, port, folder, variables) as contender:
        yield contender


@contextlib.contextmanager
def flask(service, workers, variables):
    """The Flask app under gunicorn, which keeps connections with its threads."""
    port, folder = free_port(), tempfile.mkdtemp(prefix="flask-", dir=service.folder)
    words = [environment() / "gunicorn", "gate_flask:app", "--chdir", HERE, "-b", f"127.0.0.1:{port}", "-w", workers, "-k", "gthread"]
    words += ["--threads", FLASK_THREADS, "--keep-alive", "600", "--log-level", "error", "--worker-connections", 2_000]
    with peer(f"Flask with {workers} workers", words, port, folder, variables) as contender:
        yield contender


def against_python(options):
    """The gate against FastAPI + uvloop + redis-py with the same script, and Flask + Flask-Session + Flask-Limiter"""
    rows = []
    with populated() as (service, population):
        key, people, mine = service.key("gate"), population.people(), ours(service)
        variables = {"CALL": script_call.heard(service, population).write(service, key, service.folder)}
        choices, one = sorted({1, cores(), 2 * cores()}), people[0]
        with flask(service, 1, variables) as first:
            # The last one is asked about alone.
            *cookies, own = sessions(first, people[: FLASK_USERS + 1])
        for path in (AUTH, GATE):
            file = sent(service, path, people, lambda person: person.token, key)
            simple, flasks = sent(service, path, people, lambda person: person.simple_token, key), flask_requests(service, path, cookies)
            with (
                tuned(lambda number: fastapi(service, "gate_fastapi", number, variables), choices, simple) as quick,
                tuned(lambda number: flask(service, number, variables), choices, flasks) as slow,
            ):
                same_answer(asker(mine, path, one.token, key), asker(quick, path, one.simple_token, key), quick.name)
                alike(asker(mine, path, one.token, key)(), slow, path, own)
                found, host = rates(options, (mine, quick, slow), {mine.name: file, quick.name: simple, slow.name: flasks})
            title = f"{'GET' if path == AUTH else 'POST'} {path}"
            for contender, kind, goal in ((quick, "FastAPI + redis-py, same script", 6), (slow, "Flask + Flask-Session + Flask-Limiter", 25)):
                rows.append(Row("P2", f"{title}, {kind}", "requests/s", found[mine.name], found[contender.name], Goal(MORE, goal), host))
    return rows


def rates(options, contenders, files):
    """The rates of contenders in turns, by their names, and the share of the cores that the host took."""
    for contender in contenders:
        most(contender, files[contender.name], CONNECTIONS, WARM_UP_SECONDS)
    found, host = in_turns(contenders, options.rounds, lambda c: most(c, files[c.name], CONNECTIONS, max(1, options.seconds - 1)))
    return {name: [run.per_second for run in runs] for name, runs in found.items()}, host


def sessions(contender, people):
    """The cookies of so many people who have logged in to Flask."""
    connection, cookies, now = wire.HTTP(contender.port), [], int(time.time() * 1000)
    for person in people:
        answer = connection.ask("POST", "/log-in", {"user": person.id, "now": now})
        cookie = answer.headers.get("set-cookie", "").partition(";")[0]
        if answer.status != 200 or not cookie:
            raise Failure(f"Flask logs nobody in: {answer}")
        cookies.append(cookie)
    connection.close()
    return cookies


def flask_request(path, cookie):
    if path == AUTH:
        return request("GET", AUTH, None, headers={"Cookie": cookie})
    return request("POST", GATE, None, {"token": "in the cookie"}, {"Cookie": cookie})


def flask_requests(service, path, cookies):
    return write_requests(service.folder, [flask_request(path, cookie) for cookie in cookies])


# Its users, sessions and windows are its own: these differ.
OWN = {"id", "plan", "class", "authenticated_at", "expires_at", "RateLimit-Policy"}
OWN_FIELDS = {"set-cookie", "gatehouse-user", "gatehouse-session"}


def alike(answer, contender, path, cookie):
    """Flask's answer must have the members of ours, and say the same of all that is not its own; the second time a unit less is left."""
    body = None if path == AUTH else {"token": "in the cookie"}
    first, second = (contender.ask("GET" if path == AUTH else "POST", path, body, None, {"Cookie": cookie}) for _ in range(2))
    if (first.status, second.status) != (200, 200):
        raise Failure(f"{contender.name}: {first}")
    mine, theirs = told(answer), told(first)
    if (left := units(theirs)) - (less := units(told(second))) != 1:
        raise Failure(f"{contender.name} does not count: {left} units were left, then {less}")
    for each in (mine, theirs):
        each["fields"] = {name: value for name, value in each["fields"].items() if name not in OWN_FIELDS}
    if differences := [one for one in different(mine, theirs, "") if one.partition(":")[0].rpartition(".")[2] not in OWN]:
        raise Failure(f"{contender.name} answers otherwise: {'; '.join(differences[:5])}")
