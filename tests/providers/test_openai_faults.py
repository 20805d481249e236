"""Everything a model server can do wrong, over a real socket: one error of the family, and a sentence."""

from __future__ import annotations

import json
import logging
import socket
import time

import pytest

from runtime.providers import ModelRequest, Provider, ProviderError, Timeouts, base, build
from runtime.providers import openai_compatible as adapter
from tests.openai_server import Answer, OpenAIServer
from tests.providers.conftest import KEY, LITTLE, ask, reply_of


def failure(provider: Provider, request: ModelRequest | None = None) -> ProviderError:
    with pytest.raises(ProviderError) as caught:
        for _ in provider.stream(request or ask()):
            pass
    assert caught.value.sentence.isprintable()
    assert KEY not in caught.value.sentence
    return caught.value


def closed_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
    return port


EVENT = json.dumps({"choices": [{"delta": {"content": "Hello"}}]})

TABLE: dict[str, tuple[Answer, type[ProviderError], bool, bool]] = {
    # the answer, the error, retryable, started
    "no key": (Answer(status=401, text="bad key"), base.KeyRefused, False, False),
    "no model": (Answer(status=404, text="no such model"), base.NotThere, False, False),
    "busy": (Answer(status=429, text="slow down"), base.RateLimited, True, False),
    "down": (Answer(status=503, body="<html>Down</html>"), base.ServerTrouble, True, False),
    "a redirect": (Answer(status=307, headers={"Location": "http://h/"}), base.StatusError, False, False),
    "reset before the first byte": (Answer(reset="before"), base.Dropped, True, False),
    "reset in the middle": (Answer(text="Hello you", reset="middle"), base.Dropped, False, True),
    "reset after the head": (Answer(events=["", ""], reset="middle"), base.CutShort, True, False),
    "no finish reason": (Answer(text="Hello", finish_reason="none"), base.CutShort, False, True),
    "no finish reason, nothing": (Answer(finish_reason="none"), base.CutShort, True, False),
    "no finish reason, a call": (
        Answer(tool_calls=[{"name": "ls"}], finish_reason="none"), base.CutShort, False, True),
    "only done": (Answer(events=["data: [DONE]\n\n"]), base.CutShort, True, False),
    "an empty body": (Answer(body=""), base.CutShort, True, False),
    "garbage lines": (Answer(events=["garbage\n", "more\n\n"]), base.CutShort, True, False),
    "garbage data": (Answer(events=["data: {not json}\n\n"]), base.BadAnswer, False, False),
    "garbage after text": (
        Answer(events=[f"data: {EVENT}\n\n", "data: [[[\n\n"]), base.BadAnswer, False, True),
    "data that is no object": (Answer(events=["data: 7\n\n"]), base.BadAnswer, False, False),
    "deep data": (Answer(events=[f"data: {'[' * 100_000}\n\n"]), base.BadAnswer, False, False),
    "deep document": (Answer(body='{"a":' * 100_000), base.BadAnswer, False, False),
    "a page": (Answer(body="<html><b>Welcome</b></html>"), base.BadAnswer, False, False),
    "another document": (Answer(body='{"hello": "world"}'), base.BadAnswer, False, False),
    "no choices": (Answer(body='{"choices": []}'), base.BadAnswer, False, False),
    "an error as a success": (
        Answer(body='{"error": {"message": "down", "code": 503}}'), base.ServerTrouble, True, False),
    "an error in the stream": (
        Answer(events=[f"data: {EVENT}\n\n", 'data: {"error": {"message": "out of memory"}}\n\n']),
        base.ServerTrouble, False, True),
    "unknown packing": (Answer(body="x", headers={"Content-Encoding": "br"}), base.BadAnswer, False, False),
    "broken packing": (Answer(body="xx", headers={"Content-Encoding": "gzip"}), base.BadAnswer, False, False),
    "silence before the head": (Answer(text="Hi", first_byte=20), base.NoFirstByte, True, False),
    "silence after the head": (Answer(text="Hi", after_head=20), base.NoFirstByte, True, False),
    "silence in the middle": (Answer(events=[f"data: {EVENT}\n\n"], hang=20), base.TooSlow, False, True),
}  # fmt: skip


#: Which patience ends a silence. In all other cases the server acts, and may take its time.
SILENT = {
    "silence before the head": "hasty",
    "silence after the head": "hasty",
    "silence in the middle": "brisk",
}


@pytest.mark.parametrize("case", TABLE)
def test_it_turns_faults_into_errors(server: OpenAIServer, case: str, request: pytest.FixtureRequest) -> None:
    provider: Provider = request.getfixturevalue(SILENT.get(case, "provider"))
    answer, kind, retryable, started = TABLE[case]
    server.answer(answer)
    error = failure(provider)
    assert (type(error), error.retryable, error.started) == (kind, retryable, started)
    # The client's patience may end before the server's thread has noted what reached it.
    end = time.monotonic() + 30
    while not server.requests and time.monotonic() < end:
        time.sleep(0.01)
    assert len(server.requests) == 1


