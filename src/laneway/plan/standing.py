"""An app before its release is looked at: its template, its stable revision, its records. Must not move."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from laneway.plan.autoscaled import is_autoscaled
from laneway.plan.observed import AppSeen, Evidence, Observed, Role
from laneway.plan.records import asked_for, newest, status_of, under_way
from laneway.plan.release import Moment
from laneway.plan.requests import taken_back
from laneway.plan.result import Finding, Severity
from laneway.plan.revision import revision_of
from laneway.plan.roles import is_refused, stable_of
from laneway.plan.sizing import surge_pods
from laneway.spec.app import App, Scale
from laneway.spec.meta import Key
from laneway.spec.release import Release
from laneway.spec.template import Template
from laneway.spec.world import Spec

DEFAULT_SCALE = Scale()


@dataclass(frozen=True, slots=True)
class Standing:
    """One app. wanted: the revision of its template; releases: its records (`records.views`).

    refused: the wanted revision was rolled back; replicas: its pods at rest; missing: that its template is.
    """

    app: App
    seen: AppSeen
    wanted: str
    template: Template
    stable: str
    refused: bool
    releases: tuple[Release, ...]
    begun: tuple[Release, ...]
    replicas: int
    missing: tuple[Finding, ...] = ()

    @property
    def active(self) -> Release | None:
        """The release under way."""
        return under_way(self.app.key, self.begun)

    @property
    def changes(self) -> bool:
        """Whether the template is one to release."""
        return self.wanted != self.stable and not self.refused

    @property
    def autoscaled(self) -> bool:
        """Whether an autoscaler decides at rest how many pods there are."""
        return is_autoscaled(self.app)

    @property
    def base(self) -> int:
        """Pods of the app as a whole, from which a release begins."""
        return _base(self.app, self.replicas, self.seen, self.stable)

    def size(self, active: Release | None) -> int:
        """The base of the sizing: during a release, no fewer pods than the app had when it began."""
        if active and self.autoscaled:
            return max(self.replicas, status_of(active).base)
        return self.replicas

    def surge(self, base: int) -> int:
        """Pods beside the base. A version that keeps its pods is beside it as a whole."""
        if self.app.spec.release.keep_old:
            return base
        return surge_pods(base, (self.app.spec.scale or DEFAULT_SCALE).surge)

    def moment(self, active: Release, now: datetime, evidence: Evidence) -> Moment:
        """What its release looks at."""
        base = self.size(active)
        return Moment(self.app, self.seen, self.wanted, self.stable, base, self.surge(base), now, evidence)


def stand(
    app: App, spec: Spec, observed: Observed, releases: Mapping[Key, tuple[Release, ...]]
) -> Standing | None:
    """The app by now; None without any template. releases: by app, as each sees them."""
    seen = observed.apps.get(app.key, AppSeen())
    mine, replicas = releases.get(app.key, ()), spec.replicas(app)
    begun = _begun(app, seen, mine, replicas)
    missing: tuple[Finding, ...] = ()
    if (template := spec.template(app)) is None:
        template, missing = _instead(seen, under_way(app.key, begun)), (_missing(app),)
    if template is None:
        return None
    wanted = revision_of(template)
    seen = _known(seen, wanted)
    stable = stable_of(seen, wanted, begun)
    alone = [release for release in mine if len(spec.releases[release.key].spec.apps) == 1]
    refused = is_refused(wanted, seen, begun) and not asked_for(app.key, wanted, alone)
    return Standing(app, seen, wanted, template, stable, refused, mine, begun, replicas, missing)


def _known(seen: AppSeen, wanted: str) -> AppSeen:
    """The app without the shares of revisions whose templates are lost: nothing can be rebuilt for them."""
    if seen.written is None or all(r in seen.kept or r == wanted for r in seen.written.weights):
        return seen
    weights = {r: bp for r, bp in seen.written.weights.items() if r in seen.kept or r == wanted}
    return replace(seen, written=replace(seen.written, weights=weights) if weights else None)


def _instead(seen: AppSeen, active: Release | None) -> Template | None:
    """Without the app's template everything stays as it is: the release under way, or the stable revision."""
    if active and (released := active.spec.apps[0].revision) in seen.kept:
        return seen.kept[released].template
    return next((kept.template for kept in seen.kept.values() if kept.role is Role.STABLE), None)


def _missing(app: App) -> Finding:
    text = f"{app.metadata.name} stays as it is: Deployment {app.spec.workload.deployment} is missing"
    return Finding("TemplateMissing", app.key, text, Severity.ERROR)


def _begun(app: App, seen: AppSeen, releases: tuple[Release, ...], replicas: int) -> tuple[Release, ...]:
    """The app's releases that have begun; the last one goes back where it is to be undone."""
    begun = tuple(release for release in releases if release.status)
    last = newest(begun)
    if last is None or under_way(app.key, begun) or status_of(last).members:
        return begun
    back = taken_back(last, seen.kept, _base(app, replicas, seen, last.spec.apps[0].revision))
    return tuple(back if release is last else release for release in begun)


def _base(app: App, replicas: int, seen: AppSeen, stable: str) -> int:
    """Pods of the app as a whole; where an autoscaler decides, no fewer than it has decided by now."""
    return (
        max(replicas, seen.versions[stable].desired)
        if is_autoscaled(app) and stable in seen.versions
        else replicas
    )
