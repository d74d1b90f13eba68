"""VirtualServices: one on an App's mesh host, and one per gateway host with the rules of all its Apps."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from laneway.manifests import names
from laneway.manifests.rules import app_rules
from laneway.manifests.workloads import Manifest, meta
from laneway.plan.result import AppPlan
from laneway.spec.app import App
from laneway.spec.meta import Key
from laneway.spec.naming import MESH, full_gateway


def mesh_rules(app: App, plan: AppPlan, header: str) -> Manifest:
    """The VirtualService of the app's mesh host: no other names that host."""
    http = list(app_rules(app, plan, header, (MESH,), (MESH,)))
    spec = {"hosts": [names.host(*app.key)], "gateways": [MESH], "http": http}
    return _virtual_service(app.key, {names.APP: app.metadata.name}, spec)


def gateway_rules(apps: Mapping[Key, tuple[App, AppPlan]], header: str) -> Iterator[Manifest]:
    """One VirtualService per gateway host, with the rules of its Apps by `order`, then age, then name."""
    for key, (host, sharing) in sorted(gateway_hosts(app for app, _ in apps.values()).items()):
        gateways = tuple(sorted({gateway for app in sharing for gateway in _gateways(app)}))
        http = [
            rule for app in sharing for rule in app_rules(*apps[app.key], header, _gateways(app), gateways)
        ]
        yield _virtual_service(key, {}, {"hosts": [host], "gateways": list(gateways), "http": http})


def gateway_hosts(apps: Iterable[App]) -> dict[Key, tuple[str, list[App]]]:
    """Each VirtualService of a gateway host: the host, and the Apps that share it, in order of their rules.

    A host has one, whatever the namespaces of its Apps: the first of these by name has it.
    """
    by_host: dict[str, list[App]] = {}
    for app in apps:
        if app.spec.routing.gateways:
            for host in app.spec.routing.hosts:
                by_host.setdefault(host.lower(), []).append(app)
    return {
        Key(min(app.metadata.namespace for app in sharing), names.gateway_host_rules(host)): (
            host,
            sorted(sharing, key=_precedence),
        )
        for host, sharing in by_host.items()
    }


def _gateways(app: App) -> tuple[str, ...]:
    return tuple(sorted({full_gateway(name, app.metadata.namespace) for name in app.spec.routing.gateways}))


def _precedence(app: App) -> tuple[int, bool, float, str, str]:
    created = app.metadata.creation_timestamp
    age = created.timestamp() if created else 0.0
    return app.spec.routing.order, created is None, age, app.metadata.name, app.metadata.namespace


def _virtual_service(key: Key, labels: dict[str, str], spec: Manifest) -> Manifest:
    return {
        "apiVersion": "networking.istio.io/v1",
        "kind": "VirtualService",
        "metadata": meta(key, labels),
        "spec": spec,
    }
