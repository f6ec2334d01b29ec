"""The allocations of a request: the calls of malloc, calloc and realloc, counted by a library that is preloaded."""

import pathlib
import struct
import time

from bounds import ALLOCATIONS, ALLOCATIONS_SPARED, hold
from Harness.preloaded import compiled
from Harness.service import Service
from measure import Plan, costs
from questions import ENVIRONMENT, Asked

COUNT = struct.Struct("=q")
PLAN = Plan(warming=100, requests=200, rounds=5, idle_seconds=0.5)


def run(claims):
    with Service(environment=ENVIRONMENT, prepare=Allocations) as service:
        api = service.apis[0]
        measured = costs(api, service.prepared.read, Asked(service).questions(api, ALLOCATIONS), PLAN)
    hold(claims, "allocations", measured, ALLOCATIONS, ALLOCATIONS_SPARED)


class Allocations:
    """Given to a service as `prepare`: its process counts its allocations in a file, which the library has mapped."""

    def __init__(self, service):
        self.file, self.last = pathlib.Path(service.folder, "allocations"), (0, 0)
        self.file.write_bytes(COUNT.pack(0))
        service.environment |= {"LD_PRELOAD": compiled("counted_allocations", service.folder), "ALLOCATIONS_FILE": str(self.file)}

    def read(self):
        """The allocations and the seconds since the last reading."""
        (allocations, moment), self.last = self.last, (*COUNT.unpack(self.file.read_bytes()), time.monotonic())
        return self.last[0] - allocations, self.last[1] - moment
