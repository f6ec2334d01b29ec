"""Plain English, as far as a machine hears it: no sentence begins with Who or What unless it asks."""

import ast
import io
import re
import tokenize

from pages import told
from tree import ROOT, files, pages

# A sentence begins at the start of a text, a line of a list or a cell, or after the end of another one.
BEGIN = re.compile(r"(?:^|(?<=[.!?:] )|(?<=\n\n)|(?<=^- )|(?<=\| )|(?<=\*\*))(?:Who|What)(?:ever)?\b[^.?!]*[.?!]?", re.M)


def run(claims):
    told(claims, "no sentence of a document begins with Who or What unless it asks", documents())
    told(claims, "no comment or text of Python does", of_python())
    told(claims, "no comment of a shell script or the Makefile does", of_shell())
    told(claims, "no comment of Swift, Lua or SQL does", of_sources())


def faults(place, text):
    for found in BEGIN.finditer(text):
        if not found[0].rstrip().endswith("?"):
            yield f"{place}: {found[0].strip()[:90]}"


def documents():
    for each in pages():
        for paragraph in re.split(r"\n\s*\n|\n(?=[|#-])", each.prose):
            yield from faults(each.name, re.sub(r"^#+ ", "", " ".join(paragraph.split())))


def of_python():
    for name in files():
        if not name.endswith(".py") or name.startswith("Tests/Docs/"):
            continue
        text = (ROOT / name).read_text()
        comments, last = [], None
        for token in tokenize.generate_tokens(io.StringIO(text).readline):
            if token.type == tokenize.COMMENT:
                if last is not None and token.start[0] == last + 1:
                    comments[-1] += " " + token.string.lstrip("# ")
                else:
                    comments.append(token.string.lstrip("# "))
                last = token.start[0]
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                comments += [" ".join(part.split()) for part in node.value.split("\n\n")]
        for comment in comments:
            yield from faults(name, comment)


def of_sources():
    """Lines of comment that follow each other are one text; a line that is marked up begins another."""
    for name in files():
        if not name.endswith((".swift", ".lua", ".sql")):
            continue
        comment = re.compile(r"^\s*(?:///?|--)\s?(.*)")
        for text in re.findall(r"(?:^[ \t]*(?://|--).*\n)+", (ROOT / name).read_text(), re.M):
            said = " ".join(comment.match(line)[1] for line in text.splitlines())
            yield from faults(name, re.sub(r"  +- ", "\n- ", said).strip())


def of_shell():
    for name in files():
        if name.endswith(".sh") or name in ("Makefile", ".ci/run", "redis.conf"):
            text = " \n".join(line.lstrip("# ") for line in (ROOT / name).read_text().splitlines() if line.lstrip().startswith("#"))
            yield from faults(name, text)
