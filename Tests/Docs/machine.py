"""A machine that lacks what README asks for is told so in one sentence, before anything is installed, built or made."""

import os
import pathlib
import shutil
import subprocess
import tempfile

from pages import told
from tree import ROOT

DEBIAN_12 = 'PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\nID=debian\nVERSION_ID="12"\n'
SWIFTLY = "https://www.swift.org/install/linux/"
# Programs that change something: none of them may run.
RECORDED = ("apt-get", "dpkg-query", "sudo", "redis-server", "redis-cli", "mkdir", "python3")
TOOLS = ("sh", "uname", "sed", "head", "cat", "dirname")
# A target, the system, what `swift --version` says (None: there is no swift), and words of the sentence (None: nothing is lacking).
MACHINES = [
    ("run", DEBIAN_12, None, ["Swift 6.3", "no swift in PATH", SWIFTLY]),
    ("test", DEBIAN_12, None, ["Swift 6.3", "no swift in PATH", SWIFTLY]),
    ("run", DEBIAN_12, "Swift version 5.9.2 (swift-5.9.2-RELEASE)", ["Swift 6.3", "Swift 5.9.2", SWIFTLY]),
    ("test", DEBIAN_12, "Swift version 6.2.4 (swift-6.2.4-RELEASE)", ["Swift 6.3", "Swift 6.2.4", SWIFTLY]),
    ("build", DEBIAN_12, "a shared library is missing; false", ["Swift 6.3", "does not run", SWIFTLY]),
    ("lint", DEBIAN_12, "OpenStack Object Storage", ["Swift 6.3", "names no version", SWIFTLY]),
    ("run", 'PRETTY_NAME="Ubuntu 24.04 LTS"\nID=ubuntu\nVERSION_ID="24.04"\n', "Swift version 6.3.1", ["Debian 12", "Ubuntu 24.04 LTS", "ANY_SYSTEM=1"]),
    ("test", 'PRETTY_NAME="Debian GNU/Linux 13 (trixie)"\nID=debian\nVERSION_ID="13"\n', "Swift version 6.3.1", ["Debian 12", "Debian GNU/Linux 13"]),
    ("run", None, "Swift version 6.3.1", ["Debian 12", os.uname().sysname]),
]  # fmt: skip
GOOD = ["Swift version 6.3 (swift-6.3-RELEASE)", "Apple Swift version 6.3.1", "swift-driver version: 1.2\nSwift version 6.10.1", "Swift version 7.0"]


def run(claims):
    if not shutil.which("make"):
        claims("make is installed", False, "apt install make")
        return
    for target, system, swift, words in MACHINES:
        name = system.split('"')[1] if system else "no os-release"
        has = f"“swift --version” saying “{swift}”" if swift else "no Swift"
        told(claims, f"make {target} on {name} with {has}: one sentence", refused(target, system, swift, words))
    told(claims, "Debian 12 with a Swift that is new enough lacks nothing", (fault for swift in GOOD for fault in accepted(DEBIAN_12, swift, {})))
    told(claims, "a Swift without a runtime to link is refused", without_static())
    told(claims, "packages that are missing and can't be installed are named, with the command that root runs", unprivileged())
    ubuntu = "ID=ubuntu\nVERSION_ID=24.04\n"
    told(claims, "ANY_SYSTEM=1 leaves the system out, and Swift not", accepted(ubuntu, GOOD[0], {"ANY_SYSTEM": "1"}))


class Machine:
    """A PATH with the few tools that a check needs, programs that note that they ran, and a swift as it is wanted."""

    def __init__(self, folder, system, swift):
        self.folder, self.ran = pathlib.Path(folder), pathlib.Path(folder, "ran")
        self.tools, self.runtime = self.folder / "bin", self.folder / "swift"
        self.static = self.folder / "swift_static/linux/libswiftCore.a"
        self.tools.mkdir()
        for name in TOOLS:
            (self.tools / name).symlink_to(shutil.which(name))
        for name in RECORDED:
            self.program(name, f'echo "{name} $*" >> {self.ran}')
        if swift:
            said, _, status = swift.partition("; ")
            told = f'if [ "$1" = -print-target-info ]; then echo \'  "runtimeResourcePath": "{self.runtime}",\'; exit; fi\n'
            self.program("swift", f'{told}[ "$1" = --version ] || echo "swift $*" >> {self.ran}\ncat <<\'END\'\n{said}\nEND\n{status}')
            self.static.parent.mkdir(parents=True)
            self.static.touch()
        release = self.folder / "os-release"
        if system:
            release.write_text(system)
        self.environment = {"PATH": str(self.tools), "OS_RELEASE": str(release), "HOME": folder}

    def program(self, name, body):
        path = self.tools / name
        path.write_text(f"#!/bin/sh\n{body}\n")
        path.chmod(0o755)

    def __call__(self, *words, **more):
        return subprocess.run(words, cwd=ROOT, env={**self.environment, **more}, capture_output=True, text=True, timeout=60, check=False)


def refused(target, system, swift, words):
    with tempfile.TemporaryDirectory() as folder:
        machine = Machine(folder, system, swift)
        done = machine(shutil.which("make"), "--no-print-directory", target, f"DATA={folder}/data")
        # The last line is make's own.
        sentences = [line for line in done.stderr.splitlines() if not line.startswith("make")]
        if done.returncode == 0:
            yield "it goes on"
        if len(sentences) != 1 or done.stdout:
            yield f"it says more than one sentence, or none: {done.stdout}{done.stderr}"
        yield from (f"“{word}” is not in: {sentences}" for word in words if word not in "".join(sentences))
        if machine.ran.exists():
            yield f"it has run {machine.ran.read_text()}"


def accepted(system, swift, more):
    with tempfile.TemporaryDirectory() as folder:
        machine = Machine(folder, system, swift)
        done = machine(str(ROOT / "scripts/check-machine.sh"), **more)
        if done.returncode or done.stdout or done.stderr or machine.ran.exists():
            yield f"{swift!r}: {done}"


def without_static():
    with tempfile.TemporaryDirectory() as folder:
        machine = Machine(folder, DEBIAN_12, GOOD[0])
        machine.static.unlink()
        done = machine(str(ROOT / "scripts/check-machine.sh"))
        if done.returncode != 1 or len(done.stderr.splitlines()) != 1 or f"{machine.runtime}_static" not in done.stderr or SWIFTLY not in done.stderr:
            yield f"{done}"


def unprivileged():
    with tempfile.TemporaryDirectory() as folder:
        machine = Machine(folder, DEBIAN_12, GOOD[0])
        machine.program("id", "echo 1000")
        (machine.tools / "sudo").unlink()
        done = machine(str(ROOT / "scripts/install-packages.sh"), "libhiredis-dev", "redis-server")
        if done.returncode == 0 or "apt-get install -y libhiredis-dev redis-server" not in done.stderr or "apt-get" in machine.ran.read_text():
            yield f"without sudo: {done}"
        (machine.tools / "dpkg-query").unlink()
        done = machine(str(ROOT / "scripts/install-packages.sh"), "libhiredis-dev")
        if done.returncode == 0 or "libhiredis-dev" not in done.stderr or len(done.stderr.splitlines()) != 1:
            yield f"without dpkg: {done}"
