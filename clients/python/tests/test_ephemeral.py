"""`gatehouse serve --ephemeral` and the fixtures over it: a Gatehouse for a test run, of which nothing is left."""

import json
import os
import pathlib
import re
import signal
import stat
import subprocess
import sys

import pytest
from gatehouse import Gatehouse

from Harness.service import PASSWORD, ROOT, wait_until
from running import FOLDER

BINARY = os.environ.get("GATEHOUSE_BINARY", str(ROOT / ".build/debug/gatehouse"))
SAID = {"url", "ops_url", "ops_socket", "data", "key", "pid"}


def start(*words, **more):
    return subprocess.Popen([BINARY, "serve", "--ephemeral", *words], stdin=subprocess.PIPE, stdout=subprocess.PIPE, **more)


def assert_gone(said):
    """Neither the process, nor its Redis, nor a file of theirs."""

    def left():
        lines = [text(path) for path in pathlib.Path("/proc").glob("[0-9]*/cmdline")]
        # A process that has ended but was not waited for has no command line.
        process = text(pathlib.Path(f"/proc/{said['pid']}/cmdline"))
        return process or pathlib.Path(said["data"]).exists() or any(said["data"] in line for line in lines)

    wait_until(lambda: not left(), lambda: f"of {said['data']} something is left: {left()}")


def text(path):
    try:
        return path.read_bytes().decode(errors="replace")
    except OSError:
        return ""


def test_it_says_where_it_is_serves_and_leaves_nothing_when_its_input_ends():
    with start() as process:
        said = json.loads(process.stdout.readline())
        assert SAID <= set(said) and said["pid"] == process.pid and stat.S_IMODE(os.stat(said["data"]).st_mode) == 0o700
        with Gatehouse(said["url"], said["key"], timeout=30) as client, Gatehouse(f"unix:{said['ops_socket']}", timeout=30) as ops:
            assert client.ready().status == ops.ready().status == "ready"
            user = client.sign_up("mia@example.com", PASSWORD)
            token = client.log_in(user.email, PASSWORD).token
            assert client.gate(token, reserve="video_analysis").source == "redis"
            assert [key["scopes"] for key in ops.call("GET", "/v1/admin/keys").json["data"]] == [["accounts", "gate", "work"]]
        process.stdin.close()
        assert process.wait(30) == 0
    assert_gone(said)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_as_well(number):
    with start() as process:
        said = json.loads(process.stdout.readline())
        process.send_signal(number)
        assert process.wait(30) == 0
    assert_gone(said)


def test_two_of_them_do_not_meet():
    with start() as first, start() as second:
        one, other = json.loads(first.stdout.readline()), json.loads(second.stdout.readline())
        assert not any(one[name] == other[name] for name in SAID)
        first.stdin.close(), second.stdin.close()


@pytest.mark.parametrize("variable", ["GATEHOUSE_HTTP_HOST", "GATEHOUSE_HTTP_OPS_HOST"])
def test_it_refuses_addresses_that_others_reach(variable):
    with start(env={**os.environ, variable: "0.0.0.0"}, stderr=subprocess.PIPE) as process:
        out, error = process.communicate(timeout=30)
    assert process.returncode == 1 and not out and b"loopback alone" in error


def test_it_takes_no_data_folder_of_others(tmp_path):
    with start("--data", str(tmp_path), stderr=subprocess.PIPE) as process:
        _, error = process.communicate(timeout=30)
    assert process.returncode == 64 and b"leave --data out" in error and not list(tmp_path.iterdir())


def pytest_run(folder):
    environment = {**os.environ, "GATEHOUSE_BINARY": BINARY, "PYTHONPATH": str(FOLDER), "PYTHONDONTWRITEBYTECODE": "1"}
    words = [sys.executable, "-m", "pytest", "-q", "-s", "-p", "no:cacheprovider", str(folder)]
    return subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=environment, text=True)


def test_the_readme_block_on_tests_passes_as_it_stands(tmp_path):
    block = next(each for each in re.findall(r"```python\n(.*?)```", (FOLDER / "README.md").read_text(), re.S) if "pytest_plugins" in each)
    plugins, _, tests = block.partition("\n\n\n")
    (tmp_path / "conftest.py").write_text(plugins)
    (tmp_path / "test_app.py").write_text(tests + "\n\ndef test_where(gatehouse_server):\n    print('DATA', gatehouse_server.ops_socket)\n")
    with pytest_run(tmp_path) as run:
        said = run.communicate(timeout=120)[0]
    assert run.returncode == 0 and "2 passed" in said, said
    data = pathlib.Path(re.search(r"DATA (\S+)", said)[1]).parent
    assert not data.exists()


def test_a_test_run_that_is_killed_leaves_nothing(tmp_path):
    (tmp_path / "conftest.py").write_text('pytest_plugins = ["gatehouse_pytest"]')
    (tmp_path / "test_app.py").write_text(
        "import signal\n\n\ndef test_hangs(gatehouse_server):\n"
        "    print('DATA', gatehouse_server.ops_socket, flush=True)\n    signal.pause()\n")  # fmt: skip
    with pytest_run(tmp_path) as run:
        socket = next(line.split("DATA ")[1].strip() for line in run.stdout if "DATA " in line)
        run.kill()
    process = re.search(r"ops-(\d+)\.sock", socket)[1]
    assert_gone({"data": str(pathlib.Path(socket).parent), "pid": process})


def test_a_program_that_can_not_start_is_named_with_what_it_said(tmp_path):
    (tmp_path / "conftest.py").write_text('pytest_plugins = ["gatehouse_pytest"]')
    (tmp_path / "test_app.py").write_text("def test_it(gatehouse): pass\n")
    program = tmp_path / "broken"
    program.write_text("#!/bin/sh\necho 'no such flag' >&2\nexit 64\n")
    program.chmod(0o755)
    environment = {**os.environ, "GATEHOUSE_BINARY": str(program), "PYTHONPATH": str(FOLDER), "PYTHONDONTWRITEBYTECODE": "1"}
    words = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(tmp_path)]
    run = subprocess.run(words, env=environment, capture_output=True, text=True, timeout=120, check=False)
    assert run.returncode == 1 and "no such flag" in run.stdout
