"""Sidecars say which hosts proxies are told of."""

from __future__ import annotations

from collections import ChainMap
from dataclasses import replace
from random import Random

import pytest
from tests.mesh.mesh_objects import SHOP, ingress, parse, pod, registry, rules, sidecar, translator
from tests.mesh.running_mesh import RunningMesh, RunningProxy

from laneway.mesh.matching import Request
from laneway.mesh.registry import MeshObject
from laneway.mesh.resources import CDS, EDS, LDS, RDS, SRDS, Audience
from laneway.mesh.translator import Translator
from laneway.mesh.walk import AtSidecar, walk
from laneway.spec.meta import Key

WORLD = (
    SHOP
    + """
---
kind: Service
metadata: {name: courier}
spec: {selector: {app: courier}, ports: [{name: http, port: 80, targetPort: 8080}]}
---
kind: Service
metadata: {name: ledger, namespace: bank}
spec:
  clusterIP: 10.96.0.30
  selector: {app: ledger}
  ports: [{name: http, port: 80}, {name: tcp-db, port: 5432}]
---
kind: ServiceEntry
metadata: {name: partner, namespace: bank}
spec: {hosts: [api.partner.example], ports: [{number: 80, name: http}]}
"""
)
PHARMACY = "pharmacy.shop.svc.cluster.local"
GREEN = "pharmacy-green.shop.svc.cluster.local"
COURIER = "courier.shop.svc.cluster.local"
LEDGER = "ledger.bank.svc.cluster.local"
PARTNER = "api.partner.example"
EVERYTHING = {PHARMACY, GREEN, COURIER, LEDGER, PARTNER}


def limit(*hosts: str, name: str = "limit", namespace: str = "shop", **labels: str) -> str:
    """A Sidecar for these hosts, of pods with these labels."""
    selector = f"workloadSelector: {{labels: {labels}}}, " if labels else ""
    egress = f"egress: [{{hosts: {list(hosts)}}}]" if hosts else ""
    return f"kind: Sidecar\nmetadata: {{name: {name}, namespace: {namespace}}}\nspec: {{{selector}{egress}}}"


def seen(found: Translator, proxy: str = "page") -> set[str]:
    """The hosts whose tables a sidecar has; each proxy's names are unique."""
    for view in found.resources_for(proxy).values():
        assert isinstance(view, ChainMap)
        assert sum(map(len, view.maps)) == len(view)
    return {name.removeprefix("mesh/") for name in found.resources_for(proxy)[RDS]}


def with_sidecars(*texts: str) -> Translator:
    """The world with these Sidecars, and sidecars of pages of two namespaces."""
    found = translator(
        "\n---\n".join([WORLD, *texts]), proxies=[sidecar(), sidecar("away", "bank"), ingress()]
    )
    found.take_changes()
    return found


@pytest.mark.parametrize(
    ("hosts", "expected"),
    [
        (["./*"], {PHARMACY, GREEN, COURIER}),
        (["bank/*"], {LEDGER, PARTNER}),
        (["*/*"], EVERYTHING),
        ([], EVERYTHING),
        (["~/*"], set()),
        ([f"./{COURIER}"], {COURIER}),
        ([f"shop/{LEDGER}"], set()),
        (["*/*.svc.cluster.local"], {PHARMACY, GREEN, COURIER, LEDGER}),
        (["bank/*.partner.example", f"./{COURIER}"], {PARTNER, COURIER}),
    ],
)
def test_hosts_are_seen_by_namespace_and_name(hosts: list[str], expected: set[str]) -> None:
    """Their tables and names; no others."""
    found = with_sidecars(limit(*hosts))
    assert seen(found) == expected
    names = found.resources_for("page")[SRDS]
    assert {name for name in names if name in EVERYTHING} == expected
    assert ("courier" in names) is (COURIER in expected)
    assert seen(found, "away") == EVERYTHING


def test_what_rules_send_to_comes_with_their_host() -> None:
    """Clusters and endpoints of it, not its name; as in Istio."""
    found = with_sidecars(limit(f"./{PHARMACY}"))
    served = found.resources_for("page")
    clusters = {f"outbound|80|{subset}|{PHARMACY}" for subset in ("", "a", "b")} | {f"outbound|80||{GREEN}"}
    assert set(served[EDS]) == clusters
    assert set(served[CDS]) == clusters | {"inbound|8080||"}
    assert set(served[SRDS]) == {"pharmacy", "pharmacy.shop", "pharmacy.shop.svc", PHARMACY, f"{PHARMACY}."}


