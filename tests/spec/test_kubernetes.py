"""What is read of Kubernetes' kinds, and what is refused, with what to do instead."""

from __future__ import annotations

from decimal import Decimal

import pytest

from laneway.spec.kubernetes import ConfigMap, Deployment, Secret
from laneway.spec.load import Loaded, Source, load, parse


def read(text: str) -> Loaded:
    """The objects of a text."""
    return load([Source("x.yaml", text)])


def pod(container: str = "", spec: str = "") -> str:
    """A Deployment with more in its container and its pod."""
    return f"""\
apiVersion: apps/v1
kind: Deployment
metadata: {{name: web}}
spec:
  selector: {{matchLabels: {{app: web}}}}
  template:
    metadata: {{labels: {{app: web}}}}
    spec:
      containers:
      - name: web
        image: web
        {container}
      {spec}
"""


def said(text: str) -> list[str]:
    """Text and remedy of every problem."""
    return [f"{problem.text}; {problem.remedy}" for problem in read(text).problems]


CONTAINER = "spec.template.spec.containers[0]"
REFUSED = "is not supported by Laneway, and refused rather than ignored"


@pytest.mark.parametrize(
    ("container", "message"),
    [
        (
            "env: [{name: A, valueFrom: {resourceFieldRef: {resource: limits.cpu}}}]",
            f"{CONTAINER}.env[0].valueFrom.resourceFieldRef {REFUSED}; write the number as `value`",
        ),
        (
            "env: [{name: A, valueFrom: {fileKeyRef: {key: a}}}]",
            f"{CONTAINER}.env[0].valueFrom.fileKeyRef {REFUSED}; write the value in a ConfigMap or a Secret",
        ),
        (
            "env: [{name: A, valueFrom: {fieldRef: {fieldPath: spec.serviceAccountName}}}]",
            f"{CONTAINER}.env[0].valueFrom.fieldRef: spec.serviceAccountName cannot be read here; "
            "write one of metadata.name, metadata.namespace, metadata.uid, metadata.labels['KEY'], "
            "metadata.annotations['KEY'], spec.nodeName, status.hostIP, status.podIP, status.podIPs",
        ),
        (
            "env: [{name: A, value: x, valueFrom: {fieldRef: {fieldPath: metadata.name}}}]",
            f"{CONTAINER}.env[0]: both `value` and `valueFrom`; keep one of the two",
        ),
        (
            "env: [{name: A, valueFrom: {}}]",
            f"{CONTAINER}.env[0].valueFrom: a value has one source; "
            "write exactly one of configMapKeyRef, secretKeyRef and fieldRef",
        ),
        (
            "env: [{name: A=B}]",
            f"{CONTAINER}.env[0].name: 'A=B' is not a variable's name; write it like LOG_LEVEL",
        ),
        (
            "envFrom: [{prefix: A_}]",
            f"{CONTAINER}.envFrom[0]: variables have one source; write either configMapRef or secretRef",
        ),
        (
            "resources: {limits: {memory: 12 MB}}",
            f"{CONTAINER}.resources.limits.memory: '12 MB' is not a quantity; "
            "write it like 100m, 0.5, 2 or 128Mi",
        ),
    ],
)
def test_what_a_container_may_not_say_is_told_with_what_to_say_instead(container: str, message: str) -> None:
    """By the field's name."""
    assert said(pod(container)) == [message]


def test_sizes_are_read_as_quantities_and_a_limit_stands_for_a_request() -> None:
    """In cores and bytes; equal amounts are written alike."""
    text = pod("resources: {limits: {cpu: 0.5, memory: 128Mi}, requests: {memory: 65536Ki}}")
    (deployment,) = read(text).objects
    assert isinstance(deployment, Deployment)
    resources = deployment.spec.template.spec.containers[0].resources
    assert resources.requested("cpu") == Decimal("0.5")
    assert resources.requested("memory") == 64 * 1024**2
    assert resources.requested("nvidia.com/gpu") is None
    assert resources.written() == {
        "limits": {"cpu": "500m", "memory": "128Mi"},
        "requests": {"memory": "64Mi"},
    }


SECRET = "apiVersion: v1\nkind: Secret\nmetadata: {name: keys}\n"


