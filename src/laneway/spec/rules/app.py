"""Rules of an App by itself, and with its Deployment."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from itertools import pairwise

from laneway.spec.app import App, Scale
from laneway.spec.problems import Code
from laneway.spec.protocols import of_service_port
from laneway.spec.rules.scope import Fault, Scope, listed
from laneway.spec.values import FULL, LATENCY_EDGES_MS, format_bound, format_duration
from laneway.spec.yaml import Path

WORKLOAD: Path = ("spec", "workload")
SCALE: Path = ("spec", "scale")
_EDGES = frozenset(timedelta(milliseconds=edge) for edge in LATENCY_EDGES_MS)

STEPS: Path = ("spec", "release", "steps")


def workload_is_exactly_one(scope: Scope) -> Iterator[Fault]:
    """An App has either a Deployment or a template of its own."""
    for app in scope.spec.apps.values():
        written = [app.spec.workload.deployment, app.spec.workload.template]
        if sum(each is not None for each in written) != 1:
            many = "both" if all(written) else "neither"
            text = f"the workload has {many} of `deployment` and `template`"
            yield Fault(Code.WORKLOAD, app, WORKLOAD, text)


def deployment_exists(scope: Scope) -> Iterator[Fault]:
    """The Deployment that an App names is there, in the App's namespace."""
    for app in scope.spec.apps.values():
        name = app.spec.workload.deployment
        if name and scope.spec.template(app) is None:
            text = f"there is no Deployment {app.metadata.namespace}/{name}"
            yield Fault(Code.NO_DEPLOYMENT, app, (*WORKLOAD, "deployment"), text)


def hosts_and_gateways_together(scope: Scope) -> Iterator[Fault]:
    """Public hosts need a gateway, and a gateway needs hosts."""
    for app in scope.spec.apps.values():
        routing = app.spec.routing
        gateways = [name for name in routing.gateways if name != "mesh"]
        if routing.hosts and not gateways:
            yield Fault(Code.HALF_PUBLIC, app, ("spec", "routing", "hosts"), "hosts without gateways")
        if gateways and not routing.hosts:
            yield Fault(Code.HALF_PUBLIC, app, ("spec", "routing", "gateways"), "gateways without hosts")


def _scaled(scope: Scope) -> Iterator[tuple[App, Scale]]:
    return ((app, app.spec.scale) for app in scope.spec.apps.values() if app.spec.scale is not None)


def size_is_fixed_or_bounded(scope: Scope) -> Iterator[Fault]:
    """`replicas` fixes the size, so there are no bounds beside it."""
    for app, scale in _scaled(scope):
        if scale.replicas and (scale.min or scale.max):
            yield Fault(Code.SCALE_TWICE, app, (*SCALE, "replicas"), "`replicas` beside `min` or `max`")


def bounds_agree(scope: Scope) -> Iterator[Fault]:
    """`max` needs a `min`, which is not above it."""
    for app, scale in _scaled(scope):
        if scale.max and not scale.min and not scale.replicas:
            yield Fault(Code.SCALE_BOUNDS, app, (*SCALE, "max"), "`max` without `min`", "add `min`")
        elif scale.max and scale.min and scale.min > scale.max:
            text = f"min {scale.min} is above max {scale.max}"
            yield Fault(Code.SCALE_BOUNDS, app, (*SCALE, "min"), text)


def metrics_have_a_max(scope: Scope) -> Iterator[Fault]:
    """An autoscaler needs a bound."""
    for app, scale in _scaled(scope):
        if scale.metrics and not scale.max:
            yield Fault(Code.SCALE_METRICS, app, (*SCALE, "metrics"), "metrics without `max`")


def steps_rise_to_full(scope: Scope) -> Iterator[Fault]:
    """Each step has more weight than the one before, and the last one has all."""
    for app in scope.spec.apps.values():
        weights = [step.weight for step in app.spec.release.steps]
        for index, (before, after) in enumerate(pairwise(weights), start=1):
            if after <= before:
                text = f"the weight does not rise from step {index} to step {index + 1}"
                yield Fault(Code.STEPS, app, (*STEPS, index, "weight"), text)
        if weights[-1] != FULL:
            yield Fault(Code.STEPS, app, (*STEPS, len(weights) - 1, "weight"), "the last weight is not 100")


