"""A lane and its apps' templates: how one becomes the other's. Pure; must not know what runs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from laneway.manifests.workloads import patched
from laneway.spec.lane import Lane, LaneApp
from laneway.spec.meta import Key, key_of

if TYPE_CHECKING:
    from laneway.control.status import Json, LaneStatus, Status

PROMOTED_FROM = "laneway.dev/promoted-from"
PROMOTED_BY = "laneway.dev/promoted-by"
"""Annotations of a Release that came of a lane: the lane, and who promoted it."""


def templates(lane: Lane, stored: Iterable[Json]) -> list[Json]:
    """The objects that hold the templates of the lane's apps, with what the lane runs."""
    bodies = {(body["kind"], key_of(body)): body for body in stored}
    found = []
    for part in lane.spec.apps:
        app = bodies["App", Key(lane.metadata.namespace, part.name)]
        deployment = app["spec"]["workload"].get("deployment")
        holder = bodies["Deployment", Key(lane.metadata.namespace, deployment)] if deployment else app
        found.append(_with_template(holder, part))
    return found


def _with_template(holder: Json, part: LaneApp) -> Json:
    spec = holder["spec"]
    if holder["kind"] == "App":
        return holder | {
            "spec": spec | {"workload": {"template": _patched(spec["workload"]["template"], part)}}
        }
    return holder | {"spec": spec | {"template": _patched(spec["template"], part)}}


def _patched(template: Json, part: LaneApp) -> Json:
    return template | {"spec": patched(template["spec"], part.image, part.env)}


def evidence(lane: Lane, by: str) -> Mapping[str, str]:
    """What the release's record says of where it came from."""
    return {PROMOTED_FROM: lane.metadata.name, PROMOTED_BY: by}


def tested_on_another(lane: LaneStatus, status: Status) -> list[str]:
    """The apps whose stable revision is not the one that the lane's version was made of, in words."""
    stable = {(app["namespace"], app["name"]): app["stable"] for app in status["apps"]}
    return [
        f"{app['name']} was tested on {app['base']}, stable is {now}"
        for app in lane["apps"]
        if (now := stable.get((lane["namespace"], app["name"]))) and app["base"] not in {"", now}
    ]


def rebased(lane: Json, status: Status) -> Json:
    """The Lane as it is stored, made of what is stable now."""
    space = key_of(lane).namespace
    stable = {app["name"]: app["stable"] for app in status["apps"] if app["namespace"] == space}
    apps = [
        app | ({"base": stable[app["name"]]} if app["name"] in stable else {})
        for app in lane["spec"].get("apps", [])
    ]
    return lane | {"spec": lane["spec"] | {"apps": apps}}
