"""Istiods of the lab: who is served what, and how they are found."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from pathlib import Path

import aiohttp
import pytest
from tests.lab import ads
from tests.lab.api import Object
from tests.lab.control_plane import ControlPlane
from tests.lab.istiod import AUDIENCE, MESH, NAMESPACE
from tests.lab.waiting import until

from laneway.mesh.protos import message

pytestmark = [pytest.mark.cluster, pytest.mark.anyio]

HERE = ads.Proxy("witness", NAMESPACE)


async def witness_token(
    lab: ControlPlane, audience: str | None = AUDIENCE, namespace: str = NAMESPACE
) -> str:
    """A token of a service account that is made for it."""
    account: Object = {
        "apiVersion": "v1",
        "kind": "ServiceAccount",
        "metadata": {"name": "witness", "namespace": namespace},
    }
    await lab.apply(account)
    return await lab.service_account_token(namespace, "witness", audience)


def secure(
    lab: ControlPlane, token: str | None = None, number: int = 0
) -> AbstractAsyncContextManager[ads.Stream]:
    return ads.stream(lab.istiods[number].secure, HERE, token=token, authority=lab.mesh_authority)


async def names(stream: ads.Stream) -> set[str]:
    found = await stream.ask(ads.CLUSTERS)
    return {message("envoy.config.cluster.v3.Cluster").FromString(each.value).name for each in found}


async def test_everybody_is_served_on_the_plaintext_port(lab: ControlPlane) -> None:
    async with ads.stream(lab.istiods[0].grpc, HERE) as stream:
        assert "outbound|15012||istiod.istio-system.svc.cluster.local" in await names(stream)


async def test_a_service_account_is_served_on_the_secure_port(lab: ControlPlane) -> None:
    async with secure(lab, await witness_token(lab)) as stream:
        assert "outbound|15012||istiod.istio-system.svc.cluster.local" in await names(stream)


async def test_nobody_is_served_on_the_secure_port_without_a_token(lab: ControlPlane) -> None:
    async with secure(lab) as stream:
        with pytest.raises(ads.Refused, match="UNAUTHENTICATED"):
            await stream.ask(ads.CLUSTERS)


async def test_a_token_for_the_api_server_is_none_for_an_istiod(lab: ControlPlane) -> None:
    async with secure(lab, await witness_token(lab, audience=None)) as stream:
        with pytest.raises(ads.Refused, match="UNAUTHENTICATED"):
            await stream.ask(ads.CLUSTERS)


async def test_a_service_account_of_another_namespace_cannot_pass_for_this_one(
    lab: ControlPlane, namespace: str
) -> None:
    async with secure(lab, await witness_token(lab, namespace=namespace)) as stream:
        with pytest.raises(ads.Refused, match="PERMISSION_DENIED"):
            await stream.ask(ads.CLUSTERS)


async def test_the_debug_interface_answers_in_the_stream_of_who_is_in_the_root_namespace(
    lab: ControlPlane,
) -> None:
    token = await witness_token(lab)
    async with secure(lab, token) as stream, secure(lab, token) as asking:
        await stream.ask(ads.CLUSTERS)
        (answer,) = await asking.ask(ads.DEBUG, ["syncz"])
    assert b"witness.istio-system" in answer.value


async def test_the_debug_interface_answers_localhost_over_http(lab: ControlPlane) -> None:
    async with (
        aiohttp.ClientSession() as session,
        session.get(f"{lab.istiods[0].debug}/debug/syncz") as answer,
    ):
        assert answer.status == 200


async def test_istiods_follow_the_mesh_configuration(lab: ControlPlane) -> None:
    async def is_configured() -> bool:
        async with (
            aiohttp.ClientSession() as session,
            session.get(f"{lab.istiods[0].debug}/debug/mesh") as told,
        ):
            return "/dev/stdout" in await told.text()

    await lab.configure_mesh(MESH.replace('""', "/dev/stdout"))
    await until(is_configured)
    await lab.configure_mesh(MESH)


async def test_all_istiods_are_found_by_their_service_while_they_run(tmp_path: Path) -> None:
    async with ControlPlane(tmp_path / "lab", istiods=2) as lab:
        assert await ready_addresses(lab) == {one.address for one in lab.istiods}
        await lab.stop_istiod(1, grace_s=0)
        await until(lambda: are_ready(lab, {lab.istiods[0].address}))
        await lab.start_istiod(1)
        await until(lambda: are_ready(lab, {one.address for one in lab.istiods}))
        token = await witness_token(lab)
        for number in range(2):
            async with secure(lab, token, number) as stream:
                assert await names(stream)


async def are_ready(lab: ControlPlane, addresses: set[str]) -> bool:
    return await ready_addresses(lab) == addresses


async def ready_addresses(lab: ControlPlane) -> set[str]:
    path = f"/apis/discovery.k8s.io/v1/namespaces/{NAMESPACE}/endpointslices"
    slices = (await lab.api.get(path, labelSelector="kubernetes.io/service-name=istiod"))["items"]
    return {
        address
        for each in slices
        for endpoint in each["endpoints"]
        if endpoint["conditions"]["ready"]
        for address in endpoint["addresses"]
    }
