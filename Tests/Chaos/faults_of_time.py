"""Clocks that go wrong, and a configuration that lacks a plan for a moment."""

import pathlib
import signal
import time

from faults import fault
from Harness import wire
from Harness.service import Failure

HOUR = 3_600
OFFSETS = (-72 * HOUR, -HOUR, -60, 60, HOUR, 24 * HOUR, 240 * HOUR)
PLANS = "plans:\n  names: [free, pro, coach]\n"
# The default policies give plans limits of their own.
WITHOUT_PRO = """plans:
  names: [free, coach]
policies:
  api:
    limit_by_plan:
      coach: 600
  upload:
    limit_by_plan:
      coach: 100
"""
BACK_SECONDS_MAX = 5


def moved(harm, who):
    clocks = harm.service.prepared
    clocks.set(who, harm.random.choice(OFFSETS))
    harm.pause(0.3, 4)
    clocks.set(who, 0)


@fault("clock-of-redis", "redis", loses_windows=True)
def clock_of_redis(harm):
    """Redis's clock jumps, by a minute to ten days, and is right again after a while."""
    moved(harm, ("redis",))


@fault("clock-of-host", "clock")
def clock_of_host(harm):
    """The clock of the API's host jumps."""
    moved(harm, ("host",))


@fault("clocks-of-both", "redis", loses_windows=True)
def clocks_of_both(harm):
    """Both clocks jump together, as they do on one host."""
    moved(harm, ("redis", "host"))


@fault("lost-plan", "api")
def lost_plan(harm):
    """A reload lacks a plan, and the next has it back: its users are on it at once."""
    reload(harm, WITHOUT_PRO)
    harm.pause(0.3, 2)
    reload(harm, PLANS)
    user, gate = harm.world.counted[0], harm.world.keys["gate"]
    for api in harm.service.apis:
        connection, end, plan = wire.HTTP(api.port, 5), time.monotonic() + BACK_SECONDS_MAX, None
        while plan != "pro":
            if time.monotonic() > end:
                raise Failure(f"port {api.port}: {user.id} is on plan {plan} with plan pro back")
            try:
                answer = connection.ask("POST", "/v1/gate", {"token": user.live[0].text, "limits": []}, gate)
                plan = answer.json["user"]["plan"] if answer.status == 200 and answer.json["user"] else plan
            except (wire.NotSent, wire.NoAnswer):
                pass
            time.sleep(0.02)
        connection.close()


def reload(harm, text):
    pathlib.Path(harm.service.environment["GATEHOUSE_CONFIG"]).write_text(text)
    for api in harm.service.apis:
        if api.running:
            api.process.send_signal(signal.SIGHUP)
