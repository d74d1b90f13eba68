"""The translator translates what is stale and nothing else."""

from __future__ import annotations

from collections import ChainMap
from dataclasses import replace
from random import Random

import pytest
from tests.mesh.generated_rules import http
from tests.mesh.mesh_objects import SHOP, ingress, parse, pod, rules, sidecar, translator

from laneway.mesh.resources import CDS, EDS, LDS, RDS, SRDS, Audience, Changes, Layer
from laneway.mesh.translator import Translator
from laneway.spec.kubernetes import Deployment
from laneway.spec.meta import Key

PUBLIC = """
kind: Gateway
metadata: {name: public}
spec:
  selector: {istio: ingressgateway}
  servers: [{port: {number: 80, name: http}, hosts: ["*"]}]
"""
NAME = "pharmacy.shop.svc.cluster.local"
RULES = ("VirtualService", Key("shop", "pharmacy"))
SUBSETS = ("DestinationRule", Key("shop", "pharmacy"))
PODS = [pod("a-1", {"app": "pharmacy", "version": "a"}), pod("green-1", {"lane": "green"})]


def named(changes: Changes) -> dict[tuple[Audience, str], set[str]]:
    """What changed, by audience and type."""
    return {
        (layer.audience, url): set(delta.changed | delta.removed)
        for layer, types in changes.layers.items()
        for url, delta in types.items()
    }


def settled() -> Translator:
    """The shop with a sidecar and an ingress, everything taken."""
    found = translator(SHOP, PODS, [sidecar(), ingress()])
    found.take_changes()
    return found


def test_a_sidecar_has_everything_that_it_calls() -> None:
    """Clusters and endpoints of all hosts, its own listeners, names as its namespace may say them."""
    found = settled()
    served = found.resources_for("page")
    assert set(served[CDS]) - set(served[EDS]) == {"inbound|8080||"}
    assert set(served[LDS]) == {"127.1.0.9_15001", "127.1.0.9_8080"}
    assert {"pharmacy", "pharmacy.shop", NAME} <= set(served[SRDS])
    assert set(served[RDS]) == {f"mesh/{NAME}", "mesh/pharmacy-green.shop.svc.cluster.local"}


def test_bare_names_are_those_of_the_sidecars_namespace() -> None:
    """Elsewhere the namespace must be said."""
    found = translator(SHOP, proxies=[sidecar(), sidecar("away", "other")])
    found.take_changes()
    assert "pharmacy" in found.resources_for("page")[SRDS]
    assert "pharmacy" not in found.resources_for("away")[SRDS]
    assert "pharmacy.shop" in found.resources_for("away")[SRDS]


def test_changed_rules_change_their_hosts_table_alone() -> None:
    """One route configuration, the same for all sidecars."""
    found = settled()
    found.upsert(rules({"route": [{"destination": {"host": "pharmacy"}}]}))
    assert named(found.take_changes()) == {(Audience.SIDECARS, RDS): {f"mesh/{NAME}"}}


def test_a_changed_pod_changes_the_endpoints_that_select_it_alone() -> None:
    """Of the host and the subset."""
    found = settled()
    found.set_pods([replace(PODS[0], ready=False), PODS[1]])
    changed = {f"outbound|80||{NAME}", f"outbound|80|a|{NAME}"}
    assert named(found.take_changes()) == {(Audience.ALL, EDS): changed}


def test_a_new_subset_changes_clusters_and_endpoints() -> None:
    """Its own."""
    found = settled()
    text = "kind: DestinationRule\nmetadata: {name: pharmacy}\nspec: {host: pharmacy, subsets: SUBSETS}"
    subsets = (
        "[{name: a, labels: {version: a}}, {name: b, labels: {version: b}}, {name: c, labels: {version: c}}]"
    )
    found.upsert(parse(text.replace("SUBSETS", subsets))[0])
    cluster = {f"outbound|80|c|{NAME}"}
    assert named(found.take_changes()) == {(Audience.ALL, CDS): cluster, (Audience.ALL, EDS): cluster}


def test_without_news_there_is_no_change_and_no_generation() -> None:
    """Also when the same is said again."""
    found = settled()
    generation = found.generation
    for value in parse(SHOP):
        found.upsert(value)
    found.set_pods(list(PODS))
    found.set_proxies([sidecar(), ingress()])
    assert found.take_changes() == Changes(generation, {})
    assert found.generation == generation


def test_what_is_deleted_is_removed() -> None:
    """Clusters, endpoints, names and tables."""
    found = settled()
    found.delete("Service", Key("shop", "pharmacy-green"))
    changes = found.take_changes()
    assert changes.layers[Layer(Audience.ALL)][CDS].removed == {
        "outbound|80||pharmacy-green.shop.svc.cluster.local"
    }
    assert changes.layers[Layer(Audience.NAMESPACE, "shop")][SRDS].removed == {"pharmacy-green"}
    assert "mesh/pharmacy-green.shop.svc.cluster.local" not in found.resources_for("page")[RDS]


def test_a_refused_object_leaves_the_former_one_in_force() -> None:
    """And says why."""
    found = settled()
    (refusal,) = found.upsert(rules({"name": "neither"}))
    assert (refusal.key, refusal.field) == (Key("shop", "pharmacy"), "spec.http[0].route")
    assert found.take_changes().layers == {}


