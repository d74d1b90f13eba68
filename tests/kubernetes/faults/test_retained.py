"""An App that is deleted while it serves: what is left, and what becomes of it."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest
from tests.kubernetes.faults.played import Played
from tests.kubernetes.faults.watching import Watching
from tests.kubernetes.faults.web import Web

from laneway.kubernetes.api.errors import ApiError
from laneway.kubernetes.deletion import FINALIZER
from laneway.manifests.names import gateway_host_rules
from laneway.spec.meta import Key

pytestmark = [pytest.mark.cluster, pytest.mark.anyio]

SERVING = ("VirtualService", "DestinationRule", "Service", "Deployment", "ControllerRevision")
HOST = "shared.example"


async def serving(web: Web) -> dict[tuple[str, str], str]:
    """The specs' generations of everything that serves, by kind and name."""
    found = {}
    for kind in SERVING:
        for each in await web.listed(kind):
            metadata = each["metadata"]
            assert "ownerReferences" not in metadata, f"{kind} {metadata['name']} goes with another object"
            found[kind, metadata["name"]] = f"{metadata['uid']}/{metadata.get('generation', '')}"
    return found


async def is_gone(web: Web) -> bool:
    return await web.cluster.server.get("App", web.key) is None


@pytest.mark.parametrize("way", ["background", "foreground", "orphan"])
async def test_what_serves_stays_when_its_app_is_deleted(played: Played, namespace: str, way: str) -> None:
    web = Web(played, namespace)
    async with played.controller() as running:
        await web.make()
        await web.until_settled("1", 90)
        before = await serving(web)
        await played.lab.kubectl("delete", "apps.laneway.dev", web.name, "-n", namespace, f"--cascade={way}")
        await played.until(lambda: is_gone(web), "the App is gone")
        other = Web(played, f"{namespace}-other")
        await other.make()
        await other.until_settled("1", 90)
        assert await serving(web) == before
        assert not running.task.done()


async def test_an_app_whose_end_somebody_else_holds_up_serves_on(played: Played, namespace: str) -> None:
    web, other = Web(played, namespace), Web(played, namespace, name="other")
    async with played.controller(namespace):
        await web.make()
        await web.until_settled("1", 90)
        before = await serving(web)
        await played.server.patch("App", web.key, {"metadata": {"finalizers": ["example.com/keep"]}})
        await played.server.delete("App", web.key)
        await other.make()
        await played.until(lambda: is_served(other), "another App of the namespace has its turn")
        after = await serving(web)
        assert before.items() <= after.items()
        await played.server.patch("App", web.key, {"metadata": {"finalizers": None}})
        await played.until(lambda: is_gone(web), "the App is gone")


async def is_served(web: Web) -> bool:
    return await web.cluster.server.get("VirtualService", web.key) is not None


async def test_an_app_that_is_made_again_goes_on_without_a_change(played: Played, namespace: str) -> None:
    web = Web(played, namespace)
    async with played.controller(namespace):
        await web.make()
        await web.until_settled("1", 90)
        await web.deploy("2")
        await web.until_settled("2", 90)
        before = await serving(web)
        await played.server.delete("App", web.key)
        await played.until(lambda: is_gone(web), "the App is gone")
    watching = Watching(web)
    async with played.controller(namespace, watching):
        await played.put(web.app())
        await web.until_settled("2", 90)
    assert await serving(web) == before
    assert not watching.writes, "only the App's own status is written"


async def test_the_end_of_the_kind_takes_nothing_that_serves_with_it(played: Played, namespace: str) -> None:
    """It is refused as long as there are Apps; who insists loses these alone, and the controller lives on."""
    web = Web(played, namespace)
    definition = Key("", "apps.laneway.dev")
    async with played.controller(namespace) as running:
        await web.make()
        await web.until_settled("1", 90)
        before = await serving(web)
        kind = await played.get("CustomResourceDefinition", *definition)
        with pytest.raises(ApiError, match="laneway-kinds"):
            await played.server.delete("CustomResourceDefinition", definition)
        await played.server.delete("ValidatingAdmissionPolicyBinding", Key("", "laneway-kinds"))

        async def gone() -> bool:
            with suppress(ApiError):  # until the API server has heard that nothing refuses it any more
                await played.server.delete("CustomResourceDefinition", definition)
            return await played.server.get("CustomResourceDefinition", definition) is None

        await played.until(gone, "the kind is gone")
        assert await serving(web) == before
        metadata = {"name": kind["metadata"]["name"], "annotations": kind["metadata"].get("annotations", {})}
        await played.lab.define_kinds({**kind, "metadata": metadata, "status": {}})
        await played.put(web.app())
        await web.until_settled("1", 90)
        assert await serving(web) == before
        assert not running.task.done()


async def test_delete_takes_everything_and_lets_the_app_go(played: Played, namespace: str) -> None:
    web = Web(played, namespace, more={"deletion": "delete"})
    async with played.controller(namespace):
        await web.make()
        await web.until_settled("1", 90)
        assert FINALIZER in (await played.get("App", *web.key))["metadata"]["finalizers"]
        await played.server.delete("App", web.key)
        await played.until(lambda: is_gone(web), "the App is gone")
        left = set(await serving(web))
        assert left == {("Deployment", web.name)}, "the template is a person's"


def with_host(name: str, order: int) -> dict[str, Any]:
    """An App's routing: paths of its own on a host that both share."""
    rule = {"name": name, "match": [{"gateways": ["door"], "uri": {"prefix": f"/{name}"}}]}
    return {"routing": {"gateways": ["door"], "hosts": [HOST], "order": order, "http": [rule]}}


async def test_rules_of_a_deleted_app_stay_in_order_when_the_one_beside_it_changes(
    played: Played, namespace: str
) -> None:
    first = Web(played, namespace, name="first", more=with_host("first", 0))
    second = Web(played, namespace, name="second", more=with_host("second", 1))
    key = Key(namespace, gateway_host_rules(HOST))

    async def routed() -> list[tuple[str, str]]:
        rules = await played.server.get("VirtualService", key)
        routes = [(each["name"].partition("~")[0], each) for each in rules["spec"]["http"]] if rules else []
        return [(name, each.get("timeout", "")) for name, each in routes]

    async with played.controller(namespace):
        await played.put(*door(namespace))
        for web in (first, second):
            await web.make()
        await played.until(lambda: _both(routed), "rules of both", 90)
        before = await routed()
        await played.server.delete("App", first.key)
        await played.until(lambda: is_gone(first), "the App is gone")
        second.more = with_host("second", 1)
        second.more["routing"]["http"][0]["timeout"] = "7s"
        await played.put(second.app())

        async def changed() -> bool:
            return ("second", "7s") in await routed()

        await played.until(changed, "the other one's rules have changed")
    after = await routed()
    assert [name for name, _ in after] == [name for name, _ in before]


async def _both(routed: Any) -> bool:
    return {"first", "second"} <= {name for name, _ in await routed()}


def door(namespace: str) -> list[dict[str, Any]]:
    """The namespace, and a Gateway in it."""
    server = {"port": {"number": 80, "name": "http", "protocol": "HTTP"}, "hosts": ["*"]}
    spec = {"selector": {"istio": "ingressgateway"}, "servers": [server]}
    return [
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}},
        {
            "apiVersion": "networking.istio.io/v1",
            "kind": "Gateway",
            "metadata": {"name": "door", "namespace": namespace},
            "spec": spec,
        },
    ]
