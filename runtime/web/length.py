"""How much there is to read before a call is approved: whether it may be more than a screen holds.

The card's script knows what was on the screen, also of a short call in a small window. Where no script speaks
for it, this measure says which calls are shown once more, whole, before they are approved.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterable

from runtime.web.cards import Card
from runtime.web.text import show

LINES = 40
CHARACTERS = 3_000
_TAGS = re.compile(r"<[^>]*>")


def is_long(card: Card) -> bool:
    """Whether what will run has more lines or characters, as they are shown, than one looks over at once."""
    lines = characters = 0
    for text in _texts(card):
        if characters + len(text) > CHARACTERS:
            return True
        shown = _shown(text)
        lines += 1 + shown.count("\n")
        characters += len(shown)
        if lines > LINES or characters > CHARACTERS:
            return True
    return False


def _texts(card: Card) -> Iterable[str]:
    yield from (line.text for line in card.diff)
    for value in card.values:
        yield value.name
        yield value.text
    if card.call.arguments_json is None:
        yield card.call.raw_arguments


def _shown(text: str) -> str:
    """With the marks of hidden characters, which are longer than those, and the lines that some begin."""
    return html.unescape(_TAGS.sub("", show(text)))
