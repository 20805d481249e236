"""What the environment sets over the files: the endpoint of the default model."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import SecretStr, ValidationError

from runtime.workspace.documents import Report
from runtime.workspace.problems import Mark, Problem, from_validation
from runtime.workspace.specs import ModelSpec, Workspace

MODEL_KEYS = {
    "base_url": "HARNESS_MODEL_BASE_URL",
    "model": "HARNESS_MODEL",
    "api_key": "HARNESS_MODEL_API_KEY",
}
VARIABLES = tuple(MODEL_KEYS.values())
ENVIRONMENT = "environment"  #: in the place of a file, in problems of a variable
UNNAMED_MODEL = "default"  # servers of a single model take any name


def override(workspace: Workspace, environ: Mapping[str, str], report: Report) -> Workspace:
    """The workspace with the environment's endpoint as its default model; a wrong one is reported."""
    given = {key: environ.get(variable, "").strip() for key, variable in MODEL_KEYS.items()}
    if not given["base_url"]:
        return workspace
    name = workspace.routing.default_model
    try:
        model = ModelSpec(
            name=name,
            provider="openai_compatible",
            base_url=given["base_url"],
            model=given["model"] or UNNAMED_MODEL,
            api_key=SecretStr(given["api_key"]),
        )
    except ValidationError as error:
        for problem in from_validation(error, ModelSpec, (), {}, Mark(ENVIRONMENT, 0)):
            report(Problem(problem.file, 0, MODEL_KEYS.get(problem.key, problem.key), problem.message))
        return workspace
    return workspace.model_copy(update={"models": {**workspace.models, name: model}})
