"""What a pod's template says is done: variables, files, probes, restarts, and the order of its end."""

from __future__ import annotations

from typing import Any

import pytest
from tests.lab.api import ApiError, Object
from tests.lab.control_plane import ControlPlane
from tests.lab.node.node import Node
from tests.lab.waiting import until

pytestmark = [pytest.mark.cluster, pytest.mark.anyio, pytest.mark.usefixtures("node")]

FOREVER = "while true; do sleep 1 & wait $!; done"
SERVE = "import http.server as h; h.HTTPServer(('0.0.0.0', 8080), h.SimpleHTTPRequestHandler).serve_forever()"


NAMED = """
import os, socket
with socket.create_server(("0.0.0.0", 8080)) as server:
    while True:
        connection, _ = server.accept()
        connection.sendall(os.environ["POD_NAME"].encode())
        connection.close()
"""
CALL = """
import socket, time
while True:
    try:
        print(socket.create_connection(("many", 80), 5).recv(100).decode())
    except OSError as error:
        print(error)
    time.sleep(0.05)
"""
ASK = """
import json, os, ssl, time, urllib.request as u
files = "/var/run/secrets/kubernetes.io/serviceaccount/"
review = {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"}
url = "https://%(KUBERNETES_SERVICE_HOST)s:%(KUBERNETES_SERVICE_PORT)s" % os.environ
headers = {"Authorization": "Bearer " + open(files + "token").read(), "Content-Type": "application/json"}
path = "/apis/authentication.k8s.io/v1/selfsubjectreviews"
request = u.Request(url + path, json.dumps(review).encode(), headers)
trusted = ssl.create_default_context(cafile=files + "ca.crt")
print(json.load(u.urlopen(request, context=trusted))["status"]["userInfo"]["username"])
time.sleep(1000)
"""


def pod(namespace: str, script: str = FOREVER, *, spec: Object | None = None, **container: Any) -> Object:
    """A pod of one container, by default a shell's."""
    main = {"name": "main", "image": "any", "command": ["sh", "-c", script], **container}
    meta = {"name": "one", "namespace": namespace, "labels": {"app": "one"}}
    rest = {"containers": [main], "terminationGracePeriodSeconds": 5, **(spec or {})}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": rest}


class Seen:
    """The pod of a test as the API has it, and its program's output."""

    def __init__(self, lab: ControlPlane, node: Node, namespace: str) -> None:
        self._lab, self._node, self._namespace = lab, node, namespace
        self.path = f"/api/v1/namespaces/{namespace}/pods/one"

    async def body(self) -> Object | None:
        try:
            return await self._lab.api.get(self.path)
        except ApiError as error:
            assert error.status == 404
            return None

    async def condition(self, kind: str = "Ready") -> str:
        body = await self.body() or {}
        found = body.get("status", {}).get("conditions", [])
        return next((str(each["status"]) for each in found if each["type"] == kind), "")

    async def container(self, name: str = "main") -> Object:
        body = await self.body() or {}
        found = body.get("status", {}).get("containerStatuses", [])
        return next((each for each in found if each["name"] == name), {})

    async def ready(self) -> bool:
        return await self.condition() == "True"

    async def gone(self) -> bool:
        return await self.body() is None

    def output(self) -> list[str]:
        log = self._node.logs / f"{self._namespace}_one_main.log"
        return log.read_text().splitlines() if log.exists() else []

    async def said(self, lines: list[str]) -> bool:
        return self.output() == lines


@pytest.fixture
def seen(lab: ControlPlane, node: Node, namespace: str) -> Seen:
    return Seen(lab, node, namespace)


async def test_a_pod_without_probes_is_ready_as_soon_as_it_runs(
    lab: ControlPlane, namespace: str, seen: Seen
) -> None:
    await lab.apply(pod(namespace))
    await until(seen.ready)
    assert "running" in (await seen.container())["state"]


async def test_variables_come_from_fields_config_maps_and_secrets(
    lab: ControlPlane, namespace: str, seen: Seen
) -> None:
    settings = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "s", "namespace": namespace}}
    hidden = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "h", "namespace": namespace}}
    await lab.apply([settings | {"data": {"COLOUR": "blue"}}, hidden | {"stringData": {"word": "sesame"}}])
    env = [
        {"name": "NAME", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}},
        {"name": "APP", "valueFrom": {"fieldRef": {"fieldPath": "metadata.labels['app']"}}},
        {"name": "WORD", "valueFrom": {"secretKeyRef": {"name": "h", "key": "word"}}},
        {"name": "ALL", "value": "$(NAME)-$(COLOUR)-$(WORD)-$(APP)"},
    ]
    group = [{"configMapRef": {"name": "s"}}]
    await lab.apply(pod(namespace, f"echo $ALL; {FOREVER}", env=env, envFrom=group))
    await until(seen.ready)
    await until(lambda: seen.said(["one-blue-sesame-one"]))