def test_destinations_come_and_go_with_the_rules() -> None:
    """Of several hosts that reach one, the last takes it away."""
    found = with_sidecars(limit(f"./{PHARMACY}", f"./{COURIER}"))
    to = {"route": [{"destination": {"host": LEDGER}}]}
    cluster = f"outbound|80||{LEDGER}"
    for host in ("pharmacy", "courier"):
        found.upsert(rules(to, name=host))
        found.take_changes()
        assert cluster in found.resources_for("page")[CDS]
    found.delete("VirtualService", Key("shop", "courier"))
    found.take_changes()
    assert cluster in found.resources_for("page")[CDS]
    found.delete("VirtualService", Key("shop", "pharmacy"))
    found.take_changes()
    assert cluster not in found.resources_for("page")[CDS]
    assert cluster in found.resources_for("away")[CDS]


def test_the_most_specific_sidecar_counts() -> None:
    """One that selects the pod, then that of its namespace, then that of the root namespace."""
    root = limit("./*", name="root", namespace="istio-system")
    chosen = [root, limit(f"./{GREEN}", name="shop"), limit(f"./{COURIER}", name="page", app="page")]
    assert seen(with_sidecars(*chosen[:1])) == {PHARMACY, GREEN, COURIER}
    assert seen(with_sidecars(*chosen[:1]), "away") == {LEDGER, PARTNER}
    assert seen(with_sidecars(*chosen[:2])) == {GREEN}
    assert seen(with_sidecars(*chosen)) == {COURIER}
    selecting = limit("~/*", name="root", namespace="istio-system", app="page")
    assert seen(with_sidecars(selecting)) == EVERYTHING


def test_a_sidecar_comes_changes_and_goes() -> None:
    """A change sends what differs; without Sidecars there is no layer of theirs."""
    found = with_sidecars()
    assert all(layer.audience is not Audience.VISIBLE for layer in found.layers_of("page"))
    found.upsert(parse(limit(f"./{COURIER}"))[0])
    found.take_changes()
    assert seen(found) == {COURIER}
    found.upsert(parse(limit(f"./{COURIER}", f"bank/{PARTNER}"))[0])
    (changes,) = found.take_changes().layers.values()
    assert changes[CDS].changed == {f"outbound|80||{PARTNER}"}
    assert changes[RDS].changed == {f"mesh/{PARTNER}"}
    assert not any(delta.removed for delta in changes.values())
    found.delete("Sidecar", Key("shop", "limit"))
    layers = found.take_changes().layers
    assert [layer.audience for layer in layers] == [Audience.VISIBLE]
    assert seen(found) == EVERYTHING


def test_proxies_of_one_sidecar_share_a_layer() -> None:
    """With the resources of the others; of each there is one."""
    found = with_sidecars(limit("./*"))
    found.set_proxies([sidecar(), sidecar("twin"), sidecar("away", "bank")])
    found.take_changes()
    assert [layer.audience for layer in found.layers_of("page")[2:]] == [Audience.VISIBLE]
    assert found.layers_of("page")[2:] == found.layers_of("twin")[2:]
    table = f"mesh/{PHARMACY}"
    assert found.resources_for("page")[RDS][table] is found.resources_for("away")[RDS][table]


def test_changes_reach_only_those_who_see_them() -> None:
    """Rules, endpoints, new and removed hosts."""
    found = with_sidecars(limit(f"./{COURIER}"))
    found.upsert(rules({"route": [{"destination": {"host": "pharmacy"}}]}))
    found.set_pods([pod("ledger", {"app": "ledger"}, namespace="bank")])
    found.upsert(
        parse("kind: Service\nmetadata: {name: new}\nspec: {selector: {a: b}, ports: [{port: 80}]}")[0]
    )
    found.delete("ServiceEntry", Key("bank", "partner"))
    audiences = {layer.audience for layer in found.take_changes().layers}
    assert Audience.VISIBLE not in audiences
    found.set_pods([pod("courier", {"app": "courier"})])
    layers = found.take_changes().layers
    assert {layer.audience: set(types) for layer, types in layers.items()} == {
        Audience.ALL: {EDS},
        Audience.VISIBLE: {EDS},
    }
    found.delete("Service", Key("shop", "courier"))
    found.take_changes()
    assert seen(found) == set()
    assert "courier" not in found.resources_for("page")[SRDS]


