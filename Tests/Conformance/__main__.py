"""Does the running service keep its own contract?

    python3 Tests/Conformance [--cases N]

On both listeners /openapi.json is a valid OpenAPI 3.1 document; schemathesis finds no 5xx, no undocumented status, no answer that
breaks its schema and no bad input that is accepted, in N cases or more over every operation; a typed client generated from the
document signs up, logs in, asks the gate and spends an allowance. Packages come into a virtual environment under .build.
"""

import argparse
import os
import pathlib
import subprocess
import sys
import tempfile
import traceback

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from Harness import packages, service
from tally import Tally

HERE = pathlib.Path(__file__).resolve().parent
PACKAGES = ["openapi-spec-validator", "schemathesis>=4", "openapi-python-client"]
# Schemathesis has read it before the first case, and asks for it no more.
UNASKED = {"openapi"}
CONFIGURATION = """
signup: {mode: public}
plans:
  free: {sessions_max: 100}
policies:
  api: {limit: 1000000}
  login_pair: {limit: 1000000}
  login_account: {limit: 1000000}
  login_network: {limit: 1000000}
  signup_network: {limit: 1000000}
"""


def tool(*words, environment=None, folder=HERE):
    words = [packages.environment("conformance", PACKAGES) / "bin" / words[0], *words[1:]]
    return subprocess.run(words, env={**os.environ, **(environment or {})}, cwd=folder, check=False).returncode == 0


def validate(gatehouse, folder):
    path = pathlib.Path(folder) / "openapi.json"
    for document in (gatehouse.operate("GET", "/openapi.json"), gatehouse.ask("GET", "/openapi.json")):
        path.write_bytes(document.body)
        if not tool("openapi-spec-validator", str(path)):
            return False
    return True


def cases(gatehouse, count, folder):
    """Runs about `count` cases; {claim: whether it holds}."""
    user = gatehouse.new_user()
    tally = pathlib.Path(folder) / "tally"
    tally.touch()
    environment = {
        "CONFORMANCE_TOKEN": user.token,
        "CONFORMANCE_KEY": gatehouse.key("gate", "work", "accounts"),
        "CONFORMANCE_USER": user.id,
        "CONFORMANCE_PORT": str(gatehouse.apis[0].port),
        "CONFORMANCE_TALLY": str(tally),
        "SCHEMATHESIS_HOOKS": "hooks",
        "PYTHONPATH": f"{HERE}:{HERE.parent}",
    }
    base = f"http://127.0.0.1:{gatehouse.apis[0].port}"
    pid = gatehouse.apis[0].process.pid
    paths = gatehouse.ask("GET", "/openapi.json").json["paths"]
    wanted = {each["operationId"] for path in paths.values() for each in path.values() if "operationId" in each} - UNASKED
    kept, told = True, Tally(tally)
    # More than once where an operation has fewer different cases than its share.
    while kept and told.count() < count:
        share = max(1, (count - told.count()) // len(wanted))
        # By one thread: Python 3.11 can't parse Python in two at once, which hypothesis does to name its strategies.
        words = ["run", f"{base}/openapi.json", "--url", base, "--max-examples", str(share), "--workers", "1"]
        kept, told = tool("schemathesis", *words, environment=environment), Tally(tally)
    told.tell()
    return {
        f"{told.count()} generated cases keep the contract": kept,
        "every operation was asked, and sequences of operations were": all(told.count(operation=name) for name in wanted) and told.count("stateful") > 0,
        "the process that answered the first case answers the last": gatehouse.apis[0].running and gatehouse.apis[0].process.pid == pid,
    }


def client(gatehouse, folder):
    if not tool("openapi-python-client", "generate", "--path", f"{folder}/openapi.json", "--meta", "none", "--output-path", f"{folder}/typed", "--overwrite"):
        return False
    environment = {
        "PYTHONPATH": folder,
        "CONFORMANCE_URL": f"http://127.0.0.1:{gatehouse.apis[0].port}",
        "CONFORMANCE_KEY": gatehouse.key("gate", "work", "accounts"),
    }
    return tool("python", str(HERE / "typed_client.py"), environment=environment)


def tried(claim, body):
    """The verdicts of `body` on its claims, or on this one. An exception breaks the claim and hides no other."""
    try:
        said = body()
    except Exception:
        traceback.print_exc()
        return {claim: False}
    return said if isinstance(said, dict) else {claim: said}


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--cases", type=int, default=2_000)
    count = arguments.parse_args().cases
    packages.environment("conformance", PACKAGES)
    verdicts = {}
    with service.Service(configuration=CONFIGURATION) as gatehouse, tempfile.TemporaryDirectory() as folder:
        verdicts |= tried("the document of each listener is valid OpenAPI 3.1", lambda: validate(gatehouse, folder))
        verdicts |= tried("a typed client generated from it does the work that the README shows", lambda: client(gatehouse, folder))
        verdicts |= tried("the generated cases come to their end", lambda: cases(gatehouse, count, folder))
    print()
    for claim, holds in verdicts.items():
        print(f"  {'ok ' if holds else 'NOT'}  {claim}")
    failed = list(verdicts.values()).count(False)
    print(f"\n{len(verdicts) - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
