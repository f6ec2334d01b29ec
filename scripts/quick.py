"""The inner loop: checks what changed since the last commit, in about a minute once it is built.

    python3 scripts/quick.py                   what changed
    python3 scripts/quick.py Sources/StrictJSON   as if these had changed

The form of changed files, the language, the tidy tests, and the tests that stand beside what changed: of a target all suites, of the
slow targets those in changed files alone. It says which it left out; `make test` runs everything.
"""

import pathlib
import re
import shutil
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[1]
# Minutes each: of these only the suites in changed files run.
SLOW = {"EndToEndTests", "ProtocolTests", "LedgerSQLiteTests"}
# The tests of a target whose own are not called after it.
TESTS = {
    "gatehouse": ["EndToEndTests"],
    "GatehouseLedger": ["GatehouseLedgerTests", "LedgerSQLiteTests"],
    "LedgerContract": ["LedgerSQLiteTests"],
    "TextForms": ["GatehouseCoreTests"],
}
PROOFS = {
    "Chaos": "chaos", "Conformance": "contract", "Cost": "cost", "Docs": "docs", "Edge": "edge", "Faults": "faults", "Security": "security",
}  # fmt: skip


def changed():
    """Paths from the root that differ from the last commit, or are new."""
    lines = subprocess.run(["git", "status", "--porcelain", "--no-renames", "-uall"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return [line[3:] for line in lines.splitlines()]


def targets(path):
    """The test targets that a changed path concerns."""
    folder, name = (path.split("/") + [""])[:2]
    if folder == "Tests" and name.endswith("Tests"):
        return [name]
    if folder == "Sources" or name in TESTS:
        return TESTS.get(name) or ([f"{name}Tests"] if (ROOT / "Tests" / f"{name}Tests").is_dir() else [])
    return []


def suites(path):
    """The suites that a Swift file declares."""
    file = ROOT / path
    text = file.read_text() if file.is_file() else ""
    return re.findall(r"@Suite\b[^{]*?\b(?:struct|final class|enum) (\w+)", text)


def plan(paths):
    """The filters for `swift test`, and the names of the parts that are left out."""
    filters, left_out = {r"^TidyTests\."}, set()
    for path in paths:
        for target in targets(path):
            if target not in SLOW:
                filters.add(rf"^{target}\.")
            elif path.startswith("Tests/") and (found := suites(path)):
                filters |= {rf"^{target}\.{suite}\b" for suite in found}
            else:
                left_out.add(target)
        if path.split("/")[:1] == ["Tests"] and (proof := PROOFS.get(path.split("/")[1])):
            left_out.add(f"`python3 scripts/outside.py {proof}`")
    return sorted(filters), sorted(left_out)


def run(*words):
    print("$", " ".join(words), flush=True)
    return subprocess.run(words, cwd=ROOT, check=False).returncode == 0


def main():
    paths = sys.argv[1:] or changed()
    swift = [path for path in paths if path.endswith(".swift") and (ROOT / path).is_file()]
    holds = [run("swift", "format", "lint", "--strict", "-r", *(swift or ["Package.swift"]))]
    if any(path.endswith(".py") for path in paths):
        holds.append(run("scripts/lint-python.sh"))
    if any(path.startswith("Benchmarks/") for path in paths):
        holds.append(run(sys.executable, "Benchmarks", "--check"))
    if any(path.endswith((".md", ".swift", ".lua", ".py", ".sql", ".sh")) for path in paths):
        pages = ["pages"] if any(path.endswith(".md") for path in paths) else []
        holds.append(run(sys.executable, "Tests/Docs", *pages, "language"))
    filters, left_out = plan(paths)
    if any(path.startswith(("Sources/", "Tests/", "Package.swift")) for path in paths) and shutil.which("swift"):
        words = [word for each in filters for word in ("--filter", each)]
        holds.append(run("swift", "build", "--build-tests") and run("swift", "test", "--skip-build", "--disable-xctest", "--no-parallel", *words))
    if left_out:
        print(f"Not run: {', '.join(left_out)}. `make test` runs everything.")
    return 0 if all(holds) else 1


if __name__ == "__main__":
    sys.exit(main())
