"""What people ask of Laneway, answered from a real API server; the tests play the controller."""

from __future__ import annotations

import asyncio
import itertools

import pytest
from tests.kubernetes.service.conftest import Opened
from tests.kubernetes.service.played import APP, TEMPLATE, Shop

from laneway.api.engine import ConflictError, EventQuery, MissingError, NotOfferedError, RefusedError
from laneway.api.selection import PodQuery
from laneway.kubernetes.part import read_template
from laneway.kubernetes.service.service import Service
from laneway.plan.revision import revision_of
from laneway.spec.meta import Key
from laneway.spec.release import Verb

pytestmark = [pytest.mark.cluster, pytest.mark.anyio]

DEADLINE_SECONDS = 30.0
JOB = """
apiVersion: batch/v1
kind: CronJob
metadata: {name: nightly}
spec:
  schedule: "0 3 * * *"
  jobTemplate: {spec: {template: {spec: {restartPolicy: Never, containers: [{name: a, image: b}]}}}}
"""


async def operations(service: Service, shop: Shop, *texts: str, **how: bool) -> list[tuple[str, str]]:
    """What becomes of these objects."""
    changes = await service.apply(shop.bodies(*texts), "ada", "because", **how)
    return [(each["kind"], each["operation"]) for each in changes["objects"]]


async def test_objects_are_applied_and_say_for_whom_and_why(shop: Shop, opened: Opened) -> None:
    """Once: what is said already is unchanged, whatever the reason."""
    async with opened() as service:
        made = await operations(service, shop)
        assert made == [("Deployment", "created"), ("App", "created")]
        changes = await service.apply(shop.bodies(), "eve", "again")
        assert {each["operation"] for each in changes["objects"]} == {"unchanged"}
    stored = await shop.get("App", "pharmacy")
    assert stored is not None
    assert stored["metadata"]["annotations"] == {"laneway.dev/by": "ada", "laneway.dev/reason": "because"}


async def test_nothing_is_applied_where_anything_is_refused(shop: Shop, opened: Opened) -> None:
    """Every reason is told, with the field."""
    wrong = TEMPLATE.replace("affinity: {podAntiAffinity: {}}", "afinity: {}")
    low = APP.replace("port: 80", "port: 800000")
    async with opened() as service:
        with pytest.raises(RefusedError) as refused:
            await operations(service, shop, wrong, low)
    fields = [problem.get("field") for problem in refused.value.problems]
    assert fields == ["spec.template.spec.afinity", "spec.service.ports[0].port"]
    assert await shop.get("App", "pharmacy") is None


async def test_kinds_that_nobody_knows_here_are_found_in_the_cluster(shop: Shop, opened: Opened) -> None:
    """Or are an error there."""
    thing = "\napiVersion: nowhere.example/v1\nkind: Thing\nmetadata: {name: a}\n"
    async with opened() as service:
        assert await operations(service, shop, JOB) == [("CronJob", "created")]
        with pytest.raises(RefusedError, match=r"no kind Thing of nowhere\.example/v1"):
            await operations(service, shop, thing)
    assert await shop.get("CronJob", "nightly") is not None


async def test_a_field_of_somebody_else_is_a_conflict_that_names_him(shop: Shop, opened: Opened) -> None:
    """Who takes over has it."""
    async with opened() as service:
        await operations(service, shop)
        await shop.merge("Deployment", "pharmacy", {"spec": {"replicas": 7}}, manager="helm")
        with pytest.raises(RefusedError, match=r"spec\.replicas belongs to helm"):
            await operations(service, shop)
        assert ("Deployment", "configured") in await operations(service, shop, take_over=True)
    stored = await shop.get("Deployment", "pharmacy")
    assert stored is not None
    assert stored["spec"]["replicas"] == 2


async def test_a_template_that_is_held_stays_so_and_its_size_is_noted(shop: Shop, opened: Opened) -> None:
    """The file says how many pods it would have."""
    async with opened() as service:
        await operations(service, shop)
        await shop.holds_template()
        assert await operations(service, shop, TEMPLATE) == [("Deployment", "unchanged")]
        five = TEMPLATE.replace("replicas: 2", "replicas: 5")
        assert await operations(service, shop, five) == [("Deployment", "configured")]
    stored = await shop.get("Deployment", "pharmacy")
    assert stored is not None
    assert stored["spec"]["replicas"] == 0
    assert stored["metadata"]["annotations"]["laneway.dev/replicas"] == "5"


