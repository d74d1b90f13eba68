"""adopt(objects): Apps that mean the same, with the proof. Pure.

What would change a route table stays as it is, and says why.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from laneway.adoption.apps import Candidate, World, candidates
from laneway.adoption.tables import Place, Pods, Rule, Table, tables
from laneway.manifests.render import render
from laneway.spec.app import App
from laneway.spec.kubernetes import Deployment
from laneway.spec.load import KINDS, parse, spec_of
from laneway.spec.meta import Object


@dataclass(frozen=True, slots=True)
class Adopted:
    """What became of a set of objects.

    objects: to write in place of the given ones, Apps first; stays: host of each Service that is no App, and
    why; tables: how many rules each place has, before and after alike.
    """

    objects: tuple[Object, ...]
    apps: tuple[App, ...]
    stays: Mapping[str, str]
    tables: Mapping[Place, int]


def adopt(objects: Sequence[Object]) -> Adopted:
    """As many Apps as can stand for these objects without changing what becomes of any request.

    Both sides are compared as Laneway runs them: what it writes for Apps that are there already, and for the
    way out of the mesh, is no difference.
    """
    world, pods = World.of(objects), Pods.of(objects)
    before = tables(_deployed(objects), pods)

    def changes(found: Mapping[str, Candidate]) -> list[str]:
        after = tables(_deployed(_result(objects, found)), pods)
        return [why for place in before | after if (why := _difference(place, before, after))]

    left: dict[str, str] = {}
    while True:
        found, stays = candidates(world, left)
        if not (differing := changes(found)):
            break
        alone = {host: changes(candidates(world, _all_but(host, world))[0]) for host in found}
        blamed = {host: why[0] for host, why in alone.items() if why}
        left |= blamed or dict.fromkeys(found, differing[0])
    result = _result(objects, found)
    apps = tuple(obj for obj in result if isinstance(obj, App) and obj not in objects)
    return Adopted(result, apps, stays, {place: len(table) for place, table in before.items()})


def _all_but(host: str, world: World) -> dict[str, str]:
    return {other: "looked at later" for other in world.services if other != host}


def _result(objects: Sequence[Object], found: Mapping[str, Candidate]) -> tuple[Object, ...]:
    replaced = {id(obj) for made in found.values() for obj in made.replaced}
    return (*(made.app() for made in found.values()), *(obj for obj in objects if id(obj) not in replaced))


def _deployed(objects: Sequence[Object]) -> list[Object]:
    """What a mesh has once Laneway has written what these objects become."""
    spec = spec_of(objects)
    templates = {(app.key.namespace, app.spec.workload.deployment) for app in spec.apps.values()}
    derived: list[dict[str, Any]] = render(spec)
    plain = [
        obj
        for obj in objects
        if not (isinstance(obj, Deployment) and (obj.key.namespace, obj.key.name) in templates)
    ]
    return [*plain, *(parse(body) for body in derived if body["kind"] in KINDS)]


def _difference(place: Place, before: Mapping[Place, Table], after: Mapping[Place, Table]) -> str:
    """What differs at a place, in words; empty where nothing does."""
    old, new = before.get(place, ()), after.get(place, ())
    if old == new:
        return ""
    where = f"{place[1]}:{place[2]} at {place[0]}"
    for index, (was, becomes) in enumerate(zip(old, new, strict=False)):
        if was != becomes:
            return f"{where}, rule {index + 1}, would change: {_said(was)} to {_said(becomes)}"
    return f"{where} would have {len(new)} rules in place of {len(old)}"


def _said(rule: Rule) -> str:
    to = ", ".join(f"{way.percent:g} % {' and '.join(way.pods) or 'nothing'}" for way in rule.ways)
    return f"({to or 'no destination'}; {rule.action})"
