"""A Release of the Apps whose templates are about to change. Pure; must not know what runs."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from itertools import count
from typing import TYPE_CHECKING

import click

from laneway.plan.revision import revision_of

if TYPE_CHECKING:
    from laneway.control.status import Json, Status
    from laneway.spec.meta import Key
    from laneway.spec.world import Spec


def changed(spec: Spec, status: Status) -> dict[Key, str]:
    """The revisions of the Apps whose template is to be another than stable's. spec: as it is to be."""
    stable = {(app["namespace"], app["name"]): app["stable"] for app in status["apps"]}
    found: dict[Key, str] = {}
    for key, app in sorted(spec.apps.items()):
        template = spec.template(app)
        if template and key in stable and (revision := revision_of(template)) != stable[key]:
            found[key] = revision
    return found


def release_of(name: str, revisions: Mapping[Key, str], annotations: Mapping[str, str] | None = None) -> Json:
    """The Release of these Apps. Usage errors: none of them changes, or they are in several namespaces."""
    namespaces = sorted({key.namespace for key in revisions})
    if not namespaces:
        raise click.UsageError("no app's template changes: there is nothing to release")
    if len(namespaces) > 1:
        where = ", ".join(namespaces)
        raise click.UsageError(f"the apps that change are in {where}: a release is of apps in one namespace")
    parts = [{"name": key.name, "revision": revision} for key, revision in revisions.items()]
    metadata: Json = {"name": name, "namespace": namespaces[0]}
    if annotations:
        metadata["annotations"] = dict(annotations)
    return {
        "apiVersion": "laneway.dev/v1alpha1",
        "kind": "Release",
        "metadata": metadata,
        "spec": {"apps": parts},
    }


def free_name(name: str, taken: Collection[str]) -> str:
    """The name, or it with the first number that makes it one that is not taken."""
    return next(
        each for number in count(1) if (each := f"{name}-{number}" if number > 1 else name) not in taken
    )
