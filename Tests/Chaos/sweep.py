"""SIGKILL at the N-th system call: a small life of an app runs against a process that dies at its N-th fdatasync, pwrite64, write or
writev, for N = 1, 2, 3, … until the workload completes; after each death the process is started again and all that was acknowledged
must be there. strace counts calls by thread, so N is the N-th call of whichever thread gets there first.

A clean run counts the calls first: one that is never made would make its sweep a lie, and fails the harness."""

import collections
import pathlib
import re
import shutil
import signal

import load
import store
from checks import HISTORY_CHECKS
from client import Client
from faults_of_api import traced
from Harness.service import API, Failure, Service, free_port, wait_until
from history import UNKNOWN, History

CALLS = ("fdatasync", "pwrite64", "write", "writev")


# ASVS: 2.3.3
class Sweep:
    """Dies at each N until the workload completes; with `deaths_max` so many times a call, at N = 1, 2, 4, …"""

    def __init__(self, seed, deaths_max=None):
        if not shutil.which("strace"):
            raise Failure("strace is not installed")
        self.seed, self.deaths_max = seed, deaths_max
        self.violations, self.table, self.counts = [], {}, {}

    def __call__(self):
        self.count()
        for call in CALLS:
            deaths, number, completed = 0, 1, False
            while not completed and (self.deaths_max is None or deaths < self.deaths_max):
                completed = not self.die_at(call, number)
                deaths += not completed
                number = number + 1 if self.deaths_max is None else number * 2
            self.die_while_creating(call)
            self.table[call] = (self.counts[call], deaths, completed)
            print(f"  {call}: {self.counts[call]} calls of one thread in a clean run, died at {deaths} of them", flush=True)
        return not self.violations

    def count(self):
        """How often the busiest thread makes each call in a clean run."""
        with Service() as service:
            api = service.apis[0]
            service.key("gate")
            api.stop()
            trace = f"{service.folder}/calls.log"
            api.start(["strace", "-D", "-f", "-qq", "--seccomp-bpf", "-e", "signal=none", "-e", f"trace={','.join(CALLS)}", "-o", trace])
            self.life(service, History())
            api.stop()
            threads = collections.Counter(re.findall(r"^(\d+) +(\w+)\(", pathlib.Path(trace).read_text(), re.M))
        for call in CALLS:
            self.counts[call] = max((count for (_, name), count in threads.items() if name == call), default=0)
        if missing := [call for call in CALLS if not self.counts[call]]:
            raise Failure(f"the workload never makes {', '.join(missing)}: a sweep over it would prove nothing")

    def die_at(self, call, number):
        """One life with a death at that call; whether it died."""
        history = History()
        with Service() as service:
            for scope in ("gate", "work", "accounts", "admin"):
                service.key(scope)
            api = service.apis[0]
            api.stop()
            api.start(traced(call, "signal=SIGKILL", number, number), wait=False)
            wait_until(lambda: not api.running or api.ready(), lambda: f"neither ready nor dead: {api.tail()}")
            world = self.life(service, history, until=lambda: not api.running)
            if any(call.outcome == UNKNOWN for call in history.operations):
                wait_until(lambda: not api.running, "a call had no answer, but the process lives", 10)
            died = not api.running
            if died and api.process.returncode != -signal.SIGKILL:
                ended = f"the process ended by itself with {api.process.returncode}: {api.tail()}"
                self.violations.append((f"death at {call} {number}", ended))
            api.kill()
            api.start()
            known = len(self.violations)
            self.judge(service, world, history, f"death at {call} {number}")
            if len(self.violations) > known:
                service.kept = True
                history.write(f"{service.folder}/history.log")
                print("\n".join(f"  BROKEN  {claim}: {detail}" for claim, detail in self.violations[known:]), flush=True)
        return died

    def die_while_creating(self, call):
        """Deaths of a first start, on an empty folder: the next start must find nothing half made."""
        number = 1
        while self.deaths_max is None or number <= self.deaths_max:
            with Service(processes=0) as service:
                api = API(service, free_port(), free_port())
                service.apis.append(api)
                api.start(traced(call, "signal=SIGKILL", number, number), wait=False)
                wait_until(lambda: not api.running or api.ready(), lambda: f"neither ready nor dead: {api.tail()}")
                if api.running:
                    return
                api.start()
                service.new_user()
            number += 1

    def life(self, service, history, until=lambda: False):
        """Signs up, logs in, works, ends sessions: step after step until the process is dead."""
        world = load.World(service, history, self.seed)
        client = Client(world, 0)
        client.caller.retry_seconds, client.caller.login_tries = 0, 1  # what is unknown stays so: nobody is there to ask
        steps = ("log_in", "verify", "use", "analyse", "report", "log_in", "rotate", "log_out", "change_password", "change_plan", "analyse",
                 "analyse", "report", "list_analyses", "end_others", "suspend", "delete")  # fmt: skip
        for _ in range(2):
            client.accounts.clear()
            client.adopt(load.sign_up(client.caller))
            for step in steps:
                if until() or not client.accounts:
                    return world
                getattr(client, step)(client.accounts[0])
        return world

    def judge(self, service, world, history, title):
        checker = load.Caller(world, "checker")
        for token in list(history.tokens):
            checker.verify(token, retry=True)
        store.wait_until_redis_has_heard(service)
        ledger = store.open_ledger(service.ledger)
        found = [(name, claim) for name, check in HISTORY_CHECKS.items() for claim in check(history)]
        found += [(name, claim) for name, check in store.STORE_CHECKS.items() for claim in check(history, ledger)]
        ledger.close()
        if not (made := load.sign_up(load.Caller(world, "after"))) or not made.live:
            found.append(("progress", "nobody can sign up after the restart"))
        self.violations += [(f"{title}: {name}", claim) for name, claim in found + history.violations]
