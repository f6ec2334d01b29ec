"""The gate as a Flask app has it: Flask-Session in Redis, Flask-Limiter in Redis, gunicorn. Its own sessions, its own window; an answer of the
same members."""

import os
import uuid

import redis
from flask import Flask, Response, request, session
from flask_limiter import Limiter
from flask_session import Session
from gate_call import CALL, HEADERS, POLICY, Allowed

DATABASE = 3
PATH = CALL["socket"].removeprefix("unix:")
app = Flask(__name__)
app.config.update(
    SECRET_KEY=os.urandom(32), SESSION_TYPE="redis", SESSION_REDIS=redis.Redis(unix_socket_path=PATH, db=DATABASE),
    SESSION_COOKIE_NAME="session", SESSION_PERMANENT=True, RATELIMIT_HEADERS_ENABLED=False)  # fmt: skip
Session(app)
# Two weighted cells: of its strategies the nearest to a window that is cheap.
limiter = Limiter(
    key_func=lambda: session.get("user", "nobody"), app=app, storage_uri=f"redis+unix://{PATH}?db={DATABASE}", strategy="sliding-window-counter")  # fmt: skip
LIMIT = f"{max(POLICY['limits'].values())} per {POLICY['window_seconds']} second"


@app.post("/log-in")
@limiter.exempt
def log_in():
    now = request.json["now"]
    session.update(user=request.json["user"], plan="pro", auth=now, seen=now, ends=now + 86_400_000)
    return {}


class Counted(Allowed):
    """The facts of the session and of Flask-Limiter."""

    def __init__(self):
        self.id, self.external_id, self.plan, self.status, self.verified = session["user"], "", session["plan"], "active", False
        self.session, self.kind = f"ses_{session.sid[:14]}", "web"
        self.auth, self.seen, self.ends = session["auth"], session["seen"], session["ends"]
        window = limiter.current_limit
        self.limit, self.remaining = window.limit.amount, window.remaining
        self.reset = max(0, int(window.reset_at - session["seen"] / 1000))


def headers(more):
    return {**HEADERS, "X-Request-Id": f"req_{uuid.uuid4().hex[:12]}", **more}


@app.get("/v1/auth/<profile>")
@limiter.limit(LIMIT)
def forward(profile):
    if "user" not in session:
        return Response(status=401)
    answer = Response(headers=headers(Counted().proxy_fields))
    del answer.headers["Content-Type"]
    return answer


@app.post("/v1/gate")
@limiter.limit(LIMIT)
def decide():
    if "user" not in session or not request.get_json().get("token"):
        return Response(status=401)
    return Response(Counted().body, headers=headers({}), mimetype="application/json")
