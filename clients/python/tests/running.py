"""An app that really runs: a process of its own on a port of its own."""

import contextlib
import os
import pathlib
import subprocess
import sys

import httpx

from Harness.service import free_port, wait_until

FOLDER = pathlib.Path(__file__).resolve().parents[1]
SERVERS = {
    "fastapi": ["-m", "uvicorn", "{module}:app", "--port", "{port}", "--log-level", "warning"],
    "flask": ["-m", "flask", "--app", "{module}", "run", "--port", "{port}"],
}


@contextlib.contextmanager
def running(framework, folder, module, **environment):
    """An HTTP client of the app in `folder`/`module`.py."""
    port, log = free_port(), pathlib.Path(folder) / f"{module}.log"
    words = [sys.executable, *(word.format(module=module, port=port) for word in SERVERS[framework])]
    path = os.pathsep.join([str(FOLDER), str(folder)])
    with open(log, "wb") as out:
        environment = {**os.environ, "PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1", **environment}
        process = subprocess.Popen(words, cwd=folder, stdout=out, stderr=out, env=environment)
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=30) as client:

            def answers():
                assert process.poll() is None, log.read_text()
                try:
                    return client.get("/me").status_code
                except httpx.TransportError:
                    return None

            wait_until(answers, log.read_text)
            yield client
    finally:
        process.terminate()
        process.wait(30)
        log.unlink()
