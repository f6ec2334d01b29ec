"""The instructions of a request, of all threads and libraries of the process, as callgrind counts them."""

import pathlib
import re
import shutil
import socket
import subprocess
import time

from bounds import INSTRUCTIONS, INSTRUCTIONS_SPARED, hold
from Harness.preloaded import compiled
from Harness.process import Failure
from Harness.service import Service
from measure import Plan, costs
from questions import ENVIRONMENT, Asked

PLAN = Plan(warming=50, requests=200, rounds=5, idle_seconds=1.5)
START_SECONDS = 300
ANSWER_SECONDS = 60


def run(claims):
    with Service(environment=ENVIRONMENT) as service:
        api, asked = service.apis[0], Asked(service)
        callgrind = Callgrind(service)
        measured = costs(api, callgrind.read, asked.questions(api, INSTRUCTIONS), PLAN)
    hold(claims, "instructions", measured, INSTRUCTIONS, INSTRUCTIONS_SPARED)


class Callgrind:
    """Starts the process of a service anew under callgrind. Its counts are read while it runs."""

    def __init__(self, service):
        if missing := [name for name in ("valgrind", "strip") if not shutil.which(name)]:
            raise Failure(f"not installed: {', '.join(missing)}; apt install valgrind binutils")
        self.folder, self.parts, self.last, api = service.folder, 0, 0, service.apis[0]
        api.stop()
        # Valgrind would read the debug information of the program for minutes.
        whole, service.binary = service.binary, pathlib.Path(self.folder, "gatehouse")
        subprocess.run(["strip", "-g", "-o", service.binary, whole], check=True)
        service.environment |= {
            "LD_PRELOAD": compiled("counted_instructions", self.folder),
            "INSTRUCTIONS_SOCKET": f"{self.folder}/instructions.sock",
        }
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(service.environment["INSTRUCTIONS_SOCKET"])
            listener.listen()
            # Threads run in turn, so that none waits for long behind a busy one.
            words = ["valgrind", "--tool=callgrind", "--vgdb=no", "--fair-sched=yes", f"--callgrind-out-file={self.folder}/instructions"]
            api.start(words, seconds=START_SECONDS)
            listener.settimeout(ANSWER_SECONDS)
            self.process = listener.accept()[0]
        self.process.settimeout(ANSWER_SECONDS)

    def read(self):
        """The instructions and the seconds since the last reading."""
        before, self.last = self.last, time.monotonic()
        self.process.sendall(b"d")
        if not self.process.recv(1):
            raise Failure("the process under callgrind has ended")
        self.parts += 1
        part = pathlib.Path(f"{self.folder}/instructions.{self.parts}")
        count = int(re.search(r"^totals: (\d+)", part.read_text(), re.M)[1])
        part.unlink()
        return count, self.last - before
