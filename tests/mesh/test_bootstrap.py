"""The bootstrap: Envoy itself says whether it is right."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from laneway.mesh.bootstrap import bootstrap
from laneway.mesh.envoy import envoy_argv
from laneway.mesh.world import GatewayProxy, Proxy, Sidecar

SIDECAR = Sidecar("shop/page-1", "shop", {"app": "page"}, ("127.1.0.9", 15001), ())
GATEWAY = GatewayProxy(
    "istio-system/ingress", "istio-system", {"istio": "ingressgateway"}, {80: ("127.0.0.1", 8000)}
)


@pytest.mark.mesh
@pytest.mark.parametrize("proxy", [SIDECAR, GATEWAY])
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
