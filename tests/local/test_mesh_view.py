"""How peers reach a pod, and what its sidecar does: in the shared network, and in one of the pod's own."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.local.samples import changed, pod

from laneway.local.pod.pods import Pod, Stage
from laneway.local.proxy.mesh_view import file_name, mesh_pod, sidecar
from laneway.mesh.sockets import BYTES_MAX
from laneway.mesh.world import Pipe

RUN = Path("/run/state")
OUT = Pipe("/run/state/out.sock")
SOCKET = f"/run/state/{file_name('shop/web-abcde')}.8080.sock"


def serving() -> Pod:
    return changed(pod(), stage=Stage.READY, ever_ready=True)


def apart() -> Pod:
    return changed(serving(), pod_ip="10.244.1.0", app_address="10.244.1.0", own_network=True)


def test_a_pod_is_dialled_at_its_sidecar_or_at_its_application() -> None:
    """Whichever stands in front."""
    behind = mesh_pod(serving(), RUN)
    assert (behind.address, behind.ready, behind.pipes) == ("127.64.1.0", True, {})
    without = {"sidecar.istio.io/inject": "false"}
    bare = mesh_pod(changed(serving(), annotations=without, stage=Stage.DRAINING), RUN)
    assert (bare.address, bare.ready) == ("127.64.33.0", False)


def test_a_sidecar_stands_between_the_pods_address_and_the_applications() -> None:
    """For each of its ports, at the port of this machine; calls of the application go to 15001."""
    found = sidecar(changed(serving(), ports={80: 10080}), RUN, OUT)
    (inbound,) = found.inbound
    assert (inbound.container_port, inbound.listen, inbound.app) == (
        80,
        ("127.64.1.0", 10080),
        ("127.64.33.0", 10080),
    )
    assert (found.outbound, found.transparent) == (("127.64.1.0", 15001), False)
    assert found.passthrough is None


def test_in_its_own_network_a_pod_is_dialled_at_sockets_that_cross_networks() -> None:
    """Its address means nothing outside, and names it all the same."""
    found = mesh_pod(apart(), RUN)
    assert found.pipes == {8080: Pipe(SOCKET)}
    assert found.address == "10.244.1.0"


def test_in_its_own_network_a_sidecar_takes_every_connection_of_its_pod() -> None:
    """The application listens at the pod's own address, as in Kubernetes."""
    found = sidecar(apart(), RUN, OUT)
    (inbound,) = found.inbound
    assert (inbound.listen, inbound.app) == (Pipe(SOCKET), ("10.244.1.0", 8080))
    assert (found.outbound, found.transparent) == (("127.0.0.1", 15001), True)
    assert found.passthrough == OUT


def test_a_socket_that_would_be_too_long_is_refused() -> None:
    """The kernel would cut its name."""
    with pytest.raises(ValueError, match="at most 100 bytes"):
        mesh_pod(apart(), Path("/" + "r" * BYTES_MAX))
