"""A video upload behind Gatehouse, with Flask.

Run: GATEHOUSE_URL=http://127.0.0.1:8080 GATEHOUSE_KEY=ghk_… flask --app flask_app run
The key needs the scopes gate, work and accounts.
"""

import os

from flask import Flask, request
from gatehouse import FlaskGuard, Gatehouse

gatehouse = Gatehouse(os.environ["GATEHOUSE_URL"], key=os.environ["GATEHOUSE_KEY"])
guard = FlaskGuard(gatehouse, allowed_origins=["https://app.example.com"])
app = Flask(__name__)
guard.install(app)


@app.post("/login")
def log_in():
    given = request.get_json()
    login = gatehouse.log_in(given["email"], given["password"], client_ip=request.remote_addr)
    return {"token": login.token, "plan": login.user.plan}


@app.get("/me")
@guard()
def me():
    return {"user": guard.caller.user.id, "plan": guard.caller.user.plan}


@app.post("/videos")
@guard(limits=["api", "upload"], reserve="video_analysis")
def upload():
    caller = guard.caller
    held = caller.reservation.id
    started = gatehouse.start_analysis(user_id=caller.user.id, reservation_id=held, filename=request.headers.get("X-Filename"), idempotency_key=held)
    try:
        result = analyse(request.get_data())
    except ValueError as error:
        failed = gatehouse.report_failed(started.analysis.id, "unreadable", str(error))  # the unit returns to the user
        return {"analysis": failed.analysis.id, "status": failed.analysis.status}, 201
    done = gatehouse.report_completed(started.analysis.id, result)
    return {"analysis": done.analysis.id, "status": done.analysis.status, "left_today": done.allowance.remaining}, 201


def analyse(video: bytes) -> dict:
    if not video:
        raise ValueError("The video is empty.")
    return {"bytes": len(video)}
