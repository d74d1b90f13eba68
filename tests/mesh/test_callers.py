"""Rules for some callers only: who gets which table, and that others pay nothing."""

from __future__ import annotations

from collections import ChainMap
from dataclasses import replace
from pathlib import Path

import pytest
from tests.mesh.mesh_objects import SHOP, decoded, ingress, parse, rules, sidecar, translator
from tests.mesh.running_mesh import RunningMesh

from laneway.mesh.resources import RDS, Audience
from laneway.mesh.translator import Translator
from laneway.spec.meta import Key

HOST = "pharmacy.shop.svc.cluster.local"
TABLE = f"mesh/{HOST}"
RULES = Key("shop", "pharmacy")
FROM_PAGE = {
    "name": "from-page",
    "match": [{"sourceLabels": {"app": "page"}}],
    "route": [{"destination": {"host": "pharmacy-green"}}],
}
REST = {"name": "rest", "route": [{"destination": {"host": "pharmacy"}}]}


def routes(found: Translator, proxy: str) -> list[str]:
    """Names of the routes that a sidecar has for the host."""
    (host,) = decoded(found.resources_for(proxy)[RDS][TABLE]).virtual_hosts
    return [route.name for route in host.routes]


def settled() -> Translator:
    """A mesh with two sidecars in which a rule is for callers from one of them."""
    found = translator(SHOP, proxies=[sidecar(), sidecar("cart"), ingress()])
    found.take_changes()
    found.upsert(rules(FROM_PAGE, REST))
    return found


def test_callers_have_the_rules_that_are_for_them() -> None:
    """Each a table of the same name, in a layer of its own."""
    found = settled()
    changes = found.take_changes()
    assert routes(found, "page") == ["from-page"]
    assert routes(found, "cart") == ["rest"]
    assert {layer.audience for layer in changes.layers} == {Audience.SIDECARS, Audience.CALLERS}
    assert found.touched("VirtualService", RULES) == changes.generation
    for proxy in ("page", "cart"):
        view = found.resources_for(proxy)[RDS]
        assert isinstance(view, ChainMap)
        assert sum(map(len, view.maps)) == len(view)


def test_other_hosts_stay_in_the_layer_of_all() -> None:
    """And so does everything in a mesh without such rules."""
    found = settled()
    changes = found.take_changes()
    names = {name for delta in changes.layers.values() for name in delta[RDS].changed}
    assert names == {TABLE}
    found.upsert(rules(REST))
    assert {layer.audience for layer in found.take_changes().layers} == {Audience.SIDECARS, Audience.CALLERS}
    assert routes(found, "page") == routes(found, "cart") == ["rest"]
    found.upsert(rules(REST | {"name": "other"}))
    assert {layer.audience for layer in found.take_changes().layers} == {Audience.SIDECARS}


def test_alike_callers_share_one_table() -> None:
    """The same resource, made once."""
    found = settled()
    found.set_proxies(
        [sidecar(), replace(sidecar("twin"), labels={"app": "page", "v": "2"}), sidecar("cart")]
    )
    found.take_changes()
    first, second = (found.resources_for(name)[RDS][TABLE] for name in ("page", "twin"))
    assert first is second
    assert first != found.resources_for("cart")[RDS][TABLE]


def test_a_caller_that_comes_later_has_its_table() -> None:
    """Without a change for the others; one that leaves takes its layer with it."""
    found = settled()
    found.take_changes()
    found.set_proxies([sidecar(), sidecar("cart"), sidecar("late", "other"), ingress()])
    audiences = {layer.audience for layer in found.take_changes().layers}
    assert Audience.SIDECARS not in audiences
    assert routes(found, "late") == ["rest"]
    found.set_proxies([sidecar(), ingress()])
    gone = found.take_changes().layers
    assert {TABLE} in [
        delta[RDS].removed for layer, delta in gone.items() if layer.audience is Audience.CALLERS
    ]


@pytest.mark.mesh
@pytest.mark.anyio
async def test_proxies_serve_the_rules_for_their_caller(tmp_path: Path) -> None:
    """Also when the host's one table becomes one for each kind of caller, and one again."""
    async with RunningMesh(tmp_path) as mesh:
        a = await mesh.backend("a", app="pharmacy", version="a")
        green = await mesh.backend("green", lane="green")
        for value in parse(SHOP):
            mesh.plane.upsert(value)
        mesh.plane.set_pods([a.pod(), green.pod()])
        page, cart = await mesh.sidecar("page"), await mesh.sidecar("cart")
        callers = [await mesh.caller(proxy) for proxy in (page, cart)]
        for http, expected in (
            ([REST], ["a", "a"]),
            ([FROM_PAGE, REST], ["green", "a"]),
            ([REST], ["a", "a"]),
        ):
            mesh.plane.upsert(rules(*http))
            await mesh.publish()
            assert [(await caller.get("pharmacy"))[1] for caller in callers] == expected
