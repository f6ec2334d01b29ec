"""Do the documents say the truth? All that a command can check of them is checked.

    python3 Tests/Docs [pages] [bounds] [language] [commands] [configuration] [operations] [examples] [machine] [package] [measured]

The program under test is .build/debug/gatehouse, or what GATEHOUSE_BINARY names. `pages`, `bounds`, `language`, `machine`, `package` and
`measured` need none. Exit status 1 if a claim does not hold.
"""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

import bounds
import commands
import configuration
import examples
import language
import machine
import measured
import operations
import package
import pages
from Harness.claims import run_suites

SUITES = {
    "pages": pages.run, "bounds": bounds.run, "language": language.run, "commands": commands.run, "configuration": configuration.run,
    "operations": operations.run, "examples": examples.run, "machine": machine.run,
    "package": package.run, "measured": measured.run,
}  # fmt: skip


if __name__ == "__main__":
    sys.exit(run_suites(SUITES, sys.argv[1:]))
