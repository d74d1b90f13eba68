"""Certificates of gateways are in Secrets that are there."""

from __future__ import annotations

import pytest

from laneway.spec.check import check
from laneway.spec.load import Source, load

GATEWAY = """
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: public, namespace: shop}
spec:
  selector: {istio: ingressgateway}
  servers:
  - port: {number: 443, name: https, protocol: HTTPS}
    hosts: ["*"]
    tls: {mode: MODE, credentialName: shop-cert}
---
"""

NAME = "Secret istio-system/shop-cert"


def secret(*keys: str, name: str = "shop-cert", namespace: str = "istio-system") -> str:
    """A Secret with these keys."""
    values = ", ".join(f"{key}: a" for key in keys)
    head = f"apiVersion: v1\nkind: Secret\nmetadata: {{name: {name}, namespace: {namespace}}}\n"
    return f"{head}stringData: {{{values}}}\n---\n"


def told(mode: str, *secrets: str) -> list[str]:
    """What is wrong with a gateway and these Secrets."""
    text = GATEWAY.replace("MODE", mode) + "".join(secrets)
    return [
        f"{found.place.line}: {found.code.id}: {found.text}; {found.remedy}"
        for found in check(load([Source("a", text)]))
    ]


@pytest.mark.parametrize(
    ("mode", "secrets", "problem"),
    [
        (
            "SIMPLE",
            [],
            f"10: LW316: there is no {NAME}; add it, in namespace istio-system",
        ),
        (
            "SIMPLE",
            [secret("tls.crt", "tls.key", namespace="shop")],
            f"10: LW316: there is no {NAME}; add it, in namespace istio-system",
        ),
        (
            "SIMPLE",
            [secret("tls.crt")],
            f"10: LW317: {NAME} has no key tls.key; add the key, in namespace istio-system",
        ),
        (
            "MUTUAL",
            [secret("tls.crt", "tls.key")],
            f"10: LW317: {NAME} has no key ca.crt; add the key, in namespace istio-system",
        ),
    ],
)
def test_what_is_missing_is_named(mode: str, secrets: list[str], problem: str) -> None:
    """With the place where it is asked for."""
    assert told(mode, *secrets) == [problem]


@pytest.mark.parametrize(
    ("mode", "secrets"),
    [
        ("SIMPLE", [secret("tls.crt", "tls.key")]),
        ("SIMPLE", [secret("cert", "key")]),
        ("OPTIONAL_MUTUAL", [secret("tls.crt", "tls.key", "ca.crt")]),
        ("MUTUAL", [secret("tls.crt", "tls.key"), secret("cacert", name="shop-cert-cacert")]),
    ],
)
def test_secrets_of_both_forms_are_found(mode: str, secrets: list[str]) -> None:
    """Of type kubernetes.io/tls, and Istio's generic one."""
    assert told(mode, *secrets) == []
