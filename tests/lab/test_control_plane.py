"""The control plane of the lab, asked as its users ask it."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from tests.lab.api import Api, ApiError, Object
from tests.lab.control_plane import ControlPlane
from tests.lab.istiod import AUDIENCE
from tests.lab.kwok import LABEL
from tests.lab.waiting import until

pytestmark = [pytest.mark.cluster, pytest.mark.anyio]

DEPLOYMENT = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: NAMESPACE}
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      nodeName: kwok
      containers: [{name: web, image: web}]
---
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: web, namespace: NAMESPACE}
spec:
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}
  minReplicas: 4
  maxReplicas: 9
  metrics: [{type: Resource, resource: {name: cpu, target: {type: Utilization, averageUtilization: 50}}}]
"""
READER = """
apiVersion: v1
kind: ServiceAccount
metadata: {name: reader, namespace: NAMESPACE}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: reader, namespace: NAMESPACE}
rules: [{apiGroups: [""], resources: [configmaps], verbs: [get, list]}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: reader, namespace: NAMESPACE}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: reader}
subjects: [{kind: ServiceAccount, name: reader, namespace: NAMESPACE}]
"""


async def deployment(lab: ControlPlane, namespace: str) -> Object:
    return await lab.api.get(f"/apis/apps/v1/namespaces/{namespace}/deployments/web")


async def test_kubectl_sees_what_was_applied(lab: ControlPlane, namespace: str) -> None:
    await lab.apply(READER.replace("NAMESPACE", namespace))
    assert await lab.kubectl("-n", namespace, "get", "role", "-o", "name") == (
        "role.rbac.authorization.k8s.io/reader\n"
    )


async def test_kubectl_says_why_it_failed(lab: ControlPlane) -> None:
    with pytest.raises(RuntimeError, match=r'namespaces "nowhere" not found'):
        await lab.kubectl("get", "namespace", "nowhere")


async def test_istios_kinds_are_served_and_checked(lab: ControlPlane, namespace: str) -> None:
    service: Object = {
        "apiVersion": "networking.istio.io/v1",
        "kind": "VirtualService",
        "metadata": {"name": "web", "namespace": namespace},
        "spec": {"hosts": ["web"], "http": [{"route": [{"destination": {"host": "web"}}]}]},
    }
    await lab.apply(service)
    service["spec"]["http"][0]["route"][0]["weight"] = "many"
    with pytest.raises(ApiError, match="weight"):
        await lab.apply(service)


async def test_a_service_account_may_do_what_its_role_says_and_no_more(
    lab: ControlPlane, namespace: str
) -> None:
    await lab.apply(READER.replace("NAMESPACE", namespace))
    token = await lab.service_account_token(namespace, "reader")
    async with Api(lab.server, lab.authority, token) as reader:
        await until(lambda: reader.answers(f"/api/v1/namespaces/{namespace}/configmaps"))
        with pytest.raises(ApiError) as refused:
            await reader.get(f"/api/v1/namespaces/{namespace}/secrets")
    assert refused.value.status == 403


async def test_a_token_for_an_istiod_is_none_for_the_api_server(lab: ControlPlane, namespace: str) -> None:
    await lab.apply(READER.replace("NAMESPACE", namespace))
    token = await lab.service_account_token(namespace, "reader", AUDIENCE)
    async with Api(lab.server, lab.authority, token) as reader:
        with pytest.raises(ApiError) as refused:
            await reader.get("/version/")
    assert refused.value.status == 401


async def test_a_kubeconfig_of_a_service_account_is_complete(lab: ControlPlane, namespace: str) -> None:
    await lab.apply(READER.replace("NAMESPACE", namespace))
    path = await lab.service_account_kubeconfig(namespace, "reader")
    said = await lab.kubectl(f"--kubeconfig={path}", "auth", "whoami", "-o", "yaml")
    assert yaml.safe_load(said)["status"]["userInfo"]["username"] == (
        f"system:serviceaccount:{namespace}:reader"
    )


async def test_an_autoscalers_minimum_holds_without_metrics_and_its_pods_get_ready_on_a_kwok_node(
    lab: ControlPlane, namespace: str
) -> None:
    async def four_are_ready() -> bool:
        return bool((await deployment(lab, namespace))["status"].get("readyReplicas") == 4)

    async with lab.kwok("kwok"):
        await lab.apply(DEPLOYMENT.replace("NAMESPACE", namespace))
        await until(four_are_ready)
        nodes = await lab.kubectl("get", "nodes", "-l", "type=" + LABEL["type"], "-o", "name")
    assert nodes == "node/kwok\n"


async def test_what_is_stored_outlives_the_api_server(tmp_path: Path) -> None:
    async with ControlPlane(tmp_path / "lab", istiods=0) as lab:
        await lab.apply(READER.replace("NAMESPACE", "default"))
        await lab.restart_apiserver()
        await lab.stop_apiserver(grace_s=0)
        assert not await lab.api.answers("/readyz")
        await lab.start_apiserver()
        assert await lab.service_account_token("default", "reader")
