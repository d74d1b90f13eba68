"""Adoption: what becomes an App, what does not, and that route tables stay as they are."""

from __future__ import annotations

import pytest
from tests.adoption.systems import GATEWAY, deployment, policy, read, rule, rules, service, to

from laneway.adoption.adopt import Adopted, adopt
from laneway.spec.app import App
from laneway.spec.check import check_objects
from laneway.spec.istio import VirtualService

RATINGS = (service("ratings"), deployment("ratings"))
PAGE = (service("page"), deployment("page"))


def app_of(adopted: Adopted, name: str) -> App:
    """An App among what was adopted."""
    return next(app for app in adopted.apps if app.key.name == name)


def why(adopted: Adopted, name: str) -> str:
    """Why a Service is no App."""
    return adopted.stays[f"{name}.shop.svc.cluster.local"]


def test_a_service_with_one_deployment_becomes_an_app() -> None:
    """The Deployment stays as its template, the Service is written by Laneway from now on."""
    adopted = adopt(read(*RATINGS))
    app = app_of(adopted, "ratings")
    assert app.spec.workload.deployment == "ratings-v1"
    assert [port.port for port in app.spec.service.ports] == [9080]
    assert [(obj.kind, obj.key.name) for obj in adopted.objects] == [
        ("App", "ratings"),
        ("Deployment", "ratings-v1"),
    ]
    assert adopted.tables == {("mesh", "ratings.shop.svc.cluster.local", 9080): 1}


def test_rules_and_policies_of_its_host_become_its_routing() -> None:
    """In their order, without destinations; the subset of its only version needs no name."""
    first = to("ratings", ", subset: v1")
    slow = rule(first, match="{uri: {prefix: /slow}}", rest="timeout: 3s, ")
    balanced = policy(
        "ratings",
        "trafficPolicy: {loadBalancer: {simple: ROUND_ROBIN}}, subsets: [{name: v1, labels: {version: v1}}]",
    )
    adopted = adopt(read(*RATINGS, rules("ratings", f"[{slow}, {rule(first)}]"), balanced))
    routing = app_of(adopted, "ratings").spec.routing
    assert [found.timeout is not None for found in routing.http] == [True, False]
    assert routing.traffic_policy is not None and routing.traffic_policy.load_balancer is not None
    assert {obj.kind for obj in adopted.objects} == {"App", "Deployment"}


@pytest.mark.parametrize("metrics", ["", ", metrics: [{type: Resource, resource: {name: cpu, target: "
                         "{type: Utilization, averageUtilization: 80}}}]"])  # fmt: skip
def test_its_autoscaler_becomes_its_scale(metrics: str) -> None:
    """With Kubernetes' default metric written out, as an App without metrics has no autoscaler."""
    scaler = f"""
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {{name: ratings, namespace: shop}}
spec:
  {{scaleTargetRef: {{kind: Deployment, name: ratings-v1, apiVersion: apps/v1}},
   minReplicas: 2, maxReplicas: 9{metrics}}}
"""
    adopted = adopt(read(*RATINGS, scaler))
    scale = app_of(adopted, "ratings").spec.scale
    assert scale is not None and (scale.min, scale.max) == (2, 9)
    ((metric,),) = [scale.metrics]
    assert metric.resource is not None and metric.resource.target.average_utilization == 80
    assert {obj.kind for obj in adopted.objects} == {"App", "Deployment"}


def test_paths_of_a_gateway_host_fan_out_to_apps_in_order() -> None:
    """Each App has its own part; rules at sidecars stay for sidecars."""
    http = (
        f"[{{match: [{{uri: {{prefix: /ratings}}}}], route: [{to('ratings')}]}}, {{route: [{to('page')}]}}]"
    )
    adopted = adopt(read(*RATINGS, *PAGE, GATEWAY, rules("entry", http, "shop.example", "[public]")))
    ratings, page = app_of(adopted, "ratings"), app_of(adopted, "page")
    assert (ratings.spec.routing.order, page.spec.routing.order) == (0, 1)
    assert ratings.spec.routing.hosts == page.spec.routing.hosts == ["shop.example"]
    assert adopted.tables["shop/public", "shop.example", 80] == 2
    assert not any(isinstance(obj, VirtualService) for obj in adopted.objects)
    assert [problem for problem in check_objects(adopted.objects) if problem.is_error] == []