def test_it_says_how_long_to_wait(server: OpenAIServer, provider: Provider) -> None:
    server.answer(Answer(status=429, text="slow", headers={"Retry-After": "7"}))
    error = failure(provider)
    assert (error.retry_after, error.status) == (7.0, 429)


def test_it_names_what_does_not_answer() -> None:
    address = f"http://127.0.0.1:{closed_port()}/v1"
    error = failure(build("openai_compatible", base_url=address))
    assert isinstance(error, base.Unreachable)
    assert (
        error.sentence
        == f"Nothing answers at {address} (connection refused): is the model server running there?"
    )


def test_it_names_a_host_that_is_not_known() -> None:
    error = failure(build("openai_compatible", base_url="http://no-such-host.invalid/v1"))
    assert isinstance(error, base.Unreachable)
    assert "no-such-host.invalid" in error.sentence


@pytest.mark.parametrize("proxy", ["socks5://127.0.0.1:9", "gopher://127.0.0.1:9"])
def test_it_names_a_proxy_that_cannot_be_used(proxy: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALL_PROXY", proxy)
    monkeypatch.delenv("NO_PROXY", raising=False)
    error = failure(build("openai_compatible", base_url="http://models.invalid/v1"))
    assert isinstance(error, base.Unreachable)
    assert "NO_PROXY for models.invalid" in error.sentence


def test_it_says_that_a_server_speaks_no_tls(server: OpenAIServer) -> None:
    error = failure(build("openai_compatible", base_url=server.base_url.replace("http:", "https:")))
    assert isinstance(error, base.Unreachable)
    assert "TLS" in error.sentence


def test_it_names_the_model_and_the_address(server: OpenAIServer, provider: Provider) -> None:
    server.answer(Answer(status=404, text="nothing here"))
    sentence = failure(provider).sentence
    assert "test-model" in sentence
    assert server.base_url in sentence


def test_it_never_repeats_the_key(
    server: OpenAIServer, provider: Provider, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    server.answer(
        Answer(status=401, text=f"Incorrect API key provided: {KEY}"),
        Answer(status=307, headers={"Location": f"http://127.0.0.1:9/{KEY}"}),
        Answer(body=f"<p>{KEY}</p>"),
        Answer(events=[f'data: {{"error": "{KEY}"}}\n\n']),
    )
    for _ in range(4):
        failure(provider)
    assert KEY not in caplog.text


def test_it_follows_no_redirect(server: OpenAIServer, provider: Provider) -> None:
    server.answer(Answer(status=307, headers={"Location": server.base_url + "/chat/completions"}))
    assert "redirects to 127.0.0.1" in failure(provider).sentence
    assert len(server.requests) == 1


def test_it_cuts_what_the_server_says(server: OpenAIServer, provider: Provider) -> None:
    server.answer(Answer(status=400, text="\x1b[2J\u202e" + "lies " * 50_000))
    sentence = failure(provider).sentence
    assert len(sentence) < 600
    assert "\u202e" not in sentence


@pytest.mark.parametrize(
    "answer",
    [
        Answer(zeros=20_000_000),
        Answer(padding=20_000_000),
        Answer(events=[": comment\n" * 1000] * 2500),
        Answer(text="x" * 3_000_000, piece=50_000),
        Answer(text="x" * 3_000_000, plain=True),
        Answer(tool_calls=[{"name": "ls", "arguments": "x" * 3_000_000}], piece=50_000),
    ],
    ids=["gzip bomb", "padding", "comments", "text", "text in one piece", "arguments"],
)
def test_it_stops_what_has_no_end(
    server: OpenAIServer, provider: Provider, answer: Answer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(adapter, "MAX_ANSWER_BYTES", 10_000_000)
    monkeypatch.setattr("runtime.providers.merge.MAX_REPLY_CHARACTERS", 2_000_000)
    server.answer(answer)
    error = failure(provider)
    assert isinstance(error, base.AnswerTooLarge)
    assert "max_output_tokens" in error.sentence


def test_it_ends_a_call_that_never_ends(server: OpenAIServer) -> None:
    times = Timeouts(call=0.4)
    server.answer(Answer(text="x" * 1000, piece=1, pause=0.02))
    error = failure(build("openai_compatible", base_url=server.base_url, timeouts=times))
    assert type(error) is base.TooSlow
    assert "0.4 s" in error.sentence
    assert server.dropped.wait(5)


def test_it_is_patient_until_the_first_token(server: OpenAIServer) -> None:
    """A server may send its head and a role at once and then think for longer than the idle time."""
    times = Timeouts(first_byte=5, idle=0.1)
    role = json.dumps({"choices": [{"delta": {"role": "assistant", "content": ""}}]})
    done = json.dumps({"choices": [{"delta": {"content": "Hi"}, "finish_reason": "stop"}]})
    server.answer(Answer(events=[f"data: {role}\n\n", ": still here\n\n", f"data: {done}\n\n"], pause=0.3))
    assert reply_of(build("openai_compatible", base_url=server.base_url, timeouts=times)).text == "Hi"


def test_it_has_patience_of_the_size_that_was_set(server: OpenAIServer, hasty: Provider) -> None:
    server.answer(Answer(first_byte=20))
    assert f"{LITTLE:g} s" in failure(hasty).sentence
