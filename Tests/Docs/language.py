"""Plain English, as far as a machine hears it: no sentence begins with Who or What unless it asks, and a test's name begins like one."""

import ast
import io
import re
import tokenize

from pages import told
from tree import ROOT, files, pages

# A sentence begins at the start of a text, a line of a list or a cell, or after the end of another one.
BEGIN = re.compile(r"(?:^|(?<=[.!?:] )|(?<=\n\n)|(?<=^- )|(?<=\| )|(?<=\*\*))(?:Who|What)(?:ever)?\b[^.?!]*[.?!]?", re.M)
# In Swift many texts begin with a small letter: messages of tests, ends of log lines.
BEGIN_OF_TEXT = re.compile(r"(?:^|(?<=[.!?] ))(?:who|what)(?:ever)?(?= [a-z])[^.?!]*[.?!]?", re.I)
INSERTED = r"\\\((?:[^()]|\((?:[^()]|\((?:[^()]|\([^()]*\))*\))*\))*\)"
# Quotes in a comment begin no literal. A value that is inserted belongs to its literal, with the quotes and brackets that are in it.
LITERAL = re.compile(rf'''//[^\n]*|/\*.*?\*/|#"([^\n]*?)"#|"""(.*?)"""|"((?:{INSERTED}|\\.|[^"\\\n])*)"''', re.S)
NAME = re.compile(r'(?:@Test|@Suite|\bClaim)\(\s*"([^"]*)"')


def run(claims):
    told(claims, "no sentence of a document begins with Who or What unless it asks", documents())
    told(claims, "no comment or text of Python does", of_python())
    told(claims, "no comment that begins with # does: of scripts, configuration, and examples in documents and Swift", of_numbered())
    told(claims, "no comment of Swift, Lua or SQL does", of_sources())
    told(claims, "no text of Swift does", of_swift())
    told(claims, "no documenting comment of Swift begins with The same or Likewise: it says by itself what the caller gets", borrowed())
    told(claims, "the name of a test begins with a capital letter or a figure", names_of_tests())


def faults(place, text, begin=BEGIN):
    for found in begin.finditer(text):
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


def swift():
    for name in files():
        if name.endswith(".swift"):
            yield name, (ROOT / name).read_text()


def of_swift():
    for name, text in swift():
        for found in LITERAL.finditer(text):
            for paragraph in re.split(r"\n\s*\n", found[1] or found[2] or found[3] or ""):
                yield from faults(name, paragraph.strip(), BEGIN_OF_TEXT)


def borrowed():
    for name, text in swift():
        if not name.startswith("Sources/"):
            continue
        for first in re.findall(r"(?:^[ \t]*/// ?(.*)\n)(?:[ \t]*///.*\n)*", text, re.M):
            if re.match(r"(?:The same|Likewise)\b", first):
                yield f"{name}: {first[:90]}"


def names_of_tests():
    for name, text in swift():
        for found in NAME.findall(text):
            if not re.match(r"[A-Z0-9]", found):
                yield f"{name}: {found[:90]}"


def of_numbered():
    """Lines after # that follow each other are one text."""
    for name in files():
        if not name.endswith((".json", ".svg")):
            for text in re.findall(r"(?:^[ \t]*#(?!#).*\n)+", (ROOT / name).read_text(errors="replace"), re.M):
                yield from faults(name, " ".join(line.strip().lstrip("# ") for line in text.splitlines()))
