"""What a stream has shown: kept in few words."""

from __future__ import annotations

from typing import Any

import pytest

from laneway.kubernetes.confirm.ads import CLUSTERS, ENDPOINTS, LISTENERS, ROUTES, Response
from laneway.kubernetes.confirm.witness import Moment, Witness
from laneway.mesh.protos import any_of, message

HCM = "envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager"
NAME = "outbound|80|r-2|pharmacy.shop.svc.cluster.local"
ONE, TWO = "~00000000aa", "~00000000bb"


def told(
    witness: Witness, url: str, counter: int, changed: dict[str, bytes], removed: tuple[str, ...] = ()
) -> bool:
    """Let it be told at a push, which is also the time."""
    nonce = f"2026-11-28T04:04:16Z/{counter}7a9b42ba-81f9-4f76-ae6b-8d7b8a903f73"
    return witness.heard(Response(url, nonce, changed, removed), float(counter))


def listener(*route_names: str) -> bytes:
    made: Any = message("envoy.config.listener.v3.Listener")()
    for name in route_names:
        manager: Any = message(HCM)()
        manager.rds.route_config_name = name
        made.filter_chains.add().filters.add(name="http").typed_config.CopyFrom(any_of(manager))
    return bytes(made.SerializeToString())


def endpoints(*health: int) -> bytes:
    made: Any = message("envoy.config.endpoint.v3.ClusterLoadAssignment")(cluster_name=NAME)
    locality = made.endpoints.add()
    for status in health:
        locality.lb_endpoints.add(health_status=status)
    return bytes(made.SerializeToString())


@pytest.fixture
def witness() -> Witness:
    """It has been shown a listener with the routes `80`."""
    made = Witness()
    told(made, LISTENERS, 1, {"web": listener("80")})
    return made


def test_listeners_tell_which_routes_there_are(witness: Witness) -> None:
    told(witness, LISTENERS, 2, {"more": listener("8080", "http_proxy")})
    assert witness.route_names == {"80", "8080", "http_proxy"}
    told(witness, LISTENERS, 3, {}, removed=("web",))
    assert witness.route_names == {"8080", "http_proxy"}


def test_it_has_shown_something_with_the_first_routes_or_without_any(witness: Witness) -> None:
    assert not witness.shown
    assert told(witness, ROUTES, 1, {"80": b""})
    assert witness.shown

    without = Witness()
    assert told(without, LISTENERS, 1, {"tcp": listener()})
    assert without.shown


def test_a_marker_is_served_since_the_push_that_first_showed_it(witness: Witness) -> None:
    told(witness, ROUTES, 2, {"80": f"default{ONE}".encode()})
    assert told(witness, ROUTES, 3, {"80": f"default{ONE} lane{TWO}".encode()})
    assert witness.served.markers == {ONE: Moment(2, 2.0), TWO: Moment(3, 3.0)}


def test_routes_that_are_shown_unchanged_change_nothing_but_the_latest_push(witness: Witness) -> None:
    told(witness, ROUTES, 2, {"80": ONE.encode()})
    assert not told(witness, ROUTES, 5, {"80": ONE.encode()})
    assert witness.served.markers == {ONE: Moment(2, 2.0)}
    assert witness.served.latest == Moment(5, 5.0)


def test_a_marker_that_went_and_came_back_is_served_since_it_came_back(witness: Witness) -> None:
    for counter, marker in ((2, ONE), (3, TWO), (4, ONE)):
        told(witness, ROUTES, counter, {"80": marker.encode()})
    assert witness.served.markers == {ONE: Moment(4, 4.0)}


def test_the_markers_of_routes_that_no_listener_names_any_more_are_gone(witness: Witness) -> None:
    told(witness, LISTENERS, 2, {"more": listener("8080")})
    told(witness, ROUTES, 2, {"80": ONE.encode(), "8080": TWO.encode()})
    assert told(witness, LISTENERS, 3, {}, removed=("more",))
    assert witness.served.markers.keys() == {ONE}


def test_a_cluster_is_served_since_it_was_first_shown_and_until_it_is_removed(witness: Witness) -> None:
    assert told(witness, CLUSTERS, 2, {NAME: b"", "BlackHoleCluster": b""})
    assert not told(witness, CLUSTERS, 3, {NAME: b"changed"})
    assert witness.clusters == {NAME: Moment(2, 2.0)}
    assert told(witness, CLUSTERS, 4, {}, removed=(NAME,))
    assert witness.clusters == {}


def test_endpoints_that_get_no_requests_are_not_counted(witness: Witness) -> None:
    told(witness, CLUSTERS, 2, {NAME: b""})
    unknown, healthy, unhealthy, draining = 0, 1, 2, 3
    assert told(witness, ENDPOINTS, 2, {NAME: endpoints(unknown, healthy, unhealthy, draining)})
    assert witness.endpoints(NAME) == 2


def test_endpoints_of_a_subset_that_is_not_defined_yet_are_all_of_the_hosts(witness: Witness) -> None:
    told(witness, ENDPOINTS, 2, {NAME: endpoints(1, 1, 1)})
    assert witness.endpoints(NAME) is None

    told(witness, CLUSTERS, 3, {NAME: b""})
    assert witness.endpoints(NAME) is None, "what was told before is of the host"

    told(witness, ENDPOINTS, 3, {NAME: endpoints(1)})
    assert witness.endpoints(NAME) == 1


def test_endpoints_that_are_not_subscribed_to_any_more_are_not_known(witness: Witness) -> None:
    told(witness, CLUSTERS, 2, {NAME: b""})
    told(witness, ENDPOINTS, 2, {NAME: endpoints(1)})
    witness.forget_endpoints(frozenset())
    assert witness.endpoints(NAME) is None
