"""History out of events, records and annotations."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from tests.kubernetes.service.objects import app, deployment, release

from laneway.api.engine import EventQuery
from laneway.control.status import Event
from laneway.kubernetes.service.events import Numbers, chosen, events, subjects_of

Json = dict[str, Any]
LABELS = {"laneway.dev/app": "pharmacy", "laneway.dev/revision": "b", "pod-template-hash": "77"}


def told(reason: str, at: str, name: str = "pharmacy-b-77-x", kind: str = "Pod", **rest: Any) -> Json:
    """An Event of Kubernetes."""
    about = {"kind": kind, "name": name, "namespace": "shop"}
    metadata = {"namespace": "shop", "name": f"{name}.{reason}", "resourceVersion": "1"}
    return {"metadata": metadata, "involvedObject": about, "reason": reason, "lastTimestamp": at} | rest


def pod() -> Json:
    """A pod of the pharmacy."""
    owner = {"kind": "ReplicaSet", "name": "pharmacy-b-77"}
    metadata = {"namespace": "shop", "name": "pharmacy-b-77-x", "labels": LABELS, "ownerReferences": [owner]}
    return {"kind": "Pod", "metadata": metadata}


def history(
    query: EventQuery, *news: Json, numbers: Numbers | None = None, **objects: list[Json]
) -> list[Event]:
    """What is answered."""
    found = events(objects, news)
    return chosen((numbers or Numbers()).of(found), subjects_of(objects), query)


def test_an_event_is_about_the_app_of_its_pod() -> None:
    """By the labels of the pod, of its ReplicaSet, and once they are gone by those of the Deployment."""
    ours = deployment("pharmacy-b", metadata={"labels": LABELS})
    news = [
        told("Pulled", "2030-01-01T00:00:01Z"),
        told("SuccessfulCreate", "2030-01-01T00:00:00Z", "pharmacy-b-77", "ReplicaSet"),
        told("Killing", "2030-01-01T00:00:02Z", "pharmacy-b-66-gone"),
        told("Pulled", "2030-01-01T00:00:03Z", "database-1-y"),
    ]
    found = history(EventQuery(app="pharmacy"), *news, Pod=[pod()], Deployment=[ours])
    assert [each["change"] for each in found] == ["SuccessfulCreate", "Pulled", "Killing"]
    assert found[0]["revision"] == "b"


def test_a_release_s_record_tells_its_course() -> None:
    """When it began, what people asked, and how it ended."""
    heard = {"verb": "abort", "at": "2030-01-01T00:01:00Z", "by": "ada", "reason": "prices"}
    over = {"finishedAt": "2030-01-01T00:02:00Z", "reason": "aborted by ada: prices"}
    found = history(EventQuery(), Release=[release(phase="RolledBack", heard=heard, **over)])
    assert [(each["change"], each["message"], each["by"]) for each in found] == [
        ("began", "to pharmacy bbbbbbbbbb", ""),
        ("asked", "to abort", "ada"),
        ("ended", "RolledBack", ""),
    ]
    assert {each["app"] for each in found} == {"pharmacy"}


def test_who_applied_an_object_and_why_is_in_its_annotations() -> None:
    """The last time, by this command."""
    body = app()
    body["metadata"]["annotations"] = {"laneway.dev/by": "ada", "laneway.dev/reason": "cheaper"}
    body["metadata"]["managedFields"] = [
        {"manager": "laneway-cli", "time": "2030-01-01T00:00:00Z"},
        {"manager": "laneway", "time": "2030-01-01T00:00:01Z"},
    ]
    (found,) = history(EventQuery(), App=[body])
    assert (found["change"], found["by"], found["reason"]) == ("applied", "ada", "cheaper")


def test_what_is_new_has_a_greater_number_whatever_its_time() -> None:
    """So that who follows misses nothing."""
    numbers = Numbers()
    first = history(EventQuery(), told("B", "2030-01-01T00:00:02Z"), numbers=numbers)
    late = [told("A", "2030-01-01T00:00:01Z"), told("B", "2030-01-01T00:00:02Z")]
    (new,) = history(EventQuery(after=first[-1]["id"]), *late, numbers=numbers)
    assert new["change"] == "A"


def test_the_newest_so_many_since_a_moment() -> None:
    """Oldest first."""
    news = [told(f"R{second}", f"2030-01-01T00:00:0{second}Z", name=f"p{second}") for second in range(5)]
    since = datetime(2030, 1, 1, 0, 0, 1, tzinfo=UTC)
    found = history(EventQuery(since=since, limit=2), *news)
    assert [each["change"] for each in found] == ["R3", "R4"]
    assert len(history(EventQuery(since=since), *news)) == 4
