"""Services and subsets: which pods stand behind an app's host, and behind each lane's."""

from __future__ import annotations

from laneway.manifests import names
from laneway.manifests.workloads import Manifest, meta
from laneway.plan.result import AppPlan, LaneVersionPlan
from laneway.spec.app import App
from laneway.spec.meta import Key


def app_service(app: App) -> Manifest:
    """The app's Service: every revision's pods, and no lane's."""
    return _service(app, app.key, {names.APP: app.metadata.name}, {names.APP: app.metadata.name})


def lane_service(app: App, version: LaneVersionPlan) -> Manifest:
    """The Service of a lane's version: only the rules of its lane name it."""
    selector = {names.LANE: version.lane.name, names.LANE_APP: version.app}
    return _service(app, _lane_key(version), selector, selector)


def lane_policy(app: App, version: LaneVersionPlan) -> Manifest | None:
    """The DestinationRule of a lane's version: what holds for connections to the app holds there too."""
    policy = app.spec.routing.traffic_policy
    if policy is None:
        return None
    key = _lane_key(version)
    labels = {names.LANE: version.lane.name, names.LANE_APP: version.app}
    return _destination_rule(key, labels, {"host": names.host(*key), "trafficPolicy": policy.written()})


def _lane_key(version: LaneVersionPlan) -> Key:
    return Key(version.lane.namespace, names.lane_service(version.app, version.lane.name))


def _service(app: App, key: Key, labels: dict[str, str], selector: dict[str, str]) -> Manifest:
    ports = [port.written() for port in app.spec.service.ports]
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": meta(key, labels),
        "spec": {"selector": selector, "ports": ports},
    }


def subsets(app: App, plan: AppPlan) -> Manifest:
    """The DestinationRule: one subset per revision that has pods or rules; none is ever repointed."""
    spec: Manifest = {
        "host": names.host(*app.key),
        "subsets": [
            {"name": names.subset(version.revision), "labels": {names.REVISION: version.revision}}
            for version in plan.versions
            if version.subset
        ],
    }
    if app.spec.routing.traffic_policy:
        spec["trafficPolicy"] = app.spec.routing.traffic_policy.written()
    return _destination_rule(app.key, {names.APP: app.metadata.name}, spec)


def _destination_rule(key: Key, labels: dict[str, str], spec: Manifest) -> Manifest:
    return {
        "apiVersion": "networking.istio.io/v1",
        "kind": "DestinationRule",
        "metadata": meta(key, labels),
        "spec": spec,
    }
