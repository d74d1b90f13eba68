"""What the demo reads out of answers, samples and the status."""

from __future__ import annotations

from laneway.cli.demo.reading import astray, between, hops, move_of, price_is_wrong, tag_of
from laneway.control.status import AppStatus, Version
from laneway.local.http1 import Request
from laneway.local.load import Load, Profile, Sample

INVENTORY = {"service": "inventory", "version": "green", "hops": []}
PHARMACY = {"service": "pharmacy", "version": "blue", "price": 4.2, "hops": [INVENTORY]}


def version(image: str, weight: int, pods: int) -> Version:
    replicas = {"wanted": pods, "pods": pods, "ready": pods}
    return {
        "revision": "r",
        "role": "stable",
        "image": image,
        "weight": weight,
        "served": weight,
        "replicas": replicas,  # type: ignore[typeddict-item]
    }


def test_hops_come_in_the_order_of_the_calls() -> None:
    """The one that answered first, then whom it called."""
    assert [hop["service"] for hop in hops(PHARMACY)] == ["pharmacy", "inventory"]


def test_a_request_is_astray_when_a_service_is_missing_or_of_another_version() -> None:
    """Half a way is no way."""
    assert not astray(PHARMACY, {"pharmacy": "blue", "inventory": "green"})
    assert astray(PHARMACY, {"inventory": "blue"})
    assert astray(PHARMACY, {"page": "blue"})


def test_only_a_negative_price_is_wrong() -> None:
    """A service without prices is right."""
    assert [price_is_wrong(answer) for answer in (PHARMACY, INVENTORY, {"price": -4.2})] == [
        False,
        False,
        True,
    ]


def test_the_tag_is_what_follows_the_last_colon() -> None:
    """A registry's port is not a tag."""
    assert tag_of("registry.example:5000/shop/pharmacy:2.0") == "2.0"


def test_a_move_leaves_out_versions_that_are_gone() -> None:
    """A kept template without weight or pods is history."""
    versions = [version("p:blue", 0, 0), version("p:2.0", 80, 4), version("p:3.0", 20, 1)]
    app: AppStatus = {
        "namespace": "shop",
        "name": "pharmacy",
        "hosts": [],
        "ready": True,
        "confirmed": True,
        "stable": "r",
        "versions": versions,
        "release": None,
    }
    move = move_of(app, 1.0, 0.2)
    assert (move.weights, move.pods) == ({"2.0": 80, "3.0": 20}, {"2.0": 4, "3.0": 1})


def test_between_counts_what_was_due_in_that_time() -> None:
    """Both ends included."""
    load = Load(("127.0.0.1", 1), Profile(Request("shop.example"), 1))
    load.samples += [Sample(due, 0.0, 200) for due in range(10)]
    assert between(load, 2, 4).requests == 3
