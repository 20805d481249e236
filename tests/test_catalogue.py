"""The catalogue: agents resolved and bound, keys kept out, files looked at again."""

from __future__ import annotations

import copy
import json
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.test import override_settings

from runtime import canonical, catalogue, gate
from runtime.catalogue import Catalogue, UnknownAgent
from runtime.catalogue import present as present_module
from runtime.providers import Misconfigured
from runtime.providers.openai_compatible import OpenAICompatible
from runtime.providers.scripted import Scripted
from runtime.workspace import WorkspaceError, load

HEAD = "apiVersion: agent-harness/v1alpha1\nkind: {}\nmetadata: {{name: {}}}\nspec:\n"
BIG = "{provider: openai_compatible, model: big-1, base_url: 'http://one:1/v1', api_key: '${env:BIG_KEY}'}"


class Files:
    """A workspace folder on disk."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def write(self, kind: str, spec: str, name: str = "mine") -> Files:
        body = "".join(f"  {line}\n" for line in spec.splitlines())
        # As editors and deployments do: the file is replaced, never half there.
        aside = self.folder / "aside"
        aside.write_text(HEAD.format(kind, name) + body)
        aside.replace(self.folder / f"{kind}-{name}.yaml".lower())
        return self

    def load(self, **environ: str) -> Catalogue:
        return Catalogue(load(self.folder, environ))

    def problems(self) -> list[str]:
        with pytest.raises(WorkspaceError) as caught:
            self.load()
        return [str(problem) for problem in caught.value.problems]


@pytest.fixture
def files(tmp_path: Path) -> Files:
    """An empty workspace."""
    return Files(tmp_path)


@pytest.fixture
def current(files: Files, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], Catalogue]]:
    """`catalogue.current` on that workspace, without the pause between two looks."""
    monkeypatch.setattr(present_module, "LOOK_EVERY_SECONDS", 0.0)
    catalogue.forget()
    with override_settings(WORKSPACE_DIR=files.folder):
        yield catalogue.current
    catalogue.forget()


def with_big_model(files: Files) -> Files:
    return files.write("Models", f"models:\n  big: {BIG}").write(
        "Agent", "model: big\nmax_turns: 3", name="big"
    )


def test_it_finds_agents_by_name_and_the_default_one(files: Files) -> None:
    present = files.load()
    assert present.agent(None).name == "orchestra"
    assert present.agent("direct").name == "direct"
    with pytest.raises(UnknownAgent, match=r"There is no agent 'dirct'; there are direct, orchestra\."):
        present.agent("dirct")
    with pytest.raises(LookupError):
        present.resolve("")


def test_it_resolves_to_stable_json(files: Files) -> None:
    resolved = with_big_model(files).load(BIG_KEY="sk-1").resolve("big")
    assert canonical.parse(canonical.encode(resolved)) == resolved
    assert canonical.encode(resolved) == canonical.encode(files.load(BIG_KEY="sk-2").resolve("big"))
    assert set(resolved) == {"agent", "model", "rules", "tools", "limits", "retry", "timeouts"}
    assert resolved["model"]["base_url"] == "http://one:1/v1"
    assert resolved["agent"]["execution_mode"] == "plan"


def test_it_shows_a_key_nowhere(files: Files) -> None:
    present = with_big_model(files).load(BIG_KEY="sk-secret")
    bound = present.bind(present.resolve("big"))
    shown = [present.resolve("big"), present.list_agents(), present.list_models(), present.list_tools()]
    for text in (json.dumps(shown), repr(bound), repr(present.workspace), str(bound.connection)):
        assert "sk-secret" not in text
    assert [model["has_api_key"] for model in present.list_models()] == [True, False]


def test_it_binds_what_was_resolved_though_the_workspace_changed(files: Files) -> None:
    files.write("Workspace", "approvals: {rules: [{name: all, action: allow}]}\nlimits: {model_turns: 9}")
    resolved = canonical.parse(canonical.encode(files.load().resolve("direct")))
    files.write("Workspace", "approvals: {rules: [{name: none, action: deny}]}\nlimits: {model_turns: 1}")
    files.write("Agent", "instructions: Other.\ntools: []", name="direct")
    bound = files.load().bind(resolved)
    assert [(rule.name, rule.action) for rule in bound.rules] == [("all", "allow")]
    assert bound.instructions.startswith("You answer directly")
    assert (bound.limits.model_turns, bound.max_turns) == (9, 9)
    assert list(bound.tools) == resolved["tools"]
    call = gate.Call(tool="write_file", read_only=False, agent=bound.name, arguments={})
    assert gate.judge(call, bound.rules).action == "allow"


def test_it_binds_every_field(files: Files) -> None:
    files.write("Workspace", "retry: {attempts: 5, hold_seconds: 1.5}\ntimeouts: {model_idle_seconds: 7}")
    bound = (present := with_big_model(files).load(BIG_KEY="k")).bind(present.resolve("big"))
    assert (bound.name, bound.model, bound.max_turns, bound.stream) == ("big", "big-1", 3, True)
    assert (bound.temperature, bound.max_output_tokens, bound.context_window) == (None, None, 128_000)
    assert (bound.retry.attempts, bound.retry.cap_seconds, bound.hold_seconds) == (5, 8, 1.5)
    assert (bound.connection.timeouts.idle, bound.connection.timeouts.first_byte) == (7, 120)
    assert bound.rules[0] == gate.Rule(
        "reading is free", "allow", read_only=True, reason="It changes nothing."
    )


def test_it_builds_the_provider(files: Files) -> None:
    present = with_big_model(files).load(BIG_KEY="k")
    assert isinstance(present.bind(present.resolve("big")).provider(), OpenAICompatible)
    assert isinstance(present.bind(present.resolve(None)).provider(), Scripted)
    wrong = present.resolve("big")
    wrong["model"]["provider"] = "gone"
    with pytest.raises(Misconfigured):
        present.bind(wrong).provider()


def test_it_looks_the_key_up_again_but_only_for_its_own_address(files: Files) -> None:
    resolved = with_big_model(files).load(BIG_KEY="old").resolve("big")
    key = files.load(BIG_KEY="new").bind(resolved).connection.api_key
    assert key.get_secret_value() == "new"
    files.write("Models", "models:\n  big: " + BIG.replace("one:1", "elsewhere:1"))
    moved = files.load(BIG_KEY="for elsewhere").bind(resolved).connection
    assert (moved.base_url, moved.api_key.get_secret_value()) == ("http://one:1/v1", "")
    files.write("Models", "models: {}").write("Agent", "{}", name="big")
    assert files.load().bind(resolved).connection.api_key.get_secret_value() == ""


def test_it_offers_an_agent_its_own_tools(files: Files) -> None:
    files.write("Agent", "tools: ['*_file', ls]", name="filer").write(
        "Tools", "tools: {edit_file: {enabled: false}}"
    )
    present = files.load()
    bound = present.bind(present.resolve("filer"))
    assert [offer.name for offer in bound.offers()] == ["ls", "read_file", "write_file"]
    assert bound.offers()[0].parameters["additionalProperties"] is False
    assert bound.check_arguments(bound.tools["ls"], {"path": 1}) != []


def test_it_leaves_out_a_tool_that_was_switched_off_since(files: Files) -> None:
    resolved = files.load().resolve(None)
    files.write("Tools", "tools: {write_file: {enabled: false}, grep: {timeout_seconds: 5}}")
    later = files.load()
    assert "write_file" in resolved["tools"]
    assert "write_file" not in later.bind(resolved).tools
    assert "write_file" not in later.tools
    assert (later.tools["grep"].timeout_seconds, later.tools["ls"].timeout_seconds) == (5, 60)


def test_it_binds_across_releases(files: Files) -> None:
    present = files.load()
    resolved: dict[str, Any] = copy.deepcopy(dict(present.resolve(None)))
    del resolved["limits"]["prompt_bytes"]
    del resolved["retry"]
    resolved["limits"]["of the past"] = 3
    bound = present.bind(resolved)
    assert (bound.limits.prompt_bytes, bound.retry.attempts) == (200_000, 3)
    resolved["rules"][0]["new condition"] = "x"
    with pytest.raises(TypeError):  # a rule that is half understood must not decide
        present.bind(resolved)


def test_it_refuses_names_of_tools_that_do_not_exist(files: Files) -> None:
    files.write("Tools", "tools: {write_fil: {enabled: false}}").write(
        "Agent", "tools: [lss, 'mcp__*']", name="x"
    )
    files.write("Workspace", "approvals: {rules: [{name: a, action: deny, tool: writefile}]}")
    assert files.problems() == [
        "tools-mine.yaml:5: spec.tools.write_fil: names no tool; did you mean 'write_file'?",
        "agent-x.yaml:5: spec.tools[0]: names no tool; did you mean 'ls'?",
        "workspace-mine.yaml:5: spec.approvals.rules[0].tool: names no tool; did you mean 'write_file'?",
    ]


def test_it_lists_what_there_is(files: Files) -> None:
    present = with_big_model(files).load(BIG_KEY="k")
    agents = {agent["name"]: agent for agent in present.list_agents()}
    assert list(agents) == ["big", "direct", "orchestra"]
    assert [agent["default"] for agent in agents.values()] == [False, False, True]
    assert agents["orchestra"]["tools"] == list(present.tools)
    assert [model["name"] for model in present.list_models()] == ["big", "default"]
    assert present.list_models()[1]["model"] == "scripted"
    assert {tool["name"] for tool in present.list_tools() if tool["read_only"]} == {
        "ls",
        "read_file",
        "glob",
        "grep",
    }
    json.dumps([present.list_agents(), present.list_tools(), present.list_models()])


def test_it_reads_changed_files_anew_and_unchanged_ones_not(
    files: Files, current: Callable[[], Catalogue]
) -> None:
    first = current()
    assert current() is first
    files.write("Workspace", "limits: {model_turns: 3}")
    assert current().workspace.limits.model_turns == 3
    files.write("Workspace", "limits: {model_turns: x}")
    for _ in range(2):
        with pytest.raises(WorkspaceError, match=r"workspace-mine\.yaml:5: spec\.limits\.model_turns"):
            current()
    (files.folder / "workspace-mine.yaml").unlink()
    assert current().workspace == first.workspace


def test_it_looks_at_the_files_once_a_second_at_most(
    files: Files, current: Callable[[], Catalogue], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(present_module, "LOOK_EVERY_SECONDS", 3600.0)
    first = current()
    files.write("Workspace", "limits: {model_turns: 3}")
    assert current() is first
    catalogue.forget()
    assert current().workspace.limits.model_turns == 3


def test_it_sees_another_endpoint_at_once(
    current: Callable[[], Catalogue], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert current().workspace.models["default"].provider == "scripted"
    monkeypatch.setenv("HARNESS_MODEL_BASE_URL", "http://127.0.0.1:1/v1")
    assert current().workspace.models["default"].provider == "openai_compatible"


def test_it_may_be_asked_by_many_threads_while_files_change(
    files: Files, current: Callable[[], Catalogue]
) -> None:
    failures: list[BaseException] = []

    def ask() -> None:
        try:
            for _ in range(50):
                assert current().workspace.limits.model_turns in (3, 4, 50)
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for number in range(20):
        files.write("Workspace", f"limits: {{model_turns: {3 + number % 2}}}")
    for thread in threads:
        thread.join()
    assert failures == []