async def test_a_volume_shows_a_config_map(lab: ControlPlane, namespace: str, seen: Seen) -> None:
    settings = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "s", "namespace": namespace}}
    await lab.apply(settings | {"data": {"greeting": "hello"}})
    volumes = [{"name": "files", "configMap": {"name": "s"}}, {"name": "room", "emptyDir": {}}]
    mounts = [{"name": "files", "mountPath": "/etc/greetings"}, {"name": "room", "mountPath": "/room"}]
    script = f"cp /etc/greetings/greeting /room && cat /room/greeting; echo; {FOREVER}"
    await lab.apply(pod(namespace, script, spec={"volumes": volumes}, volumeMounts=mounts))
    await until(seen.ready)
    await until(lambda: seen.said(["hello"]))


async def test_a_pod_waits_for_a_config_map_that_is_missing(
    lab: ControlPlane, namespace: str, seen: Seen
) -> None:
    await lab.apply(pod(namespace, envFrom=[{"configMapRef": {"name": "late"}}]))

    async def refused() -> bool:
        state = (await seen.container()).get("state", {})
        return bool(state.get("waiting", {}).get("reason") == "CreateContainerConfigError")

    await until(refused)
    late = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "late", "namespace": namespace}}
    await lab.apply(late | {"data": {"A": "1"}})
    await until(seen.ready)


async def test_an_image_without_a_command_is_not_pulled(
    lab: ControlPlane, namespace: str, seen: Seen
) -> None:
    await lab.apply(pod(namespace, command=[]))

    async def refused() -> bool:
        state = (await seen.container()).get("state", {})
        return bool(state.get("waiting", {}).get("reason") == "ErrImagePull")

    await until(refused)
    assert await seen.condition() == "False"


@pytest.mark.parametrize(
    "probe",
    [
        {"httpGet": {"path": "/", "port": "http"}},
        {"tcpSocket": {"port": 8080}},
        {"exec": {"command": ["sh", "-c", "test $POD_NAME = one"]}},
    ],
    ids=["http", "tcp", "exec"],
)
async def test_a_pod_is_ready_when_its_probe_succeeds(
    lab: ControlPlane, namespace: str, seen: Seen, probe: Object
) -> None:
    ports = [{"name": "http", "containerPort": 8080}]
    command = ["python3", "-c", SERVE]
    await lab.apply(pod(namespace, command=command, ports=ports, readinessProbe=probe))
    await until(seen.ready)


async def test_a_pod_whose_probe_fails_is_not_ready_and_no_endpoint(
    lab: ControlPlane, namespace: str, seen: Seen
) -> None:
    room = {"volumes": [{"name": "room", "emptyDir": {}}]}
    mounts = [{"name": "room", "mountPath": "/room"}]
    probe = {"exec": {"command": ["test", "!", "-e", "/room/ill"]}, "periodSeconds": 1, "failureThreshold": 1}
    script = f"sleep 1.5; touch /room/ill; {FOREVER}"
    await lab.apply(pod(namespace, script, spec=room, volumeMounts=mounts, readinessProbe=probe))
    service = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "one", "namespace": namespace},
        "spec": {"selector": {"app": "one"}, "ports": [{"port": 80}]},
    }
    await lab.apply(service)

    async def endpoints(ready: bool) -> bool:
        path = f"/apis/discovery.k8s.io/v1/namespaces/{namespace}/endpointslices"
        slices = (await lab.api.get(path))["items"]
        return [each["conditions"]["ready"] for one in slices for each in one["endpoints"] or []] == [ready]

    await until(lambda: endpoints(True))
    await until(lambda: endpoints(False))
    assert await seen.condition() == "False"


async def test_what_crashes_is_started_again(lab: ControlPlane, namespace: str, seen: Seen) -> None:
    await lab.apply(pod(namespace, "echo run; exit 3"))

    async def twice() -> bool:
        return bool((await seen.container()).get("restartCount", 0) >= 2)

    await until(twice)
    found = await seen.container()
    assert found["lastState"]["terminated"]["exitCode"] == 3
    assert len(seen.output()) >= 2


async def test_what_does_not_live_is_started_again(lab: ControlPlane, namespace: str, seen: Seen) -> None:
    probe = {"exec": {"command": ["false"]}, "periodSeconds": 1, "failureThreshold": 1}
    await lab.apply(pod(namespace, livenessProbe=probe))

    async def once() -> bool:
        return bool((await seen.container()).get("restartCount", 0) >= 1)

    await until(once)


async def test_a_pod_that_is_not_to_run_again_has_succeeded(
    lab: ControlPlane, namespace: str, seen: Seen
) -> None:
    await lab.apply(pod(namespace, "exit 0", spec={"restartPolicy": "Never"}))

    async def succeeded() -> bool:
        return bool((await seen.body() or {}).get("status", {}).get("phase") == "Succeeded")

    await until(succeeded)
    await lab.api.request("DELETE", seen.path)
    await until(seen.gone)


