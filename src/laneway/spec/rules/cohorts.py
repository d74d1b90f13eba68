"""Rules of `release.preview` and `release.sticky`: each mark means one thing wherever a request brings it."""

from __future__ import annotations

from collections.abc import Iterator

from laneway.spec.app import App
from laneway.spec.cohorts import COHORT_HEADER
from laneway.spec.problems import Code
from laneway.spec.rules.scope import Fault, Scope
from laneway.spec.yaml import Path

PREVIEW: Path = ("spec", "release", "preview", "header")
STICKY: Path = ("spec", "release", "sticky")


def preview_headers_are_free(scope: Scope) -> Iterator[Fault]:
    """The preview header is neither that of lanes nor that of cohorts."""
    taken = {scope.spec.mesh.lane.header: "lanes", COHORT_HEADER: "cohorts", "cookie": "cookies"}
    for app in scope.spec.apps.values():
        preview = app.spec.release.preview
        if preview and preview.header in taken:
            text = f"{preview.header} is the header of {taken[preview.header]}"
            yield Fault(Code.MARK_TAKEN, app, PREVIEW, text)


def cookies_are_set_at_gateways(scope: Scope) -> Iterator[Fault]:
    """Only browsers keep a cookie, and they come through gateways."""
    for app in scope.spec.apps.values():
        if app.spec.release.sticky and not app.spec.routing.gateways:
            text = "the App is at no gateway, where alone the cookie is set and read"
            yield Fault(Code.NO_BROWSER, app, STICKY, text)


def cookies_differ_on_a_host(scope: Scope) -> Iterator[Fault]:
    """Apps on one public host have cookies of their own: one would overwrite the other's."""
    first: dict[tuple[str, str], App] = {}
    for app in scope.spec.apps.values():
        sticky = app.spec.release.sticky
        hosts = [host.lower() for host in app.spec.routing.hosts] if sticky else []
        others = [first.setdefault((host, sticky.cookie), app) for host in hosts if sticky]
        if other := next((other for other in others if other is not app), None):
            text = f"App {app.key} and App {other.key} share a host and a cookie"
            yield Fault(Code.MARK_TAKEN, app, (*STICKY, "cookie"), text)
