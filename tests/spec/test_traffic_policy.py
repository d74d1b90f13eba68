"""What a traffic policy cannot say is refused, with its place, the reason and a remedy."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from laneway.spec.check import check
from laneway.spec.fields import read_fields
from laneway.spec.istio import DestinationRule, TrafficPolicy
from laneway.spec.istio.policy_faults import policy_faults
from laneway.spec.load import Source, load

HEADER = "httpHeaderName: x"
HASHES = "give one of `httpHeaderName`, `httpCookie`, `useSourceIp` and `httpQueryParameterName`"
SHORT = "write at least 1ms, or remove it"


def faults(text: str) -> list[tuple[str, str, str]]:
    """Path, text and remedy of each fault."""
    policy = TrafficPolicy.model_validate(yaml.safe_load(text))
    return [(".".join(map(str, fault.path)), fault.text, fault.remedy) for fault in policy_faults(policy)]


@pytest.mark.parametrize(
    ("policy", "path", "text", "remedy"),
    [
        (
            "{loadBalancer: {simple: PASSTHROUGH}}",
            "loadBalancer.simple",
            "PASSTHROUGH is not implemented: a proxy sends to endpoints that it knows",
            "choose another balancer, or remove it",
        ),
        (
            f"{{loadBalancer: {{simple: RANDOM, consistentHash: {{{HEADER}}}}}}}",
            "loadBalancer.consistentHash",
            "`simple` beside `consistentHash`",
            "keep one of them",
        ),
        (
            "{loadBalancer: {consistentHash: {ringHash: {minimumRingSize: 9}}}}",
            "loadBalancer.consistentHash",
            "what is hashed is not exactly one thing",
            HASHES,
        ),
        (
            f"{{loadBalancer: {{consistentHash: {{{HEADER}, useSourceIp: true}}}}}}",
            "loadBalancer.consistentHash",
            "what is hashed is not exactly one thing",
            HASHES,
        ),
        (
            f"{{loadBalancer: {{consistentHash: {{{HEADER}, minimumRingSize: 9, ringHash: {{}}}}}}}}",
            "loadBalancer.consistentHash",
            "several of `ringHash`, `maglev` and `minimumRingSize`",
            "keep one of them; `ringHash` has a `minimumRingSize`",
        ),
        (
            f"{{loadBalancer: {{consistentHash: {{{HEADER}, maglev: {{tableSize: 100}}}}}}}}",
            "loadBalancer.consistentHash.maglev.tableSize",
            "tableSize 100 is not a prime",
            "write a prime below 5000011, like 65537",
        ),
        (
            "{loadBalancer: {simple: RANDOM, warmup: {duration: 1s}}}",
            "loadBalancer.warmup",
            "endpoints are warmed up by LEAST_REQUEST and ROUND_ROBIN only",
            "remove it, or choose one of these",
        ),
        (
            "{loadBalancer: {warmup: {duration: 1s}, warmupDurationSecs: 1s}}",
            "loadBalancer.warmupDurationSecs",
            "`warmup` beside `warmupDurationSecs`",
            "keep `warmup`",
        ),
        (
            "{loadBalancer: {warmupDurationSecs: 0s}}",
            "loadBalancer.warmupDurationSecs",
            "warmupDurationSecs is less than Istio allows",
            SHORT,
        ),
        (
            "{connectionPool: {}}",
            "connectionPool",
            "neither `tcp` nor `http`",
            "give one of them, or remove it",
        ),
        (
            "{connectionPool: {http: {useClientProtocol: true, h2UpgradePolicy: UPGRADE}}}",
            "connectionPool.http.useClientProtocol",
            "the client's protocol is kept, or upgraded, not both",
            "remove it, or `h2UpgradePolicy`",
        ),
        (
            "{connectionPool: {tcp: {tcpKeepalive: {time: 0s}}}}",
            "connectionPool.tcp.tcpKeepalive.time",
            "time is less than Istio allows",
            SHORT,
        ),
        (
            "{connectionPool: {http: {idleTimeout: 0s}}}",
            "connectionPool.http.idleTimeout",
            "idleTimeout is less than Istio allows",
            SHORT,
        ),
        (
            "{outlierDetection: {consecutiveLocalOriginFailures: 3}}",
            "outlierDetection.consecutiveLocalOriginFailures",
            "consecutiveLocalOriginFailures without `splitExternalLocalOriginErrors: true`",
            "add it: else such failures count as 5xx errors",
        ),
        (
            "{tls: {mode: ISTIO_MUTUAL}}",
            "tls.mode",
            "ISTIO_MUTUAL is not implemented: sidecars have no certificates yet",
            "remove `tls`, or write DISABLE",
        ),
        (
            "{tls: {mode: MUTUAL, clientCertificate: /c.pem}}",
            "tls.privateKey",
            "MUTUAL without privateKey",
            "name the file",
        ),
        (
            "{tls: {mode: SIMPLE, privateKey: /k.pem}}",
            "tls.privateKey",
            "SIMPLE with privateKey",
            "write MUTUAL, or remove it",
        ),
        (
            "{tls: {mode: SIMPLE, caCertificates: ca.pem}}",
            "tls.caCertificates",
            "ca.pem is not a path from the root",
            "write it from / on",
        ),
        (
            "{tls: {mode: SIMPLE, insecureSkipVerify: true, subjectAltNames: [a]}}",
            "tls.insecureSkipVerify",
            "insecureSkipVerify beside what is verified",
            "remove it, or `caCertificates` and `subjectAltNames`",
        ),
        (
            "{portLevelSettings: [{port: {number: 80}}, {port: {number: 80}}]}",
            "portLevelSettings.1.port.number",
            "port 80 has settings twice",
            "join the two",
        ),
        (
            "{portLevelSettings: [{port: {number: 80}, tls: {mode: ISTIO_MUTUAL}}]}",
            "portLevelSettings.0.tls.mode",
            "ISTIO_MUTUAL is not implemented: sidecars have no certificates yet",
            "remove `tls`, or write DISABLE",
        ),
    ],
)
def test_what_cannot_hold_is_told(policy: str, path: str, text: str, remedy: str) -> None:
    """By its place in the policy."""
    assert faults(policy) == [(path, text, remedy)]


def test_what_can_hold_is_taken() -> None:
    """Zeros that mean something included."""
    assert not faults("{connectionPool: {tcp: {idleTimeout: 0s}}, tls: {mode: DISABLE}, retryBudget: {}}")
    assert not faults("{loadBalancer: {consistentHash: {httpCookie: {name: a, ttl: 0s}}}}")
    assert not faults("{outlierDetection: {}, loadBalancer: {simple: ROUND_ROBIN, warmupDurationSecs: 30s}}")


@pytest.mark.parametrize(
    "field",
    [
        "spec.workloadSelector",
        "spec.trafficPolicy.tunnel",
        "spec.trafficPolicy.proxyProtocol",
        "spec.trafficPolicy.loadBalancer.localityLbSetting",
        "spec.trafficPolicy.outlierDetection.consecutiveErrors",
        "spec.trafficPolicy.tls.credentialName",
        "spec.trafficPolicy.tls.caCrl",
        "spec.subsets.trafficPolicy.tunnel",
    ],
)
def test_fields_that_are_not_implemented_are_refused_by_name(field: str) -> None:
    """None is ignored."""
    value: dict[str, Any] = {"a": 1}
    for name in reversed(field.split(".")):
        value = {name: [value | {"name": "s"}]} if name == "subsets" else {name: value}
    rule = {
        "apiVersion": "networking.istio.io/v1",
        "kind": "DestinationRule",
        "metadata": {"name": "a"},
        "spec": value["spec"] | {"host": "a"},
    }
    _, flaws = read_fields(DestinationRule, rule)
    written = field.replace("subsets", "subsets[0]")
    refused = f"{written} is not supported by Laneway, and refused rather than ignored"
    assert [(flaw.code.id, flaw.text) for flaw in flaws] == [("LW202", refused)]


def test_a_rule_for_some_callers_is_refused() -> None:
    """Every caller of a host has the same policy."""
    text = """
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: a}
spec: {host: a.example, exportTo: ["."]}
"""
    (problem,) = load([Source("a.yaml", text)]).problems
    assert (problem.line, problem.remedy) == (5, "remove it: an object holds in every namespace here")


def test_places_are_those_of_the_file() -> None:
    """Of a subset and of an App alike."""
    text = """
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: a}
spec:
  host: a.example
  subsets:
  - name: s
    trafficPolicy:
      tls: {mode: ISTIO_MUTUAL}
---
apiVersion: laneway.dev/v1alpha1
kind: App
metadata: {name: page}
spec:
  workload: {deployment: page}
  service: {ports: [{port: 80}]}
  routing:
    trafficPolicy:
      connectionPool: {}
"""
    found = [
        (each.line, each.column) for each in check(load([Source("a.yaml", text)])) if each.code.id == "LW410"
    ]
    assert found == [(10, 13), (20, 7)]
