"""Finds what a person names in the status document: an app by its name alone where that is unique.

Must not print.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from laneway.cli.failure import Failure
from laneway.spec.problems import Code

if TYPE_CHECKING:
    from laneway.cli.client import Pods
    from laneway.control.status import AppStatus, Json, LaneStatus, ReleaseStatus, Status, WorkloadStatus

_T = TypeVar("_T")


def app(status: Status, named: str, namespace: str | None) -> AppStatus:
    """The app of this name, NAME or NAMESPACE/NAME. Raises Failure where there is none, or more than one."""
    space, name = split(named, namespace)
    found = [each for each in status["apps"] if each["name"] == name and space in (None, each["namespace"])]
    there = ", ".join(f"{each['namespace']}/{each['name']}" for each in status["apps"]) or "none"
    return _single(found, f"app {space + '/' if space else ''}{name}", f"the apps here: {there}")


def runs(status: Status, named: str, namespace: str | None) -> AppStatus | WorkloadStatus:
    """The app, or the Deployment outside any app, of this name, likewise."""
    space, name = split(named, namespace)
    there: list[AppStatus | WorkloadStatus] = [*status["workloads"], *status["apps"]]
    found = [each for each in there if each["name"] == name and space in (None, each["namespace"])]
    here = ", ".join(sorted(f"{each['namespace']}/{each['name']}" for each in there)) or "nothing"
    return _single(found, f"app or Deployment {space + '/' if space else ''}{name}", f"here runs: {here}")


def pods(
    status: Status, named: str | None, namespace: str | None, *, lane: str, revision: str, pod: str
) -> Pods:
    """Which pods are meant. Raises Failure where the app or lane that is named is not there."""
    meant: Pods = {"namespace": namespace or "", "lane": lane, "revision": revision, "pod": pod}
    if named:
        found = runs(status, named, namespace)
        meant["namespace"] = found["namespace"]
        if found in status["workloads"]:
            meant["deployment"] = found["name"]
        else:
            meant["app"] = found["name"]
    elif lane:
        meant["namespace"] = lane_of(status, lane, namespace)["namespace"]
    return meant


def lane_of(status: Status, named: str, namespace: str | None) -> LaneStatus:
    """The lane of this name, likewise."""
    space, name = split(named, namespace)
    found = [each for each in status["lanes"] if each["name"] == name and space in (None, each["namespace"])]
    there = ", ".join(f"{each['namespace']}/{each['name']}" for each in status["lanes"]) or "none"
    return _single(found, f"lane {space + '/' if space else ''}{name}", f"the lanes here: {there}")


def split(named: str, namespace: str | None) -> tuple[str | None, str]:
    """Namespace and name of NAME or NAMESPACE/NAME; the former wins over `-n`."""
    space, _, name = named.rpartition("/")
    return space or namespace, name


def release(status: Status, namespace: str, name: str, app: str) -> ReleaseStatus | None:
    """One app's part of the release of this name; None where it has not begun."""
    wanted = (namespace, name, app)
    return next((r for r in status["releases"] if (r["namespace"], r["name"], r["app"]) == wanted), None)


def releases(status: Status, app: AppStatus) -> list[ReleaseStatus]:
    """All releases of an app, oldest first."""
    return [r for r in status["releases"] if (r["namespace"], r["app"]) == (app["namespace"], app["name"])]


def newest_release(status: Status, app: AppStatus, revision: str | None = None) -> ReleaseStatus | None:
    """The latest release of an app; of those to a revision, of which the first digits are enough."""
    found = [r for r in releases(status, app) if r["revision"].startswith(revision or "")]
    return found[-1] if found else None


def newest_releases(status: Status, namespace: str | None) -> list[ReleaseStatus]:
    """The latest release of each app."""
    newest = {(release["namespace"], release["app"]): release for release in status["releases"]}
    return [release for (space, _), release in sorted(newest.items()) if namespace in (None, space)]


def single(found: list[Json], kind: str, name: str) -> Json:
    """The one object of this kind and name. Raises Failure where there is none, or more than one."""
    return _single(found, f"{kind} {name}", f"list them: laneway get {kind.lower()}")


def _single(found: list[_T], what: str, there: str) -> _T:
    if not found:
        raise Failure(Code.NOT_FOUND, f"there is no {what}", there)
    if len(found) > 1:
        raise Failure(Code.AMBIGUOUS, f"there is more than one {what}", f"choose with -n; {there}")
    return found[0]
