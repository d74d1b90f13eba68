"""Walks what istiod serves to proxies: from a caller's listener through routes and clusters to pods.

As Envoy goes by it, written from Envoy's API alone. Must not know the embedded mesh.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from tests.calls.app import PASSED_ON
from tests.calls.call import INGRESS, Call
from tests.calls.envoy_effects import Share, answer, copies, given, sent, shares
from tests.calls.envoy_match import Request, route_for
from tests.calls.outcome import Landing, Outcome
from tests.calls.served import Served, managers_of

from laneway.mesh.paths import normalised

ANY = "0.0.0.0"


@dataclass(frozen=True, slots=True)
class Seat:
    """A pod with a proxy, or one that only answers. version: empty for a gateway's."""

    namespace: str
    version: str
    address: str


@dataclass(frozen=True)
class EnvoyWalk:
    """served: by the address of the proxy's pod; resolve: the address of a host, for a caller's namespace."""

    seats: tuple[Seat, ...]
    served: Mapping[str, Served]
    ingress: str
    resolve: Callable[[str, str], str]

    def outcome(self, call: Call) -> Outcome:
        """What becomes of a call."""
        headers = {name.lower(): value for name, value in call.headers.items()}
        request = Request(call.authority, call.path, call.method, headers)
        if call.caller == INGRESS:
            return self._at(self.ingress, (ANY, call.port), request, call.onward)
        seat = next(each for each in self.seats if each.version == call.caller)
        return self._at(
            seat.address, (self.resolve(seat.namespace, call.host), call.port), request, call.onward
        )

    def _at(self, proxy: str, place: tuple[str, int], request: Request, onward: str) -> Outcome:
        """A request that comes to a proxy for this address and port."""
        served = self.served[proxy]
        manager = _manager(served, place)
        if manager.normalize_path.value:
            request = replace(request, path=normalised(request.path))
        taken = route_for(_table(served, manager), request)
        if taken is None:
            return Outcome(status=404)
        host, route = taken
        if own := answer(route, request):
            return own
        copied = {
            " ".join(members): share
            for name, share in copies(route)
            if (members := self._members(served, name))
        }
        found = shares(host, route)
        if gateway := self._gateway(served, found):
            (share,) = found
            address, port = gateway
            return replace(self._at(address, (ANY, port), sent(request, route, share), onward), copies=copied)
        if not all(self._members(served, share.cluster) for share in found):
            return Outcome(status=503, copies=copied)
        return Outcome(tuple(self._landings(served, found, route, request, onward)), copies=copied)

    def _landings(
        self, served: Served, found: tuple[Share, ...], route: Any, request: Request, onward: str
    ) -> Iterator[Landing]:
        total = sum(share.weight for share in found)
        for share in found:
            members, away = self._members(served, share.cluster), sent(request, route, share)
            then = self._then(served, share, away, onward) if onward else None
            yield Landing(
                members,
                100 * share.weight / total,
                away.authority,
                away.path,
                away.headers,
                given(share),
                then,
            )

    def _then(self, served: Served, share: Share, request: Request, onward: str) -> Outcome:
        seat = self._seats(served, share.cluster)[0]
        headers = {name: value for name, value in request.headers.items() if name in PASSED_ON}
        place = self.resolve(seat.namespace, onward), 80
        return self._at(seat.address, place, Request(onward, "/", "GET", headers), "")

    def _seats(self, served: Served, cluster: str) -> list[Seat]:
        addresses = {address for address, _ in served.endpoints.get(cluster, ())}
        return [seat for seat in self.seats if seat.address in addresses]

    def _members(self, served: Served, cluster: str) -> frozenset[str]:
        return frozenset(seat.version for seat in self._seats(served, cluster))

    def _gateway(self, served: Served, found: tuple[Share, ...]) -> tuple[str, int] | None:
        """The gateway that a route leads to, if it does: its address and port."""
        if any(self._members(served, share.cluster) == {""} for share in found):
            ((address, port),) = served.endpoints[found[0].cluster]
            return address, port
        return None


def _table(served: Served, manager: Any) -> Any:
    return served.routes[manager.rds.route_config_name] if manager.HasField("rds") else manager.route_config


def _manager(served: Served, place: tuple[str, int]) -> Any:
    """What reads requests to an address and port: of HTTP/1.1, whether that was said or is found out."""
    address, port = place
    by_place = {
        (each.address.socket_address.address, each.address.socket_address.port_value): each
        for each in served.listeners
    }
    listener = by_place.get((address, port)) or by_place.get((ANY, port))
    assert listener is not None, f"no listener for {address}:{port}"
    for chain in (*listener.filter_chains, listener.default_filter_chain):
        protocols = chain.filter_chain_match.application_protocols
        if not protocols or "http/1.1" in protocols:
            for manager in managers_of(chain):
                return manager
    raise AssertionError(f"{listener.name} reads no HTTP")
