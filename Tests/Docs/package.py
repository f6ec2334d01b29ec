"""Package.swift says what each target uses, and nothing else."""

import json
import re
import subprocess

from pages import told
from tree import ROOT

# The C parser below a Swift package, which is no product of it.
COMES_WITH = {"CYaml": "Yams"}
# Modules of the toolchain and the system, which nobody declares.
GIVEN = {"Foundation", "FoundationNetworking", "Dispatch", "Glibc", "Synchronization", "Testing"}
IMPORT = re.compile(r"^(?:@\w+ |public |package |internal |private )*import (?:struct |class |enum |protocol |func |typealias )?(\w+)", re.M)


def run(claims):
    described = json.loads(subprocess.run(["swift", "package", "dump-package"], cwd=ROOT, capture_output=True, text=True, check=True).stdout)
    targets = [target for target in described["targets"] if target["type"] != "system"]
    told(claims, "every target declares the modules that it imports", undeclared(targets))
    told(claims, "every target imports the modules that it declares", unused(targets))
    told(claims, "every package is used by a target", idle(described))


def declared(target):
    return {next(iter(dependency.values()))[0] for dependency in target["dependencies"]}


def imported(target):
    folder = target.get("path") or f"{'Tests' if target['type'] == 'test' else 'Sources'}/{target['name']}"
    return {COMES_WITH.get(name, name) for file in (ROOT / folder).rglob("*.swift") for name in IMPORT.findall(file.read_text())}


def undeclared(targets):
    for target in targets:
        yield from (f"{target['name']} imports {name}" for name in sorted(imported(target) - declared(target) - GIVEN))


def unused(targets):
    for target in targets:
        yield from (f"{target['name']} declares {name}" for name in sorted(declared(target) - imported(target)))


def idle(described):
    products = [dependency["product"] for target in described["targets"] for dependency in target["dependencies"] if "product" in dependency]
    used = {package.lower() for _, package, *_ in products if package}
    used |= {name.lower() for target in described["targets"] for name in declared(target)}
    for dependency in described["dependencies"]:
        name = next(iter(dependency.values()))[0]["identity"]
        if name not in used:
            yield name
