"""What the daemon offers: people's words are checked, stored and answered."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from tests.local.cluster import ready_pods
from tests.local.eventually import eventually
from tests.local.running_engine import Running, app, key, lane, obj, plain, rules, running

from laneway.api.engine import ConflictError, EventQuery, MissingError, RefusedError
from laneway.api.selection import PodQuery
from laneway.control.status import Json, Reference
from laneway.local.logs import log_file
from laneway.local.process.markers import Part
from laneway.local.state import State
from laneway.spec.release import Verb

CREATED = {"kind": "Deployment", "namespace": "shop", "name": "web", "operation": "created"}


@pytest.fixture
async def world(state: State) -> AsyncIterator[Running]:
    """A service on an empty state."""
    async with running(state) as started:
        yield started


def ref(kind: str, name: str) -> Reference:
    """Names an object of namespace shop."""
    return Reference(kind=kind, namespace="shop", name=name)


def release(name: str, phase: str, minute: int = 0) -> Json:
    """The record of a release of web."""
    began = f"2026-01-01T12:{minute:02}:00Z"
    status = {"phase": phase, "startedAt": began, "stepStartedAt": began, "stable": "r1"}
    return obj("Release", name, {"apps": [{"name": "web", "revision": "r2"}]}) | {"status": status}


async def test_ping_says_who_answers(world: Running, state: State) -> None:
    """By the state's path and id."""
    found = await world.service.ping()
    assert (found["state"], found["id"]) == (str(state.path), state.id)


async def test_apply_stores_all_and_tells_what_became_of_each(world: Running) -> None:
    """Applied again, nothing changes."""
    first = await world.service.apply([plain("web"), app("web")], by="ann", reason="")
    assert first["objects"][0] == CREATED
    assert first["version"] == world.store.resource_version()
    again = await world.service.apply([plain("web"), app("web")], by="ann", reason="")
    assert [each["operation"] for each in again["objects"]] == ["unchanged", "unchanged"]
    assert again["version"] == first["version"]


async def test_a_deployment_that_says_no_size_keeps_the_one_that_its_autoscaler_gave_it(
    world: Running,
) -> None:
    """As with server-side apply in Kubernetes; without an autoscaler it is 1 again."""
    target = {"kind": "Deployment", "name": "web"}
    scaler = obj(
        "HorizontalPodAutoscaler", "web", {"scaleTargetRef": target, "maxReplicas": 9, "metrics": []}
    )
    scaler["spec"]["metrics"] = [
        {
            "type": "Resource",
            "resource": {"name": "memory", "target": {"type": "AverageValue", "averageValue": "9Gi"}},
        }
    ]
    scaler["apiVersion"] = "autoscaling/v2"
    world.put(plain("web", replicas=5), scaler)
    await world.service.apply([plain("web", image="registry/web:2")], "ann", "")
    stored = world.store.get("Deployment", key("web"))
    assert stored is not None and stored["spec"]["replicas"] == 5
    await world.service.apply([plain("web", replicas=2)], "ann", "")
    world.store.delete("HorizontalPodAutoscaler", key("web"), "deleted", "ann")
    await world.service.apply([plain("web")], "ann", "")
    stored = world.store.get("Deployment", key("web"))
    assert stored is not None and "replicas" not in stored["spec"]


async def test_apply_refuses_what_is_wrong_together_and_stores_nothing(world: Running) -> None:
    """All problems at once, though each object is right by itself."""
    with pytest.raises(RefusedError) as refused:
        await world.service.apply([plain("other"), app("web"), lane("green", "none")], by="ann", reason="")
    assert {problem["code"] for problem in refused.value.problems} == {"LW301", "LW311"}
    assert world.store.kinds() == []


async def test_apply_checks_with_what_is_stored(world: Running) -> None:
    """What is there already counts, and what is applied replaces it."""
    await world.service.apply([plain("web")], by="ann", reason="")
    await world.service.apply([app("web")], by="ann", reason="")
    with pytest.raises(RefusedError):
        await world.service.apply([app("web", deployment="gone")], by="ann", reason="")
    stored = world.store.get("App", key("web"))
    assert stored is not None and stored["spec"]["workload"] == {"deployment": "web"}


async def test_apply_refuses_what_the_proxies_could_not_do(world: Running) -> None:
    """Before it is stored, with the field."""
    given = [plain("web"), app("web"), rules("labs.example", retries={"attempts": 1, "retryOn": "999"})]
    entry = {
        "hosts": ["labs.example"],
        "ports": [{"number": 80, "name": "http", "protocol": "HTTP"}],
        "resolution": "DNS",
    }
    outside = obj("ServiceEntry", "labs", entry, "networking.istio.io/v1")
    with pytest.raises(RefusedError) as refused:
        await world.service.apply([*given, outside], by="ann", reason="")
    (problem,) = refused.value.problems
    assert (problem["code"], problem["file"]) == ("LW202", "VirtualService shop/labs.example")
    assert problem["text"] == "spec.http[0].retries.retryOn"
    assert world.store.kinds() == []


