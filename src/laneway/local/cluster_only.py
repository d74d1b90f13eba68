"""What an App can say for a cluster alone: refused on one machine, never ignored. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from laneway.mesh.refusals import Refusal
from laneway.spec.app import App


def cluster_only(app: App) -> tuple[Refusal, ...]:
    """Each field that means nothing here, with what to do."""
    return tuple(Refusal("App", app.key, field, text) for field, text in _found(app))


def _found(app: App) -> Iterator[tuple[str, str]]:
    if app.spec.deletion != "retain":
        yield "spec.deletion", "remove it: on one machine all that was made of an App goes with it"
    if app.spec.drift != "restore":
        yield "spec.drift", "remove it: on one machine nobody else writes what Laneway makes"
    for index, metric in enumerate(app.spec.release.judge.metrics):
        if metric.prometheus is not None and metric.prometheus.url is None:
            field = f"spec.release.judge.metrics[{index}].prometheus"
            yield field, "write its `url`: on one machine the engine has no Prometheus of its own"
    if app.spec.scale and app.spec.scale.scaled_object is not None:
        yield "spec.scale.scaledObject", "write `metrics`: KEDA runs in clusters alone"
    if app.spec.scale and app.spec.scale.disruption is not None:
        yield "spec.scale.disruption", "remove it: nobody evicts pods of one machine"
