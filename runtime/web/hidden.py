"""Characters that a reader would not see, and the joiners that are ordinary writing between emoji. Pure.

`static/base/marks.js` has the same tables and pattern, for text that is streamed; a test compares them.
"""

from __future__ import annotations

import re
from collections import Counter

# As the classes of a regular expression hold them.
#: Emoji of the Unicode Character Database 17.0 (emoji-data.txt, property Emoji) without #, * and the digits.
EMOJI = (
    r"\xa9\xae\u203c\u2049\u2122\u2139\u2194-\u2199\u21a9-\u21aa\u231a-\u231b\u2328\u23cf\u23e9-\u23f3"
    r"\u23f8-\u23fa\u24c2\u25aa-\u25ab\u25b6\u25c0\u25fb-\u25fe\u2600-\u2604\u260e\u2611\u2614-\u2615"
    r"\u2618\u261d\u2620\u2622-\u2623\u2626\u262a\u262e-\u262f\u2638-\u263a\u2640\u2642\u2648-\u2653"
    r"\u265f-\u2660\u2663\u2665-\u2666\u2668\u267b\u267e-\u267f\u2692-\u2697\u2699\u269b-\u269c"
    r"\u26a0-\u26a1\u26a7\u26aa-\u26ab\u26b0-\u26b1\u26bd-\u26be\u26c4-\u26c5\u26c8\u26ce-\u26cf\u26d1"
    r"\u26d3-\u26d4\u26e9-\u26ea\u26f0-\u26f5\u26f7-\u26fa\u26fd\u2702\u2705\u2708-\u270d\u270f\u2712"
    r"\u2714\u2716\u271d\u2721\u2728\u2733-\u2734\u2744\u2747\u274c\u274e\u2753-\u2755\u2757"
    r"\u2763-\u2764\u2795-\u2797\u27a1\u27b0\u27bf\u2934-\u2935\u2b05-\u2b07\u2b1b-\u2b1c\u2b50\u2b55"
    r"\u3030\u303d\u3297\u3299\U0001f004\U0001f0cf\U0001f170-\U0001f171\U0001f17e-\U0001f17f\U0001f18e"
    r"\U0001f191-\U0001f19a\U0001f1e6-\U0001f1ff\U0001f201-\U0001f202\U0001f21a\U0001f22f"
    r"\U0001f232-\U0001f23a\U0001f250-\U0001f251\U0001f300-\U0001f321\U0001f324-\U0001f393"
    r"\U0001f396-\U0001f397\U0001f399-\U0001f39b\U0001f39e-\U0001f3f0\U0001f3f3-\U0001f3f5"
    r"\U0001f3f7-\U0001f4fd\U0001f4ff-\U0001f53d\U0001f549-\U0001f54e\U0001f550-\U0001f567"
    r"\U0001f56f-\U0001f570\U0001f573-\U0001f57a\U0001f587\U0001f58a-\U0001f58d\U0001f590"
    r"\U0001f595-\U0001f596\U0001f5a4-\U0001f5a5\U0001f5a8\U0001f5b1-\U0001f5b2\U0001f5bc"
    r"\U0001f5c2-\U0001f5c4\U0001f5d1-\U0001f5d3\U0001f5dc-\U0001f5de\U0001f5e1\U0001f5e3\U0001f5e8"
    r"\U0001f5ef\U0001f5f3\U0001f5fa-\U0001f64f\U0001f680-\U0001f6c5\U0001f6cb-\U0001f6d2"
    r"\U0001f6d5-\U0001f6d8\U0001f6dc-\U0001f6e5\U0001f6e9\U0001f6eb-\U0001f6ec\U0001f6f0"
    r"\U0001f6f3-\U0001f6fc\U0001f7e0-\U0001f7eb\U0001f7f0\U0001f90c-\U0001f93a\U0001f93c-\U0001f945"
    r"\U0001f947-\U0001f9ff\U0001fa70-\U0001fa7c\U0001fa80-\U0001fa8a\U0001fa8e-\U0001fac6\U0001fac8"
    r"\U0001facd-\U0001fadc\U0001fadf-\U0001faea\U0001faef-\U0001faf8"
)
#: What shows nothing: the general categories Cc, Zs, Zl, Zp, Cs and Co less tab, line feed and space; Cf less
#: the signs that Arabic writes; Default_Ignorable_Code_Point; noncharacters, and planes without any
#: character; fillers, joiners and symbols that are blank in most fonts.
HIDDEN = (
    r"\x00-\x08\x0b-\x1f\x7f-\xa0\xad\u034f\u061c\u070f\u115f-\u1160\u1680\u17b4-\u17b5\u180b-\u180f"
    r"\u2000-\u200f\u2028-\u202f\u205f-\u206f\u2800\u2d7f\u3000\u3164\ud800-\uf8ff\ufdd0-\ufdef"
    r"\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffc\ufffe-\uffff\U0001107f\U000110bd\U000110cd"
    r"\U00013430-\U0001343f\U00013441-\U00013442\U00016fe4\U0001bca0-\U0001bca3\U0001d159"
    r"\U0001d173-\U0001d17a\U0001da7f-\U0001da80\U0001fffe-\U0001ffff\U0002fffe-\U0002ffff"
    r"\U0003fffe-\U0010ffff"
)

#: `emoji` and `newline` are ordinary writing, `one` is hidden and may stand there several times. A selector
#: makes an emoji of what may be one, or a keycap of a digit; a joiner joins two emoji.
PATTERN = (
    r"(?P<emoji>\ufe0f(?:(?<=[#*0-9]\ufe0f)\u20e3|(?<=[EMOJI]\ufe0f)(?:\u200d(?=[EMOJI]))?)"
    r"|\u200d(?<=[EMOJI]\u200d)(?=[EMOJI]))"
    r"|(?P<newline>\r\n)"
    r"|(?P<one>[HIDDEN])(?P=one)*"
)
EVERY = re.compile(PATTERN.replace("EMOJI", EMOJI).replace("HIDDEN", HIDDEN))


def hidden_characters(text: str) -> dict[str, int]:
    """`{"U+202E": 2, …}`: what `text` contains that a reader would not see."""
    found: Counter[str] = Counter()
    for match in EVERY.finditer(text):
        if match["one"]:
            found[code(match["one"])] += len(match[0])
    return dict(found)


def plain(text: str) -> str:
    """For places without markup (a page's title): hidden characters as `[U+202E]`, still to be escaped."""
    return EVERY.sub(lambda match: f"[{code(match['one'])}]" if match["one"] else match[0], text)


def code(character: str) -> str:
    """ "U+202E"."""
    return f"U+{ord(character):04X}"
