"""Waits for the daemon's status to become what is wanted, and says in words what is missing.

Owns the sentences. Must not know any command, nor decide: `ready` and `confirmed` are the engine's words.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING

from laneway.cli.client import NotRunningError
from laneway.cli.output import counted

if TYPE_CHECKING:
    from laneway.cli.engine import Engine
    from laneway.cli.failure import Failure
    from laneway.control.status import AppStatus, LaneStatus, Replicas, Status, WorkloadStatus

BEAT_SECONDS = 1.0
MOMENT_SECONDS = 0.1
LAGGARDS_MAX = 5


def follow(client: Engine, timeout: timedelta, absence: timedelta = timedelta()) -> Iterator[Status]:
    """The status now, after each change, and at each beat without one; ends when the time is over.

    absence: how long the daemon or the controller may be away, as while it is started anew; then
    NotRunningError or Failure is raised.
    """
    end = time.monotonic() + timeout.total_seconds()
    seen, status = time.monotonic(), None
    while True:
        try:
            status = _next(client, status, end - time.monotonic())
            if (why := unattended(status)) is None:
                seen = time.monotonic()
            elif time.monotonic() - seen >= absence.total_seconds():
                raise why
            yield status
        except NotRunningError:
            status = None
            if time.monotonic() - seen >= absence.total_seconds():
                raise
            time.sleep(MOMENT_SECONDS)
        if time.monotonic() >= end:
            return


def unattended(status: Status) -> Failure | None:
    """That nobody acts on what was written: then there is nothing to wait for."""
    from laneway.cli.failure import Failure
    from laneway.spec.problems import Code

    for finding in status["findings"]:
        if finding["code"] == Code.NO_CONTROLLER.id:
            return Failure(Code.NO_CONTROLLER, finding["text"].removesuffix(f"; {Code.NO_CONTROLLER.remedy}"))
    return None


def _next(client: Engine, status: Status | None, left: float) -> Status:
    """The first status, or the next one; the same one where it stays for a beat."""
    if status is None:
        return client.status()
    version = client.changed(status["version"], max(MOMENT_SECONDS, min(left, BEAT_SECONDS)))
    return status if version == status["version"] else client.status()


def missing(status: Status) -> list[str]:
    """Everything that keeps this world from being ready and confirmed."""
    lines = [line for app in status["apps"] for line in missing_of_app(app)]
    for workload in status["workloads"]:
        if not workload["ready"]:
            lines.append(missing_of_workload(workload))
    lines += [line for lane in status["lanes"] for line in missing_of_lane(lane)]
    if not status["confirmed"]:
        lines += laggards(status)
    return lines + why(status)


def missing_of_app(app: AppStatus) -> list[str]:
    """What keeps an app from being ready and confirmed."""
    name = f"{app['namespace']}/{app['name']}"
    short = [version for version in app["versions"] if not _full(version["replicas"])]
    lines = [f"{name} version {version['revision']} {_pods(version['replicas'])}" for version in short]
    if not app["ready"] and not short:
        lines.append(f"{name} has no version that serves yet")
    if app["ready"] and not app["confirmed"]:
        lines.append(f"{name}: not every proxy serves its newest rules yet")
    return lines


def missing_of_workload(workload: WorkloadStatus) -> str:
    """What keeps a Deployment of its own from being ready."""
    return f"{workload['namespace']}/{workload['name']} {_pods(workload['replicas'])}"


def missing_of_lane(lane: LaneStatus) -> list[str]:
    """What keeps a lane from being ready and confirmed."""
    name = f"lane {lane['namespace']}/{lane['name']}"
    lines = [
        f"{name}: {app['name']} {_pods(app['replicas'])}"
        for app in lane["apps"]
        if not _full(app["replicas"])
    ]
    if lane["ready"] and not lane["confirmed"]:
        lines.append(f"{name}: not every proxy serves its rules yet")
    return lines


def laggards(status: Status) -> list[str]:
    """The proxies that have not confirmed, the first few by name."""
    proxies = status["proxies"]
    late = proxies["laggards"]
    if not late:
        return []
    named = ", ".join(late[:LAGGARDS_MAX]) + (", …" if len(late) > LAGGARDS_MAX else "")
    return [f"{len(late)} of {proxies['total']} proxies have not confirmed: {named}"]


def why(status: Status, subjects: Sequence[tuple[str, str]] | None = None) -> list[str]:
    """The report's lines, of these subjects (namespace, name) or of all; errors first."""
    order = {"error": 0, "warning": 1, "info": 2}
    found = [
        finding
        for finding in status["findings"]
        if subjects is None or (finding["namespace"], finding["name"]) in subjects
    ]
    return [finding["text"] for finding in sorted(found, key=lambda finding: order[finding["severity"]])]


def _full(replicas: Replicas) -> bool:
    return replicas["ready"] >= replicas["wanted"]


def _pods(replicas: Replicas) -> str:
    return f"has {replicas['ready']} of {counted(replicas['wanted'], 'pod')} ready"
