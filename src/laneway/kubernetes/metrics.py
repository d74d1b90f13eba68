"""Numbers about a controller in Prometheus' text format. Pure. Must not know where they come from.

https://prometheus.io/docs/instrumenting/exposition_formats/#text-based-format
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


@dataclass(frozen=True, slots=True)
class Metric:
    """values: by the values of the labels."""

    name: str
    kind: Literal["counter", "gauge"]
    help: str
    labels: tuple[str, ...] = ()
    values: Mapping[tuple[str, ...], float] = field(default_factory=dict)


def text(metrics: Iterable[Metric]) -> str:
    """All of them, each with its help."""
    return "".join(line + "\n" for metric in metrics for line in _lines(metric))


def _lines(metric: Metric) -> Iterable[str]:
    yield f"# HELP {metric.name} {metric.help}"
    yield f"# TYPE {metric.name} {metric.kind}"
    for of, value in sorted(metric.values.items()):
        pairs = ",".join(f'{name}="{_escaped(each)}"' for name, each in zip(metric.labels, of, strict=True))
        yield f"{metric.name}{{{pairs}}} {value:g}" if pairs else f"{metric.name} {value:g}"


def _escaped(value: str) -> str:
    return value.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")
