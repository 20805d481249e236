"""One plain request, as a wish: which tool it needs, with which arguments. Pure, and linear in the text's
length.

Free text is cut by searching for the words around it; regular expressions meet only short strings.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from runtime.providers.demonstration.arithmetic import NotASum, evaluate, looks_like_a_sum

MAX_PHRASE = 400  # characters of a request without free text
_POLITE = re.compile(
    r"(?:please|kindly|(?:could|can|would|will) you|now|first|next|finally|also|then|hi|hello)\b[,!:]?\s*",
    re.I,
)
_FILE = r"""(?P<file>"[^"\n]+"|'[^'\n]+'|`[^`\n]+`|[^\s"'`;:,]+)"""
_NAMED = rf"(?:the |a |an )?(?:new )?(?:files? )?(?:named |called )?{_FILE}"
_QUOTES = {'"': '"', "'": "'", "`": "`", "“": "”"}


@dataclass(frozen=True, slots=True)
class Wish:
    """`tool` and `arguments` when a tool is needed; `answer` when it can be said at once; neither: not
    understood.

    `doing` finishes the sentence "I will …". `path` is what it touches ("" the whole folder, None nothing
    there).
    """

    said: str
    tool: str = ""
    arguments: Mapping[str, Any] = field(default_factory=dict)
    answer: str = ""
    doing: str = ""
    path: str | None = None
    writes: bool = False

    @property
    def understood(self) -> bool:
        """Whether it is a request this model knows."""
        return bool(self.tool or self.answer)

    def disturbs(self, other: Wish) -> bool:
        """Whether the order of the two matters, so that they do not go into one reply."""
        if self.path is None or other.path is None or not (self.writes or other.writes):
            return False
        return self.path == other.path or "" in (self.path, other.path)


def wish(text: str) -> Wish:
    """The wish that a phrase expresses; one that is not `understood` when none."""
    said = text.strip()
    for _ in range(5):
        match = _POLITE.match(said)
        said = said[match.end() :] if match else said
    said = re.sub(r",? please[.!]?\Z", "", said[-20:], flags=re.I).join((said[:-20], ""))
    for read in _READERS:
        found = read(said)
        if found:
            return found
    return Wish(said or text.strip())


def unquote(text: str) -> str:
    """The text without the quotes or the fence around it."""
    text = text.strip()
    if text.startswith("```") and text.endswith("```") and len(text) >= 6:
        body = text[3:-3]
        first, newline, rest = body.partition("\n")
        return rest if newline and " " not in first.strip() else body
    if len(text) >= 2 and _QUOTES.get(text[0]) == text[-1]:
        return text[1:-1]
    return text


def file_name(text: str) -> str:
    """The file that a phrase like `the file "notes.txt".` names, "" when it names none."""
    text = text.strip()
    match = re.fullmatch(rf"{_NAMED}[.!?]*", text, re.I) if len(text) <= MAX_PHRASE else None
    if match is None:
        return ""
    name = match["file"]
    return unquote(name) if name[0] in _QUOTES else name.rstrip(".,!?")


def write_wish(said: str, path: str, content: str) -> Wish:
    """The wish to write a file."""
    return Wish(
        said, "write_file", {"path": path, "content": content}, doing=f"write {path}", path=path, writes=True
    )


def _after(said: str, *verbs: str) -> str:
    """What follows one of the verbs, "" when none begins the phrase."""
    head = said[:40].lower()
    for verb in verbs:
        if head.startswith(verb) and not said[len(verb) : len(verb) + 1].isalnum():
            return said[len(verb) :].strip()
    return ""


def _part(text: str, *words: str, last: bool = False) -> tuple[str, str] | None:
    """The text before and after one of the words, which stand between white space or after a colon."""
    places = list(re.finditer(rf"\s(?:{'|'.join(words)})[\s:]", text, re.I))
    if not places:
        return None
    place = places[-1 if last else 0]
    return text[: place.start()], text[place.end() :]


def _write(said: str) -> Wish | None:
    rest = _after(said, "write", "save", "put", "store")
    if not rest:
        return None
    where, colon, content = rest.partition(":")
    path = (
        file_name(re.sub(r"^(?:the following |this )?(?:in|to|into) ", "", where, flags=re.I))
        if colon
        else ""
    )
    if (
        path
        and content.strip()
        and ("." in path or re.match(r"(?:the following |this )?(?:in|to|into) ", where, re.I))
    ):
        content = unquote(content) if not content.startswith("\n") else content[1:]
        return write_wish(said, path, content)
    parts = _part(rest, "to", "into", last=True)
    path = file_name(parts[1]) if parts else ""
    return write_wish(said, path, unquote(parts[0])) if parts and path and parts[0].strip() else None


def _create(said: str) -> Wish | None:
    rest = _after(said, "create", "make", "write")
    parts = _part(rest, "with the (?:text|contents?)", "with", "containing", "that says") if rest else None
    path = file_name(parts[0]) if parts else ""
    return write_wish(said, path, unquote(parts[1])) if parts and path and "." in path else None


def _artifact(said: str) -> Wish | None:
    rest = _after(said, "save", "store", "keep", "make", "create")
    head = re.match(r"(?:an |the |as (?:an )?)?artifact\b[.!]?\s*", rest, re.I)
    if head:
        name, content = _named_text(rest[head.end() :])
    else:
        parts = _part(f"{rest} ", "as an artifact", "as artifact", last=True)
        if not parts or not parts[0].strip():
            return None
        name, content = file_name(parts[1]), unquote(parts[0])
    name = name or "note.md"
    content = content or "A note of the embedded demonstration model.\n"
    arguments = {"path": name, "content": content}
    return Wish(said, "save_artifact", arguments, doing=f"save the artifact {name}")


