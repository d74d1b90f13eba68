"""What happened in a cluster, as history: Kubernetes' events, the records of releases, and who applied what.

Pure. Must not know how any of it was read.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from laneway.api.engine import EventQuery
from laneway.control.status import Event
from laneway.history.subject import Subject, subject_of
from laneway.kubernetes.service.applying import BY, FIELD_MANAGER, REASON
from laneway.kubernetes.service.pods import HASH
from laneway.spec.meta import Key, key_of
from laneway.spec.release import Request

Json = dict[str, Any]

KINDS = ("App", "Lane", "Release", "Deployment", "Pod")
"""Kinds whose objects tell what an event is about."""
CONTROLLER = "laneway"


@dataclass(frozen=True, slots=True)
class Happened:
    """One event, without a number. named: the same one has the same name, however often it is read."""

    named: tuple[str, ...]
    at: datetime
    kind: str
    key: Key
    change: str
    message: str = ""
    reason: str = ""
    by: str = ""


class Numbers:
    """Gives each event a number, greater than those of all that were known before."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, ...], int] = {}

    def of(self, happened: Iterable[Happened]) -> list[tuple[int, Happened]]:
        """Events by number; new ones in the order of their times."""
        found = sorted(happened, key=lambda each: each.at)
        for each in found:
            self._known.setdefault(each.named, len(self._known) + 1)
        return sorted(((self._known[each.named], each) for each in found), key=lambda pair: pair[0])


def events(objects: Mapping[str, Iterable[Json]], told: Iterable[Json]) -> Iterator[Happened]:
    """Everything that is known. objects: by kind, of `KINDS`, with managedFields; told: Events."""
    for each in told:
        yield from _told(each)
    for kind in ("App", "Lane", "Release", "Deployment"):
        for body in objects.get(kind, ()):
            yield from _applied(body)
    for release in objects.get("Release", ()):
        yield from _recorded(release)


def chosen(
    numbered: Iterable[tuple[int, Happened]], subjects: Mapping[tuple[str, Key], Subject], query: EventQuery
) -> list[Event]:
    """The newest that meet the query, oldest first. subjects: what objects are about, by kind and key."""
    found = [_event(number, each, _subject(each, subjects)) for number, each in numbered]
    return [event for event in found if _meets(event, query)][-query.limit :]


def subjects_of(objects: Mapping[str, Iterable[Json]]) -> dict[tuple[str, Key], Subject]:
    """What each object is about, ReplicaSets by the name that they share with their pods."""
    found = {
        (kind, key_of(body)): subject_of({"kind": kind, **body}) for kind in objects for body in objects[kind]
    }
    for pod in objects.get("Pod", ()):
        digits = (pod["metadata"].get("labels") or {}).get(HASH)
        for owner in pod["metadata"].get("ownerReferences") or ():
            if digits and owner["kind"] == "ReplicaSet":
                key = Key(key_of(pod).namespace, owner["name"])
                found["ReplicaSet", key] = found["Pod", key_of(pod)]
    return found


def _told(event: Json) -> Iterator[Happened]:
    about = event.get("involvedObject") or {}
    at = event.get("lastTimestamp") or event.get("eventTime") or event["metadata"].get("creationTimestamp")
    if not at or not about.get("kind"):
        return
    metadata = event["metadata"]
    source = event.get("reportingComponent") or (event.get("source") or {}).get("component") or ""
    yield Happened(
        named=("event", metadata["namespace"], metadata["name"], metadata.get("resourceVersion", "")),
        at=datetime.fromisoformat(at),
        kind=about["kind"],
        key=Key(about.get("namespace") or metadata["namespace"], about.get("name", "")),
        change=event.get("reason") or "",
        message=event.get("message") or "",
        by="" if source == CONTROLLER else source,
    )


def _applied(body: Json) -> Iterator[Happened]:
    """Who applied it last by a command, and why."""
    annotations = body["metadata"].get("annotations") or {}
    for entry in body["metadata"].get("managedFields") or ():
        if entry.get("manager") == FIELD_MANAGER and "time" in entry:
            yield Happened(
                named=("applied", body["kind"], str(key_of(body)), entry["time"]),
                at=datetime.fromisoformat(entry["time"]),
                kind=body["kind"],
                key=key_of(body),
                change="applied",
                reason=annotations.get(REASON, ""),
                by=annotations.get(BY, ""),
            )


def _recorded(release: Json) -> Iterator[Happened]:
    """What a release's record says of its course."""
    key, said = key_of(release), release.get("status") or {}
    if not said:
        return
    to = ", ".join(f"{part['name']} {part['revision']}" for part in release["spec"]["apps"])

    def one(what: str, at: str, **rest: str) -> Happened:
        return Happened(
            named=("release", str(key), what, at), at=datetime.fromisoformat(at), kind="Release", key=key,
            **{"change": what} | rest,
        )  # fmt: skip

    yield one("began", said["startedAt"], message=f"to {to}")
    for gate in said.get("gates") or ():
        passed = "passed" if gate["passed"] else "failed"
        yield one(
            "gate", gate["at"], message=f"step {gate['step'] + 1}: {passed}", reason=gate.get("evidence", "")
        )
    if heard := said.get("heard"):
        request = Request.model_validate(heard)
        yield one("asked", heard["at"], message=f"to {request.verb}", reason=request.reason, by=request.by)
    if said.get("finishedAt"):
        yield one("ended", said["finishedAt"], message=said["phase"], reason=said.get("reason", ""))


def _subject(happened: Happened, subjects: Mapping[tuple[str, Key], Subject]) -> Subject:
    """What an event is about: of pods and ReplicaSets that are gone, what their Deployment is about."""
    known = subjects.get((happened.kind, happened.key))
    if known is not None:
        return known
    name = happened.key.name
    while happened.kind in {"Pod", "ReplicaSet"} and "-" in name:
        name = name.rpartition("-")[0]
        if found := subjects.get(("Deployment", Key(happened.key.namespace, name))):
            return found
    if happened.kind == "App":
        return Subject(app=name)
    return Subject(lane=name) if happened.kind == "Lane" else Subject()


def _event(number: int, happened: Happened, subject: Subject) -> Event:
    return Event(
        id=number,
        at=happened.at.isoformat(),
        kind=happened.kind,
        namespace=happened.key.namespace,
        name=happened.key.name,
        change=happened.change,
        reason=happened.reason,
        message=happened.message,
        by=happened.by,
        app=subject.app,
        lane=subject.lane,
        revision=subject.revision,
    )


def _meets(event: Event, query: EventQuery) -> bool:
    wanted = {
        "namespace": query.namespace,
        "app": query.app,
        "lane": query.lane,
        "kind": query.kind,
        "name": query.name,
    }
    late = query.since is None or datetime.fromisoformat(event["at"]) >= query.since
    same = all(value is None or event[name] == value for name, value in wanted.items())  # type: ignore[literal-required]
    return late and same and event["id"] > query.after
