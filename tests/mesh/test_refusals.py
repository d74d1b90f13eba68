"""What is not implemented is refused by field."""

from __future__ import annotations

import json
from typing import Any

import pytest
import yaml
from tests.mesh.mesh_objects import SHOP, parse, rules

from laneway.mesh.refusals import refusals_of

TO = [{"destination": {"host": "a"}}]
NEITHER_BACK_NOR_AHEAD = "RE2 has no look-around, back-references or possessive quantifiers"


def fields(text: str) -> list[str]:
    """The refused fields of one object, without `spec.`."""
    (value,) = parse(text)
    return [refusal.field.removeprefix("spec.") for refusal in refusals_of(value)]


def rule_fields(**rule: Any) -> list[str]:
    """The refused fields of a rule, without `spec.http[0].`."""
    given = rule if {"route", "directResponse", "redirect"} & rule.keys() else {"route": TO} | rule
    return [refusal.field.removeprefix("spec.http[0].") for refusal in refusals_of(rules(given))]


def test_ordinary_objects_are_taken() -> None:
    """The example as it stands."""
    assert [refusals_of(value) for value in parse(SHOP)] == [()] * 4


@pytest.mark.parametrize(
    ("spec", "field"),
    [
        ("{ports: [{port: 80}]}", "selector"),
        ("{selector: {a: b}, ports: [{port: 80, name: udp-dns}]}", "ports[0].name"),
        ("{selector: {a: b}, ports: [{port: 80, name: hbone}]}", "ports[0].name"),
        ("{selector: {a: b}, ports: [{port: 80, name: a}, {port: 80, name: b}]}", "ports[1].port"),
    ],
)
def test_services_that_cannot_be_served(spec: str, field: str) -> None:
    """Without pods, or with a protocol that has no place here."""
    assert fields(f"kind: Service\nmetadata: {{name: a}}\nspec: {spec}") == [field]


@pytest.mark.parametrize(
    ("spec", "field"),
    [
        ("hosts: ['*.example']", "hosts[0]"),
        ("hosts: [courier]", "hosts[0]"),
        ("resolution: STATIC", "endpoints"),
        ("resolution: STATIC, endpoints: [{address: a.example}]", "endpoints[0].address"),
        ("endpoints: [{address: a.example, ports: {other: 1}}]", "endpoints[0].ports.other"),
        ("workloadSelector: {labels: {a: b}}", "workloadSelector"),
        (
            "resolution: STATIC, workloadSelector: {labels: {a: b}}, endpoints: [{address: 127.0.0.1}]",
            "workloadSelector",
        ),
        ("ports: [{number: 80, name: a}, {number: 81, name: a}]", "ports[1].name"),
        ("ports: [{number: 80, name: a, protocol: GRPC-Web}]", "ports[0].protocol"),
    ],
)
def test_entries_that_cannot_be_served(spec: str, field: str) -> None:
    """Named by host, port or endpoint."""
    body = {"hosts": ["a.example"], "ports": [{"number": 80, "name": "http"}]} | yaml.safe_load(f"{{{spec}}}")
    assert fields(f"kind: ServiceEntry\nmetadata: {{name: a}}\nspec: {json.dumps(body)}") == [field]


@pytest.mark.parametrize(
    ("spec", "field"),
    [
        ("{host: 'a.*'}", "host"),
        ("{host: '*.other.svc.cluster.local'}", "host"),
        ("{host: a.other.svc.cluster.local}", "host"),
        ("{host: a, subsets: [{name: s}, {name: s}]}", "subsets[1].name"),
    ],
)
def test_destination_rules_that_would_not_hold(spec: str, field: str) -> None:
    """Also those for callers of one namespace."""
    assert fields(f"kind: DestinationRule\nmetadata: {{name: a}}\nspec: {spec}") == [field]


@pytest.mark.parametrize(
    ("spec", "field"),
    [
        ("{servers: [{port: {number: 80, name: a}, hosts: ['*']}]}", "selector"),
        (
            "{selector: {a: b}, servers: [{port: {number: 80, name: a}, hosts: ['shop.*']}]}",
            "servers[0].hosts[0]",
        ),
        (
            "{selector: {a: b}, servers: [{port: {number: 80, name: a, targetPort: 1}, hosts: ['*']}]}",
            "servers[0].port.targetPort",
        ),
    ],
)
def test_gateways_that_cannot_be_served(spec: str, field: str) -> None:
    """Named by server."""
    assert fields(f"kind: Gateway\nmetadata: {{name: a}}\nspec: {spec}") == [field]


