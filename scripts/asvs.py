"""Which requirement of OWASP ASVS 5.0 is met by which test: the table of docs/security.md, made of what the tests say of themselves.

    python3 scripts/asvs.py            # writes the table
    python3 scripts/asvs.py --check    # exit status 1 and a sentence for each fault

Tests name requirements with `.asvs("7.4.1")` (Swift Testing, and claims of the ledger's contract) or `# ASVS: 7.4.1` above a function or
class (Python). Claims that no test can show are in docs/security-checklist.txt, which has every requirement:
`id | level | what | test, stated, n/a or open | where or why`.
"""

import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parents[1]
PAGE, CHECKLIST = ROOT / "docs/security.md", ROOT / "docs/security-checklist.txt"
DEFAULTS = ROOT / "Sources/gatehouse/Configuration/DefaultFile.swift"
BEGIN, END = "<!-- made by scripts/asvs.py -->", "<!-- end -->"
VERDICTS = {"test": "met by test", "stated": "stated", "n/a": "not applicable", "open": "open"}


def checklist(faults):
    rows = {}
    for number, line in enumerate(CHECKLIST.read_text().splitlines(), 1):
        if not line or line.startswith("#"):
            continue
        cells = [cell.strip() for cell in line.split("|")]
        if len(cells) != 5 or cells[3] not in VERDICTS or cells[1] not in "123":
            faults.append(f"{CHECKLIST.name}:{number}: five cells: id, level 1 to 3, what, {' or '.join(VERDICTS)}, where or why")
        elif cells[0] in rows:
            faults.append(f"{CHECKLIST.name}:{number}: {cells[0]} stands twice")
        else:
            rows[cells[0]] = cells[1:]
    return rows


def tags():
    """Pairs of a requirement and the test that names it."""
    for path in sorted((ROOT / "Tests").rglob("*.swift")):
        text = path.read_text()
        suites = [(found.start(), found[1]) for found in re.finditer(r"\bstruct (\w+)", text)]
        for found in re.finditer(r"\.asvs\(([^)]*)\)", text):
            if claim := re.match(r",\s*(\w+)\)", text[found.end() :]):
                yield from ((id, f"{path.stem}.{claim[1]}") for id in re.findall(r'"([^"]+)"', found[1]))
                continue
            following = re.search(r"\b(func|struct) (\w+)", text[found.end() :])
            if not following or path.parent.name == "TestSupport":
                continue
            suite = next((name for at, name in reversed(suites) if at < found.start()), path.stem)
            name = following[2] if following[1] == "struct" else f"{suite}.{following[2]}"
            yield from ((id, name) for id in re.findall(r'"([^"]+)"', found[1]))
    for folder in (ROOT / "Tests", ROOT / "clients"):
        for path in sorted(folder.rglob("*.py")):
            for ids, name in re.findall(r"^# ASVS: (.+)\n(?:[@#].*\n)*(?:def|class) (\w+)", path.read_text(), re.M):
                yield from ((id.strip(), f"{path.relative_to(ROOT)} {name}") for id in ids.split(","))


def judged(rows, tests, page, faults):
    """The table's lines."""
    headings = {line.lstrip("# ") for line in page.splitlines() if line.startswith("#")}
    for id in tests.keys() - rows.keys():
        faults.append(f"{', '.join(tests[id])} names {id}, which {CHECKLIST.name} has not")
    yield from ("| id | level | requirement | verdict | by |", "|---|---|---|---|---|")
    for id, (level, what, verdict, where) in rows.items():
        named = tests.get(id, [])
        if verdict == "test" and not named:
            faults.append(f"{id}: no test names it")
        if verdict in ("open", "n/a") and named:
            faults.append(f"{id} is {VERDICTS[verdict]} in {CHECKLIST.name}, but {named[0]} names it")
        if verdict == "stated" and where not in headings:
            faults.append(f"{id}: {PAGE.name} has no heading {where!r}")
        if verdict in ("open", "n/a") and not where:
            faults.append(f"{id}: say why it is {VERDICTS[verdict]}")
        by = ", ".join(f"`{name}`" for name in sorted(named))
        if where:
            by = "; ".join(filter(None, [by, f"“{where}”" if verdict == "stated" else where]))
        yield f"| {id} | {level} | {what} | {VERDICTS[verdict]} | {by} |"


def defaults():
    """Each key of the default configuration and its value as it is written there."""
    values, above = {}, []
    for line in DEFAULTS.read_text().split('"""')[1].splitlines():
        if found := re.fullmatch(r"    ( *)(\w+):(.*)", line):
            above = above[: len(found[1]) // 2] + [found[2]]
            values[".".join(above)] = found[3].strip()
    return values


def numbers(page, faults):
    """A row `| `key` | value | …` of the page must be the default of that key."""
    known, seen = defaults(), 0
    for key, value in re.findall(r"^\| `([a-z_.]+)` \| ([^|]+) \|", page, re.M):
        seen += 1
        if known.get(key) != value.strip():
            faults.append(f"{PAGE.name} says {key} is {value.strip()}; `gatehouse config init` says {known.get(key)}")
    if not seen:
        faults.append(f"{PAGE.name} has no row of a setting")


def components(page, faults):
    """The packages of Package.swift stand on the page with their versions, and no others."""
    packages = set(re.findall(r'package\(url: "([^"]+)", from: "([^"]+)"', (ROOT / "Package.swift").read_text()))
    rows = {(url, version) for version, url in re.findall(r"^\| [^|]+ \| ([\d.]+) \| (https://\S+) \|$", page, re.M)}
    faults += [f"{PAGE.name} lacks the component {url} {version}" for url, version in sorted(packages - rows)]
    faults += [f"{PAGE.name} has the component {url} {version}, which Package.swift has not" for url, version in sorted(rows - packages)]


def main():
    faults, tests, page = [], {}, PAGE.read_text()
    for id, name in tags():
        tests.setdefault(id, []).append(name)
    rows = checklist(faults)
    table = "\n".join(judged(rows, {id: sorted(set(names)) for id, names in tests.items()}, page, faults))
    numbers(page, faults)
    components(page, faults)
    head, begin, rest = page.partition(BEGIN)
    _, end, tail = rest.partition(END)
    made = f"{head}{BEGIN}\n{table}\n{END}{tail}"
    if not (begin and end):
        faults.append(f"{PAGE.name} lacks the lines {BEGIN} and {END}")
    elif "--check" not in sys.argv[1:]:
        PAGE.write_text(made)
    elif made != page:
        faults.append(f"the table of {PAGE.name} is not that of the tests: run python3 scripts/asvs.py")
    print("\n".join(faults) or f"{len(rows)} requirements, " + ", ".join(
        f"{sum(row[2] == verdict for row in rows.values())} {text}" for verdict, text in VERDICTS.items()))  # fmt: skip
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
