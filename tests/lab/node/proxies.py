"""The Envoy of a pod as one of its containers: sidecar, or gateway. Must not know when it starts or ends."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from tests.lab.api import Object
from tests.lab.node.container import Check, Given
from tests.lab.node.envoy import Admin, Proxy, argv, bootstrap
from tests.lab.node.network import Start
from tests.lab.node.programs import Placed
from tests.lab.node.surroundings import Surroundings
from tests.lab.node.xds_path import XdsPath

from laneway.local.pod.probes import Answer
from laneway.local.process.processes import Process, clean_environment
from laneway.spec.kubernetes import Probe

CONTAINER = "istio-proxy"
IMAGE = "docker.io/istio/proxyv2:1.31.0"
INJECT = "sidecar.istio.io/inject"
STATUS = "sidecar.istio.io/status"
TEMPLATES = "inject.istio.io/templates"
GATEWAY = "gateway"

_READY = Probe(period_seconds=5, failure_threshold=4)
_DRAIN_SECONDS = 5.0
"""As Istio's terminationDrainDuration; it ends sooner when nothing is open."""

_LOOK_SECONDS = 0.1


@dataclass(frozen=True, slots=True)
class Role:
    """sidecar: beside an application; gateway: in its place."""

    sidecar: bool
    gateway: bool

    @property
    def any(self) -> bool:
        """Whether there is an Envoy at all."""
        return self.sidecar or self.gateway


def role(pod: Object, namespace_labels: Mapping[str, str]) -> Role:
    """What Istio's injector would do to a pod. Source: Istio, pkg/kube/inject/inject.go, injectRequired."""
    meta = pod["metadata"]
    annotations, labels = meta.get("annotations", {}), meta.get("labels", {})
    said = labels.get(INJECT, annotations.get(INJECT))
    if pod["spec"].get("hostNetwork"):
        return Role(False, False)
    by_namespace = namespace_labels.get("istio-injection", "") == "enabled" or (
        "istio-injection" not in namespace_labels and "istio.io/rev" in namespace_labels
    )
    wanted = said == "true" if said is not None else by_namespace
    gateway = wanted and annotations.get(TEMPLATES) == GATEWAY
    return Role(wanted and not gateway, gateway)


def given_role(pod: Object) -> Role:
    """What the injector has done to a pod that is bound already."""
    annotations = pod["metadata"].get("annotations", {})
    gateway = annotations.get(TEMPLATES) == GATEWAY
    return Role(sidecar=not gateway, gateway=gateway) if STATUS in annotations else Role(False, False)


def annotation() -> str:
    """What the injector leaves on a pod that it has changed."""
    return json.dumps(
        {
            "initContainers": ["istio-init"],
            "containers": [CONTAINER],
            "volumes": ["workload-socket", "istio-envoy", "istio-data", "istio-podinfo"],
            "imagePullSecrets": None,
            "revision": "default",
        }
    )


def labels(pod: Object) -> dict[str, str]:
    """The labels that the injector gives a pod; what it has itself stays."""
    own = pod["metadata"].get("labels", {})
    name = own.get("app.kubernetes.io/name") or own.get("app") or _workload(pod)
    revision = own.get("app.kubernetes.io/version") or own.get("version") or "latest"
    given = {
        "security.istio.io/tlsMode": "istio",
        "service.istio.io/canonical-name": name,
        "service.istio.io/canonical-revision": revision,
    }
    return {key: own.get(key, value) for key, value in given.items()}


class PodProxy:
    """The Envoy of one pod, and its way to istiod."""

    def __init__(self, pod: Placed, kind: Role, around: Surroundings) -> None:
        self._pod = pod
        self._kind = kind
        self._around = around
        self._folder = around.run / pod.uid[:13]
        self._folder.mkdir(mode=0o700)
        self._empty = around.run / "empty"
        self._empty.mkdir(exist_ok=True)
        self.admin = Admin(self._folder / "admin")
        self.path = XdsPath(self._folder / "xds", around.istiods())

    @property
    def given(self) -> Given:
        """As a container."""
        return Given(
            name=CONTAINER,
            image=IMAGE,
            launch=self._launch,
            readiness=Check(_READY, self._ready),
            before_end=self._drain,
        )

    async def open(self) -> None:
        """Before it is started."""
        await self.path.open()

    async def close(self) -> None:
        """When it has ended."""
        await self.path.cut()
        for file in self._folder.iterdir():
            file.unlink()
        self._folder.rmdir()

    async def _launch(self) -> Process:
        """Raises OSError."""
        file = self._folder / "bootstrap.json"
        file.write_text(
            json.dumps(bootstrap(self._proxy(), self.path.path, self._around.secrets, self._folder / "admin"))
        )
        pod = self._pod
        log = self._around.logs / f"{pod.key.namespace}_{pod.key.name}_{CONTAINER}.log"
        start = Start(argv(file), clean_environment(), Path("/"), log, [self._empty])
        return await self._around.network.start(pod.uid, pod.key.namespace, pod.key.name, pod.address, start)

    async def _ready(self) -> Answer:
        ready = await self.admin.ready()
        return Answer(ready, "ready" if ready else "it has no configuration yet")

    async def _drain(self, _: timedelta) -> None:
        with suppress(OSError):
            async with asyncio.timeout(_DRAIN_SECONDS):
                await self.admin.drain(inbound_only=self._kind.sidecar)
                while await self.admin.connections(inbound_only=self._kind.sidecar):  # noqa: ASYNC110 - Envoy tells of no end
                    await asyncio.sleep(_LOOK_SECONDS)

    def _proxy(self) -> Proxy:
        meta, spec = self._pod.body["metadata"], self._pod.body["spec"]
        return Proxy(
            role="router" if self._kind.gateway else "sidecar",
            name=self._pod.key.name,
            namespace=self._pod.key.namespace,
            address=self._pod.address,
            labels=meta.get("labels", {}),
            annotations=meta.get("annotations", {}),
            workload=_workload(self._pod.body),
            containers=",".join(each["name"] for each in spec["containers"]),
            node=self._around.node,
            # Empty where the API server does not admit accounts: istiod tells peers the same.
            account=spec.get("serviceAccountName", ""),
        )


def _workload(pod: Object) -> str:
    """The Deployment that a pod belongs to, by its ReplicaSet's name; else the pod's own."""
    meta = pod["metadata"]
    owner = next((each for each in meta.get("ownerReferences", []) if each.get("controller")), None)
    if owner is None:
        return str(meta["name"])
    suffix = f"-{meta.get('labels', {}).get('pod-template-hash', '')}"
    return str(owner["name"]).removesuffix(suffix)