def limit_holds_the_hold(scope: Scope) -> Iterator[Fault]:
    """A step cannot be over before its hold is."""
    for app in scope.spec.apps.values():
        for index, step in enumerate(app.spec.release.steps):
            if step.limit < step.hold_for:
                text = f"limit {format_duration(step.limit)} is below hold {format_duration(step.hold_for)}"
                yield Fault(Code.STEP_LIMIT, app, (*STEPS, index, "limit"), text)


def gates_are_exactly_one(scope: Scope) -> Iterator[Fault]:
    """A gate is an approval, a command or a webhook, and only a command is run again and again."""
    for app in scope.spec.apps.values():
        for index, step in enumerate(app.spec.release.steps):
            for number, gate in enumerate(step.gates):
                path = (*STEPS, index, "gates", number)
                kinds = [gate.approval, gate.command, gate.webhook]
                if sum(kind is not None for kind in kinds) != 1:
                    text = "the gate has more than one of" if any(kinds) else "the gate has none of"
                    yield Fault(Code.STEP_GATE, app, path, f"{text} `approval`, `command` and `webhook`")
                elif gate.command is None and (gate.timeout is not None or gate.retries is not None):
                    remedy = "remove it; a webhook has a `timeout` of its own"
                    text = "`timeout` and `retries` of a gate are those of its command"
                    yield Fault(Code.STEP_GATE, app, path, text, remedy)


def bounds_fit_their_metric(scope: Scope) -> Iterator[Fault]:
    """Errors are bounded by a share, latency by a duration that is counted."""
    for app in scope.spec.apps.values():
        for index, guardrail in enumerate(app.spec.release.judge.guardrails):
            path = ("spec", "release", "judge", "guardrails", index, "above")
            bound = guardrail.above
            if (guardrail.metric == "errors") != isinstance(bound, int):
                unit = "share, like 5%" if guardrail.metric == "errors" else "duration, like 500ms"
                text = f"{format_bound(bound)} is no bound of {guardrail.metric}"
                yield Fault(Code.GUARDRAIL, app, path, text, f"write a {unit}")
            elif isinstance(bound, timedelta) and bound not in _EDGES:
                near = sorted(sorted(_EDGES, key=lambda edge: abs(edge - bound))[:2])
                text = f"{format_bound(bound)} is not one of the latencies that are counted"
                remedy = f"write {' or '.join(format_duration(edge) for edge in near)}"
                yield Fault(Code.GUARDRAIL, app, path, text, remedy)


def _container_ports(scope: Scope, app: App) -> tuple[set[str], set[int]] | None:
    template = scope.spec.pod_template(app)
    if template is None:
        return None
    ports = [port for container in template.spec.containers for port in container.ports]
    return {port.name for port in ports if port.name}, {port.container_port for port in ports}


def target_port_names_exist(scope: Scope) -> Iterator[Fault]:
    """A targetPort that is a name is that of a container port."""
    for app in scope.spec.apps.values():
        declared = _container_ports(scope, app)
        for index, port in enumerate(app.spec.service.ports):
            if declared and isinstance(port.target_port, str) and port.target_port not in declared[0]:
                path = ("spec", "service", "ports", index, "targetPort")
                text = f"the container has no port named {port.target_port}"
                yield Fault(Code.NO_PORT_NAME, app, path, text, f"its names are: {listed(declared[0])}")


def target_ports_are_declared(scope: Scope) -> Iterator[Fault]:
    """A targetPort that is a number is declared by the container: only declared ports get traffic locally."""
    for app in scope.spec.apps.values():
        declared = _container_ports(scope, app)
        for index, port in enumerate(app.spec.service.ports):
            number = port.port if port.target_port is None else port.target_port
            if declared and isinstance(number, int) and number not in declared[1]:
                path = ("spec", "service", "ports", index, "targetPort")
                text = f"the container does not declare port {number}, so nothing is sent to it locally"
                remedy = f"declare it, or write `targetPort:` with one of: {listed(declared[1])}"
                yield Fault(Code.UNDECLARED_PORT, app, path, text, remedy)


def weights_are_for_requests(scope: Scope) -> Iterator[Fault]:
    """Only of what proxies read can they give a version its share, or know its lane."""
    for app in scope.spec.apps.values():
        for index, port in enumerate(app.spec.service.ports):
            protocol = of_service_port(port.app_protocol, port.name or "", port.port)
            if not protocol.http:
                text = (
                    f"port {port.port} carries {protocol}: its connections go to the pods of every version "
                    "alike, without weights or lanes"
                )
                yield Fault(Code.NOT_WEIGHTED, app, ("spec", "service", "ports", index), text)
