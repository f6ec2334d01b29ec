"""Links, files, names, make's targets, metrics and messages of the log that the documents name."""

import pathlib
import re

from tree import ROOT, files, page, pages, sources, words_of_sources

README_LINES_MAX = 200
# A word that may be a path: not a part of an address, of a placeholder or of a pattern.
PATH = re.compile(r"(?<![\w<{./:-])[\w.-]+(?:/[\w.-]+)*/?(?![\w>}:*/<])")
TOP = ("Sources/", "Tests/", "Benchmarks/", "docs/", "scripts/", "deploy/", "clients/")
ENDINGS = (".swift", ".lua", ".py", ".sql", ".conf", ".yaml", ".sh", ".md")
# Paths that a running service or a user makes.
MADE = (".build/", "data/", "/tmp/", "~/")
USERS = ("gatehouse.yaml",)
# Names of others, which our sources need not have.
FOREIGN = {
    "LimitNOFILE", "SIGKILL", "SIGHUP", "SIGTERM", "SIGINT", "SWAPDB", "DEBUG", "RELOAD", "RENAME", "RESTORE", "COPY", "DEL", "FLUSHALL", "PATH", "ProxyFix",
    "PREFIX", "PLAN", "USER", "NAME", "DIR", "METRIC", "ID", "PORT", "OPS_PORT", "DATA", "MINUTES", "Error", "CONT",
}  # fmt: skip


def run(claims):
    lines = page("README.md").text.count("\n")
    claims(f"README has at most {README_LINES_MAX} lines ({lines})", lines <= README_LINES_MAX)
    told(claims, "every relative link leads to a file and a heading that are there", links())
    told(claims, "every file that a document names is there", paths())
    told(claims, "every type, function and test that a document names is in the sources", names())
    told(claims, "every target of make that a document names is in the Makefile", targets())
    told(claims, "the metrics of docs/operations.md are those of the sources", metrics())
    told(claims, "every warning of the log stands in docs/operations.md, and nothing else does", messages())
    told(claims, "every decision has a date, and its number, title and date in the list", decisions())
    told(claims, "every page of docs/ is linked from README, and every decision from their list", orphans())


def told(claims, claim, faults):
    faults = sorted(faults)
    claims(claim, not faults, "".join(f"\n       {fault}" for fault in faults))


def links():
    for each in pages():
        for target in re.findall(r"\]\(([^)\s]+)\)", each.prose):
            if "://" in target:
                continue
            path, _, anchor = target.partition("#")
            file = (each.path.parent / path).resolve() if path else each.path
            if not file.exists():
                yield f"{each.name}: {target} is not there"
            elif anchor and anchor not in next(other for other in pages() if other.path == file).anchors:
                yield f"{each.name}: {target} has no such heading"


def paths():
    """A path from the project's root must be there as it is; another one, such as `Gate/Lease.swift`, must be the end of one."""
    parents = {parent for name in files() for parent in map(str, pathlib.PurePath(name).parents)}
    known = set(files()) | parents
    ends = {"/".join(parts[begin:]) for parts in (name.split("/") for name in known) for begin in range(len(parts))}
    for each in pages():
        for text in each.quoted:
            if each.name == "CHANGELOG.md" or text.startswith(MADE):
                continue
            for word in PATH.findall(text):
                bare = word.rstrip("/").removeprefix("./")
                is_whole, is_end = word.startswith(TOP), word.endswith(ENDINGS) or re.fullmatch(r"[A-Z]\w+/([A-Z]\w+/)*", word)
                if bare not in USERS and (is_whole and bare not in known or is_end and bare not in ends):
                    yield f"{each.name}: {text}: there is no {bare}"


def names():
    known = words_of_sources() | {name.rsplit("/", 1)[-1].split(".")[0] for name in files()}
    for each in pages():
        if each.name == "CHANGELOG.md":
            continue
        for text in each.quoted:
            if re.fullmatch(r"[A-Z]\w+(\.\w+(\(\))?)?", text) is None or "/" in text:
                continue
            for part in re.findall(r"\w+", text):
                if part not in known and part not in FOREIGN and not (ROOT / "Sources" / part).is_dir():
                    yield f"{each.name}: {text}: nothing in the sources is called {part}"


