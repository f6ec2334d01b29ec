"""Writes the OpenAPI documents that a service serves to docs/openapi-public.json and docs/openapi-ops.json. The program that is asked is
the one that GATEHOUSE_BINARY names.

    python3 scripts/openapi.py

A test compares the files with what is served, so that no change of the contract goes unseen: read the difference before you commit it.
"""

import json
import os
import pathlib
import subprocess
import sys
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[1]
DOCUMENTS = {"url": "docs/openapi-public.json", "ops_url": "docs/openapi-ops.json"}
PATIENCE_SECONDS = 10


def main():
    binary = os.environ.get("GATEHOUSE_BINARY", ROOT / ".build/release/gatehouse")
    # It ends when its standard input is closed.
    with subprocess.Popen([binary, "serve", "--ephemeral"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as service:
        line = service.stdout.readline()
        if not line:
            sys.exit(f"{binary} did not start: run it with serve --ephemeral and read what it says.")
        told = json.loads(line)
        for key, name in DOCUMENTS.items():
            with urllib.request.urlopen(f"{told[key]}/openapi.json", timeout=PATIENCE_SECONDS) as answer:
                document = json.load(answer)
            (ROOT / name).write_text(json.dumps(document, indent=2, ensure_ascii=False) + "\n")
            print(f"wrote {name}")
        service.stdin.close()


if __name__ == "__main__":
    main()
