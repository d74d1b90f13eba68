"""What is wrong between objects."""

from __future__ import annotations

import pytest

from laneway.spec.check import check, check_objects
from laneway.spec.load import Loaded, Source, load

DEPLOYMENT = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: pharmacy}
spec:
  selector: {matchLabels: {app: pharmacy}}
  template:
    metadata: {labels: {app: pharmacy}}
    spec: {containers: [{name: pharmacy, image: pharmacy, ports: [{name: http, containerPort: 8080}]}]}
---
"""
APP = """\
apiVersion: laneway.dev/v1alpha1
kind: App
metadata: {name: pharmacy}
spec:
  workload: {deployment: pharmacy}
  service: {ports: [{port: 80, targetPort: http}]}
"""
GATEWAY = """\
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: public, namespace: edge}
spec:
  servers:
  - port: {number: 80, name: http}
    hosts: [shop.example, "*/*.open.example", "other/closed.example"]
---
"""
STUB = """\
apiVersion: v1
kind: Service
metadata: {name: stub}
spec: {selector: {app: stub}, ports: [{port: 80}, {port: 81}]}
---
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: partners}
spec: {hosts: ["*.partner.example"], ports: [{number: 80, name: http}]}
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: stub}
spec: {host: stub, subsets: [{name: v1}, {name: v2}]}
---
"""
REQUESTS = (
    "{type: Pods, pods: {metric: {name: requests_per_second}, "
    "target: {type: AverageValue, averageValue: 50}}}"
)
RULES = """\
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: rules}
spec:
  hosts: [stub]
  http:
  - route: [{destination: {host: stub}}]
