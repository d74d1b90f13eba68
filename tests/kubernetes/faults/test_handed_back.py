"""Apps that leave under load: retained beside another one on their host, and handed back."""

from __future__ import annotations

import pytest
from tests.kubernetes.acceptance.loads import without_failure
from tests.kubernetes.acceptance.shop import Shop
from tests.kubernetes.running import Cluster

from laneway.manifests import names
from laneway.spec.meta import Key

pytestmark = [pytest.mark.cluster, pytest.mark.anyio]


async def until_gone(shop: Shop, name: str) -> None:
    """The App is there no longer."""

    async def gone() -> bool:
        return await shop.cluster.server.get("App", shop.key(name)) is None

    await shop.cluster.until(gone, f"App {name} is gone", 120)


async def routed(shop: Shop) -> list[tuple[str, str]]:
    """The rules of the host that page and pharmacy share: name and timeout, in order."""
    key = Key(shop.namespace, names.gateway_host_rules(shop.host))
    rules = await shop.cluster.get("VirtualService", *key)
    return [(each["name"].partition("~")[0], each.get("timeout", "")) for each in rules["spec"]["http"]]


async def test_no_request_fails_while_an_app_is_retained_and_the_one_beside_it_changes(
    meshed: Cluster, namespace: str
) -> None:
    shop = Shop(meshed, namespace)
    async with meshed.controller():
        await shop.up()
        before = await routed(shop)
        async with without_failure(shop, "retained", rate=40) as loads:
            await shop.delete("App", "pharmacy")
            await until_gone(shop, "pharmacy")
            (app,) = (each for each in shop.objects("page") if each["kind"] == "App")
            for rule in app["spec"]["routing"]["http"]:
                rule["timeout"] = "7s"
            await meshed.put(app)

            async def changed() -> bool:
                return "7s" in dict(await routed(shop)).values()

            await meshed.until(changed, "the page's rules are others", 60)
            assert set(await loads.more()) == {"blue"}
        assert [name for name, _ in await routed(shop)] == [name for name, _ in before]
    await meshed.leave(namespace)


async def test_no_request_fails_while_an_app_is_handed_back(meshed: Cluster, namespace: str) -> None:
    shop = Shop(meshed, namespace)
    async with meshed.controller():
        await shop.up()
        key = shop.key("inventory")
        await meshed.server.patch("App", key, {"spec": {"deletion": "handBack"}})

        async def held() -> bool:
            return bool((await meshed.get("App", *key))["metadata"].get("finalizers"))

        await meshed.until(held, "its deletion waits for us")
        async with without_failure(shop, "handed back", rate=40) as loads:
            await shop.delete("App", "inventory")
            await until_gone(shop, "inventory")
            await loads.more(100)
        service = await meshed.get("Service", *key)
        assert service["spec"]["selector"] == {"app": "inventory"}
        assert names.MANAGED_BY not in (service["metadata"].get("labels") or {})
        assert (await meshed.get("Deployment", *key))["spec"]["replicas"] == 1
        assert await meshed.server.get("DestinationRule", key) is None
    await meshed.leave(namespace)
