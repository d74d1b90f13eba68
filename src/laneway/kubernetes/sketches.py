"""What tells which apps an object concerns, read from its JSON without the rest of it. Pure."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from laneway.spec.meta import Key
from laneway.spec.naming import DOMAIN


class _Workload(msgspec.Struct):
    deployment: str | None = None


class _Routing(msgspec.Struct):
    hosts: list[str] = []
    gateways: list[str] = []


class _AppSpec(msgspec.Struct):
    workload: _Workload = msgspec.field(default_factory=_Workload)
    routing: _Routing = msgspec.field(default_factory=_Routing)


class _App(msgspec.Struct):
    spec: _AppSpec


class AppSketch(msgspec.Struct, frozen=True):
    """template: the Deployment that holds its template, None where that is inline; hosts: of gateways."""

    template: str | None
    hosts: frozenset[str]


class _Fallback(msgspec.Struct, rename={"otherwise": "else"}):
    through: list[str] = []
    otherwise: str = "baseline"


class _Named(msgspec.Struct):
    name: str


class _LaneSpec(msgspec.Struct):
    apps: list[_Named] = []
    fallback: _Fallback = msgspec.field(default_factory=_Fallback)


class _Lane(msgspec.Struct):
    spec: _LaneSpec = msgspec.field(default_factory=_LaneSpec)


class LaneSketch(msgspec.Struct, frozen=True):
    """apps: that it deploys; through: lanes that it falls back to; dense: every app has a rule for it."""

    apps: frozenset[str]
    through: frozenset[str]
    dense: bool


class _ReleaseSpec(msgspec.Struct):
    apps: list[_Named] = []


class _Release(msgspec.Struct):
    spec: _ReleaseSpec


class _Destination(msgspec.Struct):
    host: str
    subset: str | None = None


class _Route(msgspec.Struct):
    destination: _Destination


class _Rule(msgspec.Struct):
    route: list[_Route] = []


class _RulesSpec(msgspec.Struct):
    http: list[_Rule] = []


class _Rules(msgspec.Struct):
    spec: _RulesSpec


_APP = msgspec.json.Decoder(_App)
_LANE = msgspec.json.Decoder(_Lane)
_RELEASE = msgspec.json.Decoder(_Release)
_RULES = msgspec.json.Decoder(_Rules)
_SUFFIX = f".{DOMAIN}"


def app(raw: bytes) -> AppSketch:
    """Of an App. Raises msgspec.ValidationError for one that is damaged."""
    spec = _APP.decode(raw).spec
    hosts = spec.routing.hosts if spec.routing.gateways else []
    return AppSketch(spec.workload.deployment, frozenset(host.lower() for host in hosts))


def lane(raw: bytes) -> LaneSketch:
    """Of a Lane."""
    spec = _LANE.decode(raw).spec
    apps = frozenset(each.name for each in spec.apps)
    return LaneSketch(apps, frozenset(spec.fallback.through), spec.fallback.otherwise == "refuse")


def released(namespace: str, raw: bytes) -> frozenset[Key]:
    """The apps of a Release."""
    return frozenset(Key(namespace, each.name) for each in _RELEASE.decode(raw).spec.apps)


def led_to(raw: bytes) -> frozenset[Key]:
    """The Apps whose versions a VirtualService of ours leads to by subset."""
    destinations = (r.destination for rule in _RULES.decode(raw).spec.http for r in rule.route)
    return frozenset(_apps(each.host for each in destinations if each.subset))


def _apps(hosts: Iterable[str]) -> Iterable[Key]:
    for host in hosts:
        name, _, namespace = host.removesuffix(_SUFFIX).partition(".")
        if host.endswith(_SUFFIX) and "." not in namespace:
            yield Key(namespace, name)