def test_wildcards_are_for_gateways_only() -> None:
    """A sidecar finds its table by the exact name."""
    for gateways, refused in (([], True), (["mesh", "g"], True), (["g"], False)):
        value = rules({"route": TO}, hosts=["*.example"], gateways=gateways)
        assert bool(refusals_of(value)) is refused


@pytest.mark.parametrize(
    ("rule", "field"),
    [
        ({"route": TO, "directResponse": {"status": 200}}, "route"),
        ({"route": []}, "route"),
        ({"route": TO * 2}, "route"),
        ({"route": [{"destination": {"host": "*.a"}}]}, "route[0].destination.host"),
        (
            {"directResponse": {"status": 200, "body": {"string": "x" * (1 << 20) + "x"}}},
            "directResponse.body",
        ),
        ({"timeout": "0s"}, "timeout"),
        ({"retries": {"attempts": 1, "perTryTimeout": "0s"}}, "retries.perTryTimeout"),
        ({"retries": {"attempts": 1, "retryOn": "5xx,always"}}, "retries.retryOn"),
        ({"retries": {"attempts": 1, "retryOn": "999"}}, "retries.retryOn"),
        ({"match": [{"uri": {}}]}, "match[0].uri"),
        ({"match": [{"uri": {"exact": "/", "prefix": "/"}}]}, "match[0].uri"),
        ({"match": [{"uri": {"prefix": ""}}]}, "match[0].uri"),
        ({"match": [{"method": {"regex": "("}}]}, "match[0].method.regex"),
        ({"match": [{"headers": {"x": {"regex": "(?!a)b"}}}]}, "match[0].headers.x.regex"),
        ({"match": [{"headers": {"x": {"regex": r"(a)\1"}}}]}, "match[0].headers.x.regex"),
        ({"match": [{"headers": {":path": {"exact": "/"}}}]}, "match[0].headers.:path"),
        ({"match": [{"headers": {"@request.auth.claims": {}}}]}, "match[0].headers.@request.auth.claims"),
        ({"headers": {"request": {"set": {":path": "/"}}}}, "headers.request.set"),
        ({"headers": {"response": {"set": {"host": "a"}}}}, "headers.response.set"),
        (
            {"headers": {"request": {"set": {"host": "a"}}}, "rewrite": {"authority": "b"}},
            "rewrite.authority",
        ),
        (
            {"headers": {"request": {"set": {"host": "a", ":authority": "b"}}}},
            "headers.request.set",
        ),
        (
            {"route": [TO[0] | {"headers": {"response": {"add": {":status": "200"}}}}]},
            "route[0].headers.response.add",
        ),
        (
            {"headers": {"request": {"set": {"host": "a"}, "add": {"Host": "b"}}}},
            "headers.request.set",
        ),
        ({"redirect": {"uri": "/b"}, "route": TO}, "route"),
        ({"redirect": {"uri": "/b"}, "directResponse": {"status": 200}}, "route"),
        ({"redirect": {"uri": "/b"}, "fault": {"abort": {"httpStatus": 500}}}, "fault"),
        ({"directResponse": {"status": 200}, "rewrite": {"uri": "/b"}}, "rewrite"),
        ({"redirect": {}}, "redirect"),
        ({"redirect": {"redirectCode": 302}}, "redirect"),
        ({"redirect": {"port": 1, "derivePort": "FROM_REQUEST_PORT"}}, "redirect.derivePort"),
        ({"directResponse": {"status": 200, "body": {}}}, "directResponse.body"),
        (
            {"directResponse": {"status": 200, "body": {"string": "a", "bytes": "YQ=="}}},
            "directResponse.body",
        ),
        ({"rewrite": {}}, "rewrite"),
        (
            {"rewrite": {"uri": "/", "uriRegexRewrite": {"match": "/a", "rewrite": "/b"}}},
            "rewrite.uriRegexRewrite",
        ),
        ({"rewrite": {"uriRegexRewrite": {"match": "(", "rewrite": "/b"}}}, "rewrite.uriRegexRewrite.match"),
        ({"rewrite": {"uriRegexRewrite": {"match": "", "rewrite": "/b"}}}, "rewrite.uriRegexRewrite.match"),
        ({"retries": {"attempts": 0, "retryOn": "5xx"}}, "retries.retryOn"),
        ({"retries": {"attempts": 1, "backoff": "0s"}}, "retries.backoff"),
        ({"fault": {}}, "fault"),
        ({"fault": {"delay": {"fixedDelay": "0s"}}}, "fault.delay.fixedDelay"),
        (
            {"fault": {"delay": {"fixedDelay": "1s", "percent": 1, "percentage": {"value": 1}}}},
            "fault.delay.percent",
        ),
        ({"fault": {"abort": {"percentage": {"value": 1}}}}, "fault.abort"),
        ({"fault": {"abort": {"grpcStatus": "GONE"}}}, "fault.abort.grpcStatus"),
        ({"mirror": {"host": "b"}, "mirrors": [{"destination": {"host": "b"}}]}, "mirrors"),
        ({"mirrors": [{"destination": {"host": "*.b"}}]}, "mirrors[0].destination.host"),
        ({"mirror": {"host": "*"}}, "mirror.host"),
        ({"mirrorPercentage": {"value": 1}}, "mirrorPercentage"),
        ({"mirror": {"host": "b"}, "mirrorPercentage": {"value": 1}, "mirrorPercent": 1}, "mirrorPercent"),
        ({"corsPolicy": {"allowOrigins": [{}]}}, "corsPolicy.allowOrigins[0]"),
        ({"corsPolicy": {"allowOrigins": [{"regex": "("}]}}, "corsPolicy.allowOrigins[0].regex"),
        ({"corsPolicy": {"allowOrigins": [{"exact": "*"}], "allowOrigin": ["*"]}}, "corsPolicy.allowOrigin"),
        ({"corsPolicy": {"allowMethods": ["get"]}}, "corsPolicy.allowMethods[0]"),
        ({"corsPolicy": {"maxAge": "1500ms"}}, "corsPolicy.maxAge"),
        ({"match": [{"scheme": {}}]}, "match[0].scheme"),
        ({"match": [{"withoutHeaders": {"x": {"regex": "("}}}]}, "match[0].withoutHeaders.x.regex"),
        ({"match": [{"withoutHeaders": {":path": {}}}]}, "match[0].withoutHeaders.:path"),
        ({"match": [{"queryParams": {"q": {"prefix": ""}}}]}, "match[0].queryParams.q"),
    ],
)
def test_rules_that_cannot_be_served(rule: dict[str, Any], field: str) -> None:
    """Named by rule, match block and part."""
    assert rule_fields(**rule) == [field]