def test_other_kinds_have_no_effect() -> None:
    """A Deployment is not the mesh's business."""
    found = Translator()
    template = {"metadata": {}, "spec": {"containers": [{"name": "a"}]}}
    body = {"metadata": {"name": "a"}, "spec": {"template": template}}
    assert found.upsert(Deployment.model_validate(body)) == ()
    assert found.take_changes() == Changes(0, {})


def test_an_object_is_touched_in_the_coming_generation_until_it_is_taken() -> None:
    """So that a confirmation of an earlier one never counts."""
    found = settled()
    before = found.generation
    found.upsert(rules({"route": [{"destination": {"host": "pharmacy"}}]}))
    assert found.touched(*RULES) == before + 1
    assert found.take_changes().generation == before + 1
    assert found.touched(*RULES) == before + 1
    assert found.touched(*SUBSETS) < before + 1
    assert found.touched("VirtualService", Key("shop", "nobody")) == 0


def test_endpoints_are_part_of_a_subsets_effect() -> None:
    """A subset is confirmed with its pods."""
    found = settled()
    found.set_pods([*PODS, pod("b-1", {"app": "pharmacy", "version": "b"})])
    found.take_changes()
    assert found.touched(*SUBSETS) == found.touched("Service", Key("shop", "pharmacy")) == found.generation
    assert found.touched(*RULES) < found.generation


def test_rules_are_touched_when_a_destinations_port_moves_them() -> None:
    """Though they say the same as before: at a gateway, where the only port is the one that is meant."""
    found = translator(PUBLIC + "---" + SHOP, PODS, [ingress()])
    to = {"route": [{"destination": {"host": "pharmacy-green"}}]}
    found.upsert(rules(to, name="door", hosts=["shop.example"], gateways=["public"]))
    found.take_changes()
    found.upsert(parse(SHOP.replace("{name: http, port: 80,", "{name: http, port: 81,"))[1])
    found.take_changes()
    assert found.touched("VirtualService", Key("shop", "door")) == found.generation


def test_rules_that_take_effect_when_older_ones_go_are_touched() -> None:
    """The younger VirtualService governs from then on."""
    found = settled()
    found.upsert(rules({"route": [{"destination": {"host": "pharmacy"}}]}, name="young", hosts=[NAME]))
    found.take_changes()
    found.delete(*RULES)
    found.take_changes()
    assert found.touched("VirtualService", Key("shop", "young")) == found.touched(*RULES) == found.generation


def test_a_proxy_that_leaves_is_forgotten() -> None:
    """And the bare names of a namespace without sidecars with it."""
    found = settled()
    found.set_proxies([ingress()])
    changes = found.take_changes()
    assert {Layer(Audience.PROXY, "page"), Layer(Audience.NAMESPACE, "shop")} <= set(changes.layers)
    with pytest.raises(KeyError):
        found.resources_for("page")


def test_a_proxy_that_comes_changes_nothing_for_others() -> None:
    """Only its own layer is new."""
    found = settled()
    found.set_proxies([sidecar(), sidecar("second"), ingress()])
    assert set(found.take_changes().layers) == {Layer(Audience.PROXY, "second")}


def test_names_are_unique_across_the_layers_of_a_proxy() -> None:
    """So their union hides nothing."""
    found = settled()
    for name in ("page", "ingress"):
        for view in found.resources_for(name).values():
            assert isinstance(view, ChainMap)
            assert sum(map(len, view.maps)) == len(view)


def test_increments_end_where_a_fresh_start_does() -> None:
    """Random changes, one by one; then everything anew: the same bytes."""
    random = Random(5)
    pool = parse(SHOP + "---" + PUBLIC)
    changed = translator(SHOP, PODS, [sidecar(), ingress()])
    known = {(value.kind, value.key): value for value in parse(SHOP)}
    for _ in range(60):
        value = random.choice(pool)
        if value.kind == "VirtualService" and random.random() < 0.8:
            hosts = random.choice((["pharmacy"], ["pharmacy", "a.example"]))
            value = rules(
                *http(random, 4), hosts=hosts, gateways=random.choice((["mesh"], ["mesh", "public"]))
            )
        if random.random() < 0.3:
            changed.delete(value.kind, value.key)
            known.pop((value.kind, value.key), None)
        else:
            assert changed.upsert(value) == ()
            known[value.kind, value.key] = value
        if random.random() < 0.7:
            changed.take_changes()
    changed.take_changes()
    fresh = translator("", PODS, [sidecar(), ingress()])
    for value in known.values():
        fresh.upsert(value)
    fresh.take_changes()
    for name in ("page", "ingress"):
        one, other = changed.resources_for(name), fresh.resources_for(name)
        assert {url: dict(found) for url, found in one.items()} == {
            url: dict(found) for url, found in other.items()
        }


def test_a_port_that_becomes_grpc_changes_the_sidecars_behind_it() -> None:
    """And none of the others."""
    behind = replace(sidecar(), labels={"app": "pharmacy"})
    found = translator(SHOP, proxies=[behind, sidecar("other")])
    found.take_changes()
    (service, *_) = parse(SHOP.replace("name: http, port: 80", "name: grpc, port: 80"))
    found.upsert(service)
    changed = found.take_changes().layers
    assert changed[Layer(Audience.PROXY, "page")][CDS].changed == {"inbound|8080||"}
    assert Layer(Audience.PROXY, "other") not in changed
