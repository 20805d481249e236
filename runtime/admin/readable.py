"""Values as HTML: escaped, hidden characters visible, JSON indented, moments exact.

A column or field is a function of a record with a label; the makers here give such functions.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from django.contrib.admin.utils import quote
from django.db.models import Field, Model
from django.template.loader import get_template
from django.urls import NoReverseMatch, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

EMPTY = "–"
MOST = 50_000  #: characters of one value that a page shows

Shown = Callable[[Any], SafeString | str]


def labelled(label: str, tell: Shown, name: str = "") -> Shown:
    """`tell` as the admin wants it: with a heading, and a name for the style sheet."""
    tell.__name__ = name or label.lower().replace(" ", "_")
    tell.short_description = label  # type: ignore[attr-defined]
    return tell


def text(value: object, *, block: bool = False) -> SafeString:
    """Untrusted text, escaped, with hidden characters marked; a cut says how much is missing."""
    whole = str(value)
    left = len(whole) - MOST
    known = {"text": whole[:MOST], "left": left if left > 0 else 0, "block": block}
    return SafeString(get_template("admin/_text.html").render(known))


def as_json(value: object) -> SafeString:
    """Parsed JSON, or a text that holds JSON, indented; other text as it is."""
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except ValueError:
            return text(value, block=True)
    return text(json.dumps(value, indent=2, ensure_ascii=False), block=True)


def moment(value: datetime | None) -> str:
    """To the microsecond, in UTC."""
    return EMPTY if value is None else f"{value.astimezone(UTC):%Y-%m-%d %H:%M:%S.%f} UTC"


def record_link(model: type[Model], key: Any, label: str = "") -> SafeString | str:
    """A link to a record's page in the admin."""
    if key in (None, ""):
        return EMPTY
    name = f"admin:{model._meta.app_label}_{model._meta.model_name}_change"
    try:
        return format_html('<a href="{}">{}</a>', reverse(name, args=[quote(key)]), label or str(key))
    except NoReverseMatch:  # not shown here, such as a content type
        return str(label or key)


def list_link(model: type[Model], lookup: str, key: object) -> SafeString:
    """A link to the list of what belongs to a record."""
    name = f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist"
    label = str(model._meta.verbose_name_plural)
    return format_html('<a href="{}">{}</a>', reverse(name, query={lookup: str(key)}), label)


def column(name: str, label: str = "") -> Shown:
    """A short text of a record for a list."""
    return labelled(label or _label(name), lambda record: text(getattr(record, name)) or EMPTY, name)


def time_column(name: str, label: str = "") -> Shown:
    """A moment of a record for a list."""
    return labelled(label or _label(name), lambda record: moment(getattr(record, name))[:19], name)


def page_column(name: str, key: str, label: str) -> Shown:
    """A link from a list to the product's own page."""

    def tell(record: Any) -> SafeString | str:
        value = getattr(record, key)
        return format_html('<a href="{}">{}</a>', reverse(name, args=[value]), "open") if value else EMPTY

    return labelled(label, tell, f"page_{name}")


def field(of: Field[Any, Any]) -> Shown:
    """A whole field of a record for its page."""
    kind, remote = of.get_internal_type(), of.remote_field

    def tell(record: Any) -> SafeString | str:
        value = getattr(record, of.attname)
        if value is None or value == "":
            return EMPTY
        if remote is not None:
            return record_link(remote.model, value)
        if kind == "JSONField" or of.name.endswith("_json"):
            return as_json(value)
        if kind == "BinaryField":
            return bytes(value).hex() or EMPTY
        if isinstance(value, datetime):
            return moment(value)
        if isinstance(value, bool):
            return "yes" if value else "no"
        return text(value, block=kind == "TextField")

    return labelled(_label(of.name), tell, of.name)


def is_long(of: Field[Any, Any]) -> bool:
    """Whether a field may be large: not read for lists, shown last."""
    return of.get_internal_type() in {"JSONField", "TextField", "BinaryField"}


def _label(name: str) -> str:
    return "Person" if name == "user" else name.removesuffix("_json").replace("_", " ").capitalize()