def test_apps_whose_rules_do_not_stand_together_keep_their_virtual_service() -> None:
    """An App's rules at a gateway are one run; a table that an App cannot express stays as it is."""
    first, second = "{uri: {prefix: /a}}", "{uri: {prefix: /b}}"
    http = f"[{rule(to('ratings'), match=first)}, {rule(to('page'), match=second)}, {rule(to('ratings'))}]"
    adopted = adopt(read(*RATINGS, *PAGE, GATEWAY, rules("entry", http, "shop.example", "[public]")))
    assert {app.key.name for app in adopted.apps} == {"ratings", "page"}
    assert [obj.key.name for obj in adopted.objects if isinstance(obj, VirtualService)] == ["entry"]
    assert adopted.tables["shop/public", "shop.example", 80] == 3


@pytest.mark.parametrize(
    ("texts", "reason"),
    [
        ((service("ratings"),), "no Deployment is behind it"),
        ((*RATINGS, deployment("ratings", "v2")), "ratings-v1, ratings-v2 are behind it"),
        ((*RATINGS, *PAGE, rules("ratings", f"[{rule(to('page'))}]")), "leads to page.shop"),
        (
            (*RATINGS, policy("ratings", "subsets: [{name: v2, labels: {version: v2}}]")),
            "has subset v2 of other pods",
        ),
        (
            (
                *RATINGS,
                GATEWAY,
                rules("ratings", f"[{rule(to('ratings'))}]", gateways="[mesh, public]"),
            ),
            "is for sidecars and gateways at once",
        ),
    ],
)
def test_what_an_app_cannot_say_stays_as_it_is(texts: tuple[str, ...], reason: str) -> None:
    """With the reason, and all of its objects."""
    given = read(*texts)
    adopted = adopt(given)
    assert reason in why(adopted, "ratings")
    assert {obj.key.name for obj in adopted.objects} >= {"ratings"}
    assert "ratings" not in {app.key.name for app in adopted.apps}


def test_an_app_that_would_change_a_table_is_given_up() -> None:
    """A rule of a gateway, which is no App's, names a subset that would be gone."""
    first = to("ratings", ", subset: v1")
    split = rule(first, to("page"), match="{uri: {prefix: /a}}")
    given = read(
        *RATINGS,
        GATEWAY,
        policy("ratings", "subsets: [{name: v1, labels: {version: v1}}]"),
        rules("entry", f"[{split}]", "shop.example", "[public]"),
        rules("ratings", f"[{rule(first)}]"),
        *PAGE,
    )
    adopted = adopt(given)
    assert "would change" in why(adopted, "ratings")
    assert {app.key.name for app in adopted.apps} == {"page"}
    assert {obj.key.name for obj in adopted.objects if isinstance(obj, VirtualService)} == {
        "entry",
        "ratings",
    }


def test_what_is_no_part_of_an_app_is_passed_on() -> None:
    """Object for object."""
    given = read(*RATINGS, GATEWAY)
    assert given[-1] in adopt(given).objects


ENTRY = """
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: partner, namespace: shop}
spec: {hosts: [partner.example], location: MESH_EXTERNAL, ports: [{number: 80, name: http, protocol: HTTP}],
       resolution: DNS}
"""


def test_what_laneway_writes_anyway_is_no_difference() -> None:
    """The way out of the mesh, and the rules of Apps that are there already: these stay as they are."""
    first = adopt(read(*RATINGS, ENTRY))
    assert [app.key.name for app in first.apps] == ["ratings"]
    again = adopt([*first.objects, *read(*PAGE)])
    assert [app.key.name for app in again.apps] == ["page"]
    assert ("mesh", "ratings.shop.svc.cluster.local", 9080) in again.tables