def test_rules_that_can() -> None:
    """Words that look unusual but are Istio's."""
    assert not rule_fields(match=[{"headers": {"x": {}, "y": {"exact": ""}}}, {}])
    assert not rule_fields(retries={"attempts": 2, "retryOn": "5xx, retriable-4xx,503"})
    assert not rule_fields(headers={"request": {"set": {"Host": "a"}}})
    assert not rule_fields(match=[{"uri": {"regex": r"/(?i:a)\d+?"}}])
    assert not rule_fields(match=[{"withoutHeaders": {"x": {}}, "queryParams": {"q": {}}}])
    assert not rule_fields(redirect={"authority": "a.example"}, corsPolicy={"allowOrigins": [{"exact": "*"}]})


def test_everything_wrong_is_told_at_once() -> None:
    """With what to do about each."""
    value = rules({"timeout": "0s"}, {"route": TO, "match": [{"uri": {"regex": "a(?=b)"}}]})
    told = {refusal.field: refusal.text for refusal in refusals_of(value)}
    assert told == {
        "spec.http[0].route": "give exactly one of `route`, `redirect` and `directResponse`",
        "spec.http[0].timeout": "must be at least 1ms; leave it out for no limit",
        "spec.http[1].match[0].uri.regex": NEITHER_BACK_NOR_AHEAD,
    }