async def test_what_laneway_derived_is_not_checked_as_if_people_had_written_it(world: Running) -> None:
    """Its names are Laneway's own."""
    await world.service.apply([plain("web"), app("web")], by="ann", reason="")
    await world.decide()
    assert world.store.get("Service", key("web")) is not None
    await world.service.apply([plain("web", replicas=2)], by="ann", reason="")


async def test_delete_tells_what_was_there(world: Running) -> None:
    """What is not there, or named twice, is no error."""
    await world.service.apply([plain("web")], by="ann", reason="")
    named = [ref("Deployment", "web"), ref("Deployment", "web"), ref("Lane", "green")]
    done = await world.service.delete(named, by="ann", reason="")
    assert done["objects"] == [CREATED | {"operation": "deleted"}]
    assert world.store.get("Deployment", key("web")) is None


async def test_delete_is_refused_where_the_rest_needs_it(world: Running) -> None:
    """Together with what needs it, it goes."""
    await world.service.apply([plain("web"), app("web")], by="ann", reason="")
    with pytest.raises(RefusedError) as refused:
        await world.service.delete([ref("Deployment", "web")], by="ann", reason="")
    assert [problem["code"] for problem in refused.value.problems] == ["LW301"]
    assert world.store.get("Deployment", key("web")) is not None
    done = await world.service.delete([ref("App", "web"), ref("Deployment", "web")], by="ann", reason="")
    assert len(done["objects"]) == 2


async def test_what_laneway_derived_cannot_be_deleted(world: Running) -> None:
    """A Pod without its object would run unseen."""
    await world.service.apply([plain("web")], by="ann", reason="")
    await eventually(lambda: len(ready_pods(world.replicas)) == 1)
    (pod,) = world.replicas.pods()
    with pytest.raises(ConflictError, match="Laneway's own"):
        await world.service.delete([ref("Pod", pod.key.name)], by="ann", reason="")
    assert world.store.get("Pod", pod.key) is not None


async def test_objects_are_listed_by_kind_namespace_and_name(world: Running) -> None:
    """`*` is every kind."""
    await world.service.apply([plain("web"), plain("labs")], by="ann", reason="")
    names = [body["metadata"]["name"] for body in await world.service.objects("Deployment", None, None)]
    assert names == ["labs", "web"]
    assert len(await world.service.objects("Deployment", "shop", "web")) == 1
    assert await world.service.objects("Deployment", "other", None) == []
    assert {body["kind"] for body in await world.service.objects("*", None, None)} >= {"Deployment"}


async def test_a_request_is_written_on_the_running_release(world: Running) -> None:
    """With who asked and why; the planner does the rest."""
    world.put(plain("web"), app("web"), release("web-1", "Promoted"), release("web-2", "Progressing", 5))
    answered = await world.service.request(key("web"), Verb.PROMOTE, "ann", "it looks good")
    assert (answered["name"], answered["phase"]) == ("web-2", "Progressing")
    stored = world.store.get("Release", key("web-2"))
    assert stored is not None
    asked = stored["spec"]["request"]
    assert (asked["verb"], asked["by"], asked["reason"]) == ("promote", "ann", "it looks good")
    assert stored["status"]["phase"] == "Progressing"


async def test_a_second_request_does_not_replace_one_that_is_not_taken_up_yet(world: Running) -> None:
    """It is refused, with the first one's name; only an abort goes before all."""
    world.put(plain("web"), app("web"), release("web-1", "Progressing"))
    await world.service.request(key("web"), Verb.PAUSE, "ann", "looking")
    with pytest.raises(
        ConflictError, match=r"web-1 of shop/web has just been asked to pause by ann: looking; "
    ):
        await world.service.request(key("web"), Verb.PROMOTE, "ben", "")
    await world.service.request(key("web"), Verb.PAUSE, "ben", "me too")
    answered = await world.service.request(key("web"), Verb.ABORT, "cid", "")
    assert answered["name"] == "web-1"
    with pytest.raises(ConflictError, match="asked to abort by cid; ask again"):
        await world.service.request(key("web"), Verb.RESUME, "ben", "")


async def test_a_request_without_a_running_release_says_what_the_last_one_is(world: Running) -> None:
    """There is nothing to promote or abort."""
    world.put(plain("web"), app("web"))
    with pytest.raises(ConflictError, match=r"no release of shop/web is running, and none has been$"):
        await world.service.request(key("web"), Verb.ABORT, "ann", "")
    world.put(release("web-2", "RolledBack", 5), release("web-1", "Promoted"))
    with pytest.raises(ConflictError, match=r"the last one, web-2, is RolledBack$"):
        await world.service.request(key("web"), Verb.ABORT, "ann", "")


async def test_a_request_for_an_unknown_app_says_which_there_are(world: Running) -> None:
    """So a typing error is seen."""
    with pytest.raises(MissingError, match="there is no App shop/wbe; there is none"):
        await world.service.request(key("wbe"), Verb.ABORT, "ann", "")
    world.put(plain("web"), app("web"))
    with pytest.raises(MissingError, match=r"there is shop/web$"):
        await world.service.request(key("wbe"), Verb.ABORT, "ann", "")