def targets():
    makefile = (ROOT / "Makefile").read_text()
    known = {word for line in re.findall(r"^([\w -]+):(?!=)", makefile, re.M) for word in line.split()}
    for each in pages():
        text = each.prose + "".join(body for language, body in each.blocks if language == "sh")
        for target in re.findall(r"`make\s+([a-z][a-z-]*)|^make ([a-z][a-z-]*)", text, re.M):
            if (name := target[0] or target[1]) not in known:
                yield f"{each.name}: make {name}"


def metrics():
    """The table of metrics and that of docs/operations.md are the same, row by row; no other source has a name of its own."""
    table = (ROOT / "Sources/MetricTable/MetricTable.swift").read_text()
    found = re.findall(r'ServiceMetric\(\s*"(\w+)", \.(\w+),(?: by: \[([^]]*)\],)?\s*"([^"]+)"\)', table)
    rows = [[f"`{name}`", kind + (" by " + labels.replace('"', "`") if labels else ""), meaning] for name, kind, labels, meaning in found]
    told = [row for row in page("docs/operations.md").rows("## Metrics") if row[0].startswith("`")]
    yield from (f"docs/operations.md lacks this row, or has it otherwise: | {' | '.join(row)} |" for row in rows if row not in told)
    yield from (f"docs/operations.md has {row[0]}, which the table of metrics has not" for row in told if row[0] not in [one[0] for one in rows])
    yield from (f"{name} is not in the table of metrics" for name in re.findall(r"= ServiceMetric\(", table)[len(rows) :])


def messages():
    """Each message up to its first colon or value, so that a sentence may get another ending."""
    source = sources(("Sources",), (".swift",))
    call = r"\b[lL]og\.(trace|debug|info|notice|warning|error|critical)\(\s*(?:\"\"\"\s*|\")([^\"\\]+)"
    found = {text.strip(): level for level, text in re.findall(call, source)}
    found |= dict.fromkeys(re.findall(r'outages\.begins\(self, "([^"]+)"', source), "warning")
    rows = page("docs/operations.md").rows("## Messages of the log, and what to do")
    told_of = [row[0].strip("`") for row in rows if row[0].startswith("`")]
    for text, level in found.items():
        if level in ("warning", "error", "critical") and not any(text.startswith(one) for one in told_of):
            yield f"the {level} “{text}” is not in docs/operations.md"
    # Those that end a state stand beside the one that begins it.
    ending = [text for row in rows for text in re.findall(r"`([A-Z][a-z']* [^`]+)`", row[1])]
    for one in told_of + ending:
        if one not in source:
            yield f"docs/operations.md has “{one}”, which nothing in the sources says"


def decisions():
    rows = {re.sub(r".*\((.*)\)", r"\1", row[0]): row for row in page("docs/decisions/README.md").rows("# Decisions")}
    for each in pages():
        if not re.fullmatch(r"docs/decisions/\d.*", each.name):
            continue
        number, title = re.match(r"# (\d+): (.+)\nDecided .*\n", each.text).groups()
        dates = re.findall(r"\d{4}-\d\d-\d\d", each.text.splitlines()[1])
        row = rows.get(each.path.name, ["", "", ""])
        if not each.path.name.startswith(number) or row[1] != title or not dates or any(date not in row[2] for date in dates):
            yield f"{each.name} is “{title}” of {dates}, and the list has {row}"


def orphans():
    readme, decisions = page("README.md"), page("docs/decisions/README.md")
    for each in pages():
        if each.name.startswith("docs/decisions/") and each is not decisions:
            if f"({each.path.name})" not in decisions.prose:
                yield f"{each.name} is not in docs/decisions/README.md"
        elif each.name.startswith("docs/") and f"({each.name})" not in readme.prose and each is not decisions:
            yield f"{each.name} is not linked from README.md"
