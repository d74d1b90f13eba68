"""The bootstrap: Envoy itself says whether it is right."""

from __future__ import annotations

import json
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from laneway.mesh.bootstrap import OWN_PRIORITY, bootstrap
from laneway.mesh.envoy import envoy_argv
from laneway.mesh.world import GatewayProxy, Pipe, Proxy, Sidecar

SIDECAR = Sidecar("shop/page-1", "shop", {"app": "page"}, ("127.1.0.9", 15001), ())
INSIDE = replace(SIDECAR, transparent=True, passthrough=Pipe("/run/out.sock"), transit=("127.0.0.1", 15002))
GATEWAY = GatewayProxy(
    "istio-system/ingress", "istio-system", {"istio": "ingressgateway"}, {80: ("127.0.0.1", 8000)}
)


@pytest.mark.mesh
@pytest.mark.parametrize("proxy", [SIDECAR, INSIDE, GATEWAY])
def test_envoy_takes_it_without_a_warning(proxy: Proxy, tmp_path: Path) -> None:
    """Every field is known to it, and none is deprecated."""
    file = tmp_path / "bootstrap.json"
    file.write_text(json.dumps(bootstrap(proxy, Path("/tmp/x.sock"), Path("/tmp/a.sock"))))
    checked = subprocess.run(
        [*envoy_argv(file), "--mode", "validate"], capture_output=True, text=True, check=False
    )
    assert checked.returncode == 0, checked.stderr
    assert "warning" not in checked.stderr


@pytest.mark.parametrize(
    ("proxy", "node"),
    [
        (SIDECAR, "sidecar~127.1.0.9~page-1.shop~shop.svc.cluster.local"),
        (GATEWAY, "router~127.0.0.1~ingress.istio-system~istio-system.svc.cluster.local"),
    ],
)
def test_the_node_says_who_it_is_as_istio_does(proxy: Proxy, node: str) -> None:
    """The id has Istio's form; the metadata has the name that the control plane knows."""
    found = bootstrap(proxy, Path("/x"), Path("/a"))["node"]
    assert (found["id"], found["metadata"]["PROXY_ID"]) == (node, proxy.id)


def test_a_socket_whose_path_is_too_long_is_refused() -> None:
    """Envoy would not start with it."""
    with pytest.raises(ValueError, match="at most"):
        bootstrap(SIDECAR, Path("/x"), Path("/" + "a" * 120))


def test_only_a_sidecar_without_a_way_out_marks_the_connections_that_it_opens(tmp_path: Path) -> None:
    """So that its network leads them out, and those of its application to it."""
    socket = tmp_path / "s"
    for other in (SIDECAR, GATEWAY):
        assert "upstream_bind_config" not in bootstrap(other, socket, socket)["cluster_manager"]
    (option,) = bootstrap(INSIDE, socket, socket)["cluster_manager"]["upstream_bind_config"]["socket_options"]
    assert option["int_value"] == OWN_PRIORITY
