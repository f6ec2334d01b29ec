"""The same small app with each framework, so that one table of claims holds for both guards."""

import flask
import httpx
from fastapi import Depends, FastAPI
from fastapi.responses import JSONResponse
from fastapi.testclient import TestClient
from gatehouse import COOKIE, FastAPIGuard, FlaskGuard, GateAnswer, NotFound, Require, Reserve

ORIGIN = "https://app.example.com"
CLIENT_IP = "203.0.113.7"
METRIC = "video_analysis"
RESERVE = Reserve(METRIC, lease_seconds=60)


def shown(answer):
    return {"user": answer.user.id, "reservation": answer.reservation and answer.reservation.id}


def fastapi_app(client, **more):
    guard, app = FastAPIGuard(client, allowed_origins=[ORIGIN], **more), FastAPI()
    guard.install(app)

    @app.api_route("/me", methods=["GET", "POST"])
    async def me(caller: GateAnswer = Depends(guard())):
        return shown(caller)

    @app.get("/sync")
    def sync(caller: GateAnswer = Depends(guard())):
        return JSONResponse(shown(caller), headers={"RateLimit": "my own"})

    @app.post("/videos")
    async def videos(caller: GateAnswer = Depends(guard(limits=["api", ("upload", 2)], reserve=RESERVE))):
        return shown(caller)

    @app.get("/pro")
    async def pro(caller: GateAnswer = Depends(guard(require=Require(plan="pro")))):
        return shown(caller)

    @app.get("/network")
    async def network(caller: GateAnswer = Depends(guard(limits=["visits"]))):
        return shown(caller)

    @app.get("/wrong")
    async def wrong(caller: GateAnswer = Depends(guard(limits=["misspelled"]))):
        return shown(caller)

    @app.get("/missing")
    async def missing(caller: GateAnswer = Depends(guard())):
        raise NotFound({"code": "not_found", "status": 404, "detail": "There is no such video."})

    return TestClient(app, client=(CLIENT_IP, 4711), raise_server_exceptions=False)


def flask_app(client, **more):
    guard, app = FlaskGuard(client, allowed_origins=[ORIGIN], **more), flask.Flask("app")
    guard.install(app)

    @app.route("/me", methods=["GET", "POST"])
    @guard()
    def me():
        return shown(guard.caller)

    @app.get("/sync")
    @guard()
    def sync():
        return shown(guard.caller), {"RateLimit": "my own"}

    @app.post("/videos")
    @guard(limits=["api", ("upload", 2)], reserve=RESERVE)
    def videos():
        return shown(guard.caller)

    @app.get("/pro")
    @guard(require=Require(plan="pro"))
    def pro():
        return shown(guard.caller)

    @app.get("/network")
    @guard(limits=["visits"])
    def network():
        return shown(guard.caller)

    @app.get("/wrong")
    @guard(limits=["misspelled"])
    def wrong():
        return shown(guard.caller)

    @app.get("/missing")
    @guard()
    def missing():
        raise NotFound({"code": "not_found", "status": 404, "detail": "There is no such video."})

    return httpx.Client(transport=httpx.WSGITransport(app=app, remote_addr=CLIENT_IP), base_url="http://testserver")


APPS = {"fastapi": fastapi_app, "flask": flask_app}


def bearer(token, **more):
    return {"Authorization": f"Bearer {token}", **more}


def cookie(token, **more):
    return {"Cookie": f"{COOKIE}={token}", **more}
