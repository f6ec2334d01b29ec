"""The README's blocks for the proxies are the tested files of deploy/, word for word."""

from proxies import ALL, DEPLOY
from service import ROOT

LANGUAGES = {"nginx.conf": "nginx", "Caddyfile": "caddyfile", "envoy.yaml": "yaml"}


def block(file):
    """The README's block for a file of deploy/."""
    return f"```{LANGUAGES[file]}\n{(DEPLOY / file).read_text()}```"


def missing(proxy):
    """{file: what the README lacks}."""
    found = block(proxy.file) in (ROOT / "README.md").read_text()
    return {} if found else {f"deploy/{proxy.file}": "its block is not in README.md; --readme prints it"}


def print_blocks():
    for proxy in ALL:
        print(f"<details><summary>{proxy.name}: <code>deploy/{proxy.file}</code></summary>\n\n{block(proxy.file)}\n</details>\n")