async def test_first_containers_have_ended_before_the_others_start(
    lab: ControlPlane, namespace: str, seen: Seen
) -> None:
    room = [{"name": "room", "mountPath": "/room"}]
    first = {"name": "first", "image": "any", "command": ["sh", "-c", "echo done > /room/first"]}
    spec = {
        "initContainers": [{**first, "volumeMounts": room}],
        "volumes": [{"name": "room", "emptyDir": {}}],
    }
    await lab.apply(pod(namespace, f"cat /room/first; {FOREVER}", spec=spec, volumeMounts=room))
    await until(seen.ready)
    await until(lambda: seen.said(["done"]))


async def test_a_hook_comes_before_the_signal(lab: ControlPlane, namespace: str, seen: Seen) -> None:
    room = {"volumes": [{"name": "room", "emptyDir": {}}]}
    script = "trap 'cat /room/hook; echo signal; exit 0' TERM; " + FOREVER
    hook = {"preStop": {"exec": {"command": ["sh", "-c", "echo hook > /room/hook"]}}}
    mounts = [{"name": "room", "mountPath": "/room"}]
    await lab.apply(pod(namespace, script, spec=room, volumeMounts=mounts, lifecycle=hook))
    await until(seen.ready)
    await lab.api.request("DELETE", seen.path)
    await until(seen.gone)
    await until(lambda: seen.said(["hook", "signal"]))


async def test_what_ignores_the_signal_is_killed_after_its_grace(
    lab: ControlPlane, namespace: str, seen: Seen
) -> None:
    await lab.apply(pod(namespace, f"trap '' TERM; {FOREVER}", spec={"terminationGracePeriodSeconds": 1}))
    await until(seen.ready)
    await lab.api.request("DELETE", seen.path)
    await until(seen.gone)


async def test_a_pod_that_is_deleted_at_once_has_no_process_any_more(
    lab: ControlPlane, namespace: str, seen: Seen, node: Node
) -> None:
    await lab.apply(pod(namespace))
    await until(seen.ready)
    (container,) = node.pod(namespace, "one").own
    process = container.process
    assert process is not None
    await lab.api.request("DELETE", seen.path, {"gracePeriodSeconds": 0})

    async def ended() -> bool:
        return not process.running

    await until(ended)


async def test_a_pod_that_takes_its_time_to_end_is_ended_when_it_is_deleted_at_once(
    lab: ControlPlane, namespace: str, seen: Seen, node: Node
) -> None:
    hook = {"preStop": {"sleep": {"seconds": 600}}}
    slow = {"terminationGracePeriodSeconds": 600}
    await lab.apply(pod(namespace, spec=slow, lifecycle=hook))
    await until(seen.ready)
    (container,) = node.pod(namespace, "one").own
    process = container.process
    assert process is not None
    await lab.api.request("DELETE", seen.path)
    await lab.api.request("DELETE", seen.path, {"gracePeriodSeconds": 0})

    async def ended() -> bool:
        return not process.running

    await until(ended)


async def test_a_program_asks_the_api_server_as_its_account(
    lab: ControlPlane, namespace: str, seen: Seen
) -> None:
    meta = {"name": "asker", "namespace": namespace}
    await lab.apply({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": meta})
    await lab.apply(
        pod(namespace, command=["python3", "-u", "-c", ASK], spec={"serviceAccountName": "asker"})
    )
    await until(lambda: seen.said([f"system:serviceaccount:{namespace}:asker"]))


async def test_a_pod_without_a_sidecar_reaches_every_pod_of_a_service_by_its_name(
    lab: ControlPlane, namespace: str, seen: Seen, node: Node
) -> None:
    labels = {"app": "many"}
    probe = {"tcpSocket": {"port": 8080}}
    many = {"name": "main", "image": "any", "command": ["python3", "-c", NAMED], "readinessProbe": probe}
    template = {"metadata": {"labels": labels}, "spec": {"containers": [many]}}
    meta = {"name": "many", "namespace": namespace}
    spec = {"replicas": 3, "selector": {"matchLabels": labels}, "template": template}
    await lab.apply({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": meta, "spec": spec})
    ports = [{"name": "http", "port": 80, "targetPort": 8080}]
    service = {"selector": labels, "ports": ports}
    await lab.apply({"apiVersion": "v1", "kind": "Service", "metadata": meta, "spec": service})
    await node.until_ready(namespace, 3)
    await lab.apply(pod(namespace, command=["python3", "-u", "-c", CALL]))

    names = {each.body["metadata"]["name"] for each in node.pods(namespace, app="many")}

    async def all_met() -> bool:
        return names <= set(seen.output())

    await until(all_met)


async def test_a_gate_of_readiness_that_others_keep_is_waited_for(
    lab: ControlPlane, namespace: str, seen: Seen
) -> None:
    await lab.apply(pod(namespace, spec={"readinessGates": [{"conditionType": "example.com/open"}]}))

    async def runs() -> bool:
        return await seen.condition("ContainersReady") == "True"

    await until(runs)
    assert await seen.condition() == "False"
    gate = {"type": "example.com/open", "status": "True"}
    await lab.api.request(
        "PATCH",
        f"{seen.path}/status",
        {"status": {"conditions": [gate]}},
        content="application/strategic-merge-patch+json",
    )
    await until(seen.ready)
