"""Every block of Python in the README does what the text around it says."""

import re

import pytest

from apps import bearer, cookie
from running import FOLDER, running


def blocks(folder):
    return re.findall(r"```python\n(.*?)```", (folder / "README.md").read_text(), re.S)


BLOCKS = blocks(FOLDER)
PROJECT_BLOCKS = blocks(FOLDER.parents[1])


def block(text, url, key):
    """The first block with `text` in it, over the Gatehouse of the tests."""
    return next(each for each in BLOCKS if text in each).replace("http://127.0.0.1:8080", url).replace("ghk_…", key)


def test_there_are_five_blocks_and_each_is_run_below():
    assert len(BLOCKS) == 5


def test_the_projects_readme_shows_one_of_these_apps():
    assert len(PROJECT_BLOCKS) == 1 and set(PROJECT_BLOCKS) < set(BLOCKS)


def test_the_first_block_signs_up_logs_in_and_commits_a_unit(url, key, service, capsys):
    email = f"readme{service.new_user().id}@example.com"
    names = {}
    exec(block("sign_up(", url, key).replace("mia@example.com", email), names)
    assert "has the plan free" in capsys.readouterr().out
    assert names["gatehouse"].usage(names["token"]).data[0].used == 1
    names["gatehouse"].close()


def test_the_block_on_errors_tells_what_is_wrong_with_a_password(client, capsys):
    exec(block("InvalidRequest as", "", ""), {"gatehouse": client})
    assert "password" in capsys.readouterr().out.lower()


@pytest.mark.parametrize("framework", ["fastapi", "flask"])
def test_the_blocks_for_frameworks_are_whole_apps(framework, tmp_path, url, key, user):
    (tmp_path / "readme_app.py").write_text(block({"fastapi": "FastAPI()", "flask": "Flask(__name__)"}[framework], url, key))
    with running(framework, tmp_path, "readme_app") as app:
        assert app.get("/me").status_code == 401
        assert app.get("/me", headers=bearer(user.token)).json() == {"user": user.id, "plan": "free"}
        assert app.post("/videos", headers=cookie(user.token)).status_code == 403
        uploaded = app.post("/videos", headers=cookie(user.token, Origin="https://app.example.com"))
        assert uploaded.json() == {"left_today": 0} and "ratelimit" in uploaded.headers
        refused = app.post("/videos", headers=bearer(user.token))
        assert (refused.status_code, refused.json()["code"]) == (429, "allowance_exhausted")
