"""Container engines: the command lines by which docker or podman runs a pod's image. Pure, but for
`missing` and `environment`.

Must not know when a pod runs.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from laneway.local.container.containers import Command
from laneway.local.container.volumes import Mount
from laneway.local.pod.pods import Pod
from laneway.spec.meta import Key


class Runtime(StrEnum):
    """What runs an application: a process of this machine, or its image in a container engine."""

    PROCESS = "process"
    DOCKER = "docker"
    PODMAN = "podman"


STATE_LABEL = "laneway.dev/state"
"""Names the state that a container belongs to."""


_PASSED_ON = ("DOCKER_HOST", "DOCKER_CONTEXT", "DOCKER_CONFIG", "CONTAINER_HOST", "XDG_RUNTIME_DIR")


def environment() -> dict[str, str]:
    """The variables by which an engine's program finds its engine; no container gets them."""
    return {name: os.environ[name] for name in _PASSED_ON if name in os.environ}


def missing(runtime: Runtime) -> str:
    """Why a runtime cannot be used on this machine; empty where it can be found."""
    if runtime is Runtime.PROCESS or shutil.which(runtime):
        return ""
    return f"{runtime} is not installed: there is no program of that name on the PATH"


@dataclass(frozen=True, slots=True)
class Engine:
    """A container engine, for the containers of one state."""

    program: str
    state: str

    def name(self, pod: Key) -> str:
        """The name of a pod's container; no `_` is in a name, so no two pods share one."""
        return f"laneway_{self.state}_{pod.namespace}_{pod.name}"

    def run(self, pod: Pod, command: Command, mounts: Sequence[Mount]) -> Sequence[str]:
        """Runs the pod's image until it ends, in this machine's network, its output on standard output.

        Variables are named alone: their values come from the engine's own environment, and so stand in no
        list of processes.
        """
        container = pod.container
        words = [
            self.program, "run", "--rm", "--name", self.name(pod.key),
            "--label", f"{STATE_LABEL}={self.state}", "--label", f"laneway.dev/pod={pod.key}",
            "--network", "host", "--stop-timeout", str(int(pod.grace.total_seconds())),
        ]  # fmt: skip
        for variable in sorted(command.env):
            words += ["--env", variable]
        for mount in mounts:
            words += ["--volume", f"{mount.source}:{mount.target}{':ro' if mount.read_only else ''}"]
        if container.working_dir:
            words += ["--workdir", container.working_dir]
        limits = container.resources.limits
        if "memory" in limits:
            words += ["--memory", str(int(limits["memory"]))]
        if "cpu" in limits:
            words += ["--cpus", f"{limits['cpu'].normalize():f}"]
        entry, rest = list(command.argv[: len(container.command)]), command.argv[len(container.command) :]
        if entry:
            words += ["--entrypoint", entry[0]]
        return [*words, container.image or "", *entry[1:], *rest]

    def beside(self, pod: Key, *, interactive: bool = False, terminal: bool = False) -> Sequence[str]:
        """What stands before a program that is to run in the pod's container.

        interactive: with our standard input; terminal: which is one.
        """
        flags = [*(["--interactive"] if interactive else []), *(["--tty"] if terminal else [])]
        return [self.program, "exec", *flags, self.name(pod)]

    def remove(self, pod: Key) -> Sequence[str]:
        """Ends and removes the pod's container at once; nothing happens where there is none."""
        return [self.program, "rm", "--force", self.name(pod)]

    def all(self) -> Sequence[str]:
        """Prints the ids of the state's containers, one a line."""
        label = f"label={STATE_LABEL}={self.state}"
        return [self.program, "ps", "--all", "--quiet", "--filter", label]

    def remove_all(self, ids: Sequence[str]) -> Sequence[str]:
        """Ends and removes these containers at once."""
        return [self.program, "rm", "--force", *ids]


def engine(runtime: Runtime, state: str) -> Engine | None:
    """The engine of a runtime; None for processes."""
    return None if runtime is Runtime.PROCESS else Engine(runtime.value, state)
