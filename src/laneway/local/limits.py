"""What this engine cannot do of a spec that is right: refused, never ignored. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from laneway.spec.app import App
from laneway.spec.load import place_of
from laneway.spec.meta import Object
from laneway.spec.problems import Code, Place, Problem
from laneway.spec.yaml import Path


def beyond(objects: Iterable[Object], place: Callable[[Object, Path], Place] = place_of) -> Iterator[Problem]:
    """Everything that these objects ask for and this engine does not do. place: where a part is written."""
    for obj in objects:
        if isinstance(obj, App) and obj.spec.scale and obj.spec.scale.metrics:
            text = f"App {obj.key} wants an autoscaler, and there is none on this machine yet"
            yield Code.NO_AUTOSCALER.at(place(obj, ("spec", "scale", "metrics")), text)