async def test_the_history_tells_who_did_what(world: Running) -> None:
    """Oldest first; of one app, or of everything."""
    await world.service.apply([plain("web"), app("web")], by="ann", reason="a new shop")
    (created,) = await world.service.history(EventQuery(namespace="shop", app="web"))
    assert (created["kind"], created["change"], created["by"]) == ("App", "created", "ann")
    assert created["reason"] == "a new shop"
    everything = await world.service.history(EventQuery())
    assert [event["kind"] for event in everything[:2]] == ["Deployment", "App"]
    of_kind = await world.service.history(EventQuery(kind="App", name="web"))
    assert [event["id"] for event in of_kind] == [created["id"]]
    assert await world.service.history(EventQuery(after=everything[-1]["id"])) == []
    assert await world.service.history(EventQuery(since=world.engine.now() + timedelta(days=1))) == []


async def test_explain_knows_the_rules_and_refuses_unknown_callers(world: Running) -> None:
    """From an app that there is."""
    await world.service.apply([plain("web"), app("web")], by="ann", reason="")
    await world.decide()
    found = await world.service.explain("http://web/", "GET", [], key("web"))
    assert found["hops"][0]["at"] == "sidecar of web"
    with pytest.raises(MissingError, match="there is neither an App nor a Deployment shop/page"):
        await world.service.explain("http://web/", "GET", [], key("page"))


async def test_explain_knows_the_labels_of_a_plain_deployments_pods(world: Running) -> None:
    """Rules may be for callers with certain labels alone."""
    mine = rules("web", match=[{"sourceLabels": {"app": "labs"}}])
    service = obj("Service", "web", {"selector": {"app": "web"}, "ports": [{"port": 80}]}, "v1")
    await world.service.apply([service, plain("web"), plain("labs"), plain("other"), mine], "ann", "")
    await world.decide()
    for caller, matched in (("labs", True), ("other", False)):
        found = await world.service.explain("http://web/", "GET", [], key(caller))
        assert found["hops"][0]["at"] == f"sidecar of {caller}"
        assert found["hops"][0]["rules"][0]["matched"] == matched


async def lines_of(world: Running, **meant: str) -> set[str]:
    """The pods whose lines there are."""
    which = PodQuery("shop", **meant)
    return {line["pod"] async for line in await world.service.logs(which, "app", 10, follow=False)}


async def test_logs_are_those_of_an_apps_pods_and_of_its_lanes(world: Running, state: State) -> None:
    """A plain Deployment of the App's name is not the App."""
    world.put(plain("web"), plain("template"), app("web", deployment="template"))
    world.put(lane("green", "web"))
    for _ in range(3):
        await world.decide()
        await eventually(lambda: len(ready_pods(world.replicas)) == len(world.replicas.pods()))
    by_deployment = {pod.deployment: pod for pod in world.replicas.pods()}
    assert len(by_deployment) == 3
    for pod in by_deployment.values():
        with log_file(state.logs, pod.key, Part.APP).open("a") as log:
            log.write("said\n")
    of_app = {pod.rsplit("-", 1)[0] for pod in await lines_of(world, app="web")}
    assert of_app == by_deployment.keys() - {"web"}
    assert await lines_of(world, app="web", lane="green") == {by_deployment["web-green"].key.name}
    assert await lines_of(world) == {pod.key.name for pod in by_deployment.values()}


async def test_logs_of_a_plain_deployment_are_found_by_its_name(world: Running) -> None:
    """Those of nothing are missing."""
    world.put(plain("labs"))
    await eventually(lambda: len(ready_pods(world.replicas)) == 1)
    (pod,) = world.replicas.pods()
    assert await lines_of(world, deployment="labs") == {pod.key.name}
    for missing, says in (
        ({"deployment": "none"}, "Deployment"),
        ({"app": "none"}, "App"),
        ({"lane": "none"}, "Lane"),
    ):
        with pytest.raises(MissingError, match=f"there is no {says} shop/none"):
            await world.service.logs(PodQuery("shop", **missing), "app", 10, follow=False)


async def test_a_restart_replaces_pods_and_never_has_fewer_ready_ones(world: Running) -> None:
    """New ones first; who asked and why is in the history."""
    world.put(plain("labs"))
    await eventually(lambda: len(ready_pods(world.replicas)) == 1)
    (old,) = world.replicas.pods()
    assert await world.service.restart(PodQuery("shop", deployment="labs"), "ann", "new keys") == [
        old.key.name
    ]
    assert old.key in {pod.key for pod in ready_pods(world.replicas)}
    await eventually(lambda: [pod.ready for pod in world.replicas.pods() if pod.key != old.key] == [True])
    await eventually(lambda: old.key not in {pod.key for pod in world.replicas.pods()})
    (asked,) = [e for e in world.store.events(name=old.key.name) if e.change == "restarting"]
    assert (asked.by, asked.reason) == ("ann", "new keys")
    with pytest.raises(MissingError, match="no such pod"):
        await world.service.restart(PodQuery("shop", deployment="labs", pod=old.key.name), "ann", "")


async def test_shutdown_returns_at_once(world: Running) -> None:
    """The end is the daemon's own."""
    await world.service.shutdown()
    assert world.ending.is_set()
