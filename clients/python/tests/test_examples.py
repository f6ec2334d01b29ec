"""Every example app runs as its docstring says, and keeps the promises of the product for a user who uploads videos."""

import pytest

from apps import bearer, cookie
from running import FOLDER, running

EXAMPLES = {"fastapi": "fastapi_app", "flask": "flask_app"}


@pytest.fixture(scope="module", params=EXAMPLES)
def app(request, url, key):
    with running(request.param, FOLDER / "examples", EXAMPLES[request.param], GATEHOUSE_URL=url, GATEHOUSE_KEY=key) as client:
        yield client


def test_examples_are_short():
    for name in EXAMPLES.values():
        assert len((FOLDER / "examples" / f"{name}.py").read_text().splitlines()) < 60


def test_a_user_logs_in_and_uploads_one_video_a_day(app, client, user, password):
    login = app.post("/login", json={"email": user.email, "password": password})
    assert login.status_code == 200 and login.json()["plan"] == "free"
    headers = bearer(login.json()["token"], **{"X-Filename": "squat.mp4", "Idempotency-Key": "upload-1"})
    assert app.get("/me", headers=headers).json()["user"] == user.id
    first = app.post("/videos", headers=headers, content=b"12345")
    assert first.status_code == 201 and first.json()["status"] == "completed" and first.json()["left_today"] == 0
    stored = client.analysis(first.json()["analysis"])
    assert (stored.user_id, stored.filename, stored.result) == (user.id, "squat.mp4", {"bytes": 5})
    assert app.post("/videos", headers=headers, content=b"12345").json()["analysis"] == first.json()["analysis"]
    refused = app.post("/videos", headers={**headers, "Idempotency-Key": "upload-2"}, content=b"12345")
    assert refused.status_code == 429 and refused.json()["code"] == "allowance_exhausted" and int(refused.headers["retry-after"]) > 0
    assert len(client.analyses(user_id=user.id).data) == 1


def test_a_job_that_fails_costs_nothing(app, client, user):
    failed = app.post("/videos", headers=bearer(user.token), content=b"")
    assert failed.status_code == 201 and failed.json()["status"] == "failed"
    assert client.usage(user.token).data[0].remaining == 1


def test_strangers_and_other_sites_are_refused(app, user):
    assert app.post("/videos", content=b"12345").status_code == 401
    assert app.post("/videos", headers=cookie(user.token), content=b"12345").json()["code"] == "csrf_rejected"
    login = app.post("/login", json={"email": user.email, "password": "a wrong one"})
    assert login.status_code == 401 and login.json()["code"] == "invalid_login"
    assert login.headers["content-type"] == "application/problem+json"
