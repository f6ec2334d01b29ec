"""The commands that the documents show are those that the program has."""

import functools
import os
import pathlib
import re
import subprocess

from pages import told
from tree import ROOT, page, pages

BINARY = pathlib.Path(os.environ.get("GATEHOUSE_BINARY", ROOT / ".build/debug/gatehouse")).resolve()


@functools.cache
def help_of(*words):
    return subprocess.run([BINARY, *words, "--help"], capture_output=True, text=True, timeout=60, check=False).stdout


def below(*words):
    """The commands below one, none for a command that does something itself."""
    _, _, listed = help_of(*words).partition("SUBCOMMANDS:\n")
    return re.findall(r"^  ([a-z]\w*)(?=  | \(|$)", listed, re.M)


def leaves(words=()):
    inner = below(*words)
    return [leaf for name in inner for leaf in leaves((*words, name))] if inner else [words]


def run(claims):
    known = leaves()
    claims("the program says what commands it has", len(known) > 5, known)
    said = subprocess.run([BINARY, "--version"], capture_output=True, text=True, timeout=60, check=False).stdout.strip()
    [newest, *_] = re.findall(r"^## (\S+)", page("CHANGELOG.md").text, re.M)
    claims("gatehouse --version prints the version of the newest changes", said == newest, f"{said!r}, not {newest!r}")
    [client] = re.findall(r'^__version__ = "(.*)"$', (ROOT / "clients/python/gatehouse.py").read_text(), re.M)
    claims("the Python client has the version of the service", client == said, f"{client!r}, not {said!r}")
    told(claims, "every command and option that a document shows is in --help", shown(known))
    told(claims, "docs/operations.md has every command", missing(known))
    told(claims, "every option of a script of ours that a document shows is in its --help", scripts())


def lines():
    """(page, command line) of each mention."""
    for each in pages():
        if each.name == "CHANGELOG.md":
            continue
        # A quoted command may go on in the next line.
        quoted = [text for text in re.findall(r"`([^`]+)`", each.prose) if re.match(r"(\.build/release/)?gatehouse\s|python3\s|\w+=\S+ ", text)]
        for text in quoted + [line for language, body in each.blocks if language == "sh" for line in body.splitlines()]:
            yield each, " ".join(text.split())


def shown(known):
    for each, text in lines():
        for found in re.finditer(r"(?<![\w/.-])(?:\.build/release/)?gatehouse ([a-z][^|;&>)]*)", text):
            words = found[1].split()
            count = next((size for size in (2, 1) if tuple(words[:size]) in known), 0)
            if not count and below(*words[:1]) and len(words) == 1:
                continue
            if not count:
                # The default command of a group, as in `gatehouse clock`.
                if words[0] not in below() or not below(words[0]):
                    yield f"{each.name}: {text}: there is no gatehouse {words[0]}"
                elif re.match(r"[a-z]", words[1]):
                    yield f"{each.name}: {text}: there is no gatehouse {' '.join(words[:2])}"
                continue
            for option in re.findall(r"--[a-z-]+", found[1]):
                if option not in help_of(*words[:count]):
                    yield f"{each.name}: {text}: gatehouse {' '.join(words[:count])} has no {option}"


def missing(known):
    cells = [row[0] for row in page("docs/operations.md").rows("## Commands")]
    for words in known:
        if not any(cell.startswith(f"`gatehouse {' '.join(words)}") for cell in cells):
            yield f"gatehouse {' '.join(words)}"


def scripts():
    for each, text in lines():
        for found in re.finditer(r"python3 ((?:Tests|scripts)/[\w/.]+|Benchmarks)([^|;&>]*)", text):
            path, rest = found[1], found[2]
            if not (ROOT / path).exists():
                yield f"{each.name}: {text}: there is no {path}"
                continue
            options = re.findall(r"--[a-z-]+", rest)
            source = (ROOT / path / "__main__.py" if (ROOT / path).is_dir() else ROOT / path).read_text()
            yield from (f"{each.name}: {text}: {path} has no {option}" for option in options if option not in source)
