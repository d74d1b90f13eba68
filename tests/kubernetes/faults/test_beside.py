"""What stands beside a release: a contested template, autoscalers, budgets, people's words, and who waits."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from tests.kubernetes.faults.played import Played
from tests.kubernetes.faults.watching import Watching
from tests.kubernetes.faults.web import HELD, Web
from tests.kubernetes.kstatus import computed

pytestmark = [pytest.mark.cluster, pytest.mark.anyio]

CPU = {
    "type": "Resource",
    "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 50}},
}
SCALED = {
    "apiVersion": "apiextensions.k8s.io/v1",
    "kind": "CustomResourceDefinition",
    "metadata": {"name": "scaledobjects.keda.sh"},
    "spec": {
        "group": "keda.sh",
        "names": {"kind": "ScaledObject", "plural": "scaledobjects", "singular": "scaledobject"},
        "scope": "Namespaced",
        "versions": [
            {
                "name": "v1alpha1",
                "served": True,
                "storage": True,
                "schema": {
                    "openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
                },
            }
        ],
    },
}
"""A stand-in for KEDA: its kind alone; nothing scales by it."""


async def test_a_template_with_replicas_in_git_is_told_and_never_fought(
    played: Played, namespace: str
) -> None:
    web = Web(played, namespace)
    watching = Watching(web)
    async with played.controller(namespace, watching):
        await web.make()
        await web.until_settled("1", 90)
        before = len(watching.writes)
        await played.put(web.deployment("1"))

        async def told() -> bool:
            return (await web.conditions()).get("TemplateContested") == "True"

        await played.until(told, "the template is contested")
        await web.cluster.put(web.app() | {"spec": web.app()["spec"] | {"drift": "report"}})
        await played.until(web.conditions, "it was looked at again")
    assert watching.writes[before:] == []
    assert (await played.get("Deployment", *web.key))["spec"]["replicas"] == web.replicas


async def test_a_refused_version_is_retried_by_whichever_controller_there_is(
    played: Played, namespace: str
) -> None:
    web = Web(played, namespace, policy={"steps": list(HELD)})

    async def over() -> bool:
        return [each["status"]["phase"] for each in await web.releases()] == ["RolledBack"]

    async with played.controller(namespace):
        await web.make()
        await web.until_settled("1", 90)
        await web.deploy("2")
        await web.until_weights(80, 20)
        await web.ask("abort")
        await played.until(over, "it is rolled back")
        await web.until_settled("1", 90)
    watching = Watching(web)
    async with played.controller(namespace, watching):
        await web.until_settled("1", 90)
        assert not [each for each in watching.writes if each[0] != "delete"], "it stays refused"


async def test_kubectl_and_kstatus_wait_as_they_do_for_kinds_of_kubernetes(
    played: Played, namespace: str
) -> None:
    web = Web(played, namespace, policy={"steps": list(HELD)})
    seen = set()
    async with played.controller(namespace):
        await web.make()
        await played.lab.kubectl(
            "wait", "apps.laneway.dev/web", "-n", namespace, "--for=condition=Ready", "--timeout=90s"
        )
        await web.until_settled("1", 90)
        seen.add(("at rest", computed(await played.get("App", *web.key))))
        await web.deploy("2")
        await web.until_weights(80, 20)

        async def releasing() -> bool:
            return (await web.conditions()).get("Progressing") == "True"

        await played.until(releasing, "it says that a release is under way")
        seen.add(("releasing", computed(await played.get("App", *web.key))))
        await played.lab.kubectl(
            "wait", "apps.laneway.dev/web", "-n", namespace, "--for=condition=Ready", "--timeout=1s"
        )
        await web.ask("promote")
        await web.until_settled("2", 90)
        seen.add(("promoted", computed(await played.get("App", *web.key))))
    assert seen == {("at rest", "Current"), ("releasing", "InProgress"), ("promoted", "Current")}


def scaled(**more: Any) -> dict[str, Any]:
    return {"scale": {"min": 2, "max": 8, "metrics": [CPU], **more}}


async def bounds(web: Web) -> dict[str, tuple[int, int]]:
    """Of each version's autoscaler, by its image."""
    images = {
        each["metadata"]["name"]: each["spec"]["template"]["spec"]["containers"][0]["image"].rpartition(":")[
            2
        ]
        for each in await web.listed("Deployment")
    }
    return {
        images[each["spec"]["scaleTargetRef"]["name"]]: (
            each["spec"]["minReplicas"],
            each["spec"]["maxReplicas"],
        )
        for each in await web.listed("HorizontalPodAutoscaler")
    }


