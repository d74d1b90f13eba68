"""What a Sidecar may say."""

from __future__ import annotations

import pytest

from laneway.spec.load import Source, load

HEAD = "apiVersion: networking.istio.io/v1\nkind: Sidecar\nmetadata: {name: a}\nspec: "


def problems(spec: str) -> list[str]:
    """What is wrong with a Sidecar, after its place."""
    return [f"{found.text}; {found.remedy}" for found in load([Source("a.yaml", HEAD + spec)]).problems]


def test_hosts_policies_and_selectors_are_read() -> None:
    """As Istio writes them; without a mode nothing unknown may be called."""
    selector = "workloadSelector: {labels: {app: page}}"
    egress = "egress: [{hosts: [./*, '*/*.example', ~/*]}]"
    text = f"{HEAD}{{{selector}, {egress}, outboundTrafficPolicy: {{}}}}"
    loaded = load([Source("a", text)])
    (sidecar,) = loaded.spec.sidecars.values()
    assert not loaded.problems
    assert sidecar.spec.outbound_traffic_policy is not None
    assert sidecar.spec.outbound_traffic_policy.mode == "REGISTRY_ONLY"


@pytest.mark.parametrize(
    ("spec", "field", "remedy"),
    [
        ("{egress: [{hosts: [./*], port: {number: 80}}]}", "egress[0].port", "hosts are told of with all"),
        ("{egress: [{hosts: [./*], bind: 127.0.0.1}]}", "egress[0].bind", "at its own outbound listener"),
        ("{egress: [{hosts: [./*], captureMode: NONE}]}", "egress[0].captureMode", "laneway up --isolation"),
        ("{ingress: [{port: {number: 80}}]}", "ingress", "the container ports of their pods"),
        (
            "{inboundConnectionPool: {tcp: {maxConnections: 1}}}",
            "inboundConnectionPool",
            "`connectionPool` in a DestinationRule",
        ),
        (
            "{outboundTrafficPolicy: {egressProxy: {host: a}}}",
            "outboundTrafficPolicy.egressProxy",
            "remove it",
        ),
    ],
)
def test_what_is_not_implemented_is_refused_with_what_to_do(spec: str, field: str, remedy: str) -> None:
    """By name."""
    (told,) = problems(spec)
    assert f"spec.{field}" in told
    assert remedy in told


@pytest.mark.parametrize("host", ["web", "shop/", "./a*b", "shop/*a", "A/*"])
def test_hosts_have_a_namespace(host: str) -> None:
    """And are names or wildcards."""
    (told,) = problems(f"{{egress: [{{hosts: ['{host}']}}]}}")
    assert "egress[0].hosts[0]" in told
    assert "write namespace/host, like ./*" in told
