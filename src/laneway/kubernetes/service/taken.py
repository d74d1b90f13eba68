"""What this command has written, and whether the controller has taken it up. Pure, but for a clock given.

Must not know what becomes of it afterwards: a status tells that.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from laneway.kubernetes.part import read_template
from laneway.plan.revision import revision_of
from laneway.spec.meta import Key, key_of

Json = dict[str, Any]
Objects = Mapping[str, list[Json]]

PATIENCE_SECONDS = 10.0
"""What tells of itself in no status counts as taken up after so long."""


@dataclass(frozen=True, slots=True)
class _Written:
    body: Json
    version: int
    at: float


class Taken:
    """version: of the newest write of this command, from 0."""

    def __init__(self, time: Callable[[], float]) -> None:
        """time: seconds that never go back."""
        self.version = 0
        self._time = time
        self._open: dict[tuple[str, Key], _Written] = {}

    def wrote(self, bodies: Iterable[Json]) -> int:
        """These objects, as the API server answered with them, were written as one. Returns their version."""
        self.version += 1
        for body in bodies:
            self._open[body["kind"], key_of(body)] = _Written(body, self.version, self._time())
        return self.version

    def seen(self, objects: Objects) -> int:
        """The newest version of which everything was taken up. objects: as they are now, by kind."""
        for named, written in list(self._open.items()):
            over = self._time() - written.at >= PATIENCE_SECONDS
            if over or _is_taken_up(written.body, objects):
                del self._open[named]
        return min((written.version - 1 for written in self._open.values()), default=self.version)


def _is_taken_up(body: Json, objects: Objects) -> bool:
    kind, key = body["kind"], key_of(body)
    now = next((each for each in objects.get(kind, ()) if key_of(each) == key), None)
    if now is None:
        return True
    said = now.get("status") or {}
    match kind:
        case "App" | "Lane":
            return bool(said.get("observedGeneration", 0) >= body["metadata"]["generation"])
        case "Release":
            request = body["spec"].get("request")
            return request is None or _is_heard(request, said)
        case "Deployment":
            return _is_known(body, objects)
    return True


def _is_heard(request: Json, said: Json) -> bool:
    """A request for a release that was made with it is heard when it begins."""
    if request["verb"] == "retry":
        return bool(said)
    heard: Json | None = said.get("heard")
    return heard is not None and _moment(heard) >= _moment(request)


def _moment(request: Json) -> datetime:
    return datetime.fromisoformat(request["at"])


def _is_known(deployment: Json, objects: Objects) -> bool:
    """Whether the App whose template this is knows its revision, if it is one's."""
    key = key_of(deployment)
    apps = [
        app
        for app in objects.get("App", ())
        if key_of(app).namespace == key.namespace
        and (app["spec"].get("workload") or {}).get("deployment") == key.name
    ]
    revision = revision_of(read_template(deployment["spec"]["template"]))
    return all(revision in _revisions(app, objects) for app in apps)


def _revisions(app: Json, objects: Objects) -> set[str]:
    key, said = key_of(app), app.get("status") or {}
    known = {version["revision"] for version in said.get("versions") or ()}
    released = {
        part["revision"]
        for release in objects.get("Release", ())
        if key_of(release).namespace == key.namespace
        for part in release["spec"]["apps"]
        if part["name"] == key.name
    }
    superseding = {
        (release.get("status") or {}).get("supersededBy") for release in objects.get("Release", ())
    }
    return known | released | {each for each in superseding if each}
