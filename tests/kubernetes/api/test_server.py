"""The verbs, asked of a real API server."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import orjson
import pytest
from tests.kubernetes.api.running_server import RunningServer, config_map, define, namespace
from tests.lab.api import MANAGER

from laneway.kubernetes.api.errors import ApiError, Unreachable
from laneway.kubernetes.api.server import PAGE, Server
from laneway.spec.meta import Key

pytestmark = pytest.mark.cluster


def deployment(key: Key, replicas: int | None = 3) -> dict[str, Any]:
    """One that no controller sees."""
    template = {
        "metadata": {"labels": {"app": key.name}},
        "spec": {"containers": [{"name": "app", "image": "pharmacy:1"}]},
    }
    spec = {"selector": {"matchLabels": {"app": key.name}}, "template": template}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"namespace": key.namespace, "name": key.name},
        "spec": spec if replicas is None else {**spec, "replicas": replicas},
    }


async def test_what_is_applied_is_there_until_it_is_deleted(server: Server) -> None:
    """Made, changed, read, deleted; what is not there is None, and not deleted again."""
    key = Key(await namespace(server, "whole-life"), "pharmacy")
    made = await server.apply(config_map(key, {"version": "1"}))
    await server.apply(config_map(key, {"version": "2"}))
    found = await server.get("ConfigMap", key)
    assert found is not None
    assert found["data"] == {"version": "2"}
    assert found["metadata"]["uid"] == made["metadata"]["uid"]
    assert await server.delete("ConfigMap", key)
    assert await server.get("ConfigMap", key) is None
    assert not await server.delete("ConfigMap", key)


async def test_fields_that_are_no_longer_applied_are_taken_back(server: Server) -> None:
    """All writes have one manager's name."""
    key = Key(await namespace(server, "taken-back"), "pharmacy")
    await server.apply(config_map(key, {"stays": "1", "goes": "1"}))
    changed = await server.apply(config_map(key, {"stays": "1"}))
    assert changed["data"] == {"stays": "1"}
    assert [entry["manager"] for entry in changed["metadata"]["managedFields"]] == ["laneway"]


async def test_create_refuses_what_is_there(server: Server) -> None:
    """As a conflict."""
    key = Key(await namespace(server, "created"), "pharmacy")
    await server.create(config_map(key))
    with pytest.raises(ApiError) as refused:
        await server.create(config_map(key))
    assert refused.value.conflict
    assert refused.value.reason == "AlreadyExists"
    assert not refused.value.transient


async def test_what_another_owns_is_a_conflict_that_names_the_owner(
    server: Server, running: RunningServer
) -> None:
    """With force it is ours."""
    key = Key(await namespace(server, "owned"), "pharmacy")
    async with running.other() as other:
        await other.apply(config_map(key, {"weight": "80"}))
    with pytest.raises(ApiError) as refused:
        await server.apply(config_map(key, {"weight": "20"}))
    assert refused.value.conflict
    assert refused.value.managers == {MANAGER}
    assert refused.value.causes[0].field == ".data.weight"
    forced = await server.apply(config_map(key, {"weight": "20"}), force=True)
    assert forced["data"] == {"weight": "20"}


async def test_an_unknown_field_is_an_error_that_is_not_tried_again(server: Server) -> None:
    """One request each, and the field is named: a 500 where the field is the API server's own."""
    key = Key(await namespace(server, "unknown"), "pharmacy")
    wrong = config_map(key) | {"dat": {"a": "b"}}
    with pytest.raises(ApiError) as refused:
        await server.apply(wrong)
    assert "dat" in refused.value.message
    assert not refused.value.transient
    assert server.requests["apply", "ConfigMap"] == 1


async def test_an_object_is_deleted_only_if_it_is_the_one_that_is_meant(server: Server) -> None:
    """Another of that name stays."""
    key = Key(await namespace(server, "meant"), "pharmacy")
    first = await server.create(config_map(key))
    assert await server.delete("ConfigMap", key, uid=first["metadata"]["uid"])
    await server.create(config_map(key))
    assert not await server.delete("ConfigMap", key, uid=first["metadata"]["uid"])
    assert await server.get("ConfigMap", key) is not None


