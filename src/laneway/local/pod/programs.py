"""The programs of a pod: what its application is given, and how each of them is started.

In the pod's network, marked, with its volumes; or by a container engine. Must not know when a program is to
run, nor what becomes of it.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import timedelta
from functools import partial
from pathlib import Path

from laneway.local.container import containers, engines
from laneway.local.container.containers import Command
from laneway.local.container.references import CannotStartError, finder
from laneway.local.container.service_links import linked, services_of, variables
from laneway.local.container.volumes import Mount
from laneway.local.logs import log_file
from laneway.local.network.addresses import local_port, privileged_below
from laneway.local.network.cluster_addresses import cluster_ip
from laneway.local.network.networks import Start
from laneway.local.pod import asking
from laneway.local.pod.pods import Pod
from laneway.local.pod.probes import Answer, Program
from laneway.local.pod.surroundings import Surroundings
from laneway.local.process.markers import Marker, Part
from laneway.local.process.processes import Process, clean_environment, spawn
from laneway.spec.kubernetes import Service
from laneway.spec.meta import Key, key_of

_ENGINE_LIMIT = timedelta(seconds=20)

log = logging.getLogger(__name__)


class Programs:
    """The programs of one pod. pod: as it was made; what changes while it runs does not matter here."""

    def __init__(self, pod: Pod, around: Surroundings) -> None:
        self._pod = pod
        self._around = around
        self._values = finder(around.store.get, pod.key.namespace)

    async def launch(self, part: Part) -> Process:
        """Start its application or its sidecar. Raises OSError or CannotStartError."""
        if part is Part.SIDECAR:
            return await self._start(self._around.sidecars.command(self._pod), part, self.output(part))
        command, engine = self._application(), self._around.engine
        if engine is None:
            return await self._start(command, part, self.output(part))
        await self.remove_container()
        argv = engine.run(self._pod, command, self._mounts())
        return await self._start_engine(replace(command, argv=argv), part, self.output(part))

    async def run_beside(self, program: Program) -> Answer:
        """Run a program as the application runs; one that cannot be started is an answer, too."""
        try:
            command, engine = self._application(), self._around.engine
            if engine is None:
                beside = replace(command, argv=program.argv)
                return await asking.run(program, partial(self._start, beside, Part.TASK))
            beside = replace(command, argv=[*engine.beside(self._pod.key), *program.argv])
            return await asking.run(program, partial(self._start_engine, beside, Part.TASK))
        except CannotStartError as error:
            return Answer(False, str(error))

    async def remove_container(self) -> None:
        """End the container of the application, which outlives a killed program of the engine's."""
        if (engine := self._around.engine) is not None:
            away = Program(engine.remove(self._pod.key), _ENGINE_LIMIT)
            answer = await asking.run(away, partial(self._start_engine, Command(away.argv), Part.TASK))
            if not answer.ok:
                log.warning("the container of pod %s: %s", self._pod.key, answer.detail)

    def update_volumes(self) -> None:
        """Bring the files of its volumes to the newest values."""
        self._around.volumes.update(self._pod, self._values)

    def output(self, part: Part) -> Path:
        """The file that a part writes to."""
        return log_file(self._around.logs, self._pod.key, part)

    def _application(self) -> Command:
        return containers.application(
            self._pod, self._around.application(self._pod), self._values, dict(self._links())
        )

    def _links(self) -> Iterator[tuple[str, str]]:
        """Variables of the Services that the pod has addresses for, as these are now."""
        if self._pod.own_network:
            yield from self._cluster_links()
            return
        below, store = privileged_below(), self._around.store
        for name, address in self._pod.links.items():
            key = Key(self._pod.key.namespace, name)
            found = ([body] if (body := store.get(kind, key)) else [] for kind in ("Service", "App"))
            for service in services_of(*found) if address else ():
                called = Service.model_validate(service)
                yield from variables(called, address, lambda port: local_port(port, below))

    def _cluster_links(self) -> Iterator[tuple[str, str]]:
        """Variables of the Services at their own addresses, which the pod can call."""
        store, key = self._around.store, self._pod.key
        services = {key_of(body).name: body for body in store.list("Service", key.namespace)}
        template = store.get("Pod", key)
        for name in linked(services.values(), template) if template else ():
            called = Service.model_validate(services[name])
            yield from variables(called, cluster_ip(services[name]), lambda port: port)

    def _mounts(self) -> Sequence[Mount]:
        return self._around.volumes.mounts(self._pod, self._values)

    async def _start_engine(self, command: Command, part: Part, output: Path) -> Process:
        """Start a program of the engine's, which itself sees nothing of the pod."""
        env = {**self._environment(command, part), **engines.environment()}
        return await spawn(command.argv, env, command.cwd or self._around.folder, output)

    async def _start(self, command: Command, part: Part, output: Path) -> Process:
        """Start a program of the pod, marked; all but its sidecar see its volumes."""
        around, pod = self._around, self._pod
        start = Start(
            part=part,
            argv=command.argv,
            env=self._environment(command, part),
            cwd=command.cwd or around.folder,
            output=output,
            root=around.volumes.root(pod.key),
            mounts=() if part is Part.SIDECAR else self._mounts(),
        )
        return await around.networks.start(pod, start)

    def _environment(self, command: Command, part: Part) -> dict[str, str]:
        marker = Marker(self._around.state, self._around.block, self._pod.key, part)
        return clean_environment() | dict(command.env) | marker.environment()
