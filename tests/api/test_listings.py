"""`/agents`, `/tools`, `/models`: the workspace as loaded."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from pytest_django import Settings

from runtime import catalogue
from tests.api.conftest import Caller, json_of

SECRET = "sk-very-secret-0123456789"


@pytest.fixture
def fresh() -> Iterator[None]:
    """The catalogue is read anew, before and after."""
    catalogue.forget()
    yield
    catalogue.forget()


def test_it_lists_the_agents(reading: Caller) -> None:
    body = json_of(reading.get("/agents"))
    agents = {agent["name"]: agent for agent in body["items"]}
    assert set(agents) == {"direct", "orchestra"}
    assert agents["orchestra"]["default"]
    assert agents["direct"]["execution_mode"] == "one_step"
    assert "write_file" in agents["direct"]["tools"]
    assert body["next_cursor"] is None


def test_it_lists_the_tools(reading: Caller) -> None:
    tools = {tool["name"]: tool for tool in json_of(reading.get("/tools"))["items"]}
    assert tools["read_file"]["read_only"]
    assert not tools["write_file"]["read_only"]
    assert tools["write_file"]["parameters"]["properties"]["path"]


def test_it_pages_them_like_every_list(reading: Caller) -> None:
    names: list[str] = []
    cursor: dict[str, str] = {}
    while True:
        page = json_of(reading.get("/tools", limit=2, **cursor))
        assert 0 < len(page["items"]) <= 2
        names += [tool["name"] for tool in page["items"]]
        if page["next_cursor"] is None:
            break
        cursor = {"cursor": page["next_cursor"]}
    assert names == [tool["name"] for tool in json_of(reading.get("/tools"))["items"]]


def test_it_never_shows_a_key(reading: Caller, monkeypatch: pytest.MonkeyPatch, fresh: None) -> None:
    monkeypatch.setenv("HARNESS_MODEL_BASE_URL", "http://127.0.0.1:9/v1")
    monkeypatch.setenv("HARNESS_MODEL_API_KEY", SECRET)
    for path in ("/agents", "/tools", "/models"):
        assert SECRET not in reading.get(path).content.decode()
    model = json_of(reading.get("/models"))["items"][0]
    assert model["provider"] == "openai_compatible"
    assert model["has_api_key"]
    assert model["default"]


def test_it_says_that_the_workspace_is_broken(
    reading: Caller, operating: Caller, settings: Settings, tmp_path: Path, fresh: None
) -> None:
    (tmp_path / "workspace.yaml").write_text("kind: [")
    settings.WORKSPACE_DIR = tmp_path
    for answer in (reading.get("/agents"), operating.post("/runs", {"input": "list files"})):
        assert "workspace.yaml" in json_of(answer, 503)["detail"]
        assert answer.headers["Retry-After"]
