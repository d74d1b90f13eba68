"""What people want in a cluster, as the planner reads it: models, and templates as they are stored. Pure.

Must not decide anything.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from laneway.kubernetes.part import read_template
from laneway.kubernetes.service.reading import read
from laneway.manifests import names
from laneway.spec.load import spec_of
from laneway.spec.meta import Key, key_of
from laneway.spec.template import Template
from laneway.spec.world import Spec

Json = dict[str, Any]


def spec_from(bodies: Iterable[Json]) -> Spec:
    """The spec of these objects, without those that Laneway has derived."""
    written = [body for body in bodies if not names.managed(body)]
    found = [obj for body in written if (obj := read(body)[0]) is not None]
    return replace(spec_of(found), templates=templates_of(written))


def templates_of(bodies: Iterable[Json]) -> dict[Key, Template]:
    """The template of each App: its own, or that of its Deployment."""
    bodies = list(bodies)
    deployments = {key_of(body): body for body in bodies if body["kind"] == "Deployment"}
    found: dict[Key, Template] = {}
    for app in (body for body in bodies if body["kind"] == "App"):
        key, workload = key_of(app), app["spec"].get("workload") or {}
        holder = deployments.get(Key(key.namespace, workload.get("deployment") or ""))
        template = workload.get("template") or (holder["spec"]["template"] if holder else None)
        if template:
            found[key] = read_template(template)
    return found
