"""What the containers of a pod are given: command, variables, files, probes, hooks.

Reads the template as the product does, for what it does not read cannot be proven here. Must not know when a
program is to run.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

from tests.lab.api import ApiError, Object
from tests.lab.node import account
from tests.lab.node.container import Check, Given
from tests.lab.node.network import Start
from tests.lab.node.surroundings import Surroundings

from laneway.local.container import containers
from laneway.local.container.containers import Command
from laneway.local.container.references import CannotStartError, Find, finder
from laneway.local.pod import asking, pods
from laneway.local.pod.probes import Answer, Place, Program, Question, deed, question
from laneway.local.process.processes import Process, clean_environment
from laneway.spec.fields import read_fields
from laneway.spec.kubernetes import Container as Template
from laneway.spec.kubernetes import LifecycleHandler, Probe
from laneway.spec.kubernetes.volume import Volume
from laneway.spec.meta import Key

_HOOK_LIMIT = timedelta(hours=1)
"""The pod's grace is the limit."""


@dataclass(frozen=True, slots=True)
class Placed:
    """A pod's object, and the address it has got."""

    body: Object
    address: str

    @property
    def key(self) -> Key:
        """Its namespace and name."""
        return Key(self.body["metadata"]["namespace"], self.body["metadata"]["name"])

    @property
    def uid(self) -> str:
        """Names it for good."""
        uid: str = self.body["metadata"]["uid"]
        return uid

    @property
    def grace(self) -> timedelta:
        """The one that its template gives."""
        return timedelta(seconds=self.body["spec"].get("terminationGracePeriodSeconds", 30))

    def again(self, code: int) -> bool:
        """Whether a container that ended with this code is started again."""
        policy = self.body["spec"].get("restartPolicy", "Always")
        return policy == "Always" or (policy == "OnFailure" and code != 0)


class Programs:
    """The programs of one pod's own containers."""

    def __init__(self, pod: Placed, around: Surroundings) -> None:
        self._pod = pod
        self._around = around

    def given(self, body: Object, *, once: bool = False) -> Given:
        """A container by its part of the template. once: it is one of the first, and ends by itself."""
        made = _Made(self._pod, self._around, body)
        if made.flaw:
            return Given(body["name"], body.get("image", ""), made.launch)
        template = made.template
        start = template.lifecycle.post_start
        end = template.lifecycle.pre_stop
        return Given(
            name=body["name"],
            image=body.get("image", ""),
            launch=made.launch,
            again=(lambda code: code != 0) if once else self._pod.again,
            readiness=made.check(template.readiness_probe),
            liveness=made.check(template.liveness_probe),
            startup=made.check(template.startup_probe),
            after_start=None if start is None else partial(made.do, start, _HOOK_LIMIT),
            before_end=None if end is None else partial(made.do, end),
        )


class _Made:
    """One container: its template as the product reads it, and its programs."""

    def __init__(self, pod: Placed, around: Surroundings, body: Object) -> None:
        found, flaws = read_fields(Template, body)
        self.flaw = "" if found else "; ".join(flaw.text for flaw in flaws)
        self.template = found or Template(name=body["name"])
        self._pod = pod
        self._around = around
        self._log = around.logs / f"{pod.key.namespace}_{pod.key.name}_{body['name']}.log"

    def check(self, probe: Probe | None) -> Check | None:
        if probe is None:
            return None
        asked = question(probe, self._place)
        return Check(probe, partial(self._put, asked))

    async def do(self, hook: LifecycleHandler, limit: timedelta) -> Answer:
        done = deed(hook, self._place, limit)
        if isinstance(done, timedelta):
            return await asking.pause(done)
        return await self._put(done)

    async def launch(self) -> Process:
        """Raises OSError or CannotStartError."""
        command = self._command()
        return await self._start(command.argv, command, self._log)

    async def _put(self, asked: Question | Answer) -> Answer:
        match asked:
            case Answer():
                return asked
            case Program():
                try:
                    command = self._command()
                except CannotStartError as error:
                    return Answer(False, str(error))
                return await asking.run(asked, lambda output: self._start(asked.argv, command, output))
            case _:
                return await asking.ask(asked, partial(self._around.network.open_socket, self._pod.uid))

    @property
    def _place(self) -> Place:
        ports = [port.container_port for port in self.template.ports]
        names = {port.name: port.container_port for port in self.template.ports if port.name}
        return Place(self._pod.address, {port: port for port in ports}, names)

    def _command(self) -> Command:
        """Raises CannotStartError."""
        if self.flaw:
            raise CannotStartError(self.flaw)
        template = self.template
        argv, folder = list(template.command), Path("/")
        if template.image and (found := self._around.images.command(template.image)):
            mapped, folder = found
            argv = argv or mapped
        if not argv:
            raise CannotStartError(f"no command stands for image {template.image}")
        cwd = folder / template.working_dir if template.working_dir else folder
        env = clean_environment() | account.server(self._around.api.server)
        command = Command([*argv, *template.args], env, cwd)
        return containers.application(_read(self._pod, template, self._around.node), command, self._find)

    @property
    def _find(self) -> Find:
        return finder(self._around.find, self._pod.key.namespace)

    async def _start(self, argv: Any, command: Command, output: Path) -> Process:
        around, pod = self._around, self._pod
        read = _read(pod, self.template, around.node)
        mounts = [
            (str(each.source), each.target, each.read_only)
            for each in around.volumes.mounts(read, self._find)
        ]
        mounts += await self._account()
        start = Start(
            argv=argv,
            env=command.env,
            cwd=command.cwd or Path("/"),
            output=output,
            hidden=[around.run],
            root=str(around.volumes.root(pod.key)),
            mounts=mounts,
        )
        return await around.network.start(pod.uid, pod.key.namespace, pod.key.name, pod.address, start)

    async def _account(self) -> list[tuple[str, str, bool]]:
        """Raises CannotStartError."""
        around, pod = self._around, self._pod
        if not account.wanted(pod.body):
            return []
        around.volumes.root(pod.key).mkdir(mode=0o700, parents=True, exist_ok=True)
        folder = around.run / "accounts" / pod.uid
        try:
            if not account.written(folder):
                await account.write(pod.body, folder, around.api, around.authority)
        except ApiError as error:
            raise CannotStartError(f"the pod has no token of its account: {error}") from None
        return [(str(folder), account.TARGET, True)]


def _read(pod: Placed, template: Template, node: str) -> pods.Pod:
    """The pod as the product's own code for containers takes it."""
    meta, spec = pod.body["metadata"], pod.body["spec"]
    used = {mount.name for mount in template.volume_mounts}
    return pods.Pod(
        key=pod.key,
        deployment="",
        template="",
        labels=meta.get("labels", {}),
        annotations=meta.get("annotations", {}),
        container=template,
        grace=pod.grace,
        pod_ip=pod.address,
        app_address=pod.address,
        ports={port.container_port: port.container_port for port in template.ports},
        port_names={},
        created=datetime.now(UTC),
        own_network=True,
        uid=pod.uid,
        volumes=[_volume(each) for each in spec.get("volumes", []) if each["name"] in used],
    )


def _volume(body: Mapping[str, Any]) -> Volume:
    """Raises CannotStartError for a kind that no node here has."""
    found, flaws = read_fields(Volume, dict(body))
    if found is None:
        raise CannotStartError("; ".join(flaw.text for flaw in flaws))
    return found
