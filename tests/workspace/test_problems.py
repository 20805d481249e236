"""Every problem names file, line and key, and says what would be right."""

from __future__ import annotations

import pytest

from runtime.workspace import WorkspaceError
from tests.workspace.conftest import Folder

TRUE_FALSE = "must be true or false."


@pytest.mark.parametrize(
    ("kind", "spec", "problem"),
    [
        (
            "Workspace",
            "health: {keep_days: 3}",
            "6: spec.health.keep_days: has moved: it is spec.retention.records.keep_samples_days now.",
        ),
        (
            "Workspace",
            "maintenance: {records: {keep_threads: 3}}",
            "6: spec.maintenance.records.keep_threads: has moved: it is spec.retention.records.keep_threads "
            "now.",
        ),
        ("Workspace", "limit: {}", "6: spec.limit: is not known here; did you mean 'limits'?"),
        (
            "Workspace",
            "limits:\n  prompt_byte: 5",
            "7: spec.limits.prompt_byte: is not known here; did you mean 'prompt_bytes'?",
        ),
        ("Workspace", "limits: {model_turns: many}", "6: spec.limits.model_turns: must be a whole number."),
        ("Workspace", "limits: {model_turns: '5'}", "6: spec.limits.model_turns: must be a whole number."),
        ("Workspace", "limits: {model_turns: 5.0}", "6: spec.limits.model_turns: must be a whole number."),
        ("Workspace", "limits: {model_turns: 0}", "6: spec.limits.model_turns: must be 1 or more."),
        ("Workspace", "limits: {model_turns: null}", "6: spec.limits.model_turns: must be a whole number."),
        ("Workspace", "limits: 5", "6: spec.limits: must hold keys with values."),
        ("Workspace", "[]", "5: spec: must hold keys with values."),
        (
            "Workspace",
            "concurrency:\n  runs_per_worker: 5000",
            "7: spec.concurrency.runs_per_worker: must be 1000 or less.",
        ),
        ("Workspace", "timeouts: {tool_seconds: 0}", "6: spec.timeouts.tool_seconds: must be more than 0."),
        ("Workspace", "retry: {factor: .inf}", "6: spec.retry.factor: must be a number."),
        ("Workspace", "retry: {factor: 1e999}", "6: spec.retry.factor: must be a number."),
        (
            "Workspace",
            "routing: {default_agent: orkestra}",
            "6: spec.routing.default_agent: names no agent; did you mean 'orchestra'?",
        ),
        (
            "Workspace",
            "routing: {default_model: gpt}",
            "6: spec.routing.default_model: names no model; known: default.",
        ),
        ("Agent", "model: gpt", "6: spec.model: names no model; known: default."),
        ("Agent", "name: other", "6: spec.name: is not known here; the name is 'mine' already."),
        ("Agent", "tools: ls", "6: spec.tools: must be a list: one line for each item, beginning with '- '."),
        ("Agent", "tools:\n  - ls\n  - 3", "8: spec.tools[1]: must be text; put it in quotes."),
        ("Agent", "max_turn: 3", "6: spec.max_turn: is not known here; did you mean 'max_turns'?"),
        (
            "Agent",
            "execution_mode: fast",
            "6: spec.execution_mode: must be one of 'one_step', 'plan'.",
        ),
        (
            "Models",
            "models:\n  big: {provider: openai}",
            "7: spec.models.big.provider: must be one of 'openai_compatible', 'scripted'.",
        ),
        ("Models", "models:\n  big: {}", "7: spec.models.big.provider: is missing."),
        ("Models", "model: {}", "6: spec.model: is not known here; did you mean 'models'?"),
        (
            "Tools",
            "tools:\n  ls: {enable: true}",
            "7: spec.tools.ls.enable: is not known here; did you mean 'enabled'?",
        ),
        ("Tools", "tools: {ls: {enabled: no}}", f"6: spec.tools.ls.enabled: {TRUE_FALSE}"),
        ("Tools", "tools: {ls: {enabled: on}}", f"6: spec.tools.ls.enabled: {TRUE_FALSE}"),
    ],
)
def test_it_says_what_would_be_right(folder: Folder, kind: str, spec: str, problem: str) -> None:
    folder.document(kind, spec)
    assert folder.problems() == [f"{kind.lower()}.yaml:{problem}"]


