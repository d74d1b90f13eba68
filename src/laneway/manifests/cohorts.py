"""Who is told apart while a release runs: by lane, cohort, preview header or cookie; and the marks they get.

Must not know matches of a user's, nor where rules stand in a VirtualService.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from laneway.manifests.workloads import Manifest
from laneway.plan.result import AppPlan
from laneway.spec.app import App
from laneway.spec.cohorts import COHORT_HEADER, Sticky

ANY_LANE = "any-lane"

STABLE, CANDIDATE = "stable", "candidate"
"""The two sides of a release, as the preview header and the cohort header call them."""

Headers = Mapping[str, Manifest]
"""Istio's Headers (request, response) for each revision's destination; none for one without changes."""


@dataclass(frozen=True, slots=True)
class Way:
    """Requests with any of these marks go to one revision.

    name: of its rules; marks: a header, and what it must be (Istio's StringMatch); headers: as of a
    destination.
    """

    name: str
    marks: tuple[tuple[str, Manifest], ...]
    revision: str
    headers: Manifest


def ways(app: App, plan: AppPlan, lane_header: str, at_gateway: bool) -> Iterator[Way]:
    """In the order of their rules, which come after the lanes' and before those that draw by weight.

    Whoever has been drawn follows that first of all, also in a lane that does not deploy the app. Cohorts
    hold inside the mesh alone: at a gateway the header comes from outside. Cookies hold at gateways alone:
    services do not pass them on.
    """
    if plan.cohort and not at_gateway:
        for side, revision in ((CANDIDATE, plan.cohort.candidate), (STABLE, plan.stable)):
            mark = {"exact": cohort(plan.cohort.release, side)}
            if revision:
                yield Way(f"cohort-{side}", ((COHORT_HEADER, mark),), revision, {})
    if plan.guard:
        yield Way(ANY_LANE, ((lane_header, {}),), plan.stable, _tag(plan, plan.stable))
    sides = list(_sides(plan))
    policy = app.spec.release
    for side, revision in sides if policy.preview else ():
        header = policy.preview.header if policy.preview else ""
        marks = tuple((header, {"exact": value}) for value in (side, revision))
        yield Way(f"preview-{side}", marks, revision, _tag(plan, revision))
    for side, revision in sides if policy.sticky and at_gateway and len(plan.weights) > 1 else ():
        cookie = policy.sticky.cookie if policy.sticky else ""
        mark = {"regex": rf"(.*;\s*)?{cookie}={revision}(;.*)?"}
        yield Way(f"sticky-{side}", (("cookie", mark),), revision, _tag(plan, revision))


def _sides(plan: AppPlan) -> Iterator[tuple[str, str]]:
    """The sides that requests may be led to. Without a weight stable is none: its pods are on their way."""
    if plan.candidate:
        yield CANDIDATE, plan.candidate
        if plan.stable in plan.weights:
            yield STABLE, plan.stable


def cohort(release: str, side: str) -> str:
    """The cohort header's value. release: its namespace and name, with a dot between them."""
    return f"{release}.{side}"


def drawn(app: App, plan: AppPlan, at_gateway: bool) -> Headers:
    """What a request and its answer get where it is drawn by weight, by the revision that was drawn."""
    sticky = app.spec.release.sticky if at_gateway and plan.candidate and len(plan.weights) > 1 else None
    return {revision: _tag(plan, revision) | _cookie(sticky, revision) for revision in plan.weights}


def _tag(plan: AppPlan, revision: str) -> Manifest:
    if plan.cohort is None:
        return {}
    side = STABLE if revision == plan.stable else CANDIDATE
    return {"request": {"set": {COHORT_HEADER: cohort(plan.cohort.release, side)}}}


def _cookie(sticky: Sticky | None, revision: str) -> Manifest:
    if sticky is None:
        return {}
    lasts = int(sticky.ttl.total_seconds())
    value = f"{sticky.cookie}={revision}; Path=/; Max-Age={lasts}; HttpOnly; SameSite=Lax"
    return {"response": {"add": {"set-cookie": value}}}
