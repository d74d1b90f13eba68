"""How one pass compares its plan with what is stored: what others own in our objects, and what they changed.

Must not write anything.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from laneway.control.changes import Dialect
from laneway.control.observe import Body
from laneway.kubernetes.deletion import retained
from laneway.kubernetes.dialect import Normalised, formed, is_drift, is_edited
from laneway.kubernetes.part import Part
from laneway.kubernetes.pod_end import serving_on
from laneway.manifests import names
from laneway.spec.meta import Key, key_of
from laneway.spec.release import Phase


class Comparing:
    """Of one pass. drifted, restored: what somebody else has changed, by app."""

    def __init__(self, found: Part, normalised: Normalised) -> None:
        self.drifted: dict[Key, list[str]] = {}
        self.restored: dict[Key, list[str]] = {}
        self._found = found
        self._normalised = normalised
        self._stored = {key_of(each): each for each in found.objects.get("VirtualService", ())}
        self._running = {key_of(each): each for each in found.objects.get("Deployment", ())}
        self._aborting = {
            Key(release.metadata.namespace, app.name)
            for release in found.spec.releases.values()
            if release.status and release.status.phase is Phase.ABORTING
            for app in release.spec.apps
        }

    def dialect(self) -> Dialect:
        """For `control.changes`."""
        return Dialect(self._form, self._same)

    def _form(self, manifest: dict[str, Any]) -> dict[str, Any]:
        if manifest["kind"] == "VirtualService" and names.APP not in manifest["metadata"]["labels"]:
            stored = self._stored.get(key_of(manifest))
            if stored is not None:
                http = retained(stored["spec"].get("http") or (), manifest["spec"]["http"], self._is_ours)
                manifest = manifest | {"spec": manifest["spec"] | {"http": http}}
        if manifest["kind"] == "Deployment":
            manifest = serving_on(manifest, self._running.get(key_of(manifest)))
        return formed(manifest)

    def _is_ours(self, host: str) -> bool:
        """Whether a host is of an App that this pass plans or ends, or of a lane's version of it."""
        name, _, rest = host.partition(".")
        namespace = rest.partition(".")[0]
        apps = self._found.apps
        return any(
            app.namespace == namespace and (name == app.name or name.startswith(f"{app.name}-"))
            for app in apps
        )

    def _same(self, stored: Body | None, manifest: Body) -> bool:
        if self._normalised.same(stored, manifest):
            return True
        if not is_drift(stored, manifest) and not is_edited(stored):
            return False
        apps, what = self._apps_of(manifest), f"{manifest['kind']} {key_of(manifest)}"
        reporting = [app for app in apps if self._reports(app)]
        for app in reporting or apps:
            (self.drifted if reporting else self.restored).setdefault(app, []).append(what)
        return bool(reporting)

    def _reports(self, app: Key) -> bool:
        """An abort does not wait for who edited its rules."""
        return self._found.spec.apps[app].spec.drift == "report" and app not in self._aborting

    def _apps_of(self, manifest: Body) -> list[Key]:
        """The Apps that an object was made for."""
        labels: Mapping[str, str] = manifest["metadata"]["labels"]
        named = labels.get(names.APP) or labels.get(names.LANE_APP)
        apps = self._found.spec.apps
        of = [Key(key_of(manifest).namespace, named)] if named else list(apps)
        return [app for app in of if app in apps]
