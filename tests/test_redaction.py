"""Redaction: what is found, in which forms, and how long it takes."""

from __future__ import annotations

import base64
import json
import random
import re
import time
from typing import Any
from urllib.parse import quote, quote_plus

import pytest

from runtime.redaction import REDACTED, Redactor, by_line, looks_secret, mask

KEY = 'Zx9/q+7"Lm=Wé2~Tk4%'
OTHER = "correct-horse-battery-staple"
HARMLESS = "Grüße, 12 keys: sk-short, the bearer of news, http://host:8000/a@b \ud83d \U0001f600"


@pytest.fixture
def redactor() -> Redactor:
    """Knows two secrets, and a word that is too short to be one."""
    return Redactor([KEY, OTHER, "", "short"])


class TestValues:
    @pytest.mark.parametrize(
        "form",
        [
            KEY,
            json.dumps(KEY)[1:-1],
            json.dumps(KEY, ensure_ascii=False)[1:-1],
            json.dumps(KEY)[1:-1].replace("/", "\\/"),
            quote(KEY, safe=""),
            quote(KEY),
            quote_plus(KEY),
            re.sub("%..", lambda found: found[0].lower(), quote(KEY, safe="")),
            base64.b64encode(KEY.encode()).decode(),
            base64.urlsafe_b64encode(KEY.encode()).decode(),
            base64.b64encode(KEY.encode()).decode().rstrip("="),
        ],
    )
    def test_it_finds_every_form(self, redactor: Redactor, form: str) -> None:
        assert redactor.text(f"before {form} after {form}") == f"before {REDACTED} after {REDACTED}"
        assert redactor.holds(f"x{form}x")

    @pytest.mark.parametrize("before", ["", "u", "us", "use", "user:"])
    @pytest.mark.parametrize("after", ["", ":", "::", ":::"])
    def test_it_finds_what_is_encoded_with_its_surroundings(
        self, redactor: Redactor, before: str, after: str
    ) -> None:
        whole = base64.b64encode(f"{before}{OTHER}{after}".encode()).decode()
        clean = redactor.text(whole)
        assert REDACTED in clean
        # At most the bits that share a character with a neighbour are left.
        assert len(clean.replace(REDACTED, "")) <= 4 * (len(before) + len(after) + 2)

    def test_it_leaves_everything_else_alone(self, redactor: Redactor) -> None:
        for text in (HARMLESS, "", "short", KEY[:-1], OTHER.upper()):
            assert redactor.text(text) == text
            assert not redactor.holds(text)
        assert Redactor([]).text(HARMLESS) == HARMLESS
        assert not Redactor(["1234567"]).holds("1234567")

    def test_it_takes_the_longest_of_two_that_begin_alike(self) -> None:
        both = Redactor(["abcdefgh", "abcdefgh-and-more"])
        assert both.text("abcdefgh-and-more abcdefgh-and") == f"{REDACTED} {REDACTED}-and"

    def test_it_looks_into_json(self, redactor: Redactor) -> None:
        value = {"a": [KEY, 1, None, True, 1.5], f"x{OTHER}": {"b": f"<{OTHER}>"}}
        clean = {"a": [REDACTED, 1, None, True, 1.5], f"x{REDACTED}": {"b": f"<{REDACTED}>"}}
        assert redactor.value(value) == clean
        assert redactor.holds_in(value)
        assert not redactor.holds_in(clean)
        assert Redactor(["1234567890"]).value([1234567890]) == [REDACTED]

    @pytest.mark.parametrize("value", [OTHER, {OTHER: 0}, [[[f"x{OTHER}"]]], {"a": ({"b": KEY},)}, 12345678])
    def test_it_sees_in_json_what_it_would_replace(self, value: Any) -> None:
        redactor = Redactor([KEY, OTHER, "12345678", 'x", "y:z'])
        assert redactor.holds_in(value)
        assert redactor.value(value) != value

    @pytest.mark.parametrize(
        "value", [["x", "y:z"], [OTHER[:9], OTHER[9:]], [1234, 5678], {OTHER[:9]: OTHER[9:]}]
    )
    def test_it_finds_none_across_two_values(self, value: Any) -> None:
        redactor = Redactor([KEY, OTHER, "12345678", 'x", "y:z'])
        assert not redactor.holds_in(value)
        assert redactor.value(value) == value

    def test_it_searches_a_json_value_once(self, redactor: Redactor, monkeypatch: pytest.MonkeyPatch) -> None:
        searched: list[bytes] = []
        found = Redactor._found

        def counting(self: Redactor, text: bytes) -> bool:
            searched.append(text)
            return found(self, text)

        monkeypatch.setattr(Redactor, "_found", counting)
        assert not redactor.holds_in({"a": [0, "b", {"c": 1.5}] * 1_000})
        assert len(searched) == 1

    def test_it_sees_through_single_escapes(self, redactor: Redactor) -> None:
        assert redactor.holds(OTHER.replace("o", "\\u006f"))

    def test_it_hides_its_secrets_from_its_own_picture(self, redactor: Redactor) -> None:
        assert OTHER not in repr(redactor)


