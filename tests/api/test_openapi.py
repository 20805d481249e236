"""The OpenAPI document is true: requests made up from it, valid and broken, never break the API."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest
import schemathesis
from django.core.handlers.wsgi import WSGIHandler
from django.core.signals import request_finished, request_started
from django.db import close_old_connections
from django.test import Client
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import Case, GenerationMode
from schemathesis.specs.openapi import checks

from runtime.api.api import api
from runtime.models import Approval
from tests.api.conftest import API, caller_with

DOCUMENT = api.get_openapi_schema()
CALLS = [(path, method) for path, operations in DOCUMENT["paths"].items() for method in operations]
# Not asked: whether every valid request is accepted, since keys are used up and cursors are opaque.
CHECKS: list[Any] = [
    checks.content_type_conformance,
    checks.negative_data_rejection,
    checks.response_headers_conformance,
    checks.response_schema_conformance,
    checks.status_code_conformance,
    schemathesis.checks.not_a_server_error,
]
EXAMPLES = 8


@cache
def loaded() -> Any:
    """The document as the application gives it, bound to that; reading it takes longer than to ask a call."""
    return schemathesis.openapi.from_wsgi(f"{API}/openapi.json", WSGIHandler())


@pytest.fixture
def document(db: None) -> Iterator[Any]:
    """The same, while the application is asked."""
    # As Django's own test client does: the end of a request must not close the test's connection.
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    yield loaded()
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE])
@pytest.mark.parametrize("known", [True, False])
@pytest.mark.parametrize(("path", "method"), CALLS)
def test_it_stands_what_is_made_up(
    document: Any, approval: Approval, path: str, method: str, known: bool, mode: GenerationMode
) -> None:
    operation = document[path][method.upper()]
    ids = {"run_id": approval.run_id, "thread_id": approval.thread_id, "approval_id": approval.pk}
    named = {name: value for name, value in ids.items() if f"{{{name}}}" in path}
    made = operation.as_strategy(mode, path_parameters=named if known else None)
    # Unpacked: schemathesis looks at the bytes as they are sent.
    headers = {**caller_with("administrator").headers, "Accept-Encoding": "identity"}

    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        derandomize=True,
        database=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=made)
    def ask(case: Case[Any]) -> None:
        case.call_and_validate(headers=headers, checks=CHECKS)

    ask()


class TestDocument:
    def test_it_is_for_everyone_to_read(self, db: None) -> None:
        answer = Client().get(f"{API}/openapi.json")
        assert answer.status_code == 200
        assert answer.json()["openapi"].startswith("3.1")
        assert set(answer.json()["components"]["securitySchemes"]) == {"token", "session"}

    def test_it_names_each_call_once(self) -> None:
        names = [DOCUMENT["paths"][path][method]["operationId"] for path, method in CALLS]
        assert len(names) == len(set(names))

    def test_it_has_words_and_examples(self) -> None:
        for path, method in CALLS:
            operation = DOCUMENT["paths"][path][method]
            assert operation["summary"], path
            for name, answer in operation["responses"].items():
                if int(name) >= 400:
                    assert "example" in answer["content"]["application/problem+json"]
        for name in ("StartRun", "DecideApproval", "DecideMany", "CancelRun", "ResolveRun"):
            assert DOCUMENT["components"]["schemas"][name]["examples"]

    def test_its_page_needs_nothing_from_elsewhere(self, db: None) -> None:
        answer = Client().get(f"{API}/docs")
        text = answer.content.decode()
        assert answer.status_code == 200
        assert "//" not in text.replace("<!--", "")
        assert "<style" not in text
        assert "onload" not in text
