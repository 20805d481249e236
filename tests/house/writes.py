"""One writer: run states and events are written in `runtime/journal/` and nowhere else.

Three signs of a write, each looked for in every file of `runtime/` outside of the journal and the migrations:

1. a method that only ever writes records (`save`, `bulk_create`, …), called or merely handed on;
2. `create`, `update` and `delete` where they can only be a manager's or a queryset's: reached from a record's
   class, from `objects` or a related set, or called as only querysets are (with keywords, or with nothing);
3. SQL: a text that writes, or a cursor where none is allowed.

What belongs to people (accounts, links, groups) is none of the journal's business and is let through.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator

from tests.house.source import Source, name_of

#: Classes whose rows other rooms may write; every other model is the journal's.
PEOPLE = {"ServiceAccount", "TokenAct", "SignInLink", "User", "Group", "Permission", "LogEntry", "Session"}

CERTAIN = {
    *("save", "asave", "save_base", "bulk_create", "abulk_create", "bulk_update", "abulk_update"),
    *("get_or_create", "aget_or_create", "update_or_create", "aupdate_or_create"),
    *("acreate", "aupdate", "adelete", "_raw_delete", "_insert", "_update", "_do_update", "_do_insert"),
}
SHAPED = {"create", "update", "delete"}
RELATED = {"add", "aadd", "remove", "aremove", "set", "aset", "clear", "aclear", *SHAPED, *CERTAIN}

#: Columns that only a move or a note may change; `Entry.set` would let anyone.
MOVED = {"state", "previous_state", "state_entered_at", "last_transition_at", "last_sequence", "last_hash"}

WRITING_SQL = re.compile(
    r"\b(insert\s+(or\s+\w+\s+)?into|replace\s+into|update\s+(or\s+\w+\s+)?[\w\"%{}.]+\s+set"
    r"|delete\s+from|drop\s+table|alter\s+table|truncate\s+table|merge\s+into|create\s+(temp\w*\s+)?trigger)\b",
    re.IGNORECASE,
)
CURSORS = {"cursor", "execute", "executemany", "executescript", "callproc", "copy", "raw"}
#: Files with a cursor of their own that cannot write records: what it is for.
READERS = {
    "runtime/web/sources/sqlite.py": "a connection that is opened read-only",
    "runtime/web/sources/postgresql.py": "one that listens, one that is opened read-only",
    "runtime/queuefile.py": "the queue's tables, in a file of its own",
    "runtime/checks.py": "pragmas and settings",
    "runtime/upkeep/imports/source.py": "somebody else's file, which is opened read-only",
    "runtime/models/rows.py": "statements that begin with SELECT",
}
#: A benchmark fills, counts and watches databases that are its own.
EXEMPT = ("runtime/journal/", "runtime/migrations/", "runtime/benchmarks/")


def strange_writes(sources: Iterable[Source]) -> list[str]:
    """Every sign of a write outside of the journal."""
    sources = list(sources)
    records, related = record_names(sources), related_names(sources)
    return [
        source.at(node, f"{what}, which only the journal may")
        for source in sources
        if source.path.startswith("runtime/") and not source.path.startswith(EXEMPT)
        for node, what in [*_orm_writes(source, records, related), *_sql_writes(source)]
    ]


def record_names(sources: Iterable[Source]) -> set[str]:
    """The classes below `runtime/models/` that are the journal's."""
    return {
        node.name
        for source in sources
        if source.room == "models"
        for node in ast.walk(source.tree)
        if isinstance(node, ast.ClassDef) and any(name_of(base) == "Model" for base in node.bases)
    } - PEOPLE


def related_names(sources: Iterable[Source]) -> set[str]:
    """The names under which a record finds the rows that point to it."""
    return {
        str(keyword.value.value)
        for source in sources
        if source.room == "models"
        for node in ast.walk(source.tree)
        if isinstance(node, ast.Call)
        for keyword in node.keywords
        if keyword.arg == "related_name" and isinstance(keyword.value, ast.Constant)
    }


def _orm_writes(source: Source, records: set[str], related: set[str]) -> Iterator[tuple[ast.AST, str]]:
    called = {id(node.func): node for node in ast.walk(source.tree) if isinstance(node, ast.Call)}
    for node, values in _in_scopes(source.tree, {}):
        if isinstance(node, ast.Call) and _hidden(node) in CERTAIN | SHAPED:
            yield node, f"names {_hidden(node)} in a text"
        if not isinstance(node, ast.Attribute) or not isinstance(node.ctx, ast.Load):
            continue
        chain = _chain(node.value, values)
        if chain & PEOPLE:
            continue
        if node.attr in CERTAIN:
            yield node, f"uses {node.attr}"
        elif node.attr in SHAPED and (chain & {*records, "objects"} or _is_queryset_call(node, called)):
            yield node, f"uses {node.attr} of a record"
        elif node.attr in RELATED and _is_related(node.value, related):
            yield node, f"uses {node.attr} of a related set"
        elif node.attr == "set" and _keywords(called.get(id(node))) & MOVED:
            yield node, "sets a column that only a move changes"


