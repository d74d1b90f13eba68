"""Stored objects, decoded and as models, kept while what they are of moves.

At rest they would be most of our memory.

Must not know what is parsed.
"""

from __future__ import annotations

from typing import Any

from laneway.control.observe import Body, Parsed, ReadTemplate
from laneway.kubernetes.api.seen import Seen
from laneway.spec.meta import Key, Object

OF_ALL = frozenset({"Lane", "Mesh"})
"""Kinds that are read with every app: each object is kept once."""
METADATA = frozenset(
    {
        "name", "namespace", "labels", "annotations", "creationTimestamp", "generation", "uid",
        "resourceVersion",
    }
)  # fmt: skip
"""What is read of an object's metadata."""


class Parsing:
    """Of one cluster."""

    def __init__(self, read_template: ReadTemplate) -> None:
        self._read_template = read_template
        self._of_all = Parsed(read_template)
        self._moving: dict[tuple[str, Key], Moving] = {}

    def of_apps(self, apps: tuple[Key, ...]) -> Moving:
        """The models of apps that are planned together."""
        for other in apps[1:]:
            self.forget("App", other)
        return self._of("App", apps[0])

    def of_lane(self, lane: Key) -> Moving:
        """The models of a lane and of its apps."""
        return self._of("Lane", lane)

    def _of(self, kind: str, key: Key) -> Moving:
        found = self._moving.get((kind, key))
        if found is None:
            found = self._moving[kind, key] = Moving(self._read_template, self._of_all)
        return found

    def forget(self, kind: str, key: Key) -> None:
        """An app or a lane does not move, or is gone; what is needed of it later is parsed then.

        Of apps that are planned together: the first.
        """
        self._moving.pop((kind, key), None)

    def lane_gone(self, lane: Key) -> None:
        """A lane is there no longer."""
        self._of_all.forget("Lane", lane)
        self.forget("Lane", lane)

    def __len__(self) -> int:
        """Of how many something is kept."""
        return len(self._moving)


class Moving(Parsed):
    """Objects of some apps; beside them, what is kept for all."""

    def __init__(self, read_template: ReadTemplate, of_all: Parsed) -> None:
        super().__init__(read_template)
        self._of_all = of_all
        self._bodies: dict[tuple[str, Key], tuple[bytes, dict[str, Any]]] = {}

    def body(self, seen: Seen) -> dict[str, Any]:
        """The object without the bookkeeping of the API server. Read it, never change it."""
        known = self._bodies.get((seen.kind, seen.key))
        if known is None or known[0] != seen.raw:
            known = self._bodies[seen.kind, seen.key] = seen.raw, plain(seen)
        return known[1]

    def object(self, body: Body) -> Object:
        """The object as a model."""
        return self._of_all.object(body) if body["kind"] in OF_ALL else super().object(body)


def plain(seen: Seen) -> dict[str, Any]:
    """The object without the bookkeeping of the API server; decoded anew."""
    body = seen.body()
    body["metadata"] = {name: value for name, value in body["metadata"].items() if name in METADATA}
    return body
