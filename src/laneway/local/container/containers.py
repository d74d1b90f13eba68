"""What a container's process is given: its variables, and its command with `$(NAME)` filled in. Pure.

Must not know how processes are started, nor what an image stands for.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from laneway.local.container.references import CannotStartError, Find, imported, value_of
from laneway.local.network.addresses import MESH_PORTS
from laneway.local.pod.pods import Pod
from laneway.spec.kubernetes import EnvVar

OUTBOUND_PORT = 15001
"""Where a sidecar accepts its own application's calls, at the pod's IP."""

_REFERENCE = re.compile(r"\$(?:\$|\(([^)]*)\))")
_UNPROXIED = "localhost,127.0.0.1,::1"


@dataclass(frozen=True, slots=True)
class Command:
    """What to run. env: besides what every process gets; cwd: None is the state's directory.

    contained: whether a container engine runs it, so that no word of it need be known.
    """

    argv: Sequence[str]
    env: Mapping[str, str] = field(default_factory=dict)
    cwd: Path | None = None
    contained: bool = False


def application(pod: Pod, given: Command, find: Find, links: Mapping[str, str] | None = None) -> Command:
    """The given command of a pod's container with all its variables.

    In the shared network, where to listen and whom to call through is not the template's to say:
    `HOST=0.0.0.0` would take the port of every other replica. find: the ConfigMaps and Secrets of its
    namespace; links: variables of Services. Raises CannotStartError where the pod cannot have one of its
    ports, or a value it needs.
    """
    _check(pod, given)
    place = _place(pod)
    env = {**(links or {}), **_defaults(pod), **given.env}
    for group in pod.container.env_from:
        env |= imported(group, find)
    env |= place
    for variable in pod.container.env:
        if variable.name not in place:
            value = _value(variable, pod, find, env)
            if value is not None:
                env[variable.name] = value
    argv = [expand(argument, env) for argument in given.argv]
    _refuse_zeros(argv, env)
    return Command(argv, env, given.cwd, given.contained)


def _value(variable: EnvVar, pod: Pod, find: Find, before: Mapping[str, str]) -> str | None:
    if variable.value_from is None:
        return expand(variable.value, before)
    return value_of(variable.value_from, pod, find)


def _refuse_zeros(argv: Sequence[str], env: Mapping[str, str]) -> None:
    names = [name for name, value in env.items() if "\0" in value]
    if names or any("\0" in argument for argument in argv):
        what = f"variable {names[0]}" if names else "the command"
        raise CannotStartError(f"{what} contains a zero byte: mount the value as a file")


def expand(text: str, variables: Mapping[str, str]) -> str:
    """`$(NAME)` filled in, left as it is where NAME is unknown; `$$` is a dollar sign.

    Source: Kubernetes, third_party/forked/golang/expansion/expand.go.
    """

    def value(match: re.Match[str]) -> str:
        name = match[1]
        return "$" if name is None else variables.get(name, match[0])

    return _REFERENCE.sub(value, text)


def _check(pod: Pod, given: Command) -> None:
    if not given.argv and not given.contained:
        raise CannotStartError("the command is empty")
    for container_port, port in pod.ports.items():
        if port in MESH_PORTS:
            raise CannotStartError(
                f"containerPort {container_port} is port {port} on this machine, and {MESH_PORTS.start} to "
                f"{MESH_PORTS.stop - 1} are the mesh's: use another containerPort"
            )


def _defaults(pod: Pod) -> dict[str, str]:
    """What an application that is written for the shared network asks for; the template may say otherwise."""
    if not pod.own_network:
        return {}
    first = next(iter(pod.ports.values()), None)
    return {"HOST": "0.0.0.0"} | ({"PORT": str(first)} if first else {})


def _place(pod: Pod) -> dict[str, str]:
    place = {"POD_IP": pod.pod_ip, "POD_NAME": pod.key.name, "POD_NAMESPACE": pod.key.namespace}
    if pod.own_network:
        return place
    place["HOST"] = pod.app_address
    if pod.ports:
        place["PORT"] = str(next(iter(pod.ports.values())))
    if pod.sidecar:
        proxy = f"http://{pod.pod_ip}:{OUTBOUND_PORT}"
        direct = ",".join([_UNPROXIED, *filter(None, pod.links.values())])
        place |= {"HTTP_PROXY": proxy, "http_proxy": proxy, "NO_PROXY": direct, "no_proxy": direct}
    return place
