"""The README's lines for the shell, as they stand, against a running service."""

import os
import pathlib
import re
import subprocess
import tempfile

from commands import BINARY
from Harness.service import Service
from tree import page

# Each curl says its status; one that is refused ends the run.
PRELUDE = """
set -eu -o pipefail
curl() { command curl --silent --show-error --fail-with-body "$@" && echo; }
"""


def run(claims):
    [block] = [body for language, body in page("README.md").blocks if language == "sh" and "/v1/gate" in body]
    shown = all(path in block for path in ("/v1/gate", "/v1/limits", "/v1/email-", "/v1/events"))
    claims("README's block has the gate, a limit, a mailed token and the feed", shown, block)
    with Service(cheap_hashing=False) as gatehouse, tempfile.TemporaryDirectory() as folder:
        program = pathlib.Path(folder, ".build/release/gatehouse")
        program.parent.mkdir(parents=True)
        program.symlink_to(BINARY)
        script = PRELUDE + re.sub(r"127\.0\.0\.1:8080\b", f"127.0.0.1:{gatehouse.apis[0].port}", block)
        environment = {**os.environ, "GATEHOUSE_DATA": gatehouse.folder}
        done = subprocess.run(["bash", "-c", script], cwd=folder, env=environment, capture_output=True, text=True, timeout=120, check=False)
        claims("every line of README's block does what it says", done.returncode == 0, f"\n{done.stdout}\n{done.stderr}")
        gate = done.stdout.count('"decision":"allow"')
        claims("the gate lets Mia in, alone and in a batch", gate >= 2, done.stdout)
        claims("the feed ends the block", '"next_cursor"' in done.stdout.splitlines()[-1] if done.stdout else False, done.stdout[-500:])
