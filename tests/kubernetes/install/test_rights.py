"""What the ServiceAccount and people may do, as a real API server holds it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest
from tests.kubernetes.install.cluster import Cluster, app, lane, release
from tests.lab.api import Api, ApiError

from laneway.control.changes import DERIVED_KINDS
from laneway.kubernetes.api.access import access
from laneway.kubernetes.api.kinds import RESOURCES
from laneway.kubernetes.api.server import Server
from laneway.kubernetes.index import WATCHED_WHOLE
from laneway.kubernetes.install.rights import rights
from laneway.kubernetes.places import ACCOUNT, LEASE
from laneway.spec.meta import Key

pytestmark = pytest.mark.cluster

ROOT = "istio-system"
NEEDED = [
    *((verb, "laneway.dev/releases") for verb in ("create", "patch", "delete")),
    ("patch", "laneway.dev/apps"),
    *(("patch", f"laneway.dev/{plural}/status") for plural in ("apps", "lanes", "meshes", "releases")),
    ("delete", "laneway.dev/lanes"),
    ("patch", "apps/deployments/scale"),
    ("list", "/pods"),
    ("watch", "/namespaces"),
    ("watch", "discovery.k8s.io/endpointslices"),
    ("watch", "networking.istio.io/sidecars"),
    ("create", "/events"),
    ("patch", "policy/poddisruptionbudgets"),
    ("delete", "/secrets"),
    ("patch", "keda.sh/scaledobjects"),
]
NOT_NEEDED = [
    ("create", "laneway.dev/apps"),
    ("delete", "laneway.dev/apps"),
    ("patch", "laneway.dev/meshes"),
    ("create", "/pods"),
    ("delete", "/pods"),
    ("create", "/pods/exec"),
    ("deletecollection", "apps/deployments"),
    ("delete", "/namespaces"),
    ("patch", "networking.istio.io/sidecars"),
    ("delete", "networking.istio.io/serviceentries"),
    ("create", "rbac.authorization.k8s.io/clusterroles"),
    ("patch", "apiextensions.k8s.io/customresourcedefinitions"),
    ("create", "/serviceaccounts/token"),
    ("create", "coordination.k8s.io/leases"),
    ("get", "/nodes"),
]


def derived() -> Iterator[tuple[str, str]]:
    """What the engine does with what it derives, and with what it watches."""
    for kind in DERIVED_KINDS:
        for verb in ("create", "patch", "delete"):
            yield verb, f"{RESOURCES[kind].group}/{RESOURCES[kind].plural}"
    for kind in WATCHED_WHOLE:
        for verb in ("get", "list", "watch"):
            yield verb, f"{RESOURCES[kind].group}/{RESOURCES[kind].plural}"


@pytest.fixture(scope="session")
async def laneway(cluster: Cluster) -> AsyncIterator[Api]:
    """The API server as Laneway itself sees it."""
    async with cluster.as_account(await cluster.lab.service_account_token(ROOT, ACCOUNT)) as api:
        yield api


@pytest.mark.parametrize(("verb", "resource"), sorted({*NEEDED, *derived()}))
async def test_laneway_may_do_what_it_does(cluster: Cluster, laneway: Api, verb: str, resource: str) -> None:
    """In any namespace."""
    assert await cluster.allowed(laneway, verb, resource, "anywhere")


@pytest.mark.parametrize(("verb", "resource"), NOT_NEEDED)
async def test_laneway_may_do_nothing_else(cluster: Cluster, laneway: Api, verb: str, resource: str) -> None:
    """Least of all what would let it become somebody else."""
    assert not await cluster.allowed(laneway, verb, resource, "anywhere")


async def test_laneway_leads_by_its_own_lease_alone(cluster: Cluster, laneway: Api) -> None:
    """Istio's leases are in the same namespace."""
    lease = "coordination.k8s.io/leases"
    for verb in ("get", "list", "watch", "patch"):
        assert await cluster.allowed(laneway, verb, lease, ROOT, LEASE)
        assert not await cluster.allowed(laneway, verb, lease, ROOT, "istio-leader")