async def test_a_change_of_what_is_stored_writes_what_differs(shop: Shop, opened: Opened) -> None:
    """A file that is applied later says it anew; what is held stays noted."""
    async with opened() as service:
        await operations(service, shop)
        await shop.holds_template()
        (stored,) = await service.objects("Deployment", None, "pharmacy")
        stored["spec"]["template"]["spec"]["containers"][0]["image"] = "pharmacy:2"
        await service.apply([stored], "ada", "", whole=False)
        changed = await shop.get("Deployment", "pharmacy")
        assert changed is not None
        assert changed["spec"]["template"]["spec"]["containers"][0]["image"] == "pharmacy:2"
        assert changed["metadata"]["annotations"]["laneway.dev/replicas"] == "2"
        assert await operations(service, shop, TEMPLATE) == [("Deployment", "configured")]


async def test_a_change_of_an_older_object_is_refused(shop: Shop, opened: Opened) -> None:
    """Somebody has changed it in between, and would lose that."""
    async with opened() as service:
        await operations(service, shop)
        (stored,) = await service.objects("App", None, "pharmacy")
        stored["spec"]["scale"] = {"replicas": 3}
        assert (await service.trial([stored], whole=False))[0]["spec"]["scale"]["replicas"] == 3
        await shop.merge("App", "pharmacy", {"spec": {"routing": {"order": 7}}})
        with pytest.raises(RefusedError, match="changed it in between"):
            await service.apply([stored], "ada", "", whole=False)


async def test_the_status_changes_when_the_controller_writes_one(shop: Shop, opened: Opened) -> None:
    """Who waits is woken by the watch."""
    async with opened() as service, asyncio.timeout(DEADLINE_SECONDS):
        await operations(service, shop, TEMPLATE, APP)
        status = await service.status()
        waiting = asyncio.create_task(service.changed(status["version"]))
        await shop.serves()
        while not (status := await service.status())["apps"][0]["ready"]:
            await waiting
            waiting = asyncio.create_task(service.changed(status["version"]))
        waiting.cancel()
    assert status["apps"][0]["confirmed"]
    assert status["findings"] == []


async def test_what_was_applied_is_taken_up_when_its_status_says_so(shop: Shop, opened: Opened) -> None:
    """Its generation."""
    async with opened() as service:
        changes = await service.apply(shop.bodies(), "ada", "")
        assert (await service.status())["observed"] < changes["version"]
        stored = await shop.get("Deployment", "pharmacy")
        assert stored is not None
        known = {"revision": revision_of(read_template(stored["spec"]["template"])), "role": "stable"}
        await shop.serves(versions=[known])
        assert (await service.status())["observed"] == changes["version"]


async def test_that_nobody_leads_is_told_in_one_line(shop: Shop, opened: Opened) -> None:
    """With what to do."""
    await shop.led("")
    async with opened() as service:
        (finding,) = (await service.status())["findings"]
    assert finding["code"] == "LW622"
    assert "nobody holds Lease istio-system/laneway" in finding["text"]
    assert "laneway install" in finding["text"]


async def test_a_request_is_written_into_the_release_that_runs(shop: Shop, opened: Opened) -> None:
    """And is taken up when its record has heard it."""
    async with opened() as service:
        await operations(service, shop)
        await shop.serves()
        await shop.releases()
        asked = await service.request(Key(shop.namespace, "pharmacy"), Verb.PAUSE, "ada", "logs")
        assert (asked["name"], asked["phase"]) == ("to-b", "Progressing")
        stored = await shop.get("Release", "to-b")
        assert stored is not None
        request = stored["spec"]["request"]
        assert (request["verb"], request["by"], request["reason"]) == ("pause", "ada", "logs")
        before = await service.status()
        assert before["observed"] < 2  # the second thing that was written
        await shop.releases(phase="Paused", heard=request)
        status = await service.status()
        assert [each["phase"] for each in status["releases"]] == ["Paused"]


