"""Confirmations by two real istiods, with proxies made by hand."""

from __future__ import annotations

from datetime import timedelta

import pytest
from tests.kubernetes.confirm.ads_proxy import CLUSTERS, ROUTES, AdsProxy, connected
from tests.kubernetes.confirm.mesh import CANARY, HOST, RULES, Mesh, pods, until

from laneway.kubernetes.confirm.access import Access
from laneway.kubernetes.confirm.decide import CUT_OFF
from laneway.kubernetes.confirm.wanted import Pod, Rules, selector
from laneway.spec.meta import Key

pytestmark = [pytest.mark.cluster, pytest.mark.anyio]

EDGE = Key("shop", "edge")
LABELS = {"istio": "edge"}
EDGE_GATEWAY = {
    "apiVersion": "networking.istio.io/v1",
    "kind": "Gateway",
    "metadata": {"name": "edge", "namespace": "shop"},
    "spec": {
        "selector": LABELS,
        "servers": [{"port": {"number": 8080, "name": "http", "protocol": "HTTP"}, "hosts": ["*"]}],
    },
}


def gateway(mesh: Mesh, number: int) -> AdsProxy:
    return mesh.proxy(number, "shop/gate", kind="router", labels=LABELS)


async def test_rules_are_confirmed_once_every_proxy_has_acknowledged_them(mesh: Mesh) -> None:
    names = ("shop/a", "shop/b", "shop/c")
    async with mesh.proxies(*names) as proxies, mesh.confirmations(pods(*names)) as found:
        proxies[1].silent.add(ROUTES)
        rules = await mesh.write_rules(20)
        found.watch({RULES: rules}, [])
        await until(found, lambda: found.laggards() == ("shop/b",))
        assert not found.rules(RULES, rules.marker)

        await proxies[1].speak()
        await until(found, lambda: found.rules(RULES, rules.marker))
        assert found.laggards() == ()


async def test_a_proxy_that_refuses_rules_is_named_with_its_reason(mesh: Mesh) -> None:
    async with mesh.proxies("shop/a", "shop/b") as proxies, mesh.confirmations(pods("shop/a")) as found:
        proxies[0].refuses[ROUTES] = "there is no such filter"
        found.watch({RULES: (rules := await mesh.write_rules(21))}, [])
        await until(found, lambda: "there is no such filter" in found.reasons().get("shop/a", ""))
        assert not found.rules(RULES, rules.marker)


async def test_a_pod_that_no_istiod_knows_is_waited_for_until_it_has_connected(mesh: Mesh) -> None:
    async with mesh.proxies("shop/a"), mesh.confirmations(pods("shop/a", "shop/lost")) as found:
        found.watch({RULES: (rules := await mesh.write_rules(22))}, [])
        await until(found, lambda: found.reasons() == {"shop/lost": CUT_OFF})
        async with connected(mesh.proxy(1, "shop/lost")):
            await until(found, lambda: found.rules(RULES, rules.marker))


async def test_a_cluster_is_known_with_its_endpoints_and_only_while_it_is_defined(mesh: Mesh) -> None:
    await mesh.write_endpoints("10.9.0.1", "10.9.0.2", version="r-2")
    await mesh.write_endpoints("10.9.0.3", version="r-3")
    third = f"outbound|80|r-3|{HOST}"
    async with mesh.proxies("shop/a", "shop/b"), mesh.confirmations(pods("shop/a", "shop/b")) as found:
        found.watch({}, [CANARY, third])
        await until(found, lambda: found.cluster(CANARY) and found.endpoints(CANARY) == 2)
        assert not found.cluster(third)
        assert found.endpoints(third) is None

        await mesh.write_subsets("r-1", "r-2", "r-3")
        await until(found, lambda: found.cluster(third) and found.endpoints(third) == 1)
        await mesh.write_subsets("r-1", "r-2")
        await until(found, lambda: not found.cluster(third) and found.endpoints(third) is None)


async def test_rules_of_a_gateway_are_confirmed_by_gateways(mesh: Mesh) -> None:
    await mesh.lab.apply(EDGE_GATEWAY)
    marker = (await mesh.write(EDGE, ["shop.example"], 5, gateways=["shop/edge"])).marker
    ready = [Pod("shop", "a"), Pod("shop", "gate", gateway=True)]
    async with (
        mesh.proxies("shop/a") as (sidecar,),
        connected(gateway(mesh, 0)) as gate,
        mesh.confirmations(lambda: ready) as found,
    ):
        sidecar.silent.add(ROUTES)
        gate.silent.add(ROUTES)
        marker = (await mesh.write(EDGE, ["shop.example"], 6, gateways=["shop/edge"])).marker
        rules = Rules(marker, ("shop.example",), mesh=False, gateways=frozenset({selector(LABELS)}))
        found.watch({EDGE: rules}, [])
        await until(found, lambda: found.laggards() == ("shop/gate",))
        await gate.speak()
        await until(found, lambda: found.rules(EDGE, marker))


async def test_an_istiod_that_is_gone_is_not_needed_once_its_proxies_are_at_another(mesh: Mesh) -> None:
    one, two = (each.secure for each in mesh.lab.istiods)
    async with mesh.proxies("shop/a"), mesh.confirmations(pods("shop/a", "shop/b")) as found:
        async with connected(mesh.proxy(1, "shop/b")):
            await mesh.lab.stop_istiod(1, 0)
        found.watch({RULES: (rules := await mesh.write_rules(23))}, [])
        await until(found, lambda: found.laggards() == ("shop/b",) and found.unreachable() == (two,))
        async with connected(mesh.proxy(0, "shop/b")):
            await until(found, lambda: found.rules(RULES, rules.marker))

        await mesh.lab.start_istiod(1)
        await until(found, lambda: found.unreachable() == ())
        found.watch({RULES: (rules := await mesh.write_rules(24))}, [])
        await until(found, lambda: found.reasons() == {"shop/b": CUT_OFF})
        found.istiods([one])
        async with connected(mesh.proxy(0, "shop/b")):
            await until(found, lambda: found.rules(RULES, rules.marker))


