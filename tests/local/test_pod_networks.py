"""Real helpers: what they start ends with its status, and another one knows the networks that there are."""

from __future__ import annotations

import os
import signal
from datetime import timedelta
from pathlib import Path

import pytest
from tests.local.eventually import eventually
from tests.local.samples import changed, pod

from laneway.local.netns.pod_network import RESOLVER_PORT
from laneway.local.network.networks import Start
from laneway.local.network.pod_networks import HELPER, PodNetworks
from laneway.local.pod.pods import Pod
from laneway.local.process import procfs
from laneway.local.process.markers import Marker, Part, find, parts
from laneway.local.process.processes import Process, kill_all
from laneway.local.state import State

NOW = timedelta(0)
APART = changed(pod(), pod_ip="10.244.1.0", app_address="10.244.1.0", own_network=True)
BARE = changed(pod("bare"), annotations={"sidecar.istio.io/inject": "false"})


def start(state: State, of: Pod, *argv: str) -> Start:
    """A program of a pod, marked as its application."""
    env = {"PATH": os.environ["PATH"]} | Marker(state.id, 64, of.key, Part.APP).environment()
    return Start(Part.APP, argv, env, Path("/"), state.logs / "app.log", state.path / "root")


def running_helper(state: State) -> int | None:
    found = parts(find(state.id)).get((HELPER, Part.HELPER))
    return found.pid if found else None


async def sleeping(networks: PodNetworks, state: State, of: Pod) -> Process:
    return await networks.start(of, start(state, of, "sleep", "600"))


async def test_a_program_has_its_pods_network_and_its_exit_status(state: State) -> None:
    """Although it is the helper's child."""
    async with PodNetworks(state, 64) as networks:
        process = await networks.start(APART, start(state, APART, "sh", "-c", "exit 7"))
        assert await process.wait() == 7
        with pytest.raises(FileNotFoundError) as missing:
            await networks.start(APART, start(state, APART, "/no/such/program"))
        assert missing.value.filename == "/no/such/program"
        one, other = await sleeping(networks, state, APART), await sleeping(networks, state, BARE)
        here = procfs.network(os.getpid())
        assert procfs.network(one.identity.pid) != here == procfs.network(other.identity.pid)
        networks.leave()
        await kill_all(state.id, NOW)


async def test_another_helper_finds_a_pods_network_and_leaves_pods_without_one_alone(state: State) -> None:
    """Whatever killed the first."""
    async with PodNetworks(state, 64) as networks:
        first, bare = await sleeping(networks, state, APART), await sleeping(networks, state, BARE)
        helper = running_helper(state)
        assert helper is not None
        os.kill(helper, signal.SIGKILL)
        await eventually(lambda: running_helper(state) not in (None, helper))
        second = await sleeping(networks, state, APART)
        assert procfs.network(first.identity.pid) == procfs.network(second.identity.pid)
        assert bare.running
        assert ("127.0.0.1", RESOLVER_PORT) not in procfs.listening()
        networks.leave()
        await kill_all(state.id, NOW)
