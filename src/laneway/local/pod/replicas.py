"""Replicas: makes the pods that Deployments ask for exist. Must not know routes, weights or apps."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from types import TracebackType

from sqlalchemy.exc import DBAPIError

from laneway.local.container.containers import Command
from laneway.local.container.engines import Engine
from laneway.local.container.service_links import linked, services_of
from laneway.local.container.volumes import Volumes
from laneway.local.logs import prune
from laneway.local.network.addresses import Addresses, local_port, privileged_below
from laneway.local.network.networks import Networks
from laneway.local.pod.pods import Pod, injected, moved, new_pod, place_of, pod_name, read_pod
from laneway.local.pod.replica import Replica
from laneway.local.pod.scaling import step
from laneway.local.pod.surroundings import Sidecars, Surroundings
from laneway.local.process.markers import Marked, Part, find, parts
from laneway.local.process.processes import Process, adopt, kill_marked
from laneway.local.state import State
from laneway.local.store import Body, Store
from laneway.plan.revision import revision_of
from laneway.spec.kubernetes import PodTemplate
from laneway.spec.meta import Key, key_of

_SUFFIX_LETTERS = "bcdfghjklmnpqrstvwxz2456789"
"""As in Kubernetes: without vowels, so that no words arise, and without characters that look alike."""

_DELETE_AGAIN_SECONDS = 1.0
_TRIM_SECONDS = 5.0
_LOGS_OF_THE_GONE = 200
"""Files of pods that are gone, kept to be looked at."""


log = logging.getLogger(__name__)


class Replicas:
    """All pods of a state.

    Use as `async with`: entering adopts the running processes; leaving lets them run (end them with `stop`).

    application: how to run a pod's application, variables not yet expanded (raises CannotStartError);
    source: of names; changed: called when a pod appears, becomes ready or not ready, starts draining, or is
    gone.
    """

    def __init__(
        self,
        state: State,
        store: Store,
        addresses: Addresses,
        *,
        application: Callable[[Pod], Command],
        sidecars: Sidecars,
        networks: Networks,
        now: Callable[[], datetime],
        source: random.Random,
        changed: Callable[[Pod], None],
        engine: Engine | None = None,
    ) -> None:
        self._store = store
        self._addresses = addresses
        self._source = source
        self._privileged_below = privileged_below()
        self._around = Surroundings(
            state=state.id,
            block=addresses.block,
            folder=state.path,
            logs=state.logs,
            volumes=Volumes(state.volumes),
            store=store,
            application=application,
            sidecars=sidecars,
            engine=engine,
            networks=networks,
            now=now,
            changed=changed,
        )
        self._deployments: dict[Key, Body] = {}
        self._templates: dict[Key, str] = {}
        self._replicas: dict[Key, Replica] = {}
        self._tasks: dict[Key, asyncio.Task[None]] = {}
        self._group = asyncio.TaskGroup()

    async def __aenter__(self) -> Replicas:
        """Adopt what runs, start what is missing, end what belongs to no pod."""
        await self._group.__aenter__()
        pods = [self._placed(read_pod(obj)) for obj in self._store.list("Pod")]
        surviving = _surviving(pods, find(self._around.state))
        await kill_marked(self._around.state, lambda marked: _stray(marked, surviving))
        self._around.volumes.keep(pod.key for pod in pods)
        for pod in pods:
            self._live(
                pod, {part: surviving[pod.key, part] for part in pod.parts if (pod.key, part) in surviving}
            )
        self._trimming = self._group.create_task(self._trim_logs())
        return self

    async def _trim_logs(self) -> None:
        """Keep every log within its bound, until cancelled."""
        while True:
            await asyncio.sleep(_TRIM_SECONDS)
            for replica in tuple(self._replicas.values()):
                replica.trim_logs()
            prune(self._around.logs, self._replicas, _LOGS_OF_THE_GONE)

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._trimming.cancel()
        for task in self._tasks.values():
            task.cancel()
        await self._group.__aexit__(kind, error, trace)
        for replica in self._replicas.values():
            replica.forget()

    @property
    def contained(self) -> bool:
        """Whether a container engine runs the applications, within their limits."""
        return self._around.engine is not None

    def set_deployments(self, deployments: Iterable[Body]) -> None:
        """The Deployments that shall run, and no others. Takes effect with `reconcile`."""
        before, self._deployments = self._deployments, {key_of(obj): obj for obj in deployments}
        for key, obj in self._deployments.items():
            if before.get(key) is not obj:
                self._templates[key] = revision_of(PodTemplate.model_validate(obj["spec"]["template"]))

    def reconcile(self) -> None:
        """Create missing pods and start draining surplus ones. Returns at once."""
        owned: dict[Key, list[Pod]] = {key: [] for key in self._deployments}
        for pod in self.pods():
            owned.setdefault(Key(pod.key.namespace, pod.deployment), []).append(pod)
        for key in sorted(owned):
            self._reconcile(self._deployments.get(key), owned[key], key)

    def pods(self, deployment: Key | None = None) -> Sequence[Pod]:
        """All pods that exist, starting and draining ones included, by namespace and name."""
        pods = sorted((each.pod for each in self._replicas.values()), key=lambda pod: pod.key)
        return [pod for pod in pods if deployment in (None, Key(pod.key.namespace, pod.deployment))]

    def sidecar_changed(self, key: Key) -> None:
        """Ask `sidecars.ready` for this pod now instead of at the next poll."""
        if key in self._replicas:
            self._replicas[key].ask_sidecar()

    def renew(self, keys: Iterable[Key], reason: str, by: str) -> None:
        """Replace these pods as after a change of their template. Takes effect with `reconcile`."""
        for key in keys:
            if key in self._replicas:
                self._replicas[key].renew(reason, by)

    def update_volumes(self, namespace: str) -> None:
        """A ConfigMap or a Secret of the namespace is another: bring the files of its pods to that."""
        for key, replica in self._replicas.items():
            if key.namespace == namespace:
                replica.update_volumes()

    async def stop(self, grace: timedelta) -> None:
        """End every pod without draining and delete it: SIGTERM, SIGKILL after the grace."""
        replicas, tasks = list(self._replicas.values()), list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await asyncio.gather(*(replica.end(grace) for replica in replicas))
        for replica in replicas:
            await self._remove(replica, "everything is stopped")

    def _reconcile(self, deployment: Body | None, pods: Iterable[Pod], key: Key) -> None:
        if deployment is None:
            self._drain(pods, "its Deployment is gone")
            return
        desired, template = deployment["spec"].get("replicas", 1), self._templates[key]
        todo = step(desired, template, pods)
        reason = f"Deployment {key.name} asks for {desired} of template {template}"
        for _ in range(todo.create):
            self._create(deployment, template, reason)
        self._drain(todo.drain, reason)

    def _drain(self, pods: Iterable[Pod], reason: str) -> None:
        for pod in pods:
            self._replicas[pod.key].drain(reason)

    def _create(self, deployment: Body, template: str, reason: str) -> None:
        name = self._free_name(key_of(deployment))
        pair = self._addresses.allocate()
        links = self._links(deployment)
        obj = new_pod(
            deployment,
            template,
            name,
            pair,
            self._local_port,
            self._around.now(),
            links,
            own_networks=self._around.networks.own,
        )
        try:
            self._store.put(obj, reason, by="")
        except DBAPIError:
            self._release(pair.pod, links)
            raise
        stored = self._store.get("Pod", key_of(obj))
        assert stored is not None, "it was written just now"
        replica = self._live(read_pod(stored), {})
        self._around.changed(replica.pod)

    def _links(self, deployment: Body) -> dict[str, str]:
        """An address for each Service that a new pod may call; none without a sidecar, or with a network."""
        template, namespace = deployment["spec"]["template"], key_of(deployment).namespace
        shared = not self._around.networks.own
        if not (shared and injected(template.get("metadata", {}).get("annotations", {}))):
            return {}
        services = services_of(self._store.list("Service", namespace), self._store.list("App", namespace))
        return {name: self._addresses.link() or "" for name in linked(services, template)}

    def _release(self, pod_ip: str, links: Mapping[str, str]) -> None:
        for address in (pod_ip, *filter(None, links.values())):
            self._addresses.release(address)

    def _free_name(self, deployment: Key) -> str:
        while True:
            suffix = "".join(self._source.choices(_SUFFIX_LETTERS, k=5))
            name = pod_name(deployment.name, suffix)
            if Key(deployment.namespace, name) not in self._replicas:
                return name

    def _local_port(self, port: int) -> int:
        return local_port(port, self._privileged_below)

    def _live(self, pod: Pod, running: Mapping[Part, Process]) -> Replica:
        replica = Replica(pod, self._around)
        self._replicas[pod.key] = replica
        replica.adopt(running)
        self._tasks[pod.key] = self._group.create_task(self._life(replica))
        return replica

    async def _life(self, replica: Replica) -> None:
        await replica.run()
        await self._remove(replica, "drained")

    async def _remove(self, replica: Replica, reason: str) -> None:
        """Delete the Pod and give its addresses back; waits while the store cannot be written (full disk)."""
        pod = replica.pod
        while True:
            try:
                self._store.delete("Pod", pod.key, reason, by="")
                break
            except DBAPIError as error:
                log.error("pod %s was not deleted: %s", pod.key, error.orig)
                await asyncio.sleep(_DELETE_AGAIN_SECONDS)
        self._replicas.pop(pod.key, None)
        self._tasks.pop(pod.key, None)
        self._release(pod.pod_ip, pod.links)
        self._around.volumes.remove(pod.key)
        self._around.changed(pod)

    def _placed(self, pod: Pod) -> Pod:
        """The pod with addresses of this state: its own, or new ones where another took them.

        One that was made for the other isolation does not run any more, and is found elsewhere from now on.
        """
        own = self._around.networks.own and pod.sidecar
        if not own:
            kept = {name: at for name, at in pod.links.items() if at and self._addresses.reserve(at)}
            pod = replace(pod, links={name: kept.get(name, "") for name in pod.links})
        if pod.own_network == own and self._addresses.reserve(pod.pod_ip):
            return pod
        pair = self._addresses.allocate()
        return moved(pod, place_of(pod.sidecar, pair, pod.ports, self._local_port, own))


def _stray(marked: Marked, surviving: Mapping[tuple[Key, Part], Process]) -> bool:
    """Whether a process belongs to no part that runs, but to a pod that is gone or a part that crashed."""
    marker = marked.marker
    return marker.part not in (Part.GATEWAY, Part.HELPER) and (marker.pod, marker.part) not in surviving


def _surviving(pods: Iterable[Pod], marked: Iterable[Marked]) -> dict[tuple[Key, Part], Process]:
    """The processes of pods that still run: those on record, else those that carry the pod's marker.

    The record finds programs that wrote over their environment, the marker what was started but not recorded.
    """
    leaders, found = parts(marked), {}
    for pod in pods:
        for part in pod.parts:
            for identity in (pod.processes.get(part), leaders.get((pod.key, part))):
                process = adopt(identity) if identity else None
                if process is not None:
                    found[pod.key, part] = process
                    break
    return found
