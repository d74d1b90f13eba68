"""Each rule of the kinds, as a real API server holds it."""

from __future__ import annotations

from typing import Any

import pytest
from tests.kubernetes.install.cluster import Cluster, app, lane, mesh, release
from tests.lab.api import Object

from laneway.kubernetes.install.validations import VALIDATIONS

pytestmark = pytest.mark.cluster

LONG = "a" * 64


def steps(*written: Object) -> Object:
    """An App with these steps."""
    return app(release={"steps": list(written)})


def gate(**written: Any) -> Object:
    """An App whose first step has this gate."""
    return steps({"weight": 20, "gates": [written]}, {"weight": 100})


def guardrail(metric: str, above: str) -> Object:
    """An App with this guardrail."""
    return app(release={"judge": {"guardrails": [{"metric": metric, "above": above}]}})


def metric(**written: Any) -> Object:
    """An App with this metric."""
    return app(scale={"min": 1, "max": 5, "metrics": [written]})


def judged(**written: Any) -> Object:
    """An App that is judged by this metric."""
    return app(release={"judge": {"metrics": [written]}})


def variable(**written: Any) -> Object:
    """A Lane with this variable."""
    return lane(apps=[{"name": "pharmacy", "env": [{"name": "A"} | written]}])


UTILIZATION = {"type": "Utilization", "averageUtilization": 80}
AVERAGE = {"type": "AverageValue", "averageValue": "10"}
VALUE = {"type": "Value", "value": 0.5}
FROM_A_FIELD = {"fieldRef": {"fieldPath": "metadata.labels['app']"}}
FROM_A_KEY = {"configMapKeyRef": {"name": "a", "key": "b"}}
AT_A_GATEWAY = {"gateways": ["shop/public"], "hosts": ["shop.example"]}
OBJECT = {"describedObject": {"kind": "Service", "name": "a"}, "metric": {"name": "depth"}}

WRONG: dict[str, Object] = {
    "the name of an App": app(LONG, workload={"deployment": "pharmacy"}),
    "the name of a Lane": lane("gr.een"),
    "a cookie is set at gateways": app(release={"sticky": {"cookie": "c"}}),
    "either `deployment` or `template`": app(workload={}),
    "both `hosts` and `gateways`": app(routing={"hosts": ["shop.example"]}),
    "one of `redirect` and `directResponse`": app(
        routing={"http": [{"redirect": {"uri": "/a"}, "directResponse": {"status": 200}}]}
    ),
    "either `replicas`, or `min` and `max`": app(scale={"replicas": 2, "max": 3}),
    "`max` needs a `min`": app(scale={"max": 3}),
    "a `min` that is at most `max`": app(scale={"min": 4, "max": 3}),
    "`metrics` need a `max`": app(
        scale={
            "min": 1,
            "metrics": [{"type": "Resource", "resource": {"name": "cpu", "target": UTILIZATION}}],
        }
    ),
    "the field that `type` names": metric(type="Pods", resource={"name": "cpu", "target": UTILIZATION}),
    "write type Utilization or AverageValue": metric(
        type="Resource", resource={"name": "cpu", "target": VALUE}
    ),
    "write type AverageValue (": metric(
        type="Pods", pods={"metric": {"name": "requests_per_second"}, "target": VALUE}
    ),
    "pods have the metric": metric(type="Pods", pods={"metric": {"name": "queue"}, "target": AVERAGE}),
    "write type Value or AverageValue": metric(type="Object", object=OBJECT | {"target": UTILIZATION}),
    "a `limit` of at least `hold`": steps({"weight": 20, "hold": "1h"}, {"weight": 100}),
    "one of `approval`, `command` and `webhook`": gate(approval={}, command=["a"]),
    "`timeout` and `retries` are those of a command": gate(approval={}, retries=2),
    "a share for errors": guardrail("errors", "500ms"),
    "a latency that is counted": guardrail("latency", "501ms"),
    "one of `prometheus` and `web`": judged(name="queue"),
    "`codes` say which answers are errors": judged(name="latency", codes={"http": [429]}),
    "`block` and `falls` are those of a gauge": judged(name="errors", block="1m"),
    "write `bad` and `of`, or `gauge`": judged(name="queue", prometheus={"bad": "a{r='$revision'}"}),
    "where the question names the version": judged(name="queue", web={"url": "http://a/b"}),
    "a ramp follows what is known of errors": app(release={"ramp": {"budget": "0.1%"}}),
    "choose another header": app(release={"preview": {"header": "cookie"}}),
    "either `value` or `valueFrom`": variable(value="a", valueFrom=FROM_A_FIELD),
    "`configMapKeyRef`, `secretKeyRef` and `fieldRef`": variable(valueFrom=FROM_A_FIELD | FROM_A_KEY),
    "an App's name, a dash and the lane's": lane("g" * 60, apps=[{"name": "pharmacy"}]),
    "does not fall back to itself": lane(fallback={"through": ["blue", "green"]}),
    "there is one Mesh": mesh("second"),
}
"""By a part of the message: an object that breaks this rule, and no other."""

