"""One run: load, faults, healing, progress, judgement."""

import random
import time

import checks
import client
import faults_of_api  # noqa: F401, it registers its faults
import faults_of_ledger
import faults_of_redis  # noqa: F401
import faults_of_time
import load
import store
from eras import NEVER, Lives
from faults import FAULTS, Harm
from Harness.clocks import Clocks
from Harness.service import Service
from history import OK, History
from nemesis import Nemesis

PROGRESS_SECONDS = 30


class Run:
    """Runs `inject(nemesis)` under the load of `clients` clients against `processes` processes, then judges."""

    def __init__(self, seed, processes=2, clients=10, hang_seconds=10):
        self.seed, self.processes, self.clients, self.hang_seconds = seed, processes, clients, hang_seconds
        self.history, self.violations, self.facts = History(), [], {}

    def __call__(self, inject):
        with Service(self.processes, behind_proxy=True, configuration=faults_of_time.PLANS, prepare=Clocks) as service:
            world = load.World(service, self.history, self.seed)
            checker = client.settle(world)
            harm = Harm(service, service.proxy, world, random.Random(f"{self.seed}-nemesis"), self.hang_seconds)
            nemesis = Nemesis(harm, world, random.Random(f"{self.seed}-deck"))
            threads = [client.Client(world, number) for number in range(self.clients)]
            for thread in threads:
                thread.start()
            self._require_that_immortal_keys_are_seen(service)
            time.sleep(1)
            harm.keep_old_files()
            harm.backup = faults_of_ledger.Backup(service)
            try:
                inject(nemesis)
                healed = time.monotonic()
                self._require_progress(healed)
            finally:
                world.stopping.set()
                for thread in threads:
                    thread.join(2 * load.RETRY_SECONDS)
            self._judge(service, checker)
            self.facts["faults"] = nemesis.table
            service.kept = bool(self.violations)
            if self.violations:
                self.history.write(f"{service.folder}/history.log")
        return not self.violations

    def _require_that_immortal_keys_are_seen(self, service):
        service.redis("set", "chaos:immortal", "1")
        assert service.immortal_keys() == ["chaos:immortal"], "the judge of times to live is blind"
        service.redis("del", "chaos:immortal")

    def _require_progress(self, since):
        end = time.monotonic() + PROGRESS_SECONDS
        while missing := checks.every_client_progressed(self.history, since):
            if time.monotonic() > end:
                self.history.violations += [("progress after healing", claim) for claim in missing]
                return
            time.sleep(0.1)

    def _judge(self, service, checker):
        history = self.history
        for token in list(history.tokens):
            checker.verify(token, retry=True)
        store.wait_until_redis_has_heard(service)
        for name, check in checks.HISTORY_CHECKS.items():
            self.violations += [(name, claim) for claim in check(history)]
        ledger = store.open_ledger(service.ledger)
        for name, check in store.STORE_CHECKS.items():
            self.violations += [(name, claim) for claim in check(history, ledger)]
        ledger.close()
        self.violations += [("no key without a time to live", key) for key in service.immortal_keys()]
        for api in service.apis:
            if (status := api.stop()) != 0:
                self.violations.append(("SIGTERM ends a process cleanly", f"exit {status}: {api.tail()}"))
            if "Fatal error" in (text := api.tail(50)) or "Crash" in text:
                self.violations.append(("no process traps", text))
        self.violations += history.violations
        self._tell_facts()

    def _tell_facts(self):
        history, lives = self.history, Lives(self.history)
        verified = [call for call in history.of("verify") if checks.verdict(call) == "live"]
        by_ledger = sum(call.answer["source"] == "ledger" for call in verified)
        answered = sum(count for (_, status), count in history.answers.items() if isinstance(status, int))
        self.facts |= {
            "calls": len(history.operations), "answers": answered, "users": len(history.users), "sessions": len(history.tokens),
            "sessions live at the end": sum(lives(token).doomed == NEVER for token in history.tokens),
            "sessions ended": sum(lives(token).ended < NEVER for token in history.tokens),
            "sessions verified as live": len(verified), "of these by the ledger": by_ledger,
            "answers 503": sum(count for (_, status), count in history.answers.items() if status == 503),
            "calls without an answer": sum(count for (_, status), count in history.answers.items() if status == "no answer"),
            "analyses": sum(call.outcome == OK for call in history.of("analysis")),
            "usage events": sum(call.outcome == OK for call in history.of("event")),
            "units granted": sum(1 for call in history.of(*checks.GRANTS) if checks.grant(call)),
        }  # fmt: skip


def names_of(short):
    return [name for name, body in FAULTS.items() if not (short and body.slow)]
