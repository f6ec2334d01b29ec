"""P1, P4: the gate against nginx with LuaJIT, which runs the same script in the same Redis and builds the same answer."""

import contextlib
import statistics

import script_call
from answers import same_answer
from decisions import Decisions
from Harness.host import HostShare, cores
from Harness.process import Failure
from Harness.service import Service
from load import at_rate, most, request, write_requests
from population import populate, progress
from processes import nginx, ours
from verdict import LESS, MORE, Goal, Row

USERS = 10_000
CONNECTIONS = 64
WARM_UP_SECONDS = 1
TUNING_SECONDS = 2
# Of the slower contender's most: where neither is at its end.
LATENCY_SHARE = 0.5
# Of the peer's processor time for a request.
PROCESSOR = 0.75
CONFIGURATION = f"""
http: {{connections_per_address: 0}}
policies:
  api: {{limit: {script_call.LIMIT}, limit_by_plan: {{pro: {script_call.LIMIT}, coach: {script_call.LIMIT}}}}}
  login_pair: {{limit: {script_call.LIMIT}}}
  login_account: {{limit: {script_call.LIMIT}}}
  login_network: {{limit: {script_call.LIMIT}}}
  signup_network: {{limit: {script_call.LIMIT}}}
"""
OWN_METHOD = {"Gatehouse-Method": "own"}
# Path of the question, by the name of the row.
AUTH, GATE = "/v1/auth/api", "/v1/gate"


@contextlib.contextmanager
def populated(users=USERS, **more):
    """A service with so many users, each in Redis, and its population."""
    with Service(configuration=CONFIGURATION, **more) as service:
        population = populate(service, users, metadata_bytes=100, say=progress(f"{users:,} users"))
        population.warm()
        yield service, population


def questions(path, people, token, key):
    """The requests about these people; `token` gives a person's."""
    if path == AUTH:
        return [request("GET", AUTH, token(person), headers=OWN_METHOD) for person in people]
    return [request("POST", GATE, key, {"token": token(person)}) for person in people]


def sent(service, path, people, token, key):
    """The file of these requests, for wrk."""
    return write_requests(service.folder, questions(path, people, token, key))


def asker(contender, path, token, key):
    """A function that asks a contender about one caller."""
    if path == AUTH:
        return lambda: contender.ask("GET", AUTH, None, token, OWN_METHOD)
    return lambda: contender.ask("POST", GATE, {"token": token}, key)


def in_turns(contenders, rounds, run):
    """`run(contender)` for each in turn, `rounds` times; what each gave by its name, and the share of the cores that the host took."""
    found, host = {contender.name: [] for contender in contenders}, HostShare()
    for _ in range(rounds):
        for contender in contenders:
            found[contender.name].append(run(contender))
    return found, host.until_now()


@contextlib.contextmanager
def tuned(start, choices, file, connections=CONNECTIONS):
    """A peer with that of some numbers of workers which answered the file's requests fastest, on as many connections as are measured. A
    number with which it leaves some unanswered is not its best."""
    rates, failure = {}, None
    for number in choices:
        try:
            with start(number) as contender:
                most(contender, file, connections, WARM_UP_SECONDS)
                rates[number] = most(contender, file, connections, TUNING_SECONDS).per_second
        except Failure as found:
            failure = found
            print(f"with {number} of {', '.join(map(str, choices))} workers: {found}", flush=True)
    if not rates:
        raise failure
    with start(max(rates, key=rates.get)) as contender:
        yield contender


def against_nginx(options):
    """The gate against nginx with LuaJIT and the same script"""
    rows = []
    with populated() as (service, population):
        key, people = service.key("gate"), population.people()
        call = script_call.heard(service, population).write(service, key, service.folder)
        one, mine = people[0], ours(service)
        for path, goal in ((AUTH, 1.3), (GATE, 1.2)):
            simple = sent(service, path, people, lambda person: person.simple_token, key)
            with tuned(lambda number: nginx(service, call, number), sorted({1, cores()}), simple) as peer:
                same_answer(asker(mine, path, one.token, key), asker(peer, path, one.simple_token, key), peer.name)
                files = {mine.name: sent(service, path, people, lambda person: person.token, key), peer.name: simple}
                tokens = {mine.name: one.token, peer.name: one.simple_token}
                rows += compared(options, path, (mine, peer), files, tokens, key, goal, Decisions(service.redis))
    return rows


def compared(options, path, pair, files, tokens, key, goal, decisions):
    """Rows of the rate, the p99 and the processor time of two contenders at one path."""
    mine, peer = pair
    for contender in pair:
        most(contender, files[contender.name], CONNECTIONS, WARM_UP_SECONDS)
    found, host = in_turns(pair, options.rounds, lambda c: decisions.most(c, files[c.name], CONNECTIONS, options.seconds))
    rates = {name: [run.per_second for run in runs] for name, runs in found.items()}
    cpu = {name: [run.processor for run in runs] for name, runs in found.items()}
    rate = LATENCY_SHARE * min(statistics.median(each) for each in rates.values())

    def steady(contender):
        token = tokens[contender.name]
        body = None if path == AUTH else {"token": token}
        return at_rate(contender, path, rate, token if path == AUTH else key, body, CONNECTIONS, options.seconds)

    slow, host_of_slow = in_turns(pair, options.rounds, steady)
    title = f"{'GET' if path == AUTH else 'POST'} {path}"
    return [
        Row("P1", f"{title}, nginx + LuaJIT", "requests/s", rates[mine.name], rates[peer.name], Goal(MORE, goal), host),
        Row("P1", f"{title}, p99 at {rate:,.0f}/s", "ms", [p99 for _, p99 in slow[mine.name]], [p99 for _, p99 in slow[peer.name]],
            Goal(LESS, 1.0), host_of_slow),
        Row("P4", f"{title}, processor time", "us/request", cpu[mine.name], cpu[peer.name], Goal(LESS, PROCESSOR), host),
    ]  # fmt: skip