async def test_scale_sets_the_number_whoever_owns_it(server: Server) -> None:
    """And a later apply without the number leaves it alone."""
    key = Key(await namespace(server, "scaled"), "pharmacy")
    await server.create(deployment(key, replicas=3))
    await server.scale("Deployment", key, 7)
    await server.apply(deployment(key, replicas=None))
    found = await server.get("Deployment", key)
    assert found is not None
    assert found["spec"]["replicas"] == 7


async def test_a_patch_with_a_version_changes_that_version_only(server: Server) -> None:
    """One that was read before another's write is refused."""
    key = Key(await namespace(server, "versions"), "pharmacy")
    read = await server.create(config_map(key, {"holder": ""}))
    version = {"metadata": {"resourceVersion": read["metadata"]["resourceVersion"]}}
    await server.patch("ConfigMap", key, {**version, "data": {"holder": "a"}})
    with pytest.raises(ApiError) as refused:
        await server.patch("ConfigMap", key, {**version, "data": {"holder": "b"}})
    assert refused.value.conflict
    await server.patch(
        "ConfigMap", key, [{"op": "replace", "path": "/data/holder", "value": "c"}], type="json"
    )
    found = await server.get("ConfigMap", key)
    assert found is not None and found["data"] == {"holder": "c"}


async def test_a_subresource_is_written_by_itself(server: Server) -> None:
    """A status does not change with the object, nor the object with its status."""
    key = Key(await namespace(server, "subresource"), "pharmacy")
    made = await server.create(deployment(key))
    await server.patch(
        "Deployment", key, {"status": {"replicas": 3}, "spec": {"replicas": 9}}, subresource="status"
    )
    found = await server.get("Deployment", key)
    assert found is not None
    assert (found["status"]["replicas"], found["spec"]["replicas"]) == (3, 3)
    assert found["metadata"]["generation"] == made["metadata"]["generation"]


async def test_a_list_has_everything_however_long_it_is(server: Server) -> None:
    """In pages; each object says what it is, and the version is where a watch can go on from."""
    name = await namespace(server, "many")
    keys = {Key(name, f"pharmacy-{number:04}") for number in range(PAGE + 20)}
    await asyncio.gather(*(server.create(config_map(key, labels={"app": "pharmacy"})) for key in keys))
    await server.create(config_map(Key(name, "other")))
    items, version = await server.list("ConfigMap", name, "app=pharmacy")
    bodies = [orjson.loads(item) for item in items]
    assert {Key(name, body["metadata"]["name"]) for body in bodies} == keys
    assert all((body["kind"], body["apiVersion"]) == ("ConfigMap", "v1") for body in bodies)
    assert version.isdecimal()
    assert server.requests["list", "ConfigMap"] == 2
    one, _ = await server.list("ConfigMap", name, fields="metadata.name=other")
    assert len(one) == 1


async def test_objects_of_defined_kinds_and_of_the_whole_cluster_are_found_too(server: Server) -> None:
    """A kind that is not defined has no objects, and none can be made."""
    key = Key("", "default")
    mesh = {"apiVersion": "laneway.dev/v1alpha1", "kind": "Mesh", "metadata": {"name": "default"}}
    assert await server.get("Mesh", key) is None
    with pytest.raises(ApiError) as refused:
        await server.apply(mesh)
    assert refused.value.missing
    await define(server, "Mesh", "meshes", "Cluster")
    async with asyncio.timeout(20):
        while True:  # the definition is not served at once
            try:
                await server.apply(mesh)
                break
            except ApiError as error:
                assert error.missing
    items, _ = await server.list("Mesh")
    assert [orjson.loads(item)["kind"] for item in items] == ["Mesh"]


async def test_who_may_not_is_told_so(running: RunningServer) -> None:
    """Unknown tokens and missing rights are both forbidden, and neither is tried again."""
    async with Server.open(running.access(token="wrong")) as stranger:
        with pytest.raises(ApiError) as refused:
            await stranger.list("Pod")
        assert refused.value.forbidden
        assert refused.value.status == 401
        assert stranger.requests.total() == 1


async def test_an_api_server_that_is_not_there_is_unreachable(running: RunningServer) -> None:
    """Whatever is asked."""
    async with Server.open(replace(running.access(), url="https://127.0.0.1:1")) as server:
        with pytest.raises(Unreachable):
            await server.list("Pod")
        with pytest.raises(Unreachable):
            await server.apply(config_map(Key("default", "pharmacy")))
