"""The page for records that cannot be used: its status, a sentence, and when to try again."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import OperationalError, connection
from django.test import Client

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("error", "status", "retry"),
    [
        (OperationalError("database is locked"), 503, "1"),
        (OperationalError("database or disk is full"), 507, "30"),
        (RuntimeError("our mistake"), 500, None),
    ],
)
def test_it_answers_with_a_sentence(operator: User, error: Exception, status: int, retry: str | None) -> None:
    client = Client(raise_request_exception=False)
    client.force_login(operator)

    def execute(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if "threads" in sql:
            raise error
        return execute(sql, params, many, context)

    with connection.execute_wrapper(execute):
        answer = client.get("/threads/")
    assert answer.status_code == status
    assert answer.headers.get("Retry-After") == retry
    assert ("nothing was changed" in answer.content.decode()) is (status != 500)
    assert str(error) not in answer.content.decode()
