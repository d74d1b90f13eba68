"""What istiod's `syncz` says, read."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from laneway.kubernetes.confirm.access import WITNESS
from laneway.kubernetes.confirm.ads import CLUSTERS, ROUTES
from laneway.kubernetes.confirm.syncz import NEVER, Kind, Proxy, Told, counter_of, read
from laneway.spec.meta import Key

UUID = "7a9b42ba-81f9-4f76-ae6b-8d7b8a903f73"


def nonce(counter: int) -> str:
    return f"2026-11-28T04:04:16Z/{counter}{UUID}"


def status(name: str, resources: dict[str, dict[str, str]], kind: str = "sidecar") -> dict[str, Any]:
    return {"proxy": name, "proxy_type": kind, "cluster_id": "Kubernetes", "resources": resources}


def proxies(*statuses: dict[str, Any]) -> tuple[Proxy, ...]:
    return read(orjson.dumps(statuses), 0.0).proxies


@pytest.mark.parametrize(
    ("given", "counter"), [(nonce(2), 2), (nonce(1234), 1234), ("", NEVER), ("what", NEVER), (UUID, NEVER)]
)
def test_a_nonce_tells_the_push(given: str, counter: int) -> None:
    assert counter_of(given) == counter


def test_a_proxy_has_what_it_was_sent_once_it_has_acknowledged_it() -> None:
    (proxy,) = proxies(status("a.shop", {ROUTES: {"sent": nonce(7), "acked": nonce(7)}}))
    assert proxy == Proxy(Key("shop", "a"), Kind.SIDECAR, Told(7, True), None, None, 7)


def test_a_proxys_reach_is_the_last_that_it_acknowledged_of_any_type() -> None:
    behind = {"sent": nonce(9), "acked": nonce(7)}
    (proxy,) = proxies(
        status("a.b.shop", {ROUTES: behind, CLUSTERS: {"sent": nonce(8), "acked": nonce(8)}}, "router")
    )
    assert (proxy.key, proxy.kind, proxy.reach) == (Key("shop", "a.b"), Kind.GATEWAY, 8)
    assert proxy.routes == Told(7, False)


def test_a_refusal_is_told_with_its_reason() -> None:
    refused = {"sent": nonce(9), "acked": nonce(7), "lastError": "no such filter"}
    (proxy,) = proxies(status("a.shop", {ROUTES: refused}))
    assert proxy.routes == Told(7, False, "no such filter")


def test_what_was_subscribed_to_and_not_yet_sent_is_not_current() -> None:
    (proxy,) = proxies(status("a.shop", {ROUTES: {}}))
    assert proxy.routes == Told(NEVER, False)


def test_witnesses_waypoints_and_who_only_asks_are_no_proxies() -> None:
    had = {ROUTES: {"sent": nonce(1), "acked": nonce(1)}}
    assert not proxies(
        status(f"{WITNESS}.istio-system", had), status("way.shop", had, "waypoint"), status("ctl.shop", {})
    )
