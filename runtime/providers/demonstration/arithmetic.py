"""Sums, exactly: numbers, + - * / // % ** and parentheses, worked out by hand and bounded in every way."""

from __future__ import annotations

import re
from fractions import Fraction

MAX_CHARACTERS = 200
MAX_DEPTH = 20
MAX_BITS = 512  # of numerator and denominator

_TOKEN = re.compile(r"\d+(?:\.\d+)?|\.\d+|\*\*|//|[-+*/%^()]")
_SIGNS = str.maketrans({"×": "*", "·": "*", "÷": "/", "−": "-", "–": "-"})


class NotASum(ValueError):
    """The text is no sum, or one beyond the bounds; `str()` is a sentence."""


def looks_like_a_sum(text: str) -> bool:
    """Whether the text is made of digits, operators and parentheses, at least one of the first two."""
    text = text.translate(_SIGNS)
    return bool(
        len(text) <= MAX_CHARACTERS
        and re.fullmatch(r"[\d\s.,+*/%^()-]+", text)
        and re.search(r"\d[^\d]*[-+*/%^]", text)
    )


def evaluate(text: str) -> str:
    """The value as text: whole, or a decimal of at most 12 significant digits. Raises NotASum."""
    value = _Sum(text).value()
    if value.denominator == 1:
        return str(value.numerator)
    try:
        return f"{float(value):.12g}"
    except OverflowError:
        raise NotASum("The result is too large.") from None


class _Sum:
    """Recursive descent over the tokens; `^` is a power, too."""

    def __init__(self, text: str) -> None:
        text = re.sub(r"(?<=\d),(?=\d\d\d)", "", text.translate(_SIGNS))
        self._tokens = _TOKEN.findall(text)
        if len(text) > MAX_CHARACTERS or "".join(self._tokens) != "".join(text.split()):
            raise NotASum("This is not a sum that can be worked out.")
        self._next = 0
        self._depth = 0

    def value(self) -> Fraction:
        result = self._terms()
        if self._peek():
            raise NotASum(f"The sum cannot be read at {self._peek()!r}.")
        return result

    def _peek(self) -> str:
        return self._tokens[self._next] if self._next < len(self._tokens) else ""

    def _take(self) -> str:
        token = self._peek()
        self._next += 1
        return token

    def _terms(self) -> Fraction:
        result = self._factors()
        while self._peek() in ("+", "-"):
            result = _bounded(result + self._factors() if self._take() == "+" else result - self._factors())
        return result

    def _factors(self) -> Fraction:
        result = self._signed()
        while self._peek() in ("*", "/", "//", "%"):
            operator, other = self._take(), self._signed()
            if operator != "*" and other == 0:
                raise NotASum("A division by zero has no result.")
            match operator:
                case "*":
                    result *= other
                case "/":
                    result /= other
                case "//":
                    result = Fraction(result // other)
                case _:
                    result %= other
            result = _bounded(result)
        return result

    def _signed(self) -> Fraction:
        sign = 1
        while self._peek() in ("+", "-"):
            sign = -sign if self._take() == "-" else sign
        return sign * self._power()

    def _power(self) -> Fraction:
        base = self._atom()
        if self._peek() not in ("**", "^"):
            return base
        self._take()
        self._deeper()
        exponent = self._signed()
        self._depth -= 1
        return _power(base, exponent)

    def _atom(self) -> Fraction:
        token = self._take()
        if token == "(":  # noqa: S105 - not a secret
            self._deeper()
            result = self._terms()
            self._depth -= 1
            if self._take() != ")":
                raise NotASum("A parenthesis is not closed.")
            return result
        if not re.fullmatch(r"[\d.]+", token):
            raise NotASum("The sum ends too early." if not token else f"The sum cannot be read at {token!r}.")
        return _bounded(Fraction(token))

    def _deeper(self) -> None:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise NotASum(f"The sum is nested more than {MAX_DEPTH} levels deep.")


def _power(base: Fraction, exponent: Fraction) -> Fraction:
    if exponent.denominator != 1:
        raise NotASum("A power needs a whole number as its exponent.")
    if base == 0 and exponent < 0:
        raise NotASum("A division by zero has no result.")
    bits = max(base.numerator.bit_length(), base.denominator.bit_length())
    if abs(exponent) > MAX_BITS or (bits - 1) * abs(exponent) > MAX_BITS:
        raise NotASum("The result is too large.")
    return _bounded(base**exponent.numerator)


def _bounded(value: Fraction) -> Fraction:
    if max(value.numerator.bit_length(), value.denominator.bit_length()) > MAX_BITS:
        raise NotASum("The result is too large.")
    return value
