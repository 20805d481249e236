"""Prometheus's text format, version 0.0.4. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from runtime.upkeep.metrics import Metric, Values

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

Labels = Mapping[str, str]


def render(found: Iterable[tuple[Metric, Values]]) -> str:
    """The metrics one after the other, each with its help and type."""
    return "".join(f"{line}\n" for metric, values in found for line in _lines(metric, values))


def _lines(metric: Metric, values: Values) -> Iterator[str]:
    yield f"# HELP {metric.name} {_escaped(metric.help)}"
    yield f"# TYPE {metric.name} {metric.kind}"
    for key, value in values.items():
        labels = dict(zip(metric.labels, key, strict=True))
        if metric.kind == "histogram":
            yield from _histogram(metric, labels, value)
        else:
            yield _line(metric.name, labels, value)


def _histogram(metric: Metric, labels: Labels, found: Mapping[str, Any]) -> Iterator[str]:
    for bound, count in zip(metric.bounds, found["buckets"], strict=True):
        yield _line(f"{metric.name}_bucket", {**labels, "le": f"{bound:g}"}, count)
    yield _line(f"{metric.name}_bucket", {**labels, "le": "+Inf"}, found["count"])
    yield _line(f"{metric.name}_sum", labels, found["sum"])
    yield _line(f"{metric.name}_count", labels, found["count"])


def _line(name: str, labels: Labels, value: float) -> str:
    said = ",".join(f'{label}="{_quoted(text)}"' for label, text in labels.items())
    return f"{name}{{{said}}} {value}" if said else f"{name} {value}"


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("\n", "\\n")


def _quoted(text: str) -> str:
    # Half a surrogate pair cannot be written; a name of a model may hold one.
    return _escaped(text).replace('"', '\\"').encode("utf-8", "replace").decode()
