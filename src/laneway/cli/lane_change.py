"""What `lane up` asks for, and the Lane that comes of it. Pure; must not know what runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING

import click

from laneway.spec.values import format_duration

if TYPE_CHECKING:
    from laneway.control.status import Json


def wanted(apps: Sequence[str], image: str | None, env: Sequence[tuple[str, str]]) -> dict[str, Json]:
    """What to run of each app, by its name without namespace.

    Usage errors: --image for more than one app, --env or --image for none.
    """
    pairs = [(name_of(app).rpartition("/")[2], app.partition("=")[2]) for app in apps]
    bare = [name for name, own in pairs if not own]
    if image and len(bare) != 1:
        text = "--image is for one app; for several write --app APP=IMAGE"
        raise click.BadParameter(text, param_hint="--image")
    if env and not apps:
        raise click.BadParameter("say which app it is for", param_hint="--app")
    variables = [{"name": name, "value": value} for name, value in env]
    asked: dict[str, Json] = {}
    for name, own in pairs:
        used = own or image
        asked[name] = ({"image": used} if used else {}) | ({"env": variables} if variables else {})
    return asked


def name_of(app: str) -> str:
    """The app of APP[=IMAGE]."""
    return app.partition("=")[0]


def settings(ttl: timedelta | None, value: str | None) -> Json:
    """The fields of the Lane's spec that were given."""
    return ({"ttl": format_duration(ttl)} if ttl is not None else {}) | ({"value": value} if value else {})


def merged(
    before: Json | None, namespace: str, name: str, wanted: Mapping[str, Json], settings: Json
) -> Json:
    """The Lane there is, or a new one, with these apps added or changed. Variables are merged by name."""
    metadata = before["metadata"] if before else {}
    spec: Json = dict(before["spec"]) if before else {}
    apps: dict[str, Json] = {app["name"]: dict(app) for app in spec.get("apps", [])}
    for app, changes in wanted.items():
        there = apps.setdefault(app, {"name": app})
        variables = {
            variable["name"]: variable for variable in (*there.get("env", ()), *changes.get("env", ()))
        }
        apps[app] = there | changes | ({"env": list(variables.values())} if variables else {})
    kept = {key: metadata[key] for key in ("labels", "annotations") if metadata.get(key)}
    return {
        "apiVersion": "laneway.dev/v1alpha1",
        "kind": "Lane",
        "metadata": {"name": name, "namespace": namespace} | kept,
        "spec": spec | settings | {"apps": list(apps.values())},
    }
