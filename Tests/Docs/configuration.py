"""docs/configuration.md has every key with its default and range, and says rightly which of them SIGHUP changes."""

import json
import os
import pathlib
import re
import subprocess

from commands import BINARY
from Harness.service import Service, wait_until
from pages import told
from tree import page

PAGE = "docs/configuration.md"
UNITS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400, "": 1}
# Another good value of each key that has no range: to see whether a reload takes it.
OTHERS = {
    "data": "other", "http.host": "localhost", "http.ops_host": "localhost", "public_url": "http://localhost:8080",
    "trusted_proxies": "10.0.0.0/8", "allowed_origins": "https://app.example.com",
}  # fmt: skip
# The key that must stand beside another, with a good value.
TOGETHER = {"idle": ("absolute", "3650d"), "absolute": ("idle", "1s")}
NAMES = {"metrics": "video_analysis", "plans": "pro", "policies": "api", "profiles": "api"}


def run(claims):
    keys, named = rows("## Keys"), rows("## Sections with names of your own")
    shipped = defaults()
    claims("the program prints its defaults", len(shipped) > 30, shipped)
    told(claims, "every key of the page is a default, with the same value", wrong_defaults(keys, shipped))
    told(claims, "every key of the defaults is on the page", missing(keys, named, shipped))
    told(claims, "the values at the ends of each range are taken, those beyond are refused", ranges(keys, named))
    told(claims, "the shipped policies are as the table has them", policies(shipped))
    told(claims, "SIGHUP changes the keys that the page says, and no others", reload(keys))


def rows(heading):
    return [[cell.strip("`") if number == 0 else cell for number, cell in enumerate(row)] for row in page(PAGE).rows(heading)[1:]]


