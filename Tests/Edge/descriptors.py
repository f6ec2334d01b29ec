"""Files and connections that a process may have open: no client, and no three listeners full at once, leave it without one."""

import contextlib
import os
import select
import socket
import subprocess
import time

from edge import expect
from Harness.service import API, Failure, Service, free_port, wait_until

LOOK_SECONDS = 3
STILL_SECONDS = 0.5
# A process that accepts in vain, again and again, takes much of a core; one that waits takes what it took before.
SPARE_CORE_SHARE = 0.1
# A listener takes so many connections before it looks at its limit again.
ACCEPTED_AT_ONCE = 16
REQUEST = b"GET /livez HTTP/1.1\r\nHost: gatehouse\r\n\r\n"
OPS_CONNECTIONS_MAX = 64
OPS_CLIENTS = 200  # more than are served, fewer than the system lets wait
TOO_FEW = 200


def full(service, long=False):
    """with every listener full, for 300 files and for 1,024, the process keeps some for itself and takes no time of the cores"""
    told = []
    for limit in (300, 1_024):
        with Service(processes=0, environment={"GATEHOUSE_PROCESSES": "1", "GATEHOUSE_HTTP_CONNECTIONS_PER_ADDRESS": "0"}) as small:
            api = API(small, free_port(), free_port())
            small.apis.append(api)
            api.start(("prlimit", f"--nofile={limit}:{limit}"))
            quiet = seconds_on_cores(api.process.pid)
            with contextlib.ExitStack() as stack:
                listeners = [api.port, api.ops_port, f"{small.folder}/ops-{api.process.pid}.sock"]
                clients = fill(stack, api, dict(zip(listeners, (limit, OPS_CLIENTS, OPS_CLIENTS))))
                busy, open_files = seconds_on_cores(api.process.pid), len(os.listdir(f"/proc/{api.process.pid}/fd"))
                expect(open_files < limit, f"{limit}: all {open_files} files are open")
                spent = f"{busy:.2f} s of the cores in {LOOK_SECONDS} s"
                expect(busy <= quiet + SPARE_CORE_SHARE * LOOK_SECONDS, f"{limit}: {spent}, {quiet:.2f} s before")
                counts = {name: served(found) for name, found in clients.items()}
                for name in listeners[1:]:
                    expect(0 < counts[name] <= OPS_CONNECTIONS_MAX + ACCEPTED_AT_ONCE, f"{limit}: {counts[name]} served on {name}")
                let_others_in(clients)
            # A key that nobody has used yet is made by the ledger and found by Redis: both are within reach.
            small.key("gate")
            expect(small.ask("GET", "/livez").status == 200, f"{limit}: {api.tail()}")
            told.append(f"{limit}: {sum(counts.values())} connections, {open_files} files, {spent}")
    return "; ".join(told)


def too_few(service, long=False):
    """where the system allows too few files for that, the start is refused, with the number"""
    with Service(processes=0) as small:
        words = ["prlimit", f"--nofile={TOO_FEW}:{TOO_FEW}", str(small.binary), "serve", "--data", small.folder]
        run = subprocess.run([*words, "--port", str(free_port()), "--ops-port", str(free_port())], capture_output=True, text=True,
                             env=small.environment, timeout=20, check=False)  # fmt: skip
        expect(run.returncode == 1 and f"may open {TOO_FEW} files" in run.stderr, run)


def fill(stack, api, counts):
    """So many connections to each listener, more than it takes: {listener: connections}."""
    clients = {name: [] for name in counts}
    for number in range(max(counts.values())):
        for name, found in clients.items():
            if number < counts[name]:
                try:
                    found.append(stack.enter_context(connected(name)))
                except OSError as error:
                    raise Failure(f"{name} takes no connections after {len(found)}: {error}; {api.tail(5)}") from error
    wait_until(lambda: all(served(found) for found in clients.values()), lambda: f"nobody is served: {api.tail()}")
    wait_until(lambda: stands_still(clients), lambda: f"more and more are served: {api.tail()}")
    return clients


def served(found):
    return sum(map(is_answered, found))


def stands_still(clients):
    """Whether nobody more is served for a while."""
    before = [served(found) for found in clients.values()]
    time.sleep(STILL_SECONDS)
    return before == [served(found) for found in clients.values()]


def let_others_in(clients):
    """Ends the connections that were served: others must be."""
    for name, found in clients.items():
        waiting = [client for client in found if not is_answered(client)]
        for client in found:
            if client not in waiting:
                client.close()
        wait_until(lambda: any(map(is_answered, waiting)), f"{name}: those who waited are not served")


def connected(address):
    if isinstance(address, int):
        client = socket.create_connection(("127.0.0.1", address), 5)
    else:
        client = socket.socket(socket.AF_UNIX)
        client.settimeout(5)
        client.connect(address)
    client.sendall(REQUEST)
    return client


def is_answered(client):
    poll = select.poll()
    poll.register(client, select.POLLIN)
    return bool(poll.poll(0))


def seconds_on_cores(pid):
    """The share of the cores that the process takes in `LOOK_SECONDS`."""

    def taken():
        with open(f"/proc/{pid}/stat", encoding="ascii") as file:
            user, system = file.read().rsplit(")", 1)[1].split()[11:13]
        return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")

    before = taken()
    time.sleep(LOOK_SECONDS)
    return taken() - before