"""
LANE = """\
apiVersion: laneway.dev/v1alpha1
kind: Lane
metadata: {name: %s}
spec: {%s}
---
"""


def loaded(*texts: str) -> Loaded:
    """Each text is a file: the last one is a.yaml, those before it are the world around it."""
    *world, last = texts
    return load([Source("a.yaml", last)] + [Source(f"world{n}.yaml", text) for n, text in enumerate(world)])


def problems_of(*texts: str) -> list[str]:
    """Everything wrong between the objects of these texts."""
    return [str(problem) for problem in check(loaded(*texts))]


@pytest.mark.parametrize(
    "texts",
    [
        (DEPLOYMENT, APP),
        (
            DEPLOYMENT,
            GATEWAY,
            APP + "  routing: {hosts: [shop.example, a.open.example], gateways: [edge/public]}\n",
        ),
        (DEPLOYMENT, APP + "  scale: {min: 2, max: 2, metrics: [" + REQUESTS + "]}\n"),
        (DEPLOYMENT, APP + "  release: {steps: [{weight: 0, hold: 5m}, {weight: 100}]}\n"),
        (STUB, RULES),
        (
            STUB,
            RULES.replace(
                "{host: stub}", "{host: stub.default.svc.cluster.local, subset: v1, port: {number: 81}}"
            ),
        ),
        (STUB, RULES.replace("{host: stub}", "{host: a.partner.example}")),
        (RULES.replace("stub", "istio-egressgateway.istio-system.svc.cluster.local"),),
        (STUB, GATEWAY, RULES.replace("hosts: [stub]", "hosts: ['*']\n  gateways: [edge/public]")),
        (
            DEPLOYMENT,
            APP,
            LANE % ("dev", ""),
            LANE % ("green", "apps: [{name: pharmacy}], fallback: {through: [dev]}"),
        ),
    ],
)
def test_what_is_right_has_no_problem(texts: tuple[str, ...]) -> None:
    """No rule stands in the way of what works."""
    assert problems_of(*texts) == []


ROUTED = APP + "  routing:\n    gateways: [edge/public]\n    hosts: [shop.example]\n    http:\n    - "


@pytest.mark.parametrize(
    ("texts", "problem"),
    [
        (
            (DEPLOYMENT, APP.replace("{deployment: pharmacy}", "{}")),
            "5:3: error LW220: the workload has neither of `deployment` and `template`; "
            "write either `deployment: NAME` or `template:`",
        ),
        (
            (DEPLOYMENT, APP + "  scale: {replicas: 4, max: 9}\n"),
            "7:11: error LW221: `replicas` beside `min` or `max`; write either `replicas`, or `min` "
            "and `max`",
        ),
        (
            (DEPLOYMENT, APP + "  scale: {min: 5, max: 4}\n"),
            "7:11: error LW222: min 5 is above max 4; write a `min` that is at most `max`",
        ),
        ((DEPLOYMENT, APP + "  scale: {max: 4}\n"), "7:11: error LW222: `max` without `min`; add `min`"),
        (
            (DEPLOYMENT, APP + "  scale: {min: 4, metrics: [" + REQUESTS + "]}\n"),
            "7:19: error LW223: metrics without `max`; add `max`",
        ),
        (
            (DEPLOYMENT, APP + "  release: {steps: [{weight: 20}, {weight: 20}, {weight: 100}]}\n"),
            "7:36: error LW224: the weight does not rise from step 1 to step 2; "
            "write weights that rise and end with 100",
        ),
        (
            (DEPLOYMENT, APP + "  release: {steps: [{weight: 20}]}\n"),
            "7:22: error LW224: the last weight is not 100; write weights that rise and end with 100",
        ),
        (
            (DEPLOYMENT, APP + "  release: {steps: [{weight: 20, hold: 1h, limit: 59m}, {weight: 100}]}\n"),
            "7:44: error LW225: limit 59m is below hold 1h; write a `limit` of at least `hold`",
        ),
        (
            (DEPLOYMENT.replace("matchLabels: {app: pharmacy}", "matchLabels: {app: x}"),),
            "5:28: error LW226: the template has no label app: x; write the template's own labels in "
            "the selector",
        ),
        (
            (DEPLOYMENT.replace("  selector: {matchLabels: {app: pharmacy}}\n", ""),),
            "4:1: error LW226: the Deployment selects no pods; write the template's own labels in "
            "the selector",
        ),
        (
            (APP,),
            "5:14: error LW301: there is no Deployment default/pharmacy; add the Deployment, or "
            "correct the name",
        ),
        (
            (DEPLOYMENT, APP.replace("targetPort: http", "targetPort: web")),
            "6:32: error LW302: the container has no port named web; its names are: http",
        ),
        (
            (DEPLOYMENT, APP.replace(", targetPort: http", "")),
            "6:21: warning LW303: the container does not declare port 80, so nothing is sent to it locally; "
            "declare it, or write `targetPort:` with one of: 8080",
        ),
        (
            (DEPLOYMENT, APP + "  routing: {hosts: [shop.example], gateways: [public]}\n"),
            "7:47: error LW304: there is no Gateway default/public; add the Gateway, or correct the name",
        ),
        (
            (DEPLOYMENT, GATEWAY, ROUTED + "match: [{gateways: [edge/other], uri: {prefix: /}}]\n"),
            "11:27: error LW304: there is no Gateway edge/other; add the Gateway, or correct the name",
        ),
        (
            (DEPLOYMENT, GATEWAY, APP + "  routing: {hosts: [closed.example], gateways: [edge/public]}\n"),
            "7:21: error LW305: no server of Gateway edge/public has host closed.example; "
            "add the host to a server of the Gateway",
        ),
        (
            (DEPLOYMENT, APP + "  routing: {hosts: [shop.example], gateways: [mesh]}\n"),
            "7:13: error LW306: hosts without gateways; write both `hosts` and `gateways`, or neither",
        ),
        (
            (DEPLOYMENT, GATEWAY, APP + "  routing: {gateways: [edge/public]}\n"),
            "7:13: error LW306: gateways without hosts; write both `hosts` and `gateways`, or neither",
        ),
        (
            (
                DEPLOYMENT,
                APP,
                "apiVersion: v1\nkind: Service\nmetadata: {name: pharmacy}\nspec: {ports: [{port: 80}]}",
            ),
            "3:12: error LW307: Laneway writes Service default/pharmacy itself, for App default/pharmacy; "
            "rename or remove the object",
        ),
        (
            (
                DEPLOYMENT,
                APP,
                LANE % ("green", "apps: [{name: pharmacy}]"),
                "apiVersion: v1\nkind: Service\nmetadata: {name: pharmacy-green}\nspec: {ports: "
                "[{port: 80}]}",
            ),
            "3:12: error LW307: Laneway writes Service default/pharmacy-green itself, for Lane "
            "default/green; "
            "rename or remove the object",
        ),
        (
            (STUB, RULES.replace("{host: stub}", "{host: nowhere}")),
            "7:28: error LW308: there is no App or Service for host nowhere.default.svc.cluster.local; "
            "add the App, Service or ServiceEntry, or correct the host",
        ),
        (
            (STUB, RULES.replace("{host: stub}", "{host: stub.default}")),
            "7:28: error LW308: Istio does not complete stub.default; write stub.default.svc.cluster.local",
        ),
        (
            (STUB, RULES.replace("hosts: [stub]", "hosts: [web.example]")),
            "5:11: error LW308: host web.example is outside of the mesh and no ServiceEntry names it; "
            "add a ServiceEntry for it",
        ),
        (
            (STUB, RULES.replace("{host: stub}", "{host: stub, subset: v3}")),
            "7:40: error LW309: no DestinationRule of stub.default.svc.cluster.local has a subset v3; "
            "add it, or use one of: v1, v2",
        ),
        (
            (STUB, RULES.replace("{host: stub}", "{host: stub, port: {number: 8}}")),
            "7:47: error LW310: host stub.default.svc.cluster.local has no port 8; its ports are: 80, 81",
        ),
        (
            (LANE % ("green", "apps: [{name: pharmacy}]"),),
            "4:16: error LW311: there is no App default/pharmacy; add the App, or correct the name",
        ),
        (
            (DEPLOYMENT, APP, LANE % ("green", "apps: [{name: pharmacy}, {name: pharmacy}]")),
            "4:34: error LW312: the lane has App pharmacy twice; keep one entry",
        ),
        (
            (LANE % ("green", "") + LANE % ("other", "value: green"),),
            "9:8: error LW313: lane default/other and lane default/green both have the value green; "
            "give one of them another `value`",
        ),
        (
            (LANE % ("green", "fallback: {through: [dev]}"),),
            "4:29: error LW314: there is no Lane default/dev; add the Lane, or correct the name",
        ),
        (
            (LANE % ("green", "fallback: {through: [green]}"),),
            "4:29: error LW315: lane default/green falls back to itself; "
            "end the chain with a lane that falls back no further",
        ),
        (
            (STUB, RULES + "---\n" + RULES.replace("name: rules", "name: second")),
            "13:11: error LW401: the rules of host stub.default.svc.cluster.local belong to VirtualService "
            "default/rules; move what VirtualService default/second says into it",
        ),
        (
            (STUB, RULES + "    timeout: 0s\n"),
            "8:5: error LW404: timeout 0s is less than Istio allows; write at least 1ms, or remove "
            "it for no timeout",
        ),
        (
            (STUB, RULES + "    retries: {attempts: 2, perTryTimeout: 0.5ms}\n"),
            "8:28: error LW404: perTryTimeout 0.5ms is less than Istio allows; "
            "write at least 1ms, or remove it for no timeout",
        ),
        (
            (DEPLOYMENT, GATEWAY, ROUTED + "match: [{uri: {regex: '/(?!a).*'}}]\n"),
            "11:22: error LW405: '/(?!a).*': a look-ahead is not part of RE2; correct the expression",
        ),
        (
            (DEPLOYMENT, GATEWAY, ROUTED + "match: [{method: {}}]\n"),
            "11:16: error LW406: the condition is empty; write exactly one of exact, prefix and regex",
        ),
        (
            (DEPLOYMENT, GATEWAY, ROUTED + "match: [{headers: {x-a: {}, x-b: {exact: a, regex: b}}}]\n"),
            "11:35: error LW406: exact and regex together; write exactly one of exact, prefix and regex",
        ),
        (
            (DEPLOYMENT, GATEWAY, ROUTED + "match: [{headers: {X-A: {}}}]\n"),
            "11:26: error LW407: the header name X-A never matches; write x-a",
        ),
        (
            (STUB, RULES + "    directResponse: {status: 200}\n"),
            "7:5: error LW408: the rule has `route` and `directResponse`; "
            "write one of `route`, `redirect`, `directResponse`",
        ),
        (
            (STUB, RULES.replace("route: [{destination: {host: stub}}]", "timeout: 1s")),
            "7:5: error LW408: the rule has none of `route`, `redirect`, `directResponse`; "
            "write one of `route`, `redirect`, `directResponse`",
        ),
        (
            (STUB, RULES + "    mirror: {host: nobody}\n"),
            "8:14: error LW308: there is no App or Service for host nobody.default.svc.cluster.local; "
            "add the App, Service or ServiceEntry, or correct the host",
        ),
        (
            (STUB, RULES + "  tcp:\n  - route: [{destination: {host: nobody}}]\n"),
            "9:28: error LW308: there is no App or Service for host nobody.default.svc.cluster.local; "
            "add the App, Service or ServiceEntry, or correct the host",
        ),
        (
            (STUB, RULES + "    fault: {delay: {fixedDelay: 0s}}\n"),
            "8:21: error LW404: fixedDelay 0s is less than Istio allows; write at least 1ms, or remove it "
            "for no timeout",
        ),
        (
            (STUB, RULES + "    corsPolicy: {allowOrigins: [{regex: 'a++'}]}\n"),
            "8:34: error LW405: 'a++': the possessive ++ is not part of RE2; correct the expression",
        ),
        (
            (STUB, RULES + "    rewrite: {uriRegexRewrite: {match: 'a++', rewrite: a}}\n"),
            "8:33: error LW405: 'a++': the possessive ++ is not part of RE2; correct the expression",
        ),
        (
            (STUB, RULES + "    fault: {abort: {grpcStatus: NOT_FOUND, httpStatus: 404}}\n"),
            "8:13: error LW420: not exactly one status; give either `httpStatus` or `grpcStatus`",
        ),
        (
            (
                DEPLOYMENT,
                GATEWAY,
                ROUTED + "redirect: {uri: /}\n      directResponse: {status: 200}\n    - {}\n",
            ),
            "11:7: error LW408: the rule has `redirect` and `directResponse`; "
            "write one of `route`, `redirect`, `directResponse`",
        ),
        (
            (DEPLOYMENT, GATEWAY, ROUTED + "redirect: {uri: /}\n"),
            "10:5: error LW421: every rule at the mesh answers by itself, so the app never gets a request; "
            "add a rule without `redirect` and `directResponse`",
        ),
        (
            (STUB, RULES.replace("{host: stub}}", "{host: stub}}, {destination: {host: stub}}")),
            "7:5: error LW403: 2 destinations without weights; give at least one destination a "
            "weight above 0",
        ),
        (
            (
                STUB,
                RULES.replace(
                    "[{destination: {host: stub}}]",
                    "[{weight: 0, destination: {host: stub}}, {weight: 0, destination: {host: stub}}]",
                ),
            ),
            "7:5: error LW403: the weights sum to 0; give at least one destination a weight above 0",
        ),
        (
            (STUB, RULES.replace("hosts: [stub]", "hosts: ['*']")),
            "5:11: error LW409: host *: wildcards at the mesh are not supported; name each host",
        ),
        (
            (STUB, GATEWAY, RULES.replace("[stub]", "['*.open.example']\n  gateways: [edge/public]")),
            "5:11: error LW409: host *.open.example: wildcards at a gateway, except *, are not "
            "supported; name each host",
        ),
    ],
)  # fmt: skip
def test_broken_rule_is_said_in_place(texts: tuple[str, ...], problem: str) -> None:
    """A world with one thing wrong has one problem, at the offending field."""
    assert problems_of(*texts) == [f"a.yaml:{problem}"]


def public(name: str, http: str) -> str:
    """An App on the public host."""
    text = APP.replace("{name: pharmacy}", f"{{name: {name}}}")
    return f"{text}  routing: {{gateways: [edge/public], hosts: [shop.example], http: {http}}}\n---\n"


@pytest.mark.parametrize(
    ("first", "second", "column", "what"),
    [
        ("[]", "[]", 38, "all requests"),
        ("[]", "[{match: [{uri: {prefix: /a}}]}, {timeout: 5s}]", 100, "all requests"),
        ("[{match: [{gateways: [mesh], uri: {prefix: /a}}]}]", "[]", 38, "all requests"),
        (
            "[{match: [{name: x, uri: {prefix: /a}}]}]",
            "[{match: [{uri: {prefix: /a}}]}]",
            77,
            "the same requests",
        ),
    ],
)
def test_apps_that_take_the_same_requests_are_both_named(
    first: str, second: str, column: int, what: str
) -> None:
    """The match that comes second is the one that never gets a request."""
    found = problems_of(DEPLOYMENT, GATEWAY, public("page", first) + public("pharmacy", second))
    assert found == [
        f"a.yaml:15:{column}: error LW402: App default/pharmacy and App default/page both take {what} "
        "of host "
        "shop.example; add a `match` to a rule of one of them, or change the one of App default/pharmacy"
    ]


def test_apps_share_a_public_host_by_path() -> None:
    """Different matches are what sharing is for."""
    apps = public("page", "[]") + public("pharmacy", "[{match: [{uri: {prefix: /pharmacy}}]}]")
    assert problems_of(DEPLOYMENT, GATEWAY, apps) == []


@pytest.mark.parametrize(
    ("rules", "problem"),
    [
        (
            RULES.replace("stub", "pharmacy"),
            "5:11: error LW401: the rules of host pharmacy.default.svc.cluster.local belong to App "
            "default/pharmacy; "
            "move what VirtualService default/rules says into its `spec.routing.http`",
        ),
        (
            RULES.replace("[stub]", "[shop.example]\n  gateways: [edge/public]").replace("stub", "pharmacy"),
            "5:11: error LW401: the rules of host shop.example belong to App default/pharmacy; "
            "move what VirtualService default/rules says into `spec.routing` of an App",
        ),
        (
            "apiVersion: networking.istio.io/v1\nkind: DestinationRule\nmetadata: {name: x}\nspec: "
            "{host: pharmacy}\n",
            "4:8: error LW401: the rules of host pharmacy.default.svc.cluster.local belong to App "
            "default/pharmacy; "
            "move what DestinationRule default/x says into its `spec.routing.trafficPolicy`",
        ),
    ],
)
def test_hosts_of_an_app_have_no_other_writer(rules: str, problem: str) -> None:
    """Neither in the mesh nor at a gateway."""
    assert problems_of(DEPLOYMENT, GATEWAY, public("pharmacy", "[]"), rules) == [f"a.yaml:{problem}"]


def test_circle_of_fallbacks_is_told_at_each_of_its_lanes() -> None:
    """Any of them may be the one to change."""
    lanes = LANE % ("a", "fallback: {through: [b]}") + LANE % ("b", "fallback: {through: [c]}")
    found = problems_of(
        lanes + LANE % ("c", "fallback: {through: [a]}") + LANE % ("d", "fallback: {through: [a]}")
    )
    assert [line.split("; ")[0] for line in found] == [
        "a.yaml:4:29: error LW315: lane default/a falls back to itself through b",
        "a.yaml:9:29: error LW315: lane default/b falls back to itself through c",
        "a.yaml:14:29: error LW315: lane default/c falls back to itself through a",
    ]


def test_missing_is_not_said_where_something_could_not_be_read() -> None:
    """A Deployment with an error is not missing as well."""
    found = problems_of(
        DEPLOYMENT.replace("containerPort: 8080", "containerPort: x"), APP + "  scale: {max: 4}\n"
    )
    assert [line.split()[2] for line in found] == ["LW204:", "LW222:"]


def test_stored_objects_are_part_of_the_world() -> None:
    """What was applied before need not be repeated, and what is read again replaces it."""
    stored = loaded(DEPLOYMENT + APP).objects
    changed = DEPLOYMENT.replace("name: http, ", "")
    assert check(loaded(LANE % ("green", "apps: [{name: pharmacy}]")), stored) == ()
    assert [str(problem) for problem in check(loaded(changed), stored)] == [
        "App default/pharmacy: error LW302: the container has no port named http; its names are: none"
    ]


def test_objects_alone_are_told_by_name() -> None:
    """Without files there are no lines."""
    (problem,) = check_objects(loaded(APP).objects)
    assert str(problem).startswith("App default/pharmacy: error LW301: ")


def test_port_name_of_a_service_is_one_of_the_pods_it_selects() -> None:
    """Pods that it does not select say nothing about it."""
    service = "apiVersion: v1\nkind: Service\nmetadata: {name: web}\nspec:\n  selector: {app: pharmacy}\n"
    service += "  ports: [{port: 80, targetPort: web}]\n"
    assert problems_of(DEPLOYMENT, service) == [
        "a.yaml:6:22: error LW302: the selected containers have no port named web; their names are: http"
    ]
    assert problems_of(DEPLOYMENT, service.replace("app: pharmacy", "app: other")) == []


def test_second_mesh_of_another_namespace_is_refused() -> None:
    """There is one platform."""
    mesh = "apiVersion: laneway.dev/v1alpha1\nkind: Mesh\nmetadata: {name: default}\n---\n"
    assert problems_of(mesh + mesh.replace("default", "default, namespace: x")) == [
        "a.yaml:7:12: error LW227: there is already Mesh default/default; keep one Mesh"
    ]


def test_lane_service_with_too_long_a_name_is_refused() -> None:
    """Before Kubernetes refuses it."""
    found = problems_of(DEPLOYMENT, APP, LANE % ("l" * 60, "apps: [{name: pharmacy}]"))
    assert found == [
        f"a.yaml:4:16: error LW212: the Service pharmacy-{'l' * 60} would have 69 characters; "
        "shorten the lane's name by 6"
    ]


STICKY = "  release: {sticky: {cookie: lw}}\n"
PUBLIC = "  routing: {gateways: [edge/public], hosts: [shop.example]}\n"


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        (APP + "  release: {preview: {header: x-lane}}\n", "LW318 x-lane is the header of lanes"),
        (APP + "  release: {preview: {header: x-laneway-cohort}}\n", "LW318 x-laneway-cohort is the header"),
        (APP + "  release: {preview: {header: X-Version}}\n", "LW206"),
        (APP + "  release: {sticky: {cookie: 'a b'}}\n", "LW206"),
        (APP + STICKY, "LW319 the App is at no gateway"),
        (
            APP + PUBLIC + STICKY + "---\n" + (APP + PUBLIC + STICKY).replace("pharmacy}", "page}", 1),
            "LW318 App default/page and App default/pharmacy share a host and a cookie",
        ),
    ],
)
def test_each_mark_of_a_release_means_one_thing(written: str, expected: str) -> None:
    """A header or cookie that two things use would lead requests astray."""
    found = check(load([Source("a.yaml", DEPLOYMENT + GATEWAY + written)], "default"))
    assert any(f"{problem.code.id} {problem.text}".startswith(expected) for problem in found), found