def test_a_secrets_plain_texts_are_stored_encoded_and_win_over_data() -> None:
    """As an API server does; what is stored reads back as it is."""
    (secret,) = read(SECRET + "data: {a: b2xk, b: Yg==}\nstringData: {a: new}\n").objects
    assert isinstance(secret, Secret)
    assert secret.values == {"a": b"new", "b": b"b"}
    assert secret.written()["data"] == {"a": "bmV3", "b": "Yg=="}
    assert "stringData" not in secret.written()
    assert parse(secret.written()).written() == secret.written()


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ("stringData: {pin: 77031}", "stringData.pin must be text; write it in quotes"),
        ("data: {pin: 77031}", "data.pin must be text; write it in quotes"),
        (
            "data: {pin: 77-031}",
            "data.pin: not base64; encode the value: printf %s VALUE | base64",
        ),
        (
            "stringData: {p/n: '77031'}",
            "stringData.p/n: not a key; use letters, digits, dashes, dots and underscores",
        ),
    ],
)
def test_no_message_shows_a_value_of_a_secret(fields: str, message: str) -> None:
    """Also where it is wrong."""
    assert said(SECRET + fields) == [message]
    assert "77" not in repr(read(SECRET + "stringData: {pin: '77031'}").objects)


def test_a_config_map_has_texts_and_bytes() -> None:
    """`binaryData` is decoded."""
    text = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\ndata: {a: x}\nbinaryData: {b: /w==}\n"
    (found,) = read(text).objects
    assert isinstance(found, ConfigMap)
    assert found.values == {"a": b"x", "b": b"\xff"}


POD = "spec.template.spec"


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        (
            "volumes: [{name: v, hostPath: {path: /x}}]",
            f"{POD}.volumes[0].hostPath {REFUSED}; "
            "keep the files in a folder of this machine, and name that in a variable",
        ),
        (
            "volumes: [{name: v, persistentVolumeClaim: {claimName: x}}]",
            f"{POD}.volumes[0].persistentVolumeClaim {REFUSED}; keep the files in a folder of this "
            "machine, and "
            "name that in a variable; or run what keeps data yourself, and reach it by a ServiceEntry",
        ),
        (
            "volumes: [{name: v, ephemeral: {a: 1}}]",
            f"{POD}.volumes[0].ephemeral {REFUSED}; write `emptyDir`",
        ),
        (
            "volumes: [{name: v, csi: {driver: x}}]",
            f"{POD}.volumes[0].csi {REFUSED}; "
            "keep the files in a folder of this machine, and name that in a variable",
        ),
        (
            "volumes: [{name: v, projected: {sources: [{serviceAccountToken: {path: t}}]}}]",
            f"{POD}.volumes[0].projected.sources[0].serviceAccountToken {REFUSED}; "
            "remove it: there is no API server here; what the program needs may stand in a Secret",
        ),
        (
            "volumes: [{name: v, downwardAPI: {items: [{path: t, fieldRef: {fieldPath: metadata.name}, "
            "resourceFieldRef: {resource: x}}]}}]",
            f"{POD}.volumes[0].downwardAPI.items[0].resourceFieldRef {REFUSED}; write the number in "
            "a ConfigMap",
        ),
        (
            "volumes: [{name: v}]",
            f"{POD}.volumes[0]: a volume is of one kind; "
            "write one of configMap, secret, emptyDir, downwardAPI and projected",
        ),
        (
            "volumes: [{name: v, emptyDir: {}}, {name: v, emptyDir: {}}]",
            f"{POD}: two volumes are named v; rename one",
        ),
        (
            "volumes: [{name: v, configMap: {name: c, items: [{key: a, path: ../a}]}}]",
            f"{POD}.volumes[0].configMap.items[0].path: '../a' is not a path inside a volume; "
            "write it like config.yaml",
        ),
        (
            "initContainers: [{name: i}]",
            f"{POD}.initContainers {REFUSED}; "
            "do its work in the container's own command, or before `laneway up`",
        ),
        ("hostNetwork: true", f"{POD}.hostNetwork {REFUSED}; remove it: peers reach the pod by its Service"),
        (
            "hostPID: true",
            f"{POD}.hostPID {REFUSED}; remove it: processes of other pods are not for this one to see",
        ),
        (
            "hostIPC: true",
            f"{POD}.hostIPC {REFUSED}; remove it: processes of other pods are not for this one to see",
        ),
        (
            "ephemeralContainers: [{name: e}]",
            f"{POD}.ephemeralContainers {REFUSED}; "
            "remove it: `laneway exec` runs a program beside the application",
        ),
    ],
)
def test_what_a_pod_may_not_say_is_told_with_what_to_say_instead(spec: str, message: str) -> None:
    """By the field's name."""
    assert said(pod(spec=spec)) == [message]


