"""Clients that keep their connections, and plain nginx between them and several processes."""

import os
import pathlib
import shutil
import subprocess
import tempfile
import threading
import uuid

from . import wire
from .process import Failure, free_port, wait_until

CLIENTS = 6

CONFIGURATION = """
daemon off; pid {folder}/pid; error_log stderr;
events {{}}
http {{
  access_log off;
  client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
  upstream gatehouse {{ {servers} keepalive 16; }}
  server {{
    listen 127.0.0.1:{port};
    location / {{ proxy_pass http://gatehouse; proxy_http_version 1.1; proxy_set_header Connection ""; }}
  }}
}}
"""


class Balancer:
    """nginx as anybody writes it: no checks, no retries beyond its own. Only, it does not take a server out for ten seconds that it could
    not reach once (`max_fails`): two restarts within that time would leave it without any."""

    def __init__(self, ports):
        self.port, self.folder = free_port(), pathlib.Path(tempfile.mkdtemp(prefix="rolling-", dir="/tmp"))
        servers = " ".join(f"server 127.0.0.1:{port} max_fails=0;" for port in ports)
        (self.folder / "nginx.conf").write_text(CONFIGURATION.format(folder=self.folder, servers=servers, port=self.port))
        self.process = None

    def __enter__(self):
        program = shutil.which("nginx") or "/usr/sbin/nginx"
        if not os.path.exists(program):
            raise Failure("nginx is not installed: apt-get install nginx")
        words = [program, "-p", str(self.folder), "-e", "stderr", "-c", str(self.folder / "nginx.conf")]
        with open(self.folder / "log", "ab") as log:
            self.process = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        wait_until(self._answers, lambda: f"nginx does not answer: {(self.folder / 'log').read_text()}")
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(10)
        shutil.rmtree(self.folder, ignore_errors=True)

    def _answers(self):
        connection = wire.HTTP(self.port, 5)
        try:
            return connection.ask("GET", "/livez").status == 200
        except (wire.NotSent, wire.NoAnswer):
            return False
        finally:
            connection.close()


class KeptConnections:
    """Clients that keep their connections and call without a pause, until they are stopped; `answers` counts what they got."""

    def __init__(self, port, user, keys):
        self.port, self.user, self.keys, self.answers, self.lock = port, user, keys, {}, threading.Lock()
        self.stopping, self.round = threading.Event(), uuid.uuid4().hex
        self.threads = [threading.Thread(target=self._go_on, args=(number,)) for number in range(CLIENTS)]

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.stopping.set()
        for thread in self.threads:
            thread.join()

    def _go_on(self, number):
        connection, count = wire.HTTP(self.port, 20), 0
        while not self.stopping.is_set():
            count += 1
            try:
                outcome = self._ask(connection, f"{number}-{count}").status
            except (wire.NotSent, wire.NoAnswer) as error:
                outcome = type(error).__name__
            with self.lock:
                self.answers[outcome] = self.answers.get(outcome, 0) + 1
        connection.close()

    def _ask(self, connection, name):
        """A read, a decision, a write: what nginx repeats by itself, and what it does not."""
        kind = hash(name) % 3
        if kind == 0:
            return connection.ask("GET", "/v1/events?limit=1", None, self.keys["accounts"])
        if kind == 1:
            return connection.ask("POST", "/v1/gate", {"token": self.user.token, "limits": []}, self.keys["gate"])
        body = {"events": [{"user_id": self.user.id, "action": "rolled", "metadata": {}}]}
        return connection.ask("POST", "/v1/usage/events", body, self.keys["work"], {"Idempotency-Key": f"{self.round}-{name}"})
