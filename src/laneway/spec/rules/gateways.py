"""Rules of gateways: they exist and cover the hosts bound to them; Apps share a public host in peace."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import NamedTuple

from laneway.spec.app import App, Rule
from laneway.spec.credentials import Lack, credentials_of
from laneway.spec.istio import Gateway, VirtualService
from laneway.spec.meta import Key
from laneway.spec.naming import MESH, ROOT_NAMESPACE, full_gateway, overlap
from laneway.spec.problems import Code
from laneway.spec.rules.scope import Fault, Scope, matched
from laneway.spec.yaml import Path


class _Bound(NamedTuple):
    """An object with hosts on gateways (by full name, `mesh` left out), and where it says so."""

    obj: App | VirtualService
    path: Path
    hosts: list[str]
    gateways: list[str]


def _bound(scope: Scope) -> Iterator[_Bound]:
    for app in scope.spec.apps.values():
        routing = app.spec.routing
        yield _Bound(app, ("spec", "routing"), routing.hosts, _full(routing.gateways, app.metadata.namespace))
    for service in scope.spec.virtual_services.values():
        gateways = _full(service.spec.gateways, service.metadata.namespace)
        yield _Bound(service, ("spec",), service.spec.hosts, gateways)


def _full(names: list[str], namespace: str) -> list[str]:
    return [full_gateway(name, namespace) for name in names]


def _gateway(scope: Scope, full_name: str) -> Gateway | None:
    return scope.spec.gateways.get(Key(*full_name.split("/", 1))) if "/" in full_name else None


def gateways_exist(scope: Scope) -> Iterator[Fault]:
    """A gateway that is named is there."""
    named = [(obj, (*path, "gateways"), gateways) for obj, path, _, gateways in _bound(scope)]
    for obj, path, match in matched(scope.spec):
        named.append((obj, (*path, "gateways"), _full(match.gateways, obj.metadata.namespace)))
    for obj, path, gateways in named:
        for index, name in enumerate(gateways):
            if name != MESH and _gateway(scope, name) is None:
                yield Fault(Code.NO_GATEWAY, obj, (*path, index), f"there is no Gateway {name}")


def hosts_are_covered(scope: Scope) -> Iterator[Fault]:
    """A public host is on a server of one of its gateways."""
    for obj, path, hosts, names in _bound(scope):
        gateways = [gateway for name in names if (gateway := _gateway(scope, name))]
        if not gateways or (MESH in names and isinstance(obj, VirtualService)):
            continue
        for index, host in enumerate(hosts):
            if not any(_serves(gateway, host, obj.metadata.namespace) for gateway in gateways):
                named = " or ".join(str(gateway.key) for gateway in gateways)
                text = f"no server of Gateway {named} has host {host}"
                yield Fault(Code.HOST_NOT_COVERED, obj, (*path, "hosts", index), text)


def _serves(gateway: Gateway, host: str, namespace: str) -> bool:
    """Whether the gateway has the host for a namespace's objects: servers say `host` or `namespace/host`."""
    for server in gateway.spec.servers:
        for pattern in server.hosts:
            where, _, name = pattern.rpartition("/")
            allowed = {"": namespace, "*": namespace, ".": gateway.metadata.namespace}.get(where, where)
            if allowed == namespace and overlap(name, host):
                return True
    return False


def credentials_exist(scope: Scope) -> Iterator[Fault]:
    """A certificate that a server names is in a Secret beside the gateway's pods."""
    for gateway in scope.spec.gateways.values():
        for index, server in enumerate(gateway.spec.servers):
            if server.tls is None or not server.tls.credential_name:
                continue
            lack = credentials_of(server.tls, ROOT_NAMESPACE, scope.spec.secrets.get)
            if isinstance(lack, Lack):
                code = Code.NO_KEY if lack.name else Code.NO_CONFIGURATION
                remedy = f"add {'the key' if lack.name else 'it'}, in namespace {ROOT_NAMESPACE}"
                path = ("spec", "servers", index, "tls", "credentialName")
                yield Fault(code, gateway, path, str(lack), remedy)


class _Claim(NamedTuple):
    """One match of an App on a public host. path: of the match, or of what stands for all requests."""

    app: App
    path: Path
    canonical: str


def matches_on_a_public_host_differ(scope: Scope) -> Iterator[Fault]:
    """Two Apps that share a public host never have the same match: the second would get no request."""
    first: dict[tuple[str, str, str], _Claim] = {}
    for app in scope.spec.apps.values():
        for gateway in _full(app.spec.routing.gateways, app.metadata.namespace):
            for host in app.spec.routing.hosts if gateway != MESH else ():
                for claim in _claims(app, gateway):
                    other = first.setdefault((gateway, host.lower(), claim.canonical), claim)
                    if other.app is not app:
                        yield _same_match(claim, other, host)


def _claims(app: App, gateway: str) -> Iterator[_Claim]:
    """The matches of an App on a gateway; one for all requests where it has no rule there."""
    rules: Path = ("spec", "routing", "http")
    found = False
    for index, rule in enumerate(app.spec.routing.http):
        for below, canonical in _matches_at(rule, gateway, app.metadata.namespace):
            found = True
            yield _Claim(app, (*rules, index, *below), canonical)
    if not found:
        yield _Claim(app, ("spec", "routing", "hosts"), "{}")


def _matches_at(rule: Rule, gateway: str, namespace: str) -> Iterator[tuple[Path, str]]:
    if not rule.match:
        yield (), "{}"
    for index, match in enumerate(rule.match):
        if not match.gateways or gateway in _full(match.gateways, namespace):
            conditions = {
                key: value for key, value in match.written().items() if key not in ("name", "gateways")
            }
            yield ("match", index), json.dumps(conditions, sort_keys=True)


def _same_match(claim: _Claim, other: _Claim, host: str) -> Fault:
    what = "all requests" if claim.canonical == "{}" else "the same requests"
    text = f"App {claim.app.key} and App {other.app.key} both take {what} of host {host}"
    remedy = f"add a `match` to a rule of one of them, or change the one of App {claim.app.key}"
    return Fault(Code.SAME_MATCH, claim.app, claim.path, text, remedy)


def one_writer_for_each_public_host(scope: Scope) -> Iterator[Fault]:
    """The rules of an App's public host are all in Apps: Laneway writes its VirtualService."""
    apps: dict[tuple[str, str], App] = {}
    for obj, _, hosts, gateways in _bound(scope):
        if isinstance(obj, App):
            apps |= {(gateway, host.lower()): obj for gateway in gateways for host in hosts}
    for obj, path, hosts, gateways in _bound(scope):
        for index, host in enumerate(hosts if isinstance(obj, VirtualService) else ()):
            owners = [apps[gateway, host.lower()] for gateway in gateways if (gateway, host.lower()) in apps]
            if owners:
                text = f"the rules of host {host} belong to App {owners[0].key}"
                remedy = f"move what VirtualService {obj.key} says into `spec.routing` of an App"
                yield Fault(Code.TWO_WRITERS, obj, (*path, "hosts", index), text, remedy)
