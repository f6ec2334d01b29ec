"""The blocks of docs/proxies.md are the tested files of deploy/, word for word, and its shell lines do what they say."""

import os
import pathlib
import re
import shutil
import signal
import subprocess
import tempfile

from edge import expect
from Harness import wire
from Harness.service import ROOT, free_port, wait_until
from proxies import ALL, APP, DEPLOY, FRONT, GATEHOUSE, STOP_SECONDS, tool

LANGUAGES = {"nginx.conf": "nginx", "Caddyfile": "caddyfile", "envoy.yaml": "yaml"}
PAGE = (ROOT / "docs/proxies.md").read_text()


def block(file):
    """The page's block for a file of deploy/."""
    return f"```{LANGUAGES[file]}\n{(DEPLOY / file).read_text()}```"


def missing(proxy):
    """{file: what the page lacks}."""
    found = block(proxy.file) in PAGE
    return {} if found else {f"deploy/{proxy.file}": "its block is not in docs/proxies.md; --page prints it"}


def print_blocks():
    for proxy in ALL:
        print(f"<details><summary>{proxy.name}: <code>deploy/{proxy.file}</code></summary>\n\n{block(proxy.file)}\n</details>\n")


def shell_lines(service):
    """the three lines of docs/proxies.md put nginx, or Caddy, before an app, which learns who asks"""
    lines = re.search(r"## Try it\n.*?```sh\n(.*?)```", PAGE, re.S)[1].splitlines()
    expect(len(lines) == 3, lines)
    app, nginx, curl = lines
    caddy = re.search(r"# or (.*)", nginx)[1] + " &"
    tool("caddy"), tool("curl")
    for start in (nginx, caddy):
        run_lines(service, app, start, curl)


def run_lines(service, app, proxy, curl):
    """The lines as they stand, in a copy of the folder with other ports."""
    user = service.new_user()
    ports = {FRONT: free_port(), GATEHOUSE: service.apis[0].port, APP: free_port()}
    with tempfile.TemporaryDirectory(prefix="edge-", dir="/tmp") as folder:
        for file in shutil.copytree(DEPLOY, pathlib.Path(folder, "deploy"), ignore=shutil.ignore_patterns("__pycache__")).iterdir():
            file.write_text(with_ports(file.read_text(), ports))
        words = ["sh", "-c", f"{app}\n{proxy}\nwait".replace("/tmp/nginx.pid", f"{folder}/nginx.pid")]
        environment = {**os.environ, "HOME": folder, "XDG_DATA_HOME": folder, "XDG_CONFIG_HOME": folder, "PATH": f"{os.environ['PATH']}:/usr/sbin"}
        null = subprocess.DEVNULL
        shell = subprocess.Popen(words, cwd=folder, env=environment, stdin=null, stdout=null, stderr=null, start_new_session=True)
        try:
            for port, path in ((ports[APP], "/"), (ports[FRONT], "/gatehouse/livez")):
                wait_until(lambda: answers(port, path), f"after “{app}” and “{proxy}” nothing answers on port {port}")
            asked = shell_line(with_ports(curl, ports).replace("gh_…", user.token))
            expect(re.match(r"HTTP/1\.1 200 ", asked.stdout) and user.id in asked.stdout, asked)
            asked = shell_line(with_ports(curl, ports))
            expect(re.match(r"HTTP/1\.1 401 ", asked.stdout), asked)
        finally:
            os.killpg(shell.pid, signal.SIGTERM)
            shell.wait(STOP_SECONDS)


def shell_line(text):
    return subprocess.run(["sh", "-c", text], capture_output=True, text=True, timeout=30, check=False)


def with_ports(text, ports):
    for shipped, ours in ports.items():
        text = re.sub(rf"(?<=[ :]){shipped}\b", str(ours), text)
    return text


def answers(port, path):
    connection = wire.HTTP(port, 5)
    try:
        return connection.ask("GET", path).status == 200
    except (wire.NotSent, wire.NoAnswer):
        return False
    finally:
        connection.close()