def test_rules_for_some_callers_keep_to_what_these_see() -> None:
    """Their tables stand in another layer."""
    of_page = {"match": [{"sourceLabels": {"app": "page"}}], "route": [{"destination": {"host": "courier"}}]}
    found = with_sidecars(limit(f"./{COURIER}"))
    found.upsert(rules(of_page))
    found.take_changes()
    assert seen(found) == {COURIER}
    found.upsert(parse(limit(f"./{PHARMACY}"))[0])
    found.take_changes()
    assert seen(found) == {PHARMACY}


def test_listeners_are_those_of_hosts_that_are_seen() -> None:
    """Of transparent sidecars, and at addresses of a caller's own."""
    found = with_sidecars(limit("./*"))
    addresses = {LEDGER: "127.77.0.1", COURIER: "127.77.0.2"}
    transparent = replace(sidecar("clear"), transparent=True)
    found.set_proxies([replace(sidecar(), addresses=addresses), transparent])
    found.take_changes()
    assert "127.77.0.2_80" in found.resources_for("page")[LDS]
    assert not {"127.77.0.1_80", "127.77.0.1_5432"} & set(found.resources_for("page")[LDS])
    assert "10.96.0.30_5432" not in found.resources_for("clear")[LDS]
    found.upsert(parse(limit("*/*"))[0])
    found.take_changes()
    assert {"127.77.0.1_80", "127.77.0.1_5432"} <= set(found.resources_for("page")[LDS])
    assert "10.96.0.30_5432" in found.resources_for("clear")[LDS]


def test_a_host_that_moves_to_another_namespace_is_seen_from_there() -> None:
    """With the same ports, as another object declares it now."""
    spec = "{hosts: [labs.example], ports: [{number: 8081, name: http, protocol: HTTP}]}"
    entries = [
        f"kind: ServiceEntry\nmetadata: {{name: {name}, namespace: {place}}}\nspec: {spec}"
        for name, place in (("a", "shop"), ("b", "bank"))
    ]
    found = with_sidecars(limit("./*"), *entries)
    found.set_proxies([replace(sidecar(), transparent=True)])
    for deleted, listens in ((None, True), (Key("shop", "a"), False)):
        if deleted:
            found.delete("ServiceEntry", deleted)
        found.take_changes()
        assert ("0.0.0.0_8081" in found.resources_for("page")[LDS]) is listens


def test_what_is_not_seen_may_pass_where_the_sidecar_says_so() -> None:
    """Whatever the mesh says of others."""
    allow = "outboundTrafficPolicy: {mode: ALLOW_ANY}"
    found = with_sidecars(f"kind: Sidecar\nmetadata: {{name: limit}}\nspec: {{{allow}}}")
    assert "PassthroughCluster" in found.resources_for("page")[CDS]
    assert "PassthroughCluster" not in found.resources_for("away")[CDS]
    found.set_passthrough(True)
    found.upsert(parse("kind: Sidecar\nmetadata: {name: limit}\nspec: {outboundTrafficPolicy: {}}")[0])
    found.take_changes()
    assert "PassthroughCluster" not in found.resources_for("page")[CDS]
    assert "PassthroughCluster" in found.resources_for("away")[CDS]
    found.upsert(parse(limit())[0])
    found.take_changes()
    assert "PassthroughCluster" in found.resources_for("page")[CDS]


def test_increments_end_where_a_fresh_start_does() -> None:
    """Random changes of hosts, rules and Sidecars; then everything anew: the same bytes for each caller."""
    random = Random(7)
    addresses = {LEDGER: "127.77.0.1", COURIER: "127.77.0.2", PHARMACY: "127.77.0.3"}
    proxies = [
        replace(sidecar(), addresses=addresses),
        replace(sidecar("clear"), transparent=True),
        replace(sidecar("away", "bank"), transparent=True),
    ]
    imports = ("./*", "bank/*", "*/*", "~/*", f"*/{PHARMACY}", f"./{COURIER}", "*/*.example")
    connecting = "{sourceLabels: {app: clear}}"
    pool = parse(WORLD) + parse(
        f"kind: VirtualService\nmetadata: {{name: ledger, namespace: bank}}\nspec: {{hosts: [{LEDGER}], "
        f"tcp: [{{match: [{connecting}], route: [{{destination: {{host: {COURIER}}}}}]}}]}}"
    )
    changed = translator("", proxies=proxies)
    known: dict[tuple[str, Key], MeshObject] = {}
    for step in range(150):
        value = random.choice(pool)
        if random.random() < 0.4:
            names = random.sample(imports, random.randrange(3))
            labels = random.choice(({}, {"app": "page"}))
            place = random.choice(("shop", "bank", "istio-system"))
            value = parse(limit(*names, namespace=place, name=random.choice("ab"), **labels))[0]
        elif value.kind == "VirtualService" and random.random() < 0.5:
            value = rules({"route": [{"destination": {"host": random.choice((LEDGER, "courier", PARTNER))}}]})
        if random.random() < 0.3:
            changed.delete(value.kind, value.key)
            known.pop((value.kind, value.key), None)
        else:
            assert changed.upsert(value) == ()
            known[value.kind, value.key] = value
        changed.take_changes()
        if step % 10:
            continue
        fresh = translator("", proxies=proxies)
        for value in known.values():
            fresh.upsert(value)
        fresh.take_changes()
        for proxy in proxies:
            seen(changed, proxy.id)
            one, other = changed.resources_for(proxy.id), fresh.resources_for(proxy.id)
            assert {url: dict(found) for url, found in one.items()} == {
                url: dict(found) for url, found in other.items()
            }


