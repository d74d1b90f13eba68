"""What a revision is made of: a pod template, read by its model, or kept as an API server has it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol


class Template(Protocol):
    """A pod template."""

    @property
    def labels(self) -> Mapping[str, str]:
        """Labels that every pod of it gets."""

    @property
    def image(self) -> str:
        """The image of the first container, empty where none is said."""

    def written(self) -> dict[str, Any]:
        """The template as JSON values. Read it, never change it."""

    def content(self) -> dict[str, Any]:
        """What makes it another template than others: equal for equal ones, however they were written."""


@dataclass(frozen=True, slots=True)
class RawTemplate:
    """A template as an API server stores it: with its defaults, and with fields that no model here knows."""

    body: Mapping[str, Any]

    @property
    def labels(self) -> Mapping[str, str]:
        """Labels that every pod of it gets."""
        found: Mapping[str, str] = (self.body.get("metadata") or {}).get("labels") or {}
        return found

    @property
    def image(self) -> str:
        """The image of the first container, empty where none is said."""
        containers = self.body["spec"].get("containers") or [{}]
        return containers[0].get("image") or ""

    def written(self) -> dict[str, Any]:
        """The template as JSON values."""
        return dict(self.body)

    def content(self) -> dict[str, Any]:
        """The template without what the API server adds to its metadata."""
        metadata = self.body.get("metadata") or {}
        said = {name: metadata[name] for name in ("labels", "annotations") if metadata.get(name)}
        return {"metadata": said, "spec": self.body["spec"]}