def _is_queryset_call(node: ast.Attribute, called: dict[int, ast.Call]) -> bool:
    """The shape that only querysets and records know: `update(x=…)`, `create(x=…)`, `delete()`."""
    call = called.get(id(node))
    if call is None:
        return False
    if node.attr == "delete":
        return not call.args
    return bool(call.keywords) or (node.attr == "create" and not call.args)


def _is_related(node: ast.AST, related: set[str]) -> bool:
    return isinstance(node, ast.Attribute) and (node.attr in related or node.attr.endswith("_set"))


def _keywords(call: ast.Call | None) -> set[str]:
    return {keyword.arg for keyword in call.keywords if keyword.arg} if call else set()


def _hidden(call: ast.Call) -> str:
    """The method that `getattr(run, "save")` or `methodcaller("save")` fetches."""
    texts = [a.value for a in call.args if isinstance(a, ast.Constant) and isinstance(a.value, str)]
    fetches = name_of(call.func) in {"getattr", "methodcaller", "attrgetter"}
    return texts[0] if fetches and texts else ""


Bindings = dict[str, list[ast.expr]]


def _in_scopes(scope: ast.AST, outer: Bindings) -> Iterator[tuple[ast.AST, Bindings]]:
    """Every node with what the names around it are bound to: its function's names hide those outside."""
    nodes, inner = [], []
    todo = list(ast.iter_child_nodes(scope))
    while todo:
        node = todo.pop()
        nodes.append(node)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            inner.append(node)
        else:
            todo += ast.iter_child_nodes(node)
    values = {**outer, **_parameters(scope), **_bindings(nodes)}
    for node in nodes:
        yield node, values
    for function in inner:
        yield from _in_scopes(function, values)


def _parameters(scope: ast.AST) -> Bindings:
    """A function's parameters: bound by its callers, to nobody knows what."""
    below = ast.iter_child_nodes(getattr(scope, "args", scope))
    return {node.arg: [] for node in below if isinstance(node, ast.arg)}


def _bindings(nodes: Iterable[ast.AST]) -> Bindings:
    """What each name is ever bound to by plain assignments among these nodes."""
    found: Bindings = {}
    for node in nodes:
        pairs: list[tuple[ast.expr, ast.expr | None]] = []
        if isinstance(node, ast.Assign):
            pairs = [(target, node.value) for target in node.targets]
        elif isinstance(node, ast.AnnAssign | ast.NamedExpr):
            pairs = [(node.target, node.value)]
        elif isinstance(node, ast.For | ast.comprehension):
            pairs = [(node.target, node.iter)]
        for target, value in pairs:
            if isinstance(target, ast.Name) and value is not None:
                found.setdefault(target.id, []).append(value)
    return found


def _chain(node: ast.AST, values: Bindings, depth: int = 0) -> set[str]:
    """Every word on the way from an expression back to where it starts, through assigned names.

    A name that was bound to several things is followed only when all of them lead to people.
    """
    words: set[str] = set()
    while True:
        if isinstance(node, ast.Attribute):
            words.add(node.attr)
            node = node.value
        elif isinstance(node, ast.Call):
            node = node.func
        elif isinstance(node, ast.Subscript):
            node = node.value
        else:
            break
    if isinstance(node, ast.Name):
        words.add(node.id)
        bound = values.get(node.id, [])
        chains = [_chain(value, values, depth + 1) for value in bound] if depth < 5 else []
        lead_to_people = bool(chains) and all(chain & PEOPLE for chain in chains)
        for chain in chains:
            words |= chain if lead_to_people else chain - PEOPLE
    return words


def _sql_writes(source: Source) -> Iterator[tuple[ast.AST, str]]:
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Constant | ast.JoinedStr) and WRITING_SQL.search(_text(node)):
            yield node, "holds SQL that writes"
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
            continue
        own = isinstance(node.func.value, ast.Call) and name_of(node.func.value.func) == "super"
        if node.func.attr in CURSORS and not own and source.path not in READERS:
            yield node, f"calls {node.func.attr} on a database"


def _text(node: ast.Constant | ast.JoinedStr) -> str:
    """The literal text; what is filled in counts as a word."""
    if isinstance(node, ast.Constant):
        return node.value if isinstance(node.value, str) else ""
    parts = [str(p.value) if isinstance(p, ast.Constant) else "x" for p in node.values]
    return "".join(parts)