@pytest.mark.parametrize(
    ("protocol", "tls", "field", "text"),
    [
        ("TLS", None, "tls", "a server of TLS needs `tls`: a mode, and a certificate or PASSTHROUGH"),
        ("HTTP", "{mode: SIMPLE}", "tls.mode", "no TLS ends at a server of HTTP; write HTTPS or TLS"),
        (
            "TCP",
            "{httpsRedirect: true}",
            "tls.httpsRedirect",
            "only clients of HTTP can be sent on to HTTPS",
        ),
        (
            "HTTPS",
            "{mode: PASSTHROUGH, httpsRedirect: true}",
            "tls.httpsRedirect",
            "put it on the server of port 80: clients of this one speak TLS already",
        ),
        ("HTTPS", "{}", "tls.mode", "write SIMPLE, MUTUAL, OPTIONAL_MUTUAL or PASSTHROUGH"),
        (
            "HTTPS",
            "{mode: SIMPLE, serverCertificate: /a}",
            "tls.privateKey",
            "SIMPLE needs it, or a Secret by `credentialName`",
        ),
        (
            "HTTPS",
            "{mode: MUTUAL, serverCertificate: /a, privateKey: /b}",
            "tls.caCertificates",
            "MUTUAL needs it, or a Secret by `credentialName`",
        ),
        (
            "HTTPS",
            "{mode: SIMPLE, credentialName: a, privateKey: /b}",
            "tls.privateKey",
            "give either files or `credentialName`",
        ),
    ],
)
def test_tls_settings_of_a_server_go_together(protocol: str, tls: str | None, field: str, text: str) -> None:
    """With what to write instead."""
    port = f"port: {{number: 80, name: a, protocol: {protocol}}}"
    server = f"{{{port}, hosts: ['*']{f', tls: {tls}' if tls else ''}}}"
    (value,) = parse(
        f"{{kind: Gateway, metadata: {{name: a}}, spec: {{selector: {{a: b}}, servers: [{server}]}}}}"
    )
    told = {refusal.field: refusal.text for refusal in refusals_of(value)}
    assert told == {f"spec.servers[0].{field}": text}


@pytest.mark.parametrize(
    ("spec", "field", "text"),
    [
        ("", "http", "give `http`, `tls` or `tcp`"),
        (
            ", tls: [{match: [{sniHosts: [b.example]}], route: [{destination: {host: a}}]}]",
            "tls[0].match[0].sniHosts[0]",
            "b.example is none of the hosts of the VirtualService; add it to `hosts`",
        ),
        (
            ", tcp: [{route: [{destination: {host: a}}, {destination: {host: b}}]}]",
            "tcp[0].route",
            "the weights add up to 0; give one of them a weight",
        ),
        (
            ", tcp: [{route: [{destination: {host: '*.a'}}]}]",
            "tcp[0].route[0].destination.host",
            "a destination is one host; write its whole name",
        ),
    ],
)
def test_rules_for_connections_that_cannot_be_served(spec: str, field: str, text: str) -> None:
    """Named by rule and part."""
    (value,) = parse(f"{{kind: VirtualService, metadata: {{name: a}}, spec: {{hosts: [a.example]{spec}}}}}")
    assert {found.field: found.text for found in refusals_of(value)} == {f"spec.{field}": text}


@pytest.mark.parametrize(
    ("spec", "field", "text"),
    [
        (
            "addresses: [10.1.0.0/16]",
            "addresses[0]",
            "blocks of addresses are not implemented; write single ones",
        ),
        (
            "hosts: ['*.partner.example']",
            "hosts[0]",
            "name each host, or let all pass: ALLOW_ANY of the Mesh or of a Sidecar",
        ),
        (
            "resolution: DNS_ROUND_ROBIN, endpoints: [{address: a.b}, {address: c.d}]",
            "endpoints",
            "with DNS_ROUND_ROBIN give one at most; for several names write `DNS`",
        ),
    ],
)
def test_service_entries_say_what_can_be_served(spec: str, field: str, text: str) -> None:
    """With what to write instead."""
    given = yaml.safe_load(f"{{{spec}}}")
    body = json.dumps({"hosts": ["a.example"], "ports": [{"number": 80, "name": "http"}]} | given)
    (value,) = parse(f"{{kind: ServiceEntry, metadata: {{name: a}}, spec: {body}}}")
    assert {found.field: found.text for found in refusals_of(value)} == {f"spec.{field}": text}


@pytest.mark.parametrize(
    ("hosts", "field", "text"),
    [
        ("[./web]", "egress[0].hosts[0]", "write the full name, like web.NAMESPACE.svc.cluster.local"),
        ("[bank/web]", "egress[0].hosts[0]", "write the full name, like web.bank.svc.cluster.local"),
        (
            "[~/a.example]",
            "egress[0].hosts[0]",
            "no namespace has this host; write `~/*` for no host at all",
        ),
        (
            "[./*]}, {hosts: ['*/*']",
            "egress[1]",
            "without ports there can be one; write all hosts in the first",
        ),
    ],
)
def test_sidecars_say_what_can_be_seen(hosts: str, field: str, text: str) -> None:
    """With what to write instead."""
    (value,) = parse(f"{{kind: Sidecar, metadata: {{name: a}}, spec: {{egress: [{{hosts: {hosts}}}]}}}}")
    assert {found.field: found.text for found in refusals_of(value)} == {f"spec.{field}": text}
