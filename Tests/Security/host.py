"""The machine: files, sockets, Redis's account."""

import os
import pathlib
import stat

from Harness import wire
from Harness.service import Service


def run(claims, long):
    with Service() as gatehouse:
        gatehouse.new_user()
        files(gatehouse, claims)
        sockets(gatehouse, claims)
        account(gatehouse, claims)


# ASVS: 13.3.1, 13.3.2, 16.4.2, 12.3.1
def files(gatehouse, claims):
    folder = pathlib.Path(gatehouse.folder)
    claims("the data folder is its owner's alone", stat.S_IMODE(folder.stat().st_mode) == 0o700, oct(folder.stat().st_mode))
    for path in folder.iterdir():
        if path.name.startswith(("gatehouse", "secret", "lock", "ops-", "redis.sock")) and path.suffix != ".yaml":
            mode = stat.S_IMODE(path.stat().st_mode)
            claims(f"{path.name.split('-')[0]} is closed to others", mode & 0o077 == 0, oct(mode))
    pid = gatehouse.apis[0].process.pid
    command, environment = pathlib.Path(f"/proc/{pid}/cmdline").read_bytes(), pathlib.Path(f"/proc/{pid}/environ").read_bytes()
    secrets = [part for line in (folder / "secret").read_text().splitlines() for part in line.split() if len(part) > 16]
    told = [secret for secret in secrets if secret.encode() in command + environment]
    claims("no secret stands in what `ps` shows", secrets and not told)


# ASVS: 13.1.1, 13.2.4, 13.2.5, 12.3.2
def sockets(gatehouse, claims):
    """Reads /proc, as `ss` does."""
    pids = {gatehouse.apis[0].process.pid, gatehouse.redis_process.pid}
    own = set()
    for pid in pids:
        for link in pathlib.Path(f"/proc/{pid}/fd").iterdir():
            try:
                own.add(os.readlink(link))
            except OSError:
                continue  # closed meanwhile
    listening, connected = [], []
    for table in ("tcp", "tcp6"):
        for row in pathlib.Path(f"/proc/{gatehouse.apis[0].process.pid}/net/{table}").read_text().splitlines()[1:]:
            words = row.split()
            if f"socket:[{words[9]}]" in own:
                (listening if words[3] == "0A" else connected).append((words[1], words[2]))
    ports = {gatehouse.apis[0].port, gatehouse.apis[0].ops_port}
    loopback = all(local.startswith("0100007F:") and int(local.split(":")[1], 16) in ports for local, _ in listening)
    claims("it listens on its two ports of loopback, and Redis on none", len(listening) == 2 and loopback, listening)
    outgoing = [pair for pair in connected if int(pair[0].split(":")[1], 16) not in ports]
    claims("it calls nobody over the network", not outgoing, outgoing)


# ASVS: 13.2.1, 13.2.2, 13.2.3
def account(gatehouse, claims):
    connection = wire.Redis(gatehouse.redis_socket)
    connection("auth", "gatehouse", "nopass")
    for words in (("flushall",), ("config", "get", "*"), ("keys", "*"), ("debug", "sleep", "0"), ("get", "foreign"), ("scan", "0"),
                  ("acl", "list"), ("shutdown",), ("hset", "foreign", "a", "b"), ("script", "flush"), ("replicaof", "127.0.0.1", "1")):  # fmt: skip
        try:
            refused, evidence = False, connection(*words)
        except wire.RedisError as error:
            refused, evidence = str(error).startswith(("NOPERM", "ERR DEBUG command not allowed")), error
        claims(f"the service's account in Redis may not {' '.join(words)}", refused, evidence)
    connection.close()
