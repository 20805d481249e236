"""Base URLs as people type them, and texts of strangers as they may be shown."""

from __future__ import annotations

import pytest

from runtime.providers import Misconfigured
from runtime.providers.endpoint import endpoint

KEY = "sk-a-secret-key-0123456789"


@pytest.mark.parametrize(
    ("typed", "url"),
    [
        ("http://127.0.0.1:11434", "http://127.0.0.1:11434/v1/chat/completions"),
        ("http://127.0.0.1:11434/", "http://127.0.0.1:11434/v1/chat/completions"),
        ("http://127.0.0.1:11434/v1", "http://127.0.0.1:11434/v1/chat/completions"),
        ("http://127.0.0.1:1234/v1/", "http://127.0.0.1:1234/v1/chat/completions"),
        ("  https://api.openai.com/v1 ", "https://api.openai.com/v1/chat/completions"),
        ("https://openrouter.ai/api/v1", "https://openrouter.ai/api/v1/chat/completions"),
        ("https://h/v1beta/openai//", "https://h/v1beta/openai/chat/completions"),
        ("http://h/v1/chat/completions", "http://h/v1/chat/completions"),
        ("http://h/chat/completions/", "http://h/v1/chat/completions"),
        (
            "https://h/openai/deployments/d?api-version=1",
            "https://h/openai/deployments/d/chat/completions?api-version=1",
        ),
        ("http://[::1]:8080", "http://[::1]:8080/v1/chat/completions"),
    ],
)
def test_it_takes_base_urls_as_people_type_them(typed: str, url: str) -> None:
    assert endpoint(typed, "").url == url


@pytest.mark.parametrize(
    "typed",
    [
        "",
        "   ",
        "localhost:1234/v1",
        "ftp://h/v1",
        "http://",
        "http:///v1",
        "http://h:port/v1",
        "http://[::1/v1",
        "http://a b/",
    ],
)
def test_it_refuses_what_is_no_base_url(typed: str) -> None:
    with pytest.raises(Misconfigured, match="base URL"):
        endpoint(typed, "")


def test_it_takes_no_password_in_the_address() -> None:
    with pytest.raises(Misconfigured) as caught:
        endpoint(f"http://user:{KEY}@h/v1", "")
    assert "HARNESS_MODEL_API_KEY" in caught.value.sentence
    assert KEY not in caught.value.sentence


@pytest.mark.parametrize("key", ["sk-1\nX-Other: 2", "sk 1", "schlüssel", "a\x00b"])
def test_it_refuses_a_key_that_is_no_header(key: str) -> None:
    with pytest.raises(Misconfigured) as caught:
        endpoint("http://h", key)
    assert key not in caught.value.sentence


def test_it_sends_the_key_in_one_header_only() -> None:
    where = endpoint("http://h", f" {KEY}\n")
    assert where.headers()["Authorization"] == f"Bearer {KEY}"
    assert KEY not in repr(where)
    assert "Authorization" not in endpoint("http://h", "").headers()


def test_it_shows_no_query() -> None:
    assert endpoint("https://h/v1?key=secret", "").shown == "https://h/v1"


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("plain", "plain"),
        ("two\n  lines\tand\r\nmore", "two lines and more"),
        ("bell\x07 esc\x1b[31m nul\x00", "bell esc[31m nul"),
        ("turned \u202eround\u2066 and hid\u200bden", "turned round and hidden"),
        (f"Bad key {KEY}!", "Bad key [redacted]!"),
        (f"Bad key {KEY[:5]}\x00\u200b{KEY[5:]}!", "Bad key [redacted]!"),
        ("half \ud83d", "half"),
    ],
)
def test_it_makes_a_strangers_text_fit_to_show(said: str, shown: str) -> None:
    assert endpoint("http://h", KEY).quote(said) == shown


def test_it_cuts_a_strangers_text() -> None:
    quoted = endpoint("http://h", KEY).quote("x" * 290 + KEY * 100)
    assert len(quoted) == 300
    assert KEY[:4] not in quoted


def test_it_leaves_words_alone_where_the_key_is_a_placeholder() -> None:
    assert endpoint("http://h", "none").quote("none of it") == "none of it"
