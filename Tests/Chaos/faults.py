"""A fault is a function that injects one kind of harm into a running service and heals it before it returns. They are in
`faults_of_redis`, `faults_of_api`, `faults_of_ledger` and `faults_of_time`."""

import shutil
import time

FAULTS = {}


def fault(name, domain, loses_windows=False, slow=False):
    """Registers a fault. Faults of one `domain` never overlap; `loses_windows`: Redis may forget rate windows; `slow`: not in the
    short form's mix."""

    def register(body):
        FAULTS[name] = body
        body.title, body.domain, body.loses_windows, body.slow = name, domain, loses_windows, slow
        return body

    return register


class Harm:
    """The service under a fault. `service` stands behind `proxy`; `world` is that of the clients. `backup` is of the ledger, some time ago."""

    def __init__(self, service, proxy, world, random, hang_seconds=10):
        self.service, self.proxy, self.world, self.random, self.hang_seconds = service, proxy, world, random, hang_seconds
        self.backup = None
        self.old_files = f"{service.folder}/old-appendonly"

    def keep_old_files(self):
        """Keeps the files that stand for "yesterday's backup" of Redis in this run."""
        shutil.rmtree(self.old_files, ignore_errors=True)
        shutil.copytree(f"{self.service.folder}/appendonlydir", self.old_files)

    def pause(self, low, high):
        time.sleep(self.random.uniform(low, high))

    def for_a_while(self, seconds, every, action):
        """Repeats `action` and says how often it was done."""
        end, count = time.monotonic() + seconds, 0
        while time.monotonic() < end:
            action()
            count += 1
            time.sleep(every)
        return count

    def any_api(self):
        return self.random.choice(self.service.apis)
