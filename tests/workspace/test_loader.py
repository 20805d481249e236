"""Loading: the built-in workspace, merging over it, the environment's model, agent-context.md."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from pydantic import ValidationError

from runtime.workspace import BUILT_IN, Workspace, load, workspace_files
from runtime.workspace import specs as specs_module
from runtime.workspace.specs import ModelsKind, ToolsKind, WorkspaceKind
from runtime.workspace.values import Spec
from tests.workspace.conftest import Folder


def test_it_loads_the_built_in_workspace_without_a_folder() -> None:
    loaded = load(None, {})
    assert set(loaded.agents) == {"direct", "orchestra"}
    assert loaded.routing.default_agent == "orchestra"
    assert loaded.agents["direct"].execution_mode == "one_step"
    assert loaded.agents["orchestra"].execution_mode == "plan"
    assert loaded.agents["orchestra"].tools == ("*",)
    assert loaded.models["default"].provider == "scripted"


def test_it_has_the_promised_defaults() -> None:
    loaded = load(None, {})
    assert loaded.limits.model_dump() == {
        "prompt_bytes": 200_000,
        "model_turns": 50,
        "tool_calls_per_reply": 64,
        "tool_output_bytes": 1_000_000,
        "events_per_run": 20_000,
        "events_warning": 5_000,
        "run_seconds": None,
        "streams_per_person": 20,
        "streams_per_service_account": 1_000,
    }
    assert loaded.retry.model_dump() == {
        "attempts": 3,
        "base_seconds": 0.5,
        "factor": 2,
        "cap_seconds": 8,
        "retry_after_cap_seconds": 60,
        "hold_seconds": 3,
    }
    assert loaded.timeouts.model_dump() == {
        "model_connect_seconds": 10,
        "model_first_byte_seconds": 120,
        "model_idle_seconds": 60,
        "model_call_seconds": 600,
        "tool_seconds": 60,
    }
    assert loaded.concurrency.runs_per_worker == 4
    assert [(rule.action, rule.tool, rule.read_only) for rule in loaded.rules] == [
        ("allow", "*", True),
        ("allow", "write_todos", None),
        ("allow", "save_artifact", None),
    ]


def test_it_loads_an_empty_folder_as_the_built_in_workspace(folder: Folder) -> None:
    assert folder.load() == load(None, {})


def test_it_merges_objects_and_replaces_lists(folder: Folder) -> None:
    folder.document(
        "Workspace",
        """
        limits: {model_turns: 7}
        retry:
        approvals:
          rules:
            - {name: never, action: deny, tool: write_file, reason: Not here.}
        """,
    )
    loaded = folder.load()
    assert loaded.name == "mine"
    assert loaded.limits.model_turns == 7
    assert loaded.limits.prompt_bytes == 200_000
    assert loaded.retry.attempts == 3
    assert [rule.name for rule in loaded.rules] == ["never"]


def test_it_merges_an_agent_over_the_built_in_one_and_adds_others(folder: Folder) -> None:
    folder.document("Agent", "description: Quick.", name="direct", file="agents/direct.yaml")
    folder.document("Agent", "instructions: Write well.\ntools: [write_file]", name="writer", file="w.yml")
    loaded = folder.load()
    builtin = load(None, {})
    assert loaded.agents["direct"].description == "Quick."
    assert loaded.agents["direct"].tools == builtin.agents["direct"].tools
    assert loaded.agents["writer"].tools == ("write_file",)
    assert loaded.agents["writer"].model == "default"
    assert set(loaded.agents) == {"direct", "orchestra", "writer"}


def test_it_reads_several_documents_of_one_file(folder: Folder) -> None:
    agents = "\n---\n".join(
        f"apiVersion: agent-harness/v1alpha1\nkind: Agent\nmetadata: {{name: {name}}}\nspec: {{}}"
        for name in ("one", "two")
    )
    folder.file("all.yaml", f"---\n# nothing\n---\n{agents}\n---\n")
    assert {"one", "two"} <= set(folder.load().agents)


def test_it_gives_agents_the_default_model_of_the_workspace(folder: Folder) -> None:
    folder.document("Workspace", "routing: {default_model: big}")
    folder.document("Models", "models: {big: {provider: scripted}}")
    folder.document("Agent", "model: default", name="old", file="agents/old.yaml")
    loaded = folder.load()
    assert loaded.agents["orchestra"].model == "big"
    assert loaded.agents["old"].model == "default"


def test_it_puts_the_agent_context_after_every_agents_instructions(folder: Folder) -> None:
    folder.file("agent-context.md", "\ufeffWe write British English.\n\n")
    folder.document("Agent", "{}", name="bare", file="agents/bare.yaml")
    loaded = folder.load()
    assert loaded.agents["orchestra"].instructions.endswith("and why.\n\nWe write British English.")
    assert loaded.agents["bare"].instructions == "We write British English."


def test_it_takes_values_from_the_environment(folder: Folder) -> None:
    folder.document(
        "Models",
        """
        models:
          big:
            provider: openai_compatible
            base_url: "${env:HOST:-http://localhost:8080}/v1/"
            model: ${env:MODEL}
            api_key: ${env:KEY}
            temperature: ${env:HEAT:-0.5}
            max_output_tokens: ${env:TOKENS}
            stream: ${env:STREAM:-false}
        """,
    )
    model = folder.load({"MODEL": "123", "KEY": "0017", "TOKENS": "900"}).models["big"]
    assert (model.base_url, model.model) == ("http://localhost:8080/v1", "123")
    assert (model.temperature, model.max_output_tokens, model.stream) == (0.5, 900, False)
    assert model.api_key.get_secret_value() == "0017"
    assert type(model.model) is str


@pytest.mark.parametrize(("variable", "key"), [("", "big"), ("default", "default")])
def test_it_replaces_the_default_model_by_the_environments(folder: Folder, variable: str, key: str) -> None:
    if not variable:
        folder.document("Workspace", "routing: {default_model: big}")
        folder.document("Models", "models: {big: {provider: scripted, temperature: 1}}")
    loaded = folder.load(
        {
            "HARNESS_MODEL_BASE_URL": "http://127.0.0.1:8080/v1/ ",
            "HARNESS_MODEL": "qwen",
            "HARNESS_MODEL_API_KEY": "sk-secret",
        }
    )
    model = loaded.models[key]
    assert (model.provider, model.base_url, model.model) == (
        "openai_compatible",
        "http://127.0.0.1:8080/v1",
        "qwen",
    )
    assert model.api_key.get_secret_value() == "sk-secret"
    assert model.temperature is None


def test_it_needs_only_the_address_of_a_model(folder: Folder) -> None:
    model = folder.load({"HARNESS_MODEL_BASE_URL": "http://127.0.0.1:8080/v1"}).models["default"]
    assert (model.model, model.api_key.get_secret_value()) == ("default", "")
    assert (
        folder.load({"HARNESS_MODEL": "qwen", "HARNESS_MODEL_BASE_URL": " "}).models == load(None, {}).models
    )


def test_it_never_shows_a_key(folder: Folder) -> None:
    loaded = folder.load({"HARNESS_MODEL_BASE_URL": "http://h/v1", "HARNESS_MODEL_API_KEY": "sk-secret"})
    for text in (repr(loaded), str(loaded), loaded.model_dump_json(), str(loaded.model_dump())):
        assert "sk-secret" not in text


def test_every_key_says_what_it_is_for() -> None:
    specs = [
        found for found in vars(specs_module).values() if isinstance(found, type) and issubclass(found, Spec)
    ]
    kinds = {WorkspaceKind, ModelsKind, ToolsKind, Workspace}
    for spec in specs:
        assert (spec.__doc__ or "").endswith((".", ".\n"))
        for key, field in spec.model_fields.items():
            assert spec in kinds or field.description, f"{spec.__name__}.{key}"


def test_its_specs_do_not_change(folder: Folder) -> None:
    with pytest.raises(ValidationError, match="frozen"):
        folder.load().limits.model_turns = 1


def test_it_reads_only_the_files_that_belong_to_a_workspace(folder: Folder) -> None:
    folder.file("notes.txt", "x").file("README.md", "x").file("deep/er/x.yaml", "x: [").file(
        "a.yaml.bak", "["
    )
    folder.file("b.yml", "").file("agents/c.yaml", "").file("agent-context.md", "")
    os.mkfifo(folder.path / "pipe.yaml")
    names = [path.relative_to(folder.path).as_posix() for path in workspace_files(folder.path)]
    assert names == ["agent-context.md", "agents/c.yaml", "b.yml"]
    folder.load()


def test_its_built_in_files_stand_where_they_are_looked_for() -> None:
    names = {path.relative_to(BUILT_IN).as_posix() for path in workspace_files(BUILT_IN)}
    assert names == {
        "agent-context.md",
        "agents/direct.yaml",
        "agents/orchestra.yaml",
        "models.yaml",
        "tools.yaml",
        "workspace.yaml",
    }


def test_it_refuses_a_folder_that_is_none(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for name in ("file", "missing"):
        assert Folder(tmp_path / name).problems() == [f"{tmp_path / name}: is not a folder."]