OTHER_WRONG: dict[str, Object] = {
    "both of deployment and template": app(workload={"deployment": "a", "template": {"spec": {}}}),
    "gateways alone": app(routing={"gateways": ["shop/public"]}),
    "no gate": gate(),
    "a command's retries, of a webhook": gate(webhook={"url": "http://a/"}, timeout="1m"),
    "a source of errors": judged(name="errors", web={"url": "http://a/$revision"}),
    "two sources": judged(name="a", web={"url": "http://a/$revision"}, prometheus={"gauge": "$revision"}),
    "a value and counts": judged(
        name="a", prometheus={"gauge": "$revision", "bad": "$revision", "of": "$revision"}
    ),
    "a query of no version": judged(name="a", prometheus={"gauge": "up"}),
    "the direction of counts": judged(name="a", web={"url": "http://a/$revision"}, falls=True),
    "a code that there is not": judged(name="errors", codes={"http": [600]}),
    "a status that there is not": judged(name="errors", codes={"grpc": ["BROKEN"]}),
    "a metric in capitals": judged(name="Queue", web={"url": "http://a/$revision"}),
    "a share of latency": guardrail("latency", "5%"),
    "days of hold": steps({"weight": 20, "hold": "2d", "limit": "1d23h59m59s"}, {"weight": 100}),
    "an external metric by utilization": metric(
        type="External", external={"metric": {"name": "depth"}, "target": UTILIZATION}
    ),
    "an app twice in a lane": lane(apps=[{"name": "pharmacy"}, {"name": "pharmacy"}]),
    "an app twice in a release": release(
        apps=[{"name": "a", "revision": "1"}, {"name": "a", "revision": "2"}]
    ),
    "no app in a release": release(apps=[]),
    "no step": steps(),
    "no port": app(service={"ports": []}),
    "a port that there is not": app(service={"ports": [{"port": 70_000}]}),
    "UDP": app(service={"ports": [{"port": 53, "protocol": "UDP"}]}),
    "a protocol that there is not": app(service={"ports": [{"port": 53, "appProtocol": "udp"}]}),
    "a duration without a unit": steps({"weight": 20, "hold": "90"}, {"weight": 100}),
    "a weight above all": steps({"weight": 101}, {"weight": 100}),
    "a weight in three decimals": steps({"weight": "0.125"}, {"weight": 100}),
    "a header in capitals": app(release={"preview": {"header": "X-Version"}}),
    "a word that there is not": steps({"weight": 20, "onUnsure": "hope"}, {"weight": 100}),
    "a field that is refused": app(release={"pin": {"to": 100}}),
    "a part of a rule that is refused": app(routing={"http": [{"route": [{"destination": {"host": "a"}}]}]}),
    "a lane's value with a space": lane(value="a b"),
    "a variable with an equals sign": variable(name="A=B"),
    "a field of a pod that there is not": variable(valueFrom={"fieldRef": {"fieldPath": "spec.hostname"}}),
    "a URL without a scheme": gate(webhook={"url": "example.com"}),
    "a verb that there is not": release(request={"verb": "hurry", "at": "2026-01-31T12:00:00Z"}),
    "a time that there is not": release(request={"verb": "pause", "at": "yesterday"}),
    "no spec": {key: value for key, value in app().items() if key != "spec"},
}
"""What else is refused."""

