"""`/health` of the API."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from pytest_django import Settings

from runtime import catalogue
from runtime.models import HealthReport
from runtime.upkeep import health
from runtime.upkeep.health import BY_NAME
from tests.api.conftest import Caller, json_of


@pytest.fixture(autouse=True)
def fresh() -> Iterator[None]:
    """Nothing is remembered from an earlier test."""
    health.forget()
    yield
    health.forget()
    catalogue.forget()


def test_it_gives_every_check_with_its_reason(reading: Caller) -> None:
    report = json_of(reading.get("/health"))
    assert report.keys() == {"status", "sampled_at", "checks"}
    assert report["status"] == "healthy"
    assert [check["name"] for check in report["checks"]] == list(BY_NAME)
    for check in report["checks"]:
        assert check.keys() >= {"name", "status", "critical", "reason", "value"}
        assert check["reason"].endswith(".")


def test_it_gives_what_the_workers_sampled(reading: Caller) -> None:
    now = datetime.now(UTC)
    health.Sampler().sample(now)
    row = HealthReport.objects.get()
    row.report["checks"][0]["reason"] = "As it was stored."
    HealthReport.objects.update(report=row.report)
    report = json_of(reading.get("/health"))
    assert report["checks"][0]["reason"] == "As it was stored."
    assert datetime.fromisoformat(report["sampled_at"]) == now


def test_it_looks_for_itself_when_nobody_samples(reading: Caller) -> None:
    health.Sampler().sample(datetime.now(UTC) - timedelta(seconds=11))
    report = json_of(reading.get("/health"))
    age = datetime.now(UTC) - datetime.fromisoformat(report["sampled_at"])
    assert age < timedelta(seconds=10)


def test_it_answers_with_a_broken_workspace(reading: Caller, settings: Settings, tmp_path: Path) -> None:
    (tmp_path / "workspace.yaml").write_text("kind: [")
    settings.WORKSPACE_DIR = tmp_path
    catalogue.forget()
    report = json_of(reading.get("/health"))
    assert report["status"] == "unhealthy"
    [check] = [check for check in report["checks"] if check["name"] == "workspace"]
    assert "workspace.yaml:2" in check["reason"]


def test_it_needs_a_token(nobody: Caller) -> None:
    assert nobody.get("/health").status_code == 401


def test_it_rejects_post(reading: Caller) -> None:
    assert reading.post("/health").status_code == 405
