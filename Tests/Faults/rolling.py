"""Two processes behind plain nginx, which keeps connections to both: one after another is ended and started under load, and no client sees
anything of it."""

from Harness.balancer import Balancer, KeptConnections
from Harness.service import Service, wait_until

RESTARTS = 6


def run(claims):
    with Service(processes=2) as gatehouse:
        user, keys = gatehouse.new_user(), {scope: gatehouse.key(scope) for scope in ("gate", "work", "accounts")}
        with Balancer([api.port for api in gatehouse.apis]) as balancer, KeptConnections(balancer.port, user, keys) as clients:
            wait_until(lambda: sum(clients.answers.values()) > 50, "answers")
            statuses = []
            for restart in range(RESTARTS):
                api = gatehouse.apis[restart % 2]
                statuses.append(api.stop())
                api.start()
            count = sum(clients.answers.values())
            wait_until(lambda: sum(clients.answers.values()) > count + 50, "answers after the restarts")
        good = set(clients.answers) <= {200, 201}
        claims(f"{RESTARTS} restarts behind nginx, {sum(clients.answers.values())} calls on kept connections: no status but success", good,
               clients.answers)  # fmt: skip
        claims("each process ended with status 0", set(statuses) == {0}, statuses)
