"""The documents, and what they speak of."""

import functools
import os
import pathlib
import re

ROOT = pathlib.Path(__file__).resolve().parents[2]
# Folders of what is built and of packages that are fetched.
MADE = (".build", ".schemathesis", ".hypothesis", ".pytest", ".mypy", ".ruff")
FENCE = re.compile(r"^```.*?^```$", re.M | re.S)


class Page:
    """A document. `prose` is its text without fenced blocks; `blocks` are those, with their language."""

    def __init__(self, path):
        self.path, self.text = path, path.read_text()
        self.name = str(path.relative_to(ROOT))
        self.prose = FENCE.sub("", self.text)
        self.blocks = re.findall(r"^```(\w*)\n(.*?)^```$", self.text, re.M | re.S)
        self.quoted = re.findall(r"`([^`\n]+)`", self.prose)

    @property
    def anchors(self):
        headings = re.findall(r"^#+ (.+)$", self.prose, re.M)
        return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}

    def rows(self, heading):
        """The cells of each row of the tables below a heading, up to the next heading of its level or a higher one."""
        level = re.match(r"#+", heading)[0]
        part = re.search(rf"^{re.escape(heading)}\n(.*?)(?=^#{{1,{len(level)}}} |\Z)", self.text, re.M | re.S)
        lines = [line for line in part[1].splitlines() if line.startswith("| ")] if part else []
        return [[cell.strip() for cell in line.strip().strip("|").split("|")] for line in lines]


@functools.cache
def pages():
    return [Page(ROOT / name) for name in files() if name.endswith(".md")]


def page(name):
    return next(each for each in pages() if each.name == name)


@functools.cache
def files():
    """Every file of the project by its path; none that was built, or belongs to a service that runs here."""
    found = []
    for folder, below, names in os.walk(ROOT):
        below[:] = [name for name in below if not name.startswith(MADE) and name not in (".git", "data", "__pycache__")]
        found += [str(pathlib.Path(folder, name).relative_to(ROOT)) for name in names]
    return sorted(found)


@functools.cache
def sources(folders=("Sources", "Tests", "Benchmarks", "clients", "deploy", "scripts"), endings=(".swift", ".lua", ".py", ".sql", ".conf", ".yaml", ".sh")):
    """The text of every source below these folders, in one."""
    chosen = [name for name in files() if name.startswith(tuple(f"{folder}/" for folder in folders)) and name.endswith(endings)]
    return "\n".join((ROOT / name).read_text(errors="replace") for name in chosen if not name.startswith("Tests/Docs/"))


@functools.cache
def words_of_sources():
    return set(re.findall(r"[A-Za-z_]\w*", sources())) | set(re.findall(r"[A-Za-z][A-Za-z-]+", sources()))
