"""The walker behind `laneway explain` over the world's objects: its hops as one outcome.

What it does not tell (headers, paths) is asked of the functions that it uses itself. Must not know Envoy.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from tests.calls import pods
from tests.calls.call import INGRESS, Call
from tests.calls.outcome import Landing, Outcome
from tests.calls.world import Made

from laneway.local.proxy.gateways import EGRESS_LABELS, INGRESS_LABELS
from laneway.mesh.conditions import conditions_of
from laneway.mesh.forwarding import forwarded
from laneway.mesh.header_changes import changed
from laneway.mesh.matching import Request, misfit
from laneway.mesh.registry import Registry
from laneway.mesh.rules import Row, Target
from laneway.mesh.walk import AtGateway, AtSidecar, Hop, Place, Share, walk
from laneway.mesh.world import Pod
from laneway.spec.istio import HTTPMatchRequest

PASSED_ON = ("x-lane", "x-laneway-cohort")
EGRESS_POD = Pod("istio-system", "egress", EGRESS_LABELS, "127.0.0.1", {80: 80}, ready=True)


@dataclass(frozen=True)
class Walker:
    """The world in a registry."""

    registry: Registry
    pods: list[Pod]
    versions: Mapping[str, str]

    def outcome(self, call: Call) -> Outcome:
        """What becomes of a call."""
        return self._outcome(self._place(call), _request(call), call.onward)

    def _place(self, call: Call) -> Place:
        if call.caller == INGRESS:
            return AtGateway(INGRESS_LABELS, call.port, "ingress")
        pod = pods.of_version(self.pods, self.versions, call.caller)
        return AtSidecar(pod.namespace, pod.name, pod.labels)

    def _outcome(self, place: Place, request: Request, onward: str) -> Outcome:
        first, *others = walk(self.registry, place, request).hops
        copies = {" ".join(self._versions(each)): each.percent for each in first.mirrors if each.ready}
        return replace(self._at_end(others[0] if others else first, onward), copies=copies)

    def _at_end(self, hop: Hop, onward: str) -> Outcome:
        if not hop.shares:
            return Outcome((), hop.status, hop.location, self._body(hop))
        if any(share.problem for share in hop.shares):
            return Outcome(status=503)
        return Outcome(tuple(self._landings(hop, onward)))

    def _landings(self, hop: Hop, onward: str) -> Iterator[Landing]:
        row = self._row(hop)
        for share in hop.shares:
            target = _target(row, share) if row else None
            shared = len(hop.shares) > 1
            sent = forwarded(hop.request, row, target, shared) if row and target else hop.request
            gives: dict[str, str] = {}
            for changes in (target.headers, row.route.headers) if row and target else ():
                gives = changed(gives, changes.response if changes else None)
            then = self._then(share, sent, onward) if onward else None
            yield Landing(
                self._versions(share), share.percent, sent.authority, sent.path, sent.headers, gives, then
            )

    def _then(self, share: Share, sent: Request, onward: str) -> Outcome:
        pod = next(pod for pod in self.pods if pod.name in share.ready)
        headers = {name: value for name, value in sent.headers.items() if name in PASSED_ON}
        return self._outcome(
            AtSidecar(pod.namespace, pod.name, pod.labels), Request(onward, headers=headers), ""
        )

    def _versions(self, share: Share) -> frozenset[str]:
        return frozenset(self.versions[name] for name in share.ready)

    def _body(self, hop: Hop) -> str | None:
        row = self._row(hop)
        response = row.route.direct_response if row else None
        return response.body.content.decode() if response and response.body else None

    def _row(self, hop: Hop) -> Row | None:
        """The match block that the hop took."""
        if hop.virtual_service is None or hop.rule is None:
            return None
        source = self.registry.virtual_service(hop.virtual_service)
        assert source is not None
        blocks = source.spec.http[hop.rule].match or [HTTPMatchRequest()]
        rows = (Row(source, hop.rule, block, conditions_of(match)) for block, match in enumerate(blocks))
        return next(row for row in rows if not misfit(row, hop.request))


def walker(made: Made) -> Walker:
    """All of the world is ready that ever gets ready."""
    registry, found = Registry(), pods.pods(made)
    for value in made.parsed():
        registry.upsert(value)
    registry.set_pods([*found, EGRESS_POD])
    return Walker(registry, found, pods.versions(made))


def _request(call: Call) -> Request:
    host, _, port = call.authority.partition(":")
    return Request(host, int(port or 80), call.path, call.method, dict(call.headers))


def _target(row: Row, share: Share) -> Target:
    """The share as the rule has it: with the changes of headers that are its own."""
    own = next(
        each
        for each in row.route.route
        if each.destination.host.split(".")[0] == share.host.split(".")[0]
        and (each.destination.subset or "") == share.subset
    )
    return Target(share.host, share.port, share.subset, own.weight, own.headers)
