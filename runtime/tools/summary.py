"""What a reviewer reads about a call: one plain sentence, and for writes the difference to the file as it is.

The sentence quotes the model's words short, with everything that hides or disguises made visible, and what
looks secret masked unless it is asked for. What will run is shown beside it, whole: this is no replacement.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from runtime.redaction import mask
from runtime.tools.base import ToolError
from runtime.tools.diff import Diff, compare
from runtime.tools.folder import Missing, open_file, read_up_to, shown, split_file
from runtime.tools.writing import EditFileArguments, WriteFileArguments, edited, measure

MAX_PREVIEWED_BYTES = 1 << 20

Arguments = Mapping[str, Any]
#: A value as the sentence quotes it.
Say = Callable[[str], str]


class Incomparable(ToolError):
    """There is no difference to show; the call may work all the same."""


def sentence(tool_name: str, arguments: Arguments, *, masked: bool = True) -> str:
    """One plain sentence about a call, whatever the arguments are. `masked`: without what looks secret."""
    say = _masked if masked else shown
    describe = SENTENCES.get(tool_name)
    if describe is not None:
        try:
            return describe(arguments, say)
        except (KeyError, TypeError, AttributeError):
            pass  # not the arguments that the tool takes: said in general
    names = [say(_short(str(name), 40, masked))[1:-1] for name in list(arguments)[:5]]
    if len(arguments) > len(names):
        names.append(f"{len(arguments) - len(names)} more")
    named = say(_short(tool_name, 80, masked))[1:-1]
    return f"Run {named}" + (f" with {', '.join(names)}" if names else "")


def _masked(value: str) -> str:
    # Before it is cut: of the half of a secret nobody can tell that it is one.
    return shown(mask(value))


def _short(name: str, most: int, masked: bool) -> str:
    return (mask(name) if masked else name)[:most]


def preview(tool_name: str, folder: Path, arguments: Arguments) -> Diff | None:
    """The difference that a write or an edit would make to the file as it is now; None for other tools."""
    try:
        if tool_name == "write_file":
            return _written(folder, WriteFileArguments.model_validate(dict(arguments)))
        if tool_name == "edit_file":
            return _edited(folder, EditFileArguments.model_validate(dict(arguments)))
    except ValidationError:
        return Diff(path="", note="The arguments do not fit the tool.")
    except Incomparable as error:
        return Diff(path=shown(str(arguments.get("path", "")))[1:-1], note=_note(error, arguments))
    except ToolError as error:
        return Diff(
            path=shown(str(arguments.get("path", "")))[1:-1], note=_note(error, arguments), fails=True
        )
    except OSError as error:
        return Diff(path="", note=f"The file cannot be read: {error.strerror}.")
    return None


def _note(error: ToolError, arguments: Arguments) -> str:
    """What it says, always masked: the path stands beside it."""
    path = str(arguments.get("path", ""))
    return mask(str(error).replace(shown(path), _masked(path)))


def _written(folder: Path, arguments: WriteFileArguments) -> Diff:
    path = "/".join(split_file(arguments.path))
    try:
        old = _text_now(folder, arguments.path)
    except (Missing, FileNotFoundError):
        return compare(path, "", arguments.content, "This file does not exist yet.")
    return compare(path, old, arguments.content)


def _edited(folder: Path, arguments: EditFileArguments) -> Diff:
    path = "/".join(split_file(arguments.path))
    try:
        old = _text_now(folder, arguments.path)
    except (Missing, FileNotFoundError):
        return Diff(path=path, note="This file does not exist: the edit will fail.", fails=True)
    return compare(path, old, edited(old, arguments))


def _text_now(folder: Path, path: str) -> str:
    with open_file(folder, split_file(path)) as (descriptor, state):
        content = read_up_to(descriptor, MAX_PREVIEWED_BYTES)
    if state.st_size > len(content):
        raise Incomparable(f"{shown(path)} has {state.st_size:,} bytes, too many to compare here.")
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        raise Incomparable(f"{shown(path)} is a binary file now; it cannot be compared.") from error


def _searched(arguments: Arguments, say: Say) -> str:
    where = arguments.get("path", ".")
    place = "all files" if where in (".", "") else say(where)
    return f"Search {place} for {say(arguments['pattern'])}"


def _planned(arguments: Arguments, say: Say) -> str:
    todos = arguments["todos"]
    done = sum(todo["status"] == "completed" for todo in todos)
    return f"Write down a plan of {len(todos)} step{'' if len(todos) == 1 else 's'}, {done} done"


def _changed(arguments: Arguments, say: Say) -> str:
    old, new, path = arguments["old"], arguments["new"], say(arguments["path"])
    which = "every occurrence of " if arguments.get("replace_all") else ""
    if not new:
        return f"Delete {which}{measure(old)} from {path}"
    return f"Replace {which}{measure(old)} by {measure(new)} in {path}"


SENTENCES: Mapping[str, Callable[[Arguments, Say], str]] = {
    "ls": lambda arguments, say: f"List the folder {say(arguments.get('path', '.'))}",
    "read_file": lambda arguments, say: f"Read {say(arguments['path'])}",
    "glob": lambda arguments, say: f"Find files that match {say(arguments['pattern'])}",
    "grep": _searched,
    "write_file": lambda arguments, say: f"Write {measure(arguments['content'])} to {say(arguments['path'])}",
    "edit_file": _changed,
    "execute": lambda arguments, say: f"Run the shell command {say(arguments['command'])} in the sandbox",
    "write_todos": _planned,
    "save_artifact": lambda arguments, say: (
        f"Save {measure(arguments['content'])} as the artifact {say(arguments['path'])}"
    ),
}
