"""The gate in FastAPI: uvloop, httptools, redis-py with hiredis on the Unix socket, a pool of kept connections, the same script."""

import uuid

import orjson
import redis.asyncio as redis
from fastapi import FastAPI, Request, Response
from gate_call import BEARER, CALL, HEADERS, Allowed, credential, words

POOL = 64
app = FastAPI(openapi_url=None)
client = redis.Redis.from_pool(redis.BlockingConnectionPool(
    connection_class=redis.UnixDomainSocketConnection, path=CALL["socket"].removeprefix("unix:"), max_connections=POOL))  # fmt: skip


async def ask(token):
    """The facts of an allowed caller, or the status of the refusal."""
    if (known := credential(token)) is None:
        return 401
    reply = await client.execute_command("EVALSHA", *words(*known))
    if isinstance(reply, list) or not reply.startswith(b"allow "):
        return 401 if isinstance(reply, list) and reply[0] == b"ABSENT" else 503
    return Allowed(reply, known[0])


def headers(more):
    return {**HEADERS, "X-Request-Id": f"req_{uuid.uuid4().hex[:12]}", **more}


@app.get("/v1/auth/{profile}")
async def forward(profile: str, request: Request):
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    found = await ask(token if scheme == "Bearer" else None)
    return Response(status_code=found) if isinstance(found, int) else Response(headers=headers(found.proxy_fields))


@app.post("/v1/gate")
async def decide(request: Request):
    if request.headers.get("authorization") != BEARER:
        return Response(status_code=401)
    found = await ask(orjson.loads(await request.body()).get("token"))
    if isinstance(found, int):
        return Response(status_code=found)
    return Response(found.body, headers=headers({}), media_type="application/json")