@pytest.mark.parametrize(
    ("rule", "problems"),
    [
        (
            "{name: a, action: alow}",
            ["7: spec.approvals.rules[0].action: must be one of 'allow', 'ask', 'deny'."],
        ),
        ("{name: a}", ["7: spec.approvals.rules[0].action: is missing."]),
        ("{action: ask}", ["7: spec.approvals.rules[0].name: is missing."]),
        ("{name: '', action: ask}", ["7: spec.approvals.rules[0].name: must not be empty."]),
        (
            "{name: a, action: ask, tol: ls}",
            ["7: spec.approvals.rules[0].tol: is not known here; did you mean 'tool'?"],
        ),
        (
            "{name: a, action: ask, nam: b}",
            ["7: spec.approvals.rules[0].nam: is not known here; did you mean 'name'?"],
        ),
        ("{name: a, action: ask, read_only: yes}", [f"7: spec.approvals.rules[0].read_only: {TRUE_FALSE}"]),
        (
            "{name: a, action: ask, arguments: {path: 5}}",
            ["7: spec.approvals.rules[0].arguments.path: must be text; put it in quotes."],
        ),
        (
            "{name: a, action: ask, allowed_decisions: []}",
            ["7: spec.approvals.rules[0].allowed_decisions: must not be empty."],
        ),
        (
            "{name: a, action: ask, allowed_decisions: [approve, ignore]}",
            [
                "7: spec.approvals.rules[0].allowed_decisions[1]: "
                "must be one of 'approve', 'edit', 'reject', 'respond'."
            ],
        ),
        (
            "{name: a, action: ask, expires_after_seconds: 0}",
            ["7: spec.approvals.rules[0].expires_after_seconds: must be 1 or more."],
        ),
        (
            "{name: a, action: ask}\n  - {name: a, action: deny}",
            ["8: spec.approvals.rules[1].name: is the name of an earlier rule, too."],
        ),
        ("", ["7: spec.approvals.rules[0]: must hold keys with values."]),
    ],
)
def test_it_refuses_a_broken_rule(folder: Folder, rule: str, problems: list[str]) -> None:
    folder.document(
        "Workspace", f"approvals: {{rules: [\n  {rule.replace(chr(10) + '  - ', ',' + chr(10))}\n]}}"
    )
    if not rule:
        folder.document("Workspace", "approvals: {rules:\n  [null]}")
    assert folder.problems() == [f"workspace.yaml:{problem}" for problem in problems]


def test_it_places_a_missing_key_in_the_file_that_replaced_a_list(folder: Folder) -> None:
    # The built-in rules have a name in the same place; the problem is not theirs.
    folder.document("Workspace", "approvals:\n  rules:\n    - action: ask")
    assert folder.problems() == ["workspace.yaml:8: spec.approvals.rules[0].name: is missing."]


@pytest.mark.parametrize(
    ("address", "problem"),
    [
        ("localhost:8080", "must be an address like http://localhost:8080/v1."),
        ("ftp://host/", "must be an address like http://localhost:8080/v1."),
        ("http://", "must be an address like http://localhost:8080/v1."),
        ("http://host:99999/v1", "must be an address like http://localhost:8080/v1."),
        ("http://[::1/v1", "must be an address like http://localhost:8080/v1."),
        (
            "http://me:SECRET@host/v1",
            "must not hold a user, a password or a query; a key belongs in api_key.",
        ),
        (
            "http://host/v1?key=SECRET",
            "must not hold a user, a password or a query; a key belongs in api_key.",
        ),
    ],
)
def test_it_refuses_an_address_and_repeats_no_secret(folder: Folder, address: str, problem: str) -> None:
    folder.document(
        "Models", f"models:\n  m: {{provider: openai_compatible, model: x, base_url: '{address}'}}"
    )
    assert folder.problems() == [f"models.yaml:7: spec.models.m.base_url: {problem}"]
    folder.document("Models", "{}")
    assert folder.problems({"HARNESS_MODEL_BASE_URL": address}) == [
        f"environment: HARNESS_MODEL_BASE_URL: {problem}"
    ]


def test_it_says_what_a_model_needs(folder: Folder) -> None:
    folder.document("Models", "models:\n  m:\n    provider: openai_compatible")
    assert folder.problems() == [
        "models.yaml:7: spec.models.m.base_url: is missing; openai_compatible needs it.",
        "models.yaml:7: spec.models.m.model: is missing; openai_compatible needs it.",
    ]


