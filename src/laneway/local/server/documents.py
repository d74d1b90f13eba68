"""Values of other rooms as the API's documents. Pure."""

from __future__ import annotations

from typing import cast

from laneway.control.status import Event, PodUsage, Problem
from laneway.history.events import Event as Happened
from laneway.history.subject import subject_of
from laneway.local.measure.usage import Use
from laneway.local.pod.pods import Pod
from laneway.mesh.refusals import Refusal
from laneway.spec.problems import Code, Place
from laneway.spec.problems import Problem as Found


def refusal(found: Refusal) -> Found:
    """What the mesh refuses, as a problem of the object."""
    return Code.REFUSED_FIELD.at(Place(f"{found.kind} {found.key}"), found.field, found.text)


def problem(found: Found) -> Problem:
    """A problem of the merged spec."""
    return cast("Problem", found.written())


def event(happened: Happened) -> Event:
    """A line of the history."""
    return Event(
        id=happened.id,
        at=happened.at.isoformat(),
        change=happened.change,
        kind=happened.kind,
        namespace=happened.key.namespace,
        name=happened.key.name,
        app=happened.app,
        lane=happened.lane,
        revision=happened.revision,
        message=happened.message,
        by=happened.by,
        reason=happened.reason,
    )


def usage(pod: Pod, use: Use) -> PodUsage:
    """What a pod used."""
    about = subject_of({"kind": "Pod", "metadata": {"name": pod.key.name, "labels": pod.labels}})
    return PodUsage(
        namespace=pod.key.namespace,
        name=pod.key.name,
        deployment=pod.deployment,
        app=about.app,
        lane=about.lane,
        revision=about.revision,
        cpu=None if use.cpu is None else use.cpu / 1000,
        memory=use.memory,
        requestsPerSecond=None if use.requests is None else use.requests / 1000,
    )