@pytest.mark.long
async def test_rules_that_were_served_before_anybody_asked_are_confirmed_after_some_seconds(
    mesh: Mesh,
) -> None:
    """As a controller finds them that was started anew, after a push that did not concern the proxies."""
    rules = await mesh.write_rules(25)
    async with mesh.proxies("shop/a", "shop/b") as proxies:
        for proxy in proxies:
            await proxy.until_it_has(rules.marker)
        await mesh.lab.apply(EDGE_GATEWAY)
        async with connected(gateway(mesh, 0)) as one, connected(gateway(mesh, 1)) as two:
            later = await mesh.write(EDGE, ["shop.example"], 25, gateways=["shop/edge"])
            await one.until_it_has(later.marker)
            await two.until_it_has(later.marker)
        async with mesh.confirmations(pods("shop/a", "shop/b")) as found:
            found.watch({RULES: rules}, [])
            await until(found, lambda: found.rules(RULES, rules.marker))


@pytest.mark.long
async def test_rules_that_are_not_shown_to_witnesses_are_found_at_a_proxy(mesh: Mesh) -> None:
    async with mesh.proxies("shop/a", "shop/b"), mesh.confirmations(pods("shop/a", "shop/b")) as found:
        found.watch({RULES: (rules := await mesh.write_rules(31, exportTo=["."]))}, [])
        await until(found, lambda: found.rules(RULES, rules.marker))


@pytest.mark.long
async def test_a_proxy_of_which_nobody_knows_that_it_is_not_told_is_waited_for_some_seconds(
    mesh: Mesh,
) -> None:
    await mesh.narrow("elsewhere", "./*")
    names = ("shop/a", "elsewhere/b")
    async with mesh.proxies(*names) as (_, narrowed), mesh.confirmations(pods(*names)) as found:
        await narrowed.until(lambda: CANARY not in narrowed.has[CLUSTERS])
        found.watch({RULES: (rules := await mesh.write_rules(32))}, [])
        await until(found, lambda: found.laggards() == ("elsewhere/b",))
        await until(found, lambda: found.rules(RULES, rules.marker))


async def test_a_proxy_that_a_sidecar_keeps_from_the_host_is_not_waited_for(mesh: Mesh) -> None:
    await mesh.narrow("elsewhere", "./*")
    sees = {"shop": True, "elsewhere": False}
    names = ("shop/a", "elsewhere/b")
    async with (
        mesh.proxies(*names),
        mesh.confirmations(pods(*names), sees=lambda namespace, host: sees[namespace]) as found,
    ):
        found.watch({RULES: (rules := await mesh.write_rules(26))}, [])
        await until(found, lambda: found.rules(RULES, rules.marker))
        assert found.laggards() == ()


async def test_where_all_proxies_see_only_their_namespace_the_witness_sees_the_rest(mesh: Mesh) -> None:
    await mesh.narrow("istio-system", "./*", "istio-system/*")
    await mesh.widen_witness()
    try:
        async with mesh.proxies("shop/a"), mesh.confirmations(pods("shop/a")) as found:
            found.watch({RULES: (rules := await mesh.write_rules(27))}, [])
            await until(found, lambda: found.rules(RULES, rules.marker))
    finally:
        await mesh.stop_narrowing("istio-system")


async def test_on_the_plaintext_port_what_is_served_shows_and_the_rest_is_assumed(mesh: Mesh) -> None:
    plain = [each.grpc for each in mesh.lab.istiods]
    async with (
        mesh.proxies("shop/a"),
        mesh.confirmations(pods("shop/a"), access=Access(), istiods=plain) as strict,
        mesh.confirmations(
            pods("shop/a"), access=Access(), istiods=plain, assume_after=timedelta(seconds=1)
        ) as lenient,
    ):
        rules = await mesh.write_rules(28)
        for found in (strict, lenient):
            found.watch({RULES: rules}, [])
        await until(lenient, lambda: lenient.rules(RULES, rules.marker))
        assert not strict.rules(RULES, rules.marker)
        assert strict.unserved(RULES) == tuple(plain)


async def test_an_account_of_another_namespace_is_refused_by_istiod(mesh: Mesh) -> None:
    token = await mesh.lab.service_account_token("shop", "laneway", "istio-ca")
    access = Access(root=mesh.lab.mesh_authority.read_bytes, token=lambda: token)
    async with mesh.confirmations(pods("shop/a"), access=access) as found:
        await until(found, lambda: len(found.unreachable()) == 2)
        assert not found.rules(RULES, (await mesh.write_rules(29)).marker)


async def test_a_token_that_is_not_there_is_no_end(mesh: Mesh) -> None:
    tokens: list[str] = []
    access = Access(root=mesh.lab.mesh_authority.read_bytes, token=lambda: _first(tokens))
    async with mesh.proxies("shop/a"), mesh.confirmations(pods("shop/a"), access=access) as found:
        await until(found, lambda: len(found.unreachable()) == 2)
        tokens.append(mesh.token)
        found.watch({RULES: (rules := await mesh.write_rules(30))}, [])
        await until(found, lambda: found.rules(RULES, rules.marker))


def _first(tokens: list[str]) -> str:
    if not tokens:
        raise FileNotFoundError("there is no token yet")
    return tokens[0]