def test_it_names_the_variable_that_is_not_set(folder: Folder) -> None:
    folder.document("Models", "models:\n  default:\n    api_key: ${env:THE_KEY}\n    model: '${env:}'")
    place = "spec.models.default"
    assert folder.problems({"OTHER": "x"}) == [
        f"models.yaml:8: {place}.api_key: needs the environment variable THE_KEY, which is not set.",
        f"models.yaml:9: {place}.model: must name a variable as ${{env:NAME}} or ${{env:NAME:-default}}.",
    ]


def test_it_shows_no_value_of_the_environment(folder: Folder) -> None:
    keys = ", ".join(f"{key}: '${{env:S}}'" for key in ("provider", "base_url", "temperature", "stream"))
    folder.document("Models", f"models:\n  m: {{{keys}}}")
    folder.document("Agent", "max_turns: ${env:S}\nexecution_mode: ${env:S}")
    problems = "\n".join(folder.problems({"S": "sk-secret"}))
    assert problems.count("\n") == 4
    assert "sk-secret" not in problems


@pytest.mark.parametrize(
    ("text", "problems"),
    [
        ("- a", ["1: must hold apiVersion, kind, metadata, spec."]),
        ("just text", ["1: must hold apiVersion, kind, metadata, spec."]),
        ("kind: Tools", ["1: apiVersion: must be agent-harness/v1alpha1."]),
        (
            "apiVersion: v1\nkind: Agnt\nmetadata:\n  nam: x\nspecs: {}",
            [
                "5: specs: is not known here; did you mean 'spec'?",
                "1: apiVersion: must be agent-harness/v1alpha1.",
                "2: kind: is not known; did you mean 'Agent'?",
                "4: metadata.nam: is not known here; did you mean 'name'?",
            ],
        ),
        (
            "apiVersion: agent-harness/v1alpha1\nmetadata: 3",
            [
                "1: kind: is missing; known: Agent, Models, Tools, Workspace.",
                "2: metadata: must hold a name.",
            ],
        ),
        (
            "apiVersion: agent-harness/v1alpha1\nkind: Agent\nspec: {}",
            ["1: metadata.name: is missing."],
        ),
        (
            "apiVersion: agent-harness/v1alpha1\nkind: Agent\nmetadata: {name: 3}",
            ["3: metadata.name: must be text; put it in quotes."],
        ),
        (
            "apiVersion: agent-harness/v1alpha1\nkind: [Agent]\nmetadata: {name: a}",
            ["2: kind: is not known; did you mean 'Agent'?"],
        ),
    ],
)
def test_it_wants_a_frame_around_every_document(folder: Folder, text: str, problems: list[str]) -> None:
    folder.file("a.yaml", text)
    assert folder.problems() == [f"a.yaml:{problem}" for problem in problems]


def test_it_refuses_names_that_could_be_mistaken(folder: Folder) -> None:
    wrong = "must begin with a letter or a digit and hold only those, '.', '_' and '-', 100 at most."
    folder.document("Agent", "{}", name="'a b'").document("Models", "models: {-x: {provider: scripted}}")
    assert folder.problems() == [
        f"agent.yaml:4: metadata.name: {wrong}",
        f"models.yaml:6: spec.models.-x: {wrong}",
    ]


def test_it_refuses_what_stands_twice(folder: Folder) -> None:
    folder.document("Agent", "{}", file="agents/one.yaml").document("Agent", "{}", file="agents/two.yaml")
    folder.document("Tools", "{}", file="a.yaml").document("Tools", "{}", name="other", file="b.yaml")
    assert folder.problems() == [
        "agents/two.yaml:1: Agent mine stands twice, first in agents/one.yaml:1.",
        "b.yaml:1: Tools stands twice, first in a.yaml:1.",
    ]


def test_it_finds_all_problems_in_one_go(folder: Folder) -> None:
    folder.document("Workspace", "limits: {a: 1, b: 2}\nretry: {attempts: 0}")
    folder.document("Models", "models: {m: {}}")
    folder.document("Agent", "tools: 3")
    folder.file("bad.yaml", "a: [")
    assert len(folder.problems()) == 6


def test_it_gives_a_hundred_problems_at_most(folder: Folder) -> None:
    folder.document("Agent", "\n".join(f"key{number}: 1" for number in range(500)))
    with pytest.raises(WorkspaceError) as caught:
        folder.load()
    assert len(caught.value.problems) == 100