async def test_the_bounds_of_autoscalers_follow_the_weights(played: Played, namespace: str) -> None:
    """Real autoscalers, which get no metrics: they keep their bounds, and nothing else."""
    web = Web(played, namespace, policy={"steps": list(HELD)}, more=scaled())
    watching = Watching(web)

    async def serves(version: str) -> bool:
        return (await web.conditions()).get("Ready") == "True" and list(await bounds(web)) == [version]

    async with played.controller(namespace, watching):
        await web.make()
        await played.until(lambda: serves("1"), "version 1 serves", 90)
        assert (await bounds(web))["1"][1] == 8
        await web.deploy("2")
        await web.until_weights(80, 20)
        low, high = (await bounds(web))["2"]
        assert low == 1 and high <= 2
        await web.ask("promote")
        await played.until(lambda: serves("2"), "version 2 serves alone", 120)
        assert (await bounds(web))["2"][1] == 8


async def test_an_eviction_budget_is_of_the_whole_app_and_goes_when_it_is_wanted_no_more(
    played: Played, namespace: str
) -> None:
    web = Web(played, namespace, more={"scale": {"replicas": 4, "disruption": {"maxUnavailable": 1}}})

    async def budgets() -> list[Any]:
        return [each["spec"]["maxUnavailable"] for each in await web.listed("PodDisruptionBudget")]

    async with played.controller(namespace):
        await web.make()
        await web.until_settled("1", 90)
        assert await budgets() == [1]
        web.more = {}
        await played.put(web.app())

        async def gone() -> bool:
            return not await budgets()

        await played.until(gone, "the budget is gone")


async def test_a_scaled_object_stands_in_place_of_an_autoscaler(played: Played, namespace: str) -> None:
    await played.lab.define_kinds([SCALED])
    trigger = {"type": "cron", "metadata": {"timezone": "UTC", "start": "0 8 * * *", "end": "0 18 * * *"}}
    more = {"scale": {"min": 2, "max": 8, "scaledObject": {"triggers": [trigger]}}}
    web = Web(played, namespace, more=more)
    async with played.controller(namespace):
        await web.make()

        async def made() -> list[dict[str, Any]]:
            return await web.listed("ScaledObject")

        (found,) = await played.until(made, "a ScaledObject", 90)
        assert found["spec"]["triggers"] == [trigger]
        assert found["spec"]["maxReplicaCount"] == 8
        assert found["spec"]["scaleTargetRef"]["name"] in {
            each["metadata"]["name"] for each in await web.listed("Deployment")
        }
        assert not await web.listed("HorizontalPodAutoscaler")


async def test_a_newer_version_waits_for_its_turn_where_the_app_says_queue(
    played: Played, namespace: str
) -> None:
    web = Web(played, namespace, policy={"steps": list(HELD), "onNew": "queue"})
    watching = Watching(web)
    async with played.controller(namespace, watching):
        await web.make()
        await web.until_settled("1", 90)
        await web.deploy("2")
        await web.until_weights(80, 20)
        await web.deploy("3")
        app = web.app()
        await played.put(app | {"spec": app["spec"] | {"drift": "report"}})
        await played.until(web.conditions, "it was looked at again")
        assert sorted((await web.weights()).values()) == [20, 80]
        assert "3" not in await web.images()
        await web.ask("promote")

        async def next_one() -> bool:
            found = await asyncio.gather(web.images(), web.weights())
            return bool(found[0].get("3") and sorted(found[1].values()) == [20, 80])

        try:
            await played.until(next_one, "version 3 has its turn", 120)
        except AssertionError as error:
            raise AssertionError(f"{error}\n{await web.told()}") from None
    assert not watching.wrong