class TestPatterns:
    @pytest.mark.parametrize(
        ("text", "clean"),
        [
            ("key=sk-proj-abcdefghij0123456789XYZ;", "key=[redacted];"),
            ("ghp_abcdefghij0123456789abcdefghij012345", "[redacted]"),
            ("github_pat_11ABCDEFG0abcdefghij_klmnop", "[redacted]"),
            ("xoxb-123456789012-abcdefghijkl", "[redacted]"),
            ("id AKIAIOSFODNN7EXAMPLE.", "id [redacted]."),
            ("hrn_" + "x" * 43, "[redacted]"),
            ("Authorization: Bearer abcdef.ghijkl-mnop_qrst", "Authorization: Bearer [redacted]"),
            ("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.c2lnbmF0dXJl", "[redacted]"),
            ("postgresql://olga:p%40ss-wört@db:5432/x", "postgresql://olga:[redacted]@db:5432/x"),
            (
                "a\n-----BEGIN RSA PRIVATE KEY-----\nDEK-Info: AES-128-CBC,A1\n\nMIIE+/=\n"
                "-----END RSA PRIVATE KEY-----\nb",
                "a\n[redacted]\nb",
            ),
            ("-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANB", "[redacted]"),
        ],
    )
    def test_it_finds_what_looks_secret(self, redactor: Redactor, text: str, clean: str) -> None:
        assert redactor.text(text, patterns=True) == clean
        assert redactor.text(clean, patterns=True) == clean
        assert redactor.text(text) == text, "only where it is asked for"

    def test_it_leaves_ordinary_text_alone(self, redactor: Redactor) -> None:
        for text in (HARMLESS, "-----BEGIN CERTIFICATE-----\nMIIE", "bearer  of bad news", "task-list"):
            assert redactor.text(text, patterns=True) == text

    @pytest.mark.parametrize(
        "piece",
        [
            "-----BEGIN PRIVATE KEY-----",
            "-----BEGIN ",
            "eyJaaaaaaaa.",
            "a://b:",
            "a://b:c:",
            "bearer ",
            "sk-",
            "http://a:sk-aaaaaaaaaaaaaaaaaaaaaaa,",
            OTHER[:-1],
        ],
    )
    def test_it_takes_time_in_proportion(self, redactor: Redactor, piece: str) -> None:
        def seconds(size: int) -> float:
            text = piece * (size // len(piece))
            began = time.process_time()
            redactor.text(text, patterns=True)
            return time.process_time() - began

        seconds(20_000)
        short = min(seconds(50_000) for _ in range(3))
        assert min(seconds(400_000) for _ in range(2)) < 8 * short * 4 + 0.05, "8 times the text"


class TestStream:
    @pytest.mark.parametrize("size", [1, 2, 3, 5, 7, 19, 1000])
    def test_it_gives_what_the_whole_text_gives(self, redactor: Redactor, size: int) -> None:
        text = (
            f"{HARMLESS}{KEY}{KEY[:5]}{OTHER}é{base64.b64encode(KEY.encode()).decode()} {OTHER[:9]}{KEY[:3]}"
        )
        stream, shown = redactor.stream(), ""
        for begin in range(0, len(text), size):
            shown += stream.add(text[begin : begin + size])
            assert OTHER[:12] not in shown
            assert KEY[:12] not in shown
        assert shown + stream.rest() == redactor.text(text)

    def test_it_does_so_wherever_it_is_cut(self) -> None:
        secrets = ["aabaabaa", "abaabaabb", "bbbbbbbb", "aabaabaacc"]
        redactor, chance = Redactor(secrets), random.Random(7)  # noqa: S311
        for _ in range(300):
            text = "".join(chance.choice(["a", "b", "c", *secrets]) for _ in range(12))
            stream, shown, rest = redactor.stream(), "", text
            while rest:
                size = chance.randint(1, 6)
                shown, rest = shown + stream.add(rest[:size]), rest[size:]
            assert shown + stream.rest() == redactor.text(text)

    def test_it_holds_nothing_back_that_cannot_be_one(self, redactor: Redactor) -> None:
        stream = redactor.stream()
        assert stream.add("good morning!") == "good morning!"
        assert stream.add(f"so {OTHER[:4]}") == "so "
        assert stream.add("x") == f"{OTHER[:4]}x"

    def test_it_hides_the_half_of_a_secret_at_which_a_text_broke_off(self, redactor: Redactor) -> None:
        stream = redactor.stream()
        assert stream.add(f"it is {OTHER[:-2]}") + stream.rest(broken=True) == f"it is {REDACTED}"
        stream.add("a c")
        assert stream.rest(broken=True) == "c"


AWS = "AKIAIOSFODNN7EXAMPLE"
PEM = "-----BEGIN PRIVATE KEY-----\nMIIE\n\nAAAA\n-----END PRIVATE KEY-----"


class TestMasks:
    @pytest.mark.parametrize(
        ("text", "masked"),
        [
            (f"id {AWS}.", "id [looks secret: 20 characters]."),
            (
                f"é {AWS} \U0001f600 {AWS}",
                "é [looks secret: 20 characters] \U0001f600 [looks secret: 20 characters]",
            ),
            ("Bearer abcdef.ghijkl-mnop_qrst", "Bearer [looks secret: 23 characters]"),
            ("https://olga:ö@db/x", "https://olga:[looks secret: 1 character]@db/x"),
            (f"https://olga:{AWS}é@db", "https://olga:[looks secret: 21 characters]@db"),
            (f"a\n{PEM}\nb", f"a\n[looks secret: {len(PEM)} characters]\nb"),
            ("sk-" + "x" * 1997, "[looks secret: 2,000 characters]"),
            (
                json.dumps([f"\n{AWS}", f"\x1f{AWS}"]),
                '["\\n[looks secret: 20 characters]", "\\u001f[looks secret: 20 characters]"]',
            ),
            (HARMLESS, HARMLESS),
            ("", ""),
        ],
    )
    def test_it_says_what_stands_there_and_how_long_it_is(self, text: str, masked: str) -> None:
        assert mask(text) == masked
        assert mask(masked) == masked

    def test_its_finds_are_in_order_and_apart(self) -> None:
        text = f"{AWS} https://a:{AWS}@b é Bearer {AWS}"
        finds = looks_secret(text)
        assert [text[begin:end] for begin, end in finds] == [AWS, AWS, AWS]
        assert finds == sorted(finds)

    def test_it_gives_each_line_its_part_and_the_whole(self) -> None:
        text = f"x\n {AWS}!\nkey: {PEM} {AWS}"
        lines = text.split("\n")
        found = by_line(text)
        shown = {
            number: [lines[number - 1][begin:end] for (begin, end), _ in parts]
            for number, parts in found.items()
        }
        head, body, _, more, tail = PEM.split("\n")
        assert shown == {2: [AWS], 3: [head], 4: [body], 6: [more], 7: [tail, AWS]}
        assert [whole for parts in found.values() for _, whole in parts] == [AWS, PEM, PEM, PEM, PEM, AWS]

    @pytest.mark.parametrize(
        "piece",
        [
            *(
                "-----BEGIN PRIVATE KEY-----",
                "-----BEGIN ",
                "eyJaaaaaaaa.",
                "a://b:",
                "a://b:c@",
                "bearer ",
                "sk-",
            ),
            *(f"{AWS} ", f"é{AWS}\n", f"\\n{AWS}", "\\", "\\u00", f"{PEM}\n"),
        ],
    )
    def test_it_takes_time_in_proportion(self, piece: str) -> None:
        def seconds(size: int) -> float:
            text = piece * (size // len(piece))
            began = time.process_time()
            mask(text)
            by_line(text)
            return time.process_time() - began

        seconds(20_000)
        short = min(seconds(50_000) for _ in range(3))
        assert min(seconds(400_000) for _ in range(2)) < 8 * short * 4 + 0.05, "8 times the text"