def defaults():
    """Each key of `gatehouse config init` with its value as it is written there."""
    text = subprocess.run([BINARY, "config", "init"], capture_output=True, text=True, check=True).stdout
    values, above = {}, []
    for line in text.splitlines():
        if found := re.fullmatch(r"( *)([a-z_]+):(.*)", line):
            above = above[: len(found[1]) // 2] + [found[2]]
            if found[3].strip():
                values[".".join(above)] = found[3].strip()
    return values


def wrong_defaults(keys, shipped):
    for key, default, *_ in keys:
        if shipped.get(key) != default:
            yield f"{key}: the page says {default}, the program {shipped.get(key)}"


def missing(keys, named, shipped):
    patterns = [re.sub(r"\\?\b[A-Z]+\b", r"\\w+", row[0].replace(".", r"\.")) for row in named]
    patterns += [re.escape(row[0]) for row in keys] + [r"\w+\.names"]
    return (key for key in shipped if not any(re.fullmatch(pattern, key) for pattern in patterns))


def check(**settings):
    """Whether `config check` takes these settings, and what it says."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GATEHOUSE_")}
    environment |= {f"GATEHOUSE_{key.upper().replace('.', '_')}": value for key, value in settings.items()}
    done = subprocess.run([BINARY, "config", "check"], capture_output=True, text=True, env=environment, cwd="/tmp", check=False)
    return done.returncode == 0, done.stdout.strip()


def concrete(key):
    """A key of the defaults for one with a name of one's own in it."""
    section = key.split(".")[0]
    return key.replace("NAME", NAMES.get(section, "")).replace("METRIC", "video_analysis").replace("PLAN", "pro")


def bounds(text):
    found = re.match(r"(\d+)([smhd]?) to (\d+)([smhd]?)\b", text)
    return found and ((int(found[1]), found[2]), (int(found[3]), found[4]))


def good_and_bad(text):
    if ends := bounds(text):
        (low, small), (high, large) = ends
        return [f"{low}{small}", f"{high}{large}"] + re.findall(r"or `(\w+)`", text), [f"{low - 1}{small}", f"{high + 1}{large}", "nonsense"]
    words = re.findall(r"`(\w+)`", text)
    return (words, ["nonsense"]) if len(words) > 1 else ([], [])


def beside(key):
    last = key.split(".")[-1]
    if last not in TOGETHER:
        return {}
    other, value = TOGETHER[last]
    return {key[: -len(last)] + other: value}


def ranges(keys, named):
    for row in keys + named:
        key = concrete(row[0])
        good, bad = good_and_bad(row[2])
        # An `ip` or `subject` can't be the api policy's, nor count by plan; its own section tells of the others.
        if row[0].endswith("policies.NAME.by"):
            good = ["user", "plan"]
        for value in good:
            is_taken, said = check(**{key: value, **beside(key)})
            if not is_taken:
                yield f"{key}={value} is refused: {said}"
        for value in bad:
            is_taken, said = check(**{key: value, **beside(key)})
            if is_taken or key not in said:
                yield f"{key}={value} is taken, or refused without its name: {said}"


def policies(shipped):
    for name, by, limit, window, cells, _ in rows("## Shipped defaults"):
        wanted = {"by": by, "limit": re.match(r"\d+", limit)[0], "window": window, "cells": cells}
        for key, value in wanted.items():
            if shipped.get(f"policies.{name}.{key}") != value:
                yield f"policies.{name}.{key}: the page says {value}, the program {shipped.get(f'policies.{name}.{key}')}"
        for plan, value in re.findall(r"(\w+) (?:and \w+ )?(\d+)", limit):
            if shipped.get(f"policies.{name}.limit_by_plan.{plan}") != value:
                yield f"policies.{name}.limit_by_plan.{plan} is not {value}"


def reload(keys):
    """Changes every key at once and asks the log which of them wait for a restart."""
    prepared = Service(configuration="processes: 1\n", cheap_hashing=False)
    # The environment would win over the file.
    del prepared.environment["GATEHOUSE_PROCESSES"]
    with prepared as gatehouse:
        lines = []
        for key, default, text, *_ in keys:
            others = [value for value in good_and_bad(text)[0] if value != default]
            others = [OTHERS[key]] if key in OTHERS else others
            value = "60s" if key.startswith("sessions.") or "lifetime" in key else others[0]
            # Its only other value is refused beside an address that is not on loopback, or hides what is asked here.
            if key in ("cookie.secure", "log.level"):
                continue
            lines.append((key, value))
        path = gatehouse.environment["GATEHOUSE_CONFIG"]
        with open(path, "w") as file:
            file.write(nested(lines))
        gatehouse.apis[0].process.send_signal(1)
        said = wait_until(lambda: reloaded(gatehouse.apis[0].log), lambda: f"SIGHUP is not in the log: {gatehouse.apis[0].tail()}", 30)
        # Flags hold what the harness starts a process with.
        flags = {"data", "http.port", "http.ops_port"}
        waiting, restart = said - flags, {row[0] for row in keys if row[4] == "restart"} - flags
        yield from (f"{key} waits for a restart, and the page says that SIGHUP changes it" for key in waiting - restart)
        yield from (f"{key} is changed by SIGHUP, and the page says restart" for key in restart - waiting)


def reloaded(log):
    """The keys that wait for a restart, once the log says that the settings were read; raises what it says instead."""
    waiting = None
    for line in pathlib.Path(log).read_text().splitlines():
        try:
            told_of = json.loads(line)
        except ValueError:
            continue
        if told_of["message"].startswith("Some settings change only with a restart"):
            waiting = set(told_of["keys"])
        if told_of["message"].startswith("The configuration is wrong"):
            raise AssertionError(told_of["problems"])
    return waiting


def nested(pairs):
    """YAML of dotted keys."""
    tree = {}
    for key, value in pairs:
        *above, last = key.split(".")
        node = tree
        for part in above:
            node = node.setdefault(part, {})
        node[last] = [value] if key in ("trusted_proxies", "allowed_origins") else value
    return json.dumps(tree)