async def test_a_request_never_loses_to_a_status_that_is_written_meanwhile(
    shop: Shop, opened: Opened
) -> None:
    """An abort is asked for once."""
    async with opened() as service:
        await operations(service, shop)
        await shop.serves()
        await shop.releases()

        async def told() -> None:
            for step in itertools.count():
                await shop.says("Release", "to-b", {"step": step % 2})

        telling = asyncio.create_task(told())
        for number in range(25):
            await service.request(Key(shop.namespace, "pharmacy"), Verb.PAUSE, "ada", f"word {number}")
        telling.cancel()
        stored = await shop.get("Release", "to-b")
    assert stored is not None
    assert stored["spec"]["request"]["reason"] == "word 24"


async def test_what_cannot_be_asked_now_is_said(shop: Shop, opened: Opened) -> None:
    """Of an app that is not there, and of one that is at rest."""
    async with opened() as service:
        with pytest.raises(MissingError, match="there is no App"):
            await service.request(Key(shop.namespace, "pharmacy"), Verb.PAUSE, "ada", "")
        await operations(service, shop)
        with pytest.raises(ConflictError, match="no release of"):
            await service.request(Key(shop.namespace, "pharmacy"), Verb.PAUSE, "ada", "")


async def test_what_an_app_needs_is_not_deleted(shop: Shop, opened: Opened) -> None:
    """Together with the app it is."""
    async with opened() as service:
        await operations(service, shop)
        refs = {
            kind: {"kind": kind, "namespace": shop.namespace, "name": "pharmacy"}
            for kind in ("App", "Deployment")
        }
        with pytest.raises(RefusedError, match="there is no Deployment"):
            await service.delete([refs["Deployment"]], "ada", "")  # type: ignore[list-item]
        gone = await service.delete(list(refs.values()), "ada", "")  # type: ignore[arg-type]
        assert [each["operation"] for each in gone["objects"]] == ["deleted", "deleted"]
        assert not (await service.delete(list(refs.values()), "ada", ""))["objects"]  # type: ignore[arg-type]
    assert await shop.get("App", "pharmacy") is None


async def test_who_applied_what_is_in_the_history(shop: Shop, opened: Opened) -> None:
    """With the reason, and found by app."""
    async with opened() as service:
        await operations(service, shop)
        found = await service.history(EventQuery(namespace=shop.namespace, app="pharmacy"))
    told = [(each["kind"], each["change"], each["by"], each["reason"]) for each in found]
    assert ("App", "applied", "ada", "because") in told


async def test_a_cluster_that_measures_nothing_says_so(shop: Shop, opened: Opened) -> None:
    """And what would."""
    async with opened() as service:
        with pytest.raises(NotOfferedError, match="no metrics API") as refused:
            await service.usage(shop.namespace)
    assert "metrics-server" in refused.value.remedy


async def test_a_restart_makes_the_pods_of_a_deployment_anew(shop: Shop, opened: Opened) -> None:
    """As kubectl does it; of a single pod kubectl is told of."""
    alone = TEMPLATE.replace("name: pharmacy}\nspec", "name: database}\nspec")
    async with opened() as service, asyncio.timeout(DEADLINE_SECONDS):
        await operations(service, shop, alone)
        which = PodQuery(shop.namespace, deployment="database")
        for _ in itertools.count():
            if len(await service.objects("Pod", shop.namespace, None)) == 2:
                break
            await asyncio.sleep(0.05)
        assert len(await service.restart(which, "ada", "stuck")) == 2
        with pytest.raises(NotOfferedError, match="a single pod"):
            await service.restart(PodQuery(shop.namespace, pod="database-1"), "ada", "")
        with pytest.raises(MissingError):
            await service.restart(PodQuery(shop.namespace, app="nobody"), "ada", "")
    stored = await shop.get("Deployment", "database")
    assert stored is not None
    assert "kubectl.kubernetes.io/restartedAt" in stored["spec"]["template"]["metadata"]["annotations"]