def test_the_walker_says_what_is_not_seen() -> None:
    """And by whose word."""
    found = registry("\n---\n".join([WORLD, limit(f"./{COURIER}", name="x")]))
    (hop,) = walk(found, AtSidecar("shop", "page"), Request(LEDGER, 80, "/", "GET", {})).hops
    assert (hop.status, hop.error) == (502, f"{LEDGER} is not visible: Sidecar shop/x does not name it")
    found.upsert(
        parse(f"{limit(f'./{COURIER}', name='x')[:-1]}, outboundTrafficPolicy: {{mode: ALLOW_ANY}}}}")[0]
    )
    (hop,) = walk(found, AtSidecar("shop", "page"), Request(LEDGER, 80, "/", "GET", {})).hops
    assert (hop.status, hop.error.partition("; ")[2]) == (
        0,
        "the request passes to the host that it names: ALLOW_ANY",
    )
    assert walk(found, AtSidecar("shop", "page"), Request("courier", 80, "/", "GET", {})).last.shares
    assert walk(found, AtSidecar("bank", "away"), Request(LEDGER, 80, "/", "GET", {})).last.shares


async def outbound_clusters(proxy: RunningProxy) -> int:
    """How many an Envoy has for hosts."""
    dump = await proxy.admin.config_dump()
    clusters = (each for part in dump for each in part.get("dynamic_active_clusters", ()))
    return sum(each["cluster"]["name"].startswith("outbound|") for each in clusters)


def test_the_walker_knows_what_may_pass() -> None:
    """As the mesh says, unless a Sidecar does; also to a port that a host has not."""
    found = registry("\n---\n".join([WORLD, limit("./*", name="x", namespace="bank")]))
    for allowed, status in ((False, 502), (True, 0)):
        found.set_passthrough(allowed)
        for host, port, place in (("a.example", 80, "shop"), (COURIER, 81, "shop"), (COURIER, 80, "bank")):
            (hop,) = walk(found, AtSidecar(place, "page"), Request(host, port, "/", "GET", {})).hops
            assert (hop.status, "ALLOW_ANY" in hop.error) == (status, allowed)


@pytest.mark.mesh
@pytest.mark.anyio
async def test_a_limited_caller_beside_one_that_is_not(mesh: RunningMesh) -> None:
    """Of what it is not told it has nothing; requests there get what an unknown host gets; as it changes."""
    courier, pharmacy = await mesh.backend("courier", app="courier"), await mesh.backend("a", app="pharmacy")
    for value in parse(WORLD):
        mesh.plane.upsert(value)
    mesh.plane.upsert(rules({"route": [{"destination": {"host": "pharmacy"}}]}))
    mesh.plane.set_pods([courier.pod(), pharmacy.pod()])
    page, cart = await mesh.sidecar("page"), await mesh.sidecar("cart")
    await mesh.publish()
    for hosts, status, clusters in ((["~/*"], 502, 0), ([f"./{PHARMACY}"], 200, 3), (["./*"], 200, 5)):
        mesh.plane.upsert(parse(limit(*hosts, app="page"))[0])
        await mesh.publish()
        limited, free = await mesh.caller(page), await mesh.caller(cart)
        assert (await limited.get("pharmacy"))[0] == status
        assert (await free.get("pharmacy")) == (200, "a")
        assert await outbound_clusters(page) == clusters
        assert await outbound_clusters(cart) == 8
    mesh.plane.delete("Sidecar", Key("shop", "limit"))
    await mesh.publish()
    assert await outbound_clusters(page) == 8
