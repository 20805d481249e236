"""The benchmark `local_model`, against a server that speaks the protocol."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests import openai_server
from tests.benchmarks.conftest import Benchmark
from tests.openai_server import Answer, OpenAIServer

SKY = Answer(text="Because short waves are scattered more. In the evening the way is longer.", pause=0.005)
LIST = Answer(tool_calls=[{"name": "ls", "arguments": {}}])
NONE = Answer(text="There are none.")


@pytest.fixture
def server(benchmark: Benchmark) -> Iterator[OpenAIServer]:
    """An endpoint that the benchmark's environment names."""
    with openai_server.running() as found:
        benchmark.extra = {"HARNESS_MODEL_BASE_URL": found.base_url, "HARNESS_MODEL": "test-model"}
        yield found


def test_it_compares_the_product_with_the_bare_endpoint(server: OpenAIServer, benchmark: Benchmark) -> None:
    server.answer(SKY)  # once before it begins
    for _ in range(3):
        server.answer(SKY, SKY, LIST, NONE)
    found = benchmark("local_model", "--times", "1")
    figures = found["figures"]
    assert figures["task_tool_calls"]["rounds"] == [1, 1, 1]
    assert figures["not_completed"]["rounds"] == [0, 0, 0]
    assert 0 < figures["question_first_bare"]["value"] < figures["question_total_bare"]["value"]
    assert 0 < figures["task_own"]["value"] < figures["task_total"]["value"]
    assert "6 of 6 runs completed" in found["text"]
    bodies = [each.body for each in server.requests]
    assert bodies[1] == bodies[2], "the bare endpoint is asked the very same"


def test_it_says_what_an_endpoint_refuses(server: OpenAIServer, benchmark: Benchmark) -> None:
    server.answer(SKY, Answer(status=401, text="no key"))
    assert "answered 401" in benchmark.refused("local_model", "--times", "1")


def test_it_asks_for_an_endpoint(benchmark: Benchmark) -> None:
    assert "Set HARNESS_MODEL_BASE_URL" in benchmark.refused("local_model")
