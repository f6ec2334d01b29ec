"""A video upload behind Gatehouse, with FastAPI.

Run: GATEHOUSE_URL=http://127.0.0.1:8080 GATEHOUSE_KEY=ghk_… uvicorn fastapi_app:app
The key needs the scopes gate, work and accounts.
"""

import os

from fastapi import Depends, FastAPI, Request
from gatehouse import AsyncGatehouse, FastAPIGuard, GateAnswer
from pydantic import BaseModel

gatehouse = AsyncGatehouse(os.environ["GATEHOUSE_URL"], key=os.environ["GATEHOUSE_KEY"])
guard = FastAPIGuard(gatehouse, allowed_origins=["https://app.example.com"])
app = FastAPI()
guard.install(app)


class Credentials(BaseModel):
    email: str
    password: str


@app.post("/login")
async def log_in(given: Credentials, request: Request) -> dict:
    login = await gatehouse.log_in(given.email, given.password, client_ip=request.client.host)
    return {"token": login.token, "plan": login.user.plan}


@app.get("/me")
async def me(caller: GateAnswer = Depends(guard())) -> dict:
    return {"user": caller.user.id, "plan": caller.user.plan}


@app.post("/videos", status_code=201)
async def upload(request: Request, caller: GateAnswer = Depends(guard(limits=["api", "upload"], reserve="video_analysis"))) -> dict:
    held = caller.reservation.id
    started = await gatehouse.start_analysis(user_id=caller.user.id, reservation_id=held, filename=request.headers.get("x-filename"), idempotency_key=held)
    try:
        result = analyse(await request.body())
    except ValueError as error:
        failed = await gatehouse.report_failed(started.analysis.id, "unreadable", str(error))  # the unit returns to the user
        return {"analysis": failed.analysis.id, "status": failed.analysis.status}
    done = await gatehouse.report_completed(started.analysis.id, result)
    return {"analysis": done.analysis.id, "status": done.analysis.status, "left_today": done.allowance.remaining}


def analyse(video: bytes) -> dict:
    if not video:
        raise ValueError("The video is empty.")
    return {"bytes": len(video)}