def _named_text(text: str) -> tuple[str, str]:
    name, colon, content = text.partition(":")
    if colon:
        return file_name(name), unquote(content)
    parts = _part(text, "with", "containing")
    return (file_name(parts[0]), unquote(parts[1])) if parts else (file_name(text), "")


def _read(said: str) -> Wish | None:
    if len(said) > MAX_PHRASE:
        return None
    match = re.fullmatch(
        rf"(?:read|cat)(?: me)?(?: the contents? of)? {_NAMED}[.!?]*", said, re.I
    ) or re.fullmatch(
        rf"(?:show|open|display|print|what is in|what's in|what does)(?: me)?(?: the contents? of)? {_NAMED}"
        r"(?: say| contain)?[.!?]*",
        said,
        re.I,
    )
    if match is None:
        return None
    name = match["file"]
    path = unquote(name) if name[0] in _QUOTES else name.rstrip(".,!?")
    if not path or (not re.match(r"read|cat", said, re.I) and not re.search(r"\w\.\w|/", path)):
        return None
    return Wish(said, "read_file", {"path": path}, doing=f"read {path}", path=path)


def _list(said: str) -> Wish | None:
    if len(said) > MAX_PHRASE:
        return None
    here = r"(?: here| (?:in|of) (?:this|the|my) (?:folder|thread|directory))?"
    every = rf"(?:(?:list|show)(?: me)?(?: all)?(?: the| my)? (?:files|folder)|what files are there){here}"
    match = re.fullmatch(
        rf"(?:ls|{every}|(?:ls|{every} (?:in|of)(?: the folder)?) {_FILE})[.!?]*", said, re.I
    )
    if match is None:
        return None
    folder = unquote(match["file"] or "").rstrip("!?") or "."
    if folder == ".":
        return Wish(said, "ls", {}, doing="list the files", path="")
    return Wish(said, "ls", {"path": folder}, doing=f"list the files in {folder}", path="")


def _find(said: str) -> Wish | None:
    rest = _after(said, "grep for", "grep", "find", "search for", "search", "look for")
    if not rest or len(rest) > MAX_PHRASE:
        return None
    parts = _part(rest, "in", last=True)
    path = file_name(parts[1]) if parts else ""
    everywhere = bool(
        parts and re.fullmatch(r"(?:all |the |my )*(?:files?|folder)[.!?]*", parts[1].strip(), re.I)
    )
    text = parts[0] if parts and (path or everywhere) else rest
    text = unquote(
        re.sub(r"^(?:all )?files? (?:named |called |matching )", "", text.rstrip("?!"), flags=re.I)
    )
    if not text:
        return None
    if "*" in text and not re.search(r"\s", text) and not said.lower().startswith("grep"):
        return Wish(said, "glob", {"pattern": text}, doing=f"look for files like {text}", path="")
    # "find" means the words as they are, "grep" its regular expression.
    pattern = text if said.lower().startswith("grep") else re.sub(r"([\\.+*?()\[\]{}|^$])", r"\\\1", text)
    arguments = {"pattern": pattern} | ({"path": path} if path and not everywhere else {})
    where = path if path and not everywhere else ""
    return Wish(said, "grep", arguments, doing=f"search for {text}", path=where)


def _edit(said: str) -> Wish | None:
    if len(said) > 20 * MAX_PHRASE:
        return None
    match = re.match(
        rf"(?:edit|change|in|in file) {_NAMED}\s?[:,]?\s?(?:and |by )?(?:replace|replacing) ", said, re.I
    )
    rest, path = (said[match.end() :], unquote(match["file"])) if match else (_after(said, "replace"), "")
    if not path:
        parts = _part(rest, "in", last=True) if rest else None
        rest, path = (parts[0], file_name(parts[1])) if parts else ("", "")
    pair = _part(rest, "with", "by")
    if not pair or not path or not unquote(pair[0]):
        return None
    arguments = {"path": path, "old": unquote(pair[0]), "new": unquote(pair[1])}
    return Wish(said, "edit_file", arguments, doing=f"edit {path}", path=path, writes=True)


def _run(said: str) -> Wish | None:
    """Only what is quoted, or follows "the command": to run something means much else."""
    rest = _after(said, "run", "execute")
    named = _after(rest, "the shell command", "the command", "command")
    quoted = len(rest) >= 2 and _QUOTES.get(rest[0]) == rest.rstrip(".!?")[-1:]
    command = unquote((named or rest).rstrip(".!?")) if named or quoted else ""
    command = command.removeprefix(":").strip()
    if not command or len(said) > MAX_PHRASE:
        return None
    return Wish(said, "execute", {"command": command}, doing="run a command", path="", writes=True)


def _sum(said: str) -> Wish | None:
    if len(said) > MAX_PHRASE:
        return None
    text = re.sub(
        r"^(?:what is|what's|whats|how much is|calculate|compute|evaluate|work out)\s", "", said, flags=re.I
    )
    text = text.rstrip("?!.= ").strip()
    if not looks_like_a_sum(text):
        return None
    try:
        return Wish(said, answer=f"{text} = {evaluate(text)}.")
    except NotASum as error:
        return Wish(said, answer=f"{text}: {error}")


_READERS: tuple[Callable[[str], Wish | None], ...] = (
    _sum,
    _run,
    _list,
    _artifact,
    _edit,
    _write,
    _create,
    _find,
    _read,
)