@pytest.mark.parametrize(
    ("container", "message"),
    [
        (
            "volumeMounts: [{name: v, mountPath: /x}]",
            f"{POD}: volumeMounts name v, which is no volume; the volumes are: none",
        ),
        (
            "volumeMounts: [{name: v, mountPath: x}]",
            f"{CONTAINER}.volumeMounts[0].mountPath: 'x' is not a path to mount at; write it like "
            "/etc/pharmacy",
        ),
        (
            "volumeMounts: [{name: v, mountPath: /x, subPath: ../y}]",
            f"{CONTAINER}.volumeMounts[0].subPath: '../y' is not inside the volume; write it like "
            "config.yaml",
        ),
        (
            "volumeMounts: [{name: v, mountPath: /x, subPathExpr: $(A)}]",
            f"{CONTAINER}.volumeMounts[0].subPathExpr {REFUSED}; write `subPath`",
        ),
        (
            "volumeDevices: [{name: v, devicePath: /x}]",
            f"{CONTAINER}.volumeDevices {REFUSED}; remove it: there are no block devices here",
        ),
        (
            "livenessProbe: {successThreshold: 2, tcpSocket: {port: 1}}",
            f"{CONTAINER}.livenessProbe: successThreshold is 1 for livenessProbe and startupProbe; "
            "leave it out",
        ),
        (
            "readinessProbe: {terminationGracePeriodSeconds: 2}",
            f"{CONTAINER}.readinessProbe: a readinessProbe ends nothing; "
            "leave terminationGracePeriodSeconds out",
        ),
        (
            "readinessProbe: {grpc: {port: 1}, tcpSocket: {port: 1}}",
            f"{CONTAINER}.readinessProbe: it asks more than one thing; "
            "keep one of httpGet, tcpSocket, exec and grpc",
        ),
        (
            "lifecycle: {preStop: {tcpSocket: {port: 1}}}",
            f"{CONTAINER}.lifecycle.preStop.tcpSocket {REFUSED}; write `exec`, `httpGet` or `sleep`",
        ),
        (
            "lifecycle: {preStop: {}}",
            f"{CONTAINER}.lifecycle.preStop: a hook does one thing; write exactly one of exec, "
            "httpGet and sleep",
        ),
        (
            "lifecycle: {stopSignal: SIGINT}",
            f"{CONTAINER}.lifecycle.stopSignal {REFUSED}; let the program end at SIGTERM",
        ),
        (
            "env: []\n      - {name: proxy, image: x}",
            f"{POD}.containers: a pod has one container here, beside the sidecar that Laneway adds; "
            "leave out proxy, or make a Deployment of each",
        ),
    ],
)
def test_what_else_a_container_may_not_say(container: str, message: str) -> None:
    """Files, probes, hooks, and a second container."""
    assert message in said(pod(container))


def test_a_file_mode_is_octal_as_people_write_it() -> None:
    """With a leading zero, as kubectl reads it."""
    text = pod(spec="volumes: [{name: v, secret: {secretName: s, defaultMode: 0440}}]")
    (deployment,) = read(text).objects
    assert isinstance(deployment, Deployment)
    (volume,) = deployment.spec.template.spec.volumes
    assert volume.secret is not None and volume.secret.default_mode == 0o440


@pytest.mark.parametrize(
    ("kind", "remedy"),
    [
        ("StatefulSet", "write a Deployment, or reach it through a ServiceEntry"),
        ("DaemonSet", "write a Deployment"),
        ("ReplicaSet", "write a Deployment"),
        ("Pod", "write a Deployment"),
        ("Job", "run it yourself"),
        ("CronJob", "run it yourself"),
        ("PersistentVolumeClaim", "remove it: pods have no volumes that outlive them here"),
    ],
)
def test_kinds_that_are_not_run_are_refused_by_name(kind: str, remedy: str) -> None:
    """With what to do instead."""
    assert said(f"apiVersion: v1\nkind: {kind}\nmetadata: {{name: x}}\n") == [f"{kind} {REFUSED}; {remedy}"]


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        (
            "{clusterIP: None, ports: [{port: 80}]}",
            "spec.clusterIP: a headless Service is not supported; "
            "leave clusterIP out: the sidecar balances over the pods",
        ),
        (
            "{externalName: a.example, ports: [{port: 80}]}",
            f"spec.externalName {REFUSED}; write a ServiceEntry with that host, and call the host itself",
        ),
        (
            "{type: ExternalName, ports: [{port: 80}]}",
            f"spec.type: 'ExternalName' {REFUSED}; "
            "write a ServiceEntry with that host, and call the host itself",
        ),
        (
            "{externalIPs: [1.2.3.4], ports: [{port: 80}]}",
            f"spec.externalIPs {REFUSED}; write a Gateway: the ingress is the way in",
        ),
    ],
)
def test_services_that_are_not_served_are_refused_by_field(spec: str, message: str) -> None:
    """With what to do instead."""
    assert said(f"apiVersion: v1\nkind: Service\nmetadata: {{name: x}}\nspec: {spec}\n") == [message]