RIGHT: dict[str, Object] = {
    "the least App": app(),
    "a template": app(workload={"template": {"spec": {"containers": [{"name": "a", "image": "b"}]}}}),
    "a cookie at a gateway": app(release={"sticky": {"cookie": "c", "ttl": "30m"}}, routing=AT_A_GATEWAY),
    "the mesh as a gateway": app(routing={"gateways": ["mesh"]}),
    "a fixed size": app(scale={"replicas": 3, "surge": "12.5%"}),
    "bounds": app(scale={"min": 3, "max": 3, "surge": 25}),
    "a minimum alone": app(scale={"min": 3}),
    "utilization": metric(type="Resource", resource={"name": "cpu", "target": UTILIZATION}),
    "requests": metric(type="Pods", pods={"metric": {"name": "requests_per_second"}, "target": AVERAGE}),
    "an object's metric": metric(type="Object", object=OBJECT | {"target": VALUE}),
    "a hold of days": steps({"weight": 20, "hold": "1d12h", "limit": "2d"}, {"weight": 100}),
    "a hold in parts of seconds": steps({"weight": 20, "hold": "1500ms", "limit": "1.5s"}, {"weight": 100}),
    "a hold as long as the limit that is not written": steps({"weight": 20, "hold": "30m"}, {"weight": 100}),
    "a gate of each kind": steps(
        {
            "weight": 20,
            "gates": [
                {"approval": {}},
                {"command": ["./smoke", "test"], "timeout": "1m", "retries": 3, "then": "pause"},
                {"webhook": {"url": "https://ci.example/gate", "timeout": "5s"}},
            ],
        },
        {"weight": 100},
    ),
    "a share of errors": guardrail("errors", "0.5%"),
    "a latency": guardrail("latency", "1.5s"),
    "metrics of one's own": app(
        release={
            "judge": {
                "metrics": [
                    {"name": "errors", "codes": {"http": ["5xx", 429], "grpc": ["RESOURCE_EXHAUSTED"]}},
                    {"name": "a", "prometheus": {"bad": "a{r='$revision'}", "of": "b{r='$revision'}"}},
                    {"name": "b", "prometheus": {"gauge": "c{r='$revision'}"}, "falls": True, "block": "1m"},
                    {"name": "c", "web": {"url": "http://a/$revision", "gauge": True}, "block": "1m"},
                    {"name": "d", "web": {"url": "http://a/$revision"}, "tolerate": {"plus": "1%"}},
                ]
            }
        }
    ),
    "a ramp": app(
        release={
            "ramp": {"budget": "0.05%", "from": 1, "to": "50%"},
            "judge": {"metrics": [{"name": "latency"}, {"name": "errors"}]},
        }
    ),
    "a preview": app(release={"preview": {"header": "x-version"}}),
    "a rule": app(
        routing={
            "http": [
                {
                    "match": [{"uri": {"prefix": "/a"}, "headers": {"x-a": {}}}],
                    "timeout": "5s",
                    "retries": {"attempts": 2, "perTryTimeout": "2s"},
                    "fault": {"delay": {"fixedDelay": "1s", "percentage": {"value": 0.1}}},
                }
            ],
            "trafficPolicy": {"loadBalancer": {"simple": "ROUND_ROBIN"}},
        }
    ),
    "a protocol in capitals": app(
        service={"ports": [{"port": 80, "targetPort": "http", "appProtocol": "GRPC"}]}
    ),
    "nulls": app(scale=None, release={"drain": None, "steps": [{"weight": 100, "hold": None}]}),
    "a lane": lane(
        value="pr-123",
        apps=[{"name": "pharmacy", "image": "a:b", "env": [{"name": "A", "value": "b"}], "replicas": 2}],
        fallback={"through": ["blue"], "else": "refuse"},
        ttl="3d",
        owner="asha",
    ),
    "a variable from a field": variable(valueFrom=FROM_A_FIELD),
    "an empty lane": lane(),
    "the mesh": mesh(metrics={"depth": "http://queue:9100/length"}, lane={"header": "x-env"}),
    "a release": release(request={"verb": "pause", "at": "2026-01-31T12:00:00Z", "by": "asha"}),
}
"""What is taken."""


@pytest.mark.parametrize(("message", "wrong"), WRONG.items())
async def test_a_rule_refuses_what_breaks_it(cluster: Cluster, message: str, wrong: Object) -> None:
    """With its message; for one reason, so that it is this rule that refuses."""
    refusal = await cluster.refusal(wrong)
    assert message in refusal
    assert refusal.count("Invalid value") <= 1, refusal


@pytest.mark.parametrize("wrong", OTHER_WRONG.values(), ids=OTHER_WRONG.keys())
async def test_what_is_wrong_is_refused(cluster: Cluster, wrong: Object) -> None:
    """By a rule, a pattern or a bound."""
    assert await cluster.refusal(wrong)


@pytest.mark.parametrize("right", RIGHT.values(), ids=RIGHT.keys())
async def test_what_is_right_is_taken(cluster: Cluster, right: Object) -> None:
    """No rule refuses more than it should."""
    assert await cluster.refusal(right) == ""


async def test_what_a_release_is_of_does_not_change(cluster: Cluster, namespace: str) -> None:
    """A request does."""
    one = await cluster.stored(release(namespace=namespace))
    asked = {"spec": {"request": {"verb": "pause", "at": "2026-01-31T12:00:00Z"}}}
    other = {"spec": {"apps": [{"name": "pharmacy", "revision": "9876543210"}]}}
    assert await cluster.change_refusal(one, asked) == ""
    assert "what a release is of does not change" in await cluster.change_refusal(one, other)


async def test_the_value_of_a_lane_does_not_change(cluster: Cluster, namespace: str) -> None:
    """Neither where one was written, nor where it was the lane's name."""
    named = await cluster.stored(lane("green", namespace))
    valued = await cluster.stored(lane("blue", namespace, value="pr-1"))
    for one, value in ((named, "pr-1"), (valued, "pr-2"), (valued, None)):
        refusal = await cluster.change_refusal(one, {"spec": {"value": value}})
        assert "the value of a lane does not change" in refusal
    assert await cluster.change_refusal(valued, {"spec": {"owner": "asha"}}) == ""


def test_every_rule_is_shown_to_refuse() -> None:
    """A new rule needs an object that breaks it."""
    changes = {"the value of a lane does not change", "what a release is of does not change"}
    for rules in VALIDATIONS.values():
        for rule in rules:
            said = rule.written()["message"]
            assert any(message in said for message in (*WRONG, *changes)), said
