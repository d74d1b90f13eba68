"""Rules for some callers only: who gets which table, and that others pay nothing."""

from __future__ import annotations

from collections import ChainMap
from dataclasses import replace
from pathlib import Path

import pytest
from tests.mesh.mesh_objects import SHOP, decoded, ingress, parse, rules, sidecar, translator
from tests.mesh.running_mesh import LOOPBACK, Caller, RunningMesh, free_port

from laneway.mesh.resources import LDS, RDS, Audience
from laneway.mesh.translator import Translator
from laneway.mesh.world import Sidecar
from laneway.spec.istio import VirtualService
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


DATABASE = """
kind: Service
metadata: {name: db}
spec: {clusterIP: 10.96.0.40, selector: {app: db}, ports: [{name: tcp-db, port: 5432, targetPort: 8080}]}
---
kind: Service
metadata: {name: replica}
spec: {selector: {app: replica}, ports: [{name: tcp-db, port: 5432, targetPort: 8080}]}
"""


def connections(match: str, name: str = "db") -> VirtualService:
    """Rules by which connections of some callers to the database go to its replica."""
    route = "route: [{destination: {host: replica}}]"
    text = f"{{hosts: [db], tcp: [{{match: [{match}], {route}}}]}}"
    (value,) = parse(f"kind: VirtualService\nmetadata: {{name: {name}}}\nspec: {text}")
    assert isinstance(value, VirtualService)
    return value


def needed(found: Translator, proxy: str) -> set[str]:
    """The hosts to which a transparent sidecar's connections to the database may go."""
    needs = found.resources_for(proxy)[LDS]["10.96.0.40_5432"].needs
    return {name.rpartition("|")[2].partition(".")[0] for name in needs}


@pytest.mark.parametrize("match", ["{sourceLabels: {app: page}}", "{sourceNamespace: shop, port: 5432}"])
def test_connections_of_some_callers_have_rules_of_their_own(match: str) -> None:
    """Only these callers have listeners of their own; the others share theirs, before and after."""
    page, away = (replace(each, transparent=True) for each in (sidecar(), sidecar("away", "other")))
    found = translator(DATABASE, proxies=[page, away, replace(page, id="twin")])
    found.take_changes()
    shared = found.layers_of("away")
    assert shared[-1] == found.layers_of("page")[-1]
    found.upsert(connections(match))
    found.take_changes()
    assert (needed(found, "page"), needed(found, "twin"), needed(found, "away")) == (
        {"replica"},
        {"replica"},
        {"db"},
    )
    assert found.layers_of("page")[-1] == found.layers_of("twin")[-1]
    assert found.layers_of("away") == shared
    found.delete("VirtualService", Key("shop", "db"))
    found.take_changes()
    assert needed(found, "page") == {"db"}
    assert shared[-1] == found.layers_of("page")[-1]


@pytest.mark.mesh
@pytest.mark.anyio
async def test_connections_go_where_the_rules_for_their_caller_say(mesh: RunningMesh) -> None:
    """At an address of the caller's own."""
    db, other = await mesh.backend("db", app="db"), await mesh.backend("replica", app="replica")
    for value in parse(DATABASE.replace("5432", str(port := free_port()))):
        mesh.plane.upsert(value)
    mesh.plane.set_pods([db.pod(), other.pod()])
    mesh.plane.upsert(connections("{sourceLabels: {app: page}}"))
    told = {}
    for number, name in enumerate(("page", "cart")):
        at = f"127.77.1.{number + 1}"
        outbound = (LOOPBACK, free_port())
        addresses = {"db.shop.svc.cluster.local": at}
        await mesh.start(Sidecar(f"shop/{name}", "shop", {"app": name}, outbound, (), addresses=addresses))
        await mesh.publish()
        told[name] = (await Caller((at, port)).get("db"))[1]
    assert told == {"page": "replica", "cart": "db"}


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
