"""An app to try a proxy with: answers every request with what it saw of it, as JSON.

python3 deploy/echo.py            listens on 127.0.0.1:3000
python3 deploy/echo.py 3001       on another port

{"method": "GET", "target": "/x?y=1", "headers": [["Host", "app"], ["Gatehouse-User", "usr_…"]], "body": ""}
"""

import json
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

PORT = 3000


class Echo(BaseHTTPRequestHandler):
    """Any method; `headers` in the order and spelling in which they came."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1

    def __getattr__(self, name):
        if name.startswith("do_"):
            return self.answer
        raise AttributeError(name)

    def answer(self):
        body = self.read_body()
        saw = {"method": self.command, "target": self.path, "headers": list(self.headers.items()), "body": body.decode("latin-1")}
        data = json.dumps(saw).encode() + b"\n"
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)

    def read_body(self):
        if self.headers.get("Transfer-Encoding", "").lower() != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length", 0)))
        body = b""
        while size := int(self.rfile.readline().split(b";")[0], 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        while self.rfile.readline().strip():
            pass
        return body

    def log_message(self, *_):
        pass


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 1024


if __name__ == "__main__":
    port = int(sys.argv[1]) if len(sys.argv) > 1 else PORT
    print(f"echo listens on 127.0.0.1:{port}", flush=True)
    try:
        Server(("127.0.0.1", port), Echo).serve_forever()
    except KeyboardInterrupt:
        pass
