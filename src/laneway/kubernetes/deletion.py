"""What becomes of what serves when an App is deleted: `spec.deletion`. Pure.

`retain`, the default, needs nobody: nothing that serves belongs to the App. The two others hold the App back
by a finalizer until they are done: `delete` ends everything; `handBack` gives the traffic to the template's
own Deployment, step by step, each step seen done before the next.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from laneway.kubernetes.confirm.markers import marker_of
from laneway.kubernetes.template_hold import HELD, size_of
from laneway.manifests import names
from laneway.spec.meta import Key

FINALIZER = "laneway.dev/deletion"
RETAIN, HAND_BACK, DELETE = "retain", "handBack", "delete"


def policy(app: Mapping[str, Any]) -> str:
    """What an App says."""
    said: str = app["spec"].get("deletion", RETAIN)
    return said


def finalizers(app: Mapping[str, Any]) -> list[str] | None:
    """The finalizers that the App shall have; None: as it is."""
    there = list(app["metadata"].get("finalizers") or ())
    wants = policy(app) != RETAIN and not app["metadata"].get("deletionTimestamp")
    if wants and FINALIZER not in there:
        return [*there, FINALIZER]
    if policy(app) == RETAIN and FINALIZER in there:
        return [each for each in there if each != FINALIZER]
    return None


def without(app: Mapping[str, Any]) -> list[str]:
    """The finalizers of an App with which we are done."""
    return [each for each in app["metadata"].get("finalizers") or () if each != FINALIZER]


@dataclass(frozen=True, slots=True)
class HandedBack:
    """What hand-back looks at.

    template: the App's own Deployment; service: its Service; rules: its VirtualServices; available: pods of
    the template that are ready; confirmed: every proxy serves `rules` as they are.
    """

    app: Key
    template: Mapping[str, Any] | None
    service: Mapping[str, Any] | None
    rules: tuple[Mapping[str, Any], ...]
    available: int
    confirmed: bool


@dataclass(frozen=True, slots=True)
class Step:
    """The next thing to do. patches: of objects, by kind and key; rules: VirtualServices to write;

    why: nothing can be done by us; over: all is handed back, what is derived may go.
    """

    patches: tuple[tuple[str, Key, dict[str, Any]], ...] = ()
    rules: tuple[dict[str, Any], ...] = ()
    why: str = ""
    over: bool = False


def hand_back(seen: HandedBack) -> Step:  # noqa: PLR0911 - a step for each
    """What is safe to do now. Called again after each change, until it is over."""
    if seen.template is None:
        return Step(why="its template is inline: there is no Deployment to hand its traffic to")
    wanted = size_of(seen.template)
    key = Key(seen.app.namespace, seen.template["metadata"]["name"])
    if HELD in (seen.template["metadata"].get("annotations") or {}):
        freed = {"metadata": {"annotations": {HELD: None}}, "spec": {"replicas": wanted}}
        return Step(patches=(("Deployment", key, freed),))
    if seen.available < (seen.template["spec"].get("replicas", 1) or 1):
        return Step(why="waits for the pods of its own Deployment")
    selector = seen.template["spec"]["selector"]["matchLabels"]
    if seen.service is not None and seen.service["spec"].get("selector") != selector:
        changed = dict.fromkeys(seen.service["spec"].get("selector") or {}) | selector
        return Step(patches=(("Service", seen.app, {"spec": {"selector": changed}}),))
    plain = tuple(to_service(each, seen.app) for each in seen.rules)
    if any(new["spec"] != old["spec"] for new, old in zip(plain, seen.rules, strict=True)):
        return Step(rules=plain)
    if not seen.confirmed:
        return Step(why="waits until every proxy sends its requests to the Service")
    return Step(over=True)


def to_service(rules: Mapping[str, Any], app: Key) -> dict[str, Any]:
    """The rules with the App's Service in place of its versions, and without its lanes."""
    host = names.host(*app)
    http = [_plain(rule, host) for rule in rules["spec"].get("http") or () if not _is_of_lane(rule, app)]
    return {**rules, "spec": {**rules["spec"], "http": http}}


def _is_of_lane(rule: Mapping[str, Any], app: Key) -> bool:
    lanes, namespace = f"{app.name}-", names.host(app.namespace, "")
    return any(host.startswith(lanes) and host.endswith(namespace) for host in _hosts(rule))


def _plain(rule: Mapping[str, Any], host: str) -> dict[str, Any]:
    routes = rule.get("route") or ()
    if not any(route["destination"]["host"] == host and "subset" in route["destination"] for route in routes):
        return dict(rule)
    first = next(iter(routes))["destination"]
    destination = {field: value for field, value in first.items() if field != "subset"}
    return {**rule, "route": [{"destination": destination}]}


def released_from_us(body: Mapping[str, Any]) -> dict[str, Any]:
    """The merge patch by which an object is no longer Laneway's."""
    labels = body["metadata"].get("labels") or {}
    ours = [name for name in labels if name in {names.MANAGED_BY, names.APP}]
    return {"metadata": {"labels": dict.fromkeys(ours)}}


def retained(
    stored: Iterable[Mapping[str, Any]], planned: list[dict[str, Any]], is_planned: Callable[[str], bool]
) -> list[dict[str, Any]]:
    """The rules of a gateway's host, with those of retained Apps where they stood.

    Apps that are deleted with `retain` serve on, also where an App beside them changes its rules. is_planned:
    whether a destination's host belongs to an App that is planned; a rule that Laneway has not written is
    none of a retained App's.
    """
    merged = list(planned)
    before: Mapping[str, Any] | None = None
    for index, rule in reversed(list(enumerate(stored))):
        hosts = _hosts(rule)
        if hosts and marker_of({"http": [rule]}) and not any(map(is_planned, hosts)):
            merged.insert(_place(merged, before, index), dict(rule))
        before = rule
    return merged


def _place(rules: list[dict[str, Any]], before: Mapping[str, Any] | None, index: int) -> int:
    """Where a rule stands that stood before another one, at this index."""
    if before is None:
        return len(rules)
    named = [i for i, each in enumerate(rules) if _unmarked(each) == _unmarked(before)]
    there = [i for i, each in enumerate(rules) if set(_hosts(each)) & set(_hosts(before))]
    return min(named or there or [min(index, len(rules))])


def _hosts(rule: Mapping[str, Any]) -> list[str]:
    return [route["destination"]["host"] for route in rule.get("route") or ()]


def _unmarked(rule: Mapping[str, Any]) -> str:
    name, _, _ = str(rule.get("name", "")).partition("~")
    return name