async def test_laneway_asks_for_its_own_tokens_alone(cluster: Cluster, laneway: Api) -> None:
    """istiod's account could do more."""
    assert await cluster.allowed(laneway, "create", "/serviceaccounts/token", ROOT, ACCOUNT)
    assert not await cluster.allowed(laneway, "create", "/serviceaccounts/token", ROOT, "istiod")


async def test_laneway_writes_with_its_rights(cluster: Cluster, namespace: str) -> None:
    """The engine's own client, by a token of the account: apply, status, scale, delete."""
    kubeconfig = await cluster.lab.service_account_kubeconfig(ROOT, ACCOUNT)
    await cluster.lab.apply(app(namespace=namespace))
    async with Server.open(access(kubeconfig=kubeconfig)) as server:
        record = release(namespace=namespace)
        await server.apply(record, force=True)
        began = {"startedAt": "2026-01-31T12:00:00Z", "stepStartedAt": "2026-01-31T12:00:00Z"}
        await server.apply(record | {"status": {"phase": "Progressing", **began}}, subresource="status")
        status = {"stable": "0123456789", "versions": []}
        told = {name: part for name, part in app(namespace=namespace).items() if name != "spec"}
        answer = await server.apply(told | {"status": status}, subresource="status")
        assert answer["status"] == status
        patched = await server.patch(
            "App", Key(namespace, "pharmacy"), {"status": {"stable": None}}, subresource="status"
        )
        assert patched["status"] == {"versions": []}
        assert await server.delete("Release", Key(namespace, "one"))
        with pytest.raises(Exception, match="forbidden"):
            await server.delete("App", Key(namespace, "pharmacy"))


@pytest.mark.parametrize(
    ("role", "may", "may_not"),
    [
        ("view", ["get", "list", "watch"], ["create", "patch", "delete"]),
        ("edit", ["get", "list", "watch", "create", "patch", "delete"], []),
    ],
)
async def test_people_gain_by_their_roles(
    cluster: Cluster, namespace: str, role: str, may: list[str], may_not: list[str]
) -> None:
    """Who may view or edit a namespace may so with Apps, Lanes and Releases, and not with their status."""
    account = {
        "apiVersion": "v1",
        "kind": "ServiceAccount",
        "metadata": {"name": "asha", "namespace": namespace},
    }
    binding = {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "RoleBinding",
        "metadata": {"name": "asha", "namespace": namespace},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": role},
        "subjects": [{"kind": "ServiceAccount", "name": "asha", "namespace": namespace}],
    }
    await cluster.lab.apply([account, binding])
    token = await cluster.lab.service_account_token(namespace, "asha")
    async with cluster.as_account(token) as asha:
        await _until_granted(cluster, asha, namespace)
        for plural in ("apps", "lanes", "releases"):
            for verb in may:
                assert await cluster.allowed(asha, verb, f"laneway.dev/{plural}", namespace), verb
            for verb in may_not:
                assert not await cluster.allowed(asha, verb, f"laneway.dev/{plural}", namespace), verb
            assert not await cluster.allowed(asha, "patch", f"laneway.dev/{plural}/status", namespace)
        assert not await cluster.allowed(asha, "patch", "laneway.dev/meshes")


async def _until_granted(cluster: Cluster, account: Api, namespace: str) -> None:
    """The controllers join the roles on their own time."""
    for _ in range(600):
        if await cluster.allowed(account, "list", "laneway.dev/apps", namespace):
            return
    raise AssertionError("the role was not joined")


async def test_a_lane_that_expired_can_be_taken_down(cluster: Cluster, laneway: Api, namespace: str) -> None:
    """And an App cannot."""
    green, pharmacy = lane(namespace=namespace), app(namespace=namespace)
    await cluster.lab.apply([green, pharmacy])
    await laneway.delete(green)
    with pytest.raises(ApiError, match="403"):
        await laneway.delete(pharmacy)


def test_scaled_objects_are_written_by_choice() -> None:
    """They are watched anyway: a kind that may not be seen keeps the controller waiting for ever."""
    (seen,), (written,) = (
        [rule for rule in rights(ROOT, keda=keda)[1]["rules"] if rule["apiGroups"] == ["keda.sh"]]
        for keda in (False, True)
    )
    assert seen["verbs"] == ["get", "list", "watch"]
    assert {"create", "patch", "delete"} < set(written["verbs"])
