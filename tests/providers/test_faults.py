"""From what went wrong to a sentence that says what to do."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from runtime.providers import base
from runtime.providers.endpoint import endpoint
from runtime.providers.faults import from_status, from_stream, message_of, retry_after

KEY = "sk-a-secret-key-0123456789"
WHERE = endpoint("http://models.example:8080/v1", KEY)


@pytest.mark.parametrize(
    ("status", "kind", "words"),
    [
        (301, base.StatusError, ["redirects", "HARNESS_MODEL_BASE_URL"]),
        (400, base.StatusError, ["refused", "(400)"]),
        (401, base.KeyRefused, ["API key", "HARNESS_MODEL_API_KEY", "models.yaml"]),
        (403, base.KeyRefused, ["API key", "HARNESS_MODEL_API_KEY"]),
        (404, base.NotThere, ['"gpt-x"', "http://models.example:8080/v1"]),
        (405, base.NotThere, ["base_url"]),
        (429, base.RateLimited, ["no more requests"]),
        (500, base.ServerTrouble, ["try again later"]),
        (501, base.StatusError, ["(501)"]),
        (529, base.ServerTrouble, ["(529)"]),
    ],
)
def test_it_says_what_a_status_means(status: int, kind: type[base.ProviderError], words: list[str]) -> None:
    error = from_status(status, {}, b'{"error": {"message": "because of this"}}', WHERE, "gpt-x")
    assert type(error) is kind
    assert error.status == status
    for word in [*words, "because of this"]:
        assert word in error.sentence
    assert str(error) == error.sentence


OVERFLOWS = [
    '{"error":{"message":"This model\'s maximum context length is 8192 tokens. You sent 9001",'
    '"code":"context_length_exceeded"}}',
    '{"object":"error","message":"This model\'s maximum context length is 4096 tokens.","code":400}',
    '{"error":{"code":400,"message":"the request exceeds the available context size. try increasing it",'
    '"type":"exceed_context_size_error"}}',
    '{"error":"Trying to keep the first 5000 tokens when context the overflows."}',
    '{"error":{"message":"prompt too long; exceeded max context length by 12 tokens"}}',
    '{"message":"40000 tokens are too large for a model with 32768 maximum context length"}',
    '{"type":"error","error":{"message":"prompt is too long: 210000 tokens > 200000"}}',
    '[{"error":{"code":400,"message":"The input token count (12) exceeds the maximum allowed"}}]',
    '{"error":"Input validation error: `inputs` tokens + `max_new_tokens` must be <= 4096. Given: 5000"}',
    "Please reduce the length of the messages or completion.",
]


@pytest.mark.parametrize("body", OVERFLOWS)
@pytest.mark.parametrize("status", [400, 413, 422])
def test_it_recognises_a_full_window(status: int, body: str) -> None:
    error = from_status(status, {}, body.encode(), WHERE, "m")
    assert isinstance(error, base.ContextOverflow)
    assert "new thread" in error.sentence


@pytest.mark.parametrize("body", ["invalid temperature", "Request Entity Too Large", '{"error": null}', ""])
def test_it_takes_no_other_refusal_for_a_full_window(body: str) -> None:
    assert type(from_status(413, {}, body.encode(), WHERE, "m")) is base.StatusError


HOSTILE = [
    KEY.encode(),
    b'{"error": {"message": "' + KEY.encode() + b'"}}',
    b"\x00\x1b[31m\xe2\x80\xae" + b"A" * 60_000,
    b"\xff\xfe" * 30_000,
    b"[" * 60_000,
    b'{"a":' * 9_000,
    b'{"error": ' + b"9" * 50_000 + b"}",
    b"<" * 60_000,
    b'{"error": {"message": ["a"], "code": {"b": 1}}}',
    b'{"error": {"message": "\\ud83d"}}',
    b"null",
]


@pytest.mark.parametrize("body", HOSTILE)
def test_it_survives_hostile_bodies(body: bytes) -> None:
    sentence = from_status(400, {"location": "\x00"}, body, WHERE, "m").sentence
    assert len(sentence) < 600
    assert sentence.isprintable()
    assert KEY not in sentence


def test_it_names_the_host_of_a_redirect_and_no_more() -> None:
    headers = {"location": f"https://elsewhere.example/v1?key={KEY}"}
    sentence = from_status(307, headers, b"", WHERE, "m").sentence
    assert "elsewhere.example" in sentence
    assert KEY not in sentence


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b'{"error": {"message": "a", "type": "b", "code": null}}', "a b"),
        (b'{"error": "a"}', "a"),
        (b'{"detail": "a"}', "a"),
        (b'{"object": "error", "message": "a", "code": 404}', "a 404"),
        (b'{"detail": [{"msg": "a"}]}', '{"detail": [{"msg": "a"}]}'),
        (b"plain", "plain"),
    ],
)
def test_it_finds_the_message(body: bytes, said: str) -> None:
    assert message_of(body) == said


def test_it_reads_a_page_as_text() -> None:
    assert message_of(b"<html><b>502</b> Bad Gateway</html>").split() == ["502", "Bad", "Gateway"]


@pytest.mark.parametrize(
    ("error", "kind", "status"),
    [
        ({"message": "down", "code": 503}, base.ServerTrouble, 503),
        ({"message": "down", "code": "429"}, base.RateLimited, 429),
        ({"message": "maximum context length is 1"}, base.ContextOverflow, 400),
        ({"message": "slow", "code": "rate_limit_exceeded"}, base.RateLimited, 429),
        ({"message": "odd"}, base.ServerTrouble, None),
        ("odd", base.ServerTrouble, None),
        (["odd"], base.ServerTrouble, None),
        ({"message": "no", "code": True}, base.ServerTrouble, None),
    ],
)
def test_it_understands_errors_inside_a_stream(
    error: object, kind: type[base.ProviderError], status: int | None
) -> None:
    found = from_stream(error, WHERE, "m", started=False)
    assert type(found) is kind
    assert found.status == status
    assert from_stream(error, WHERE, "m", started=True).retryable is False


NOW = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after": "7"}, 7.0),
        ({"retry-after": "0.5"}, 0.5),
        ({"retry-after": "-3"}, 0.0),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "inf"}, None),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "Thu, 01 Jan 2026 00:00:30 GMT"}, 30.0),
        ({"retry-after": "Thu, 01 Jan 2026 00:00:30"}, 30.0),
        ({"retry-after": "Wed, 31 Dec 2025 00:00:00 GMT"}, 0.0),
        ({"retry-after": "99" * 200}, None),
        ({"retry-after-ms": "1500", "retry-after": "2"}, 1.5),
    ],
)
def test_it_reads_how_long_to_wait(headers: dict[str, str], seconds: float | None) -> None:
    assert retry_after(headers, NOW) == seconds
