"""What rules say, done by a real Envoy: each host below has the rules of one case.

The walker is asked the same, so that what is explained is what is done.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPMessage
from typing import Any

import pytest
from tests.mesh.echo import Echo, echoing
from tests.mesh.mesh_objects import decoded, parse, registry, rules
from tests.mesh.static_envoy import exchange, running

from laneway.mesh.forwarding import forwarded
from laneway.mesh.listeners import LAST_FILTERS
from laneway.mesh.matching import Request, misfit
from laneway.mesh.protos import any_of, message
from laneway.mesh.refusals import refusals_of
from laneway.mesh.registry import Registry
from laneway.mesh.rules import Site, rows_of, targets_of
from laneway.mesh.tables import mesh_table
from laneway.mesh.walk import AtSidecar, Hop, walk

pytestmark = pytest.mark.mesh

PLACE = AtSidecar("shop", "test")
TO = {"destination": {"host": "target"}}
TARGET = "kind: Service\nmetadata: {name: target}\nspec: {selector: {app: target}, ports: [{port: 80}]}"

SHARE = {
    "headers": {
        "request": {"set": {"x-a": "share", "host": "other.example"}},
        "response": {"add": {"set-cookie": "cohort=a"}, "remove": ["x-served-by"]},
    }
}
HALF = {"value": 50.0}
ALL = {"value": 100.0}
CORS = {
    "allowOrigins": [{"exact": "https://a.example"}, {"regex": "https://.*[.]b[.]example"}],
    "allowMethods": ["GET", "PUT"],
    "allowHeaders": ["x-a", "x-b"],
    "exposeHeaders": ["x-served-by"],
    "maxAge": "10m",
    "allowCredentials": True,
}

CASES: dict[str, list[dict[str, Any]]] = {
    "one-share": [
        {
            "headers": {"request": {"set": {"x-a": "route"}}, "response": {"set": {"x-a": "route"}}},
            "route": [TO | SHARE],
        }
    ],
    "two-shares": [
        {
            "headers": {"request": {"set": {"x-a": "route"}}},
            "route": [TO | SHARE | {"weight": 1}, TO | {"weight": 1}],
        }
    ],
    "both-hosts": [
        {
            "rewrite": {"authority": "rule.example"},
            "route": [TO | SHARE | {"weight": 1}, TO | SHARE | {"weight": 1}],
        }
    ],
    "redirect": [
        {"match": [{"uri": {"exact": "/all"}}], "redirect": {"uri": "/to", "authority": "b.example"}},
        {"match": [{"uri": {"exact": "/query"}}], "redirect": {"uri": "/to?r=1", "redirectCode": 303}},
        {"match": [{"uri": {"prefix": "/tls"}}], "redirect": {"scheme": "https", "redirectCode": 308}},
        {"match": [{"uri": {"prefix": "/port"}}], "redirect": {"port": 8443, "scheme": "https"}},
        {"match": [{"uri": {"prefix": "/own"}}], "redirect": {"port": 443, "scheme": "https"}},
        {
            "match": [{"uri": {"prefix": "/derived"}}],
            "redirect": {"authority": "b.example", "derivePort": "FROM_REQUEST_PORT", "scheme": "https"},
        },
        {
            "match": [{"uri": {"prefix": "/"}}],
            "redirect": {"derivePort": "FROM_PROTOCOL_DEFAULT", "redirectCode": 307},
            "headers": {"response": {"set": {"x-why": "moved"}}},
        },
    ],
    "answer": [
        {
            "match": [{"uri": {"exact": "/bytes"}}],
            "directResponse": {"status": 418, "body": {"bytes": "AP8B"}},
        },
        {"match": [{"uri": {"exact": "/text"}}], "directResponse": {"status": 503, "body": {"string": "no"}}},
        {"directResponse": {"status": 204}},
    ],
    "rewrite": [
        {
            "match": [{"uri": {"prefix": "/user/"}}],
            "rewrite": {"uriRegexRewrite": {"match": "/user/([^/]+)/(.*)", "rewrite": r"/\2/of/\1"}},
            "route": [TO],
        },
        {
            "match": [{"uri": {"prefix": "/many"}}],
            "rewrite": {"uriRegexRewrite": {"match": "a", "rewrite": r"<\0>"}},
            "route": [TO],
        },
        {"match": [{"uri": {"regex": "/x[0-9]"}}], "rewrite": {"uri": "/whole"}, "route": [TO]},
        {"match": [{"uri": {"prefix": "/p"}}], "rewrite": {"uri": "/q"}, "route": [TO]},
    ],
    "aborted": [{"fault": {"abort": {"httpStatus": 503, "percentage": ALL}}, "route": [TO]}],
    "half-aborted": [{"fault": {"abort": {"httpStatus": 503, "percentage": HALF}}, "route": [TO]}],
    "never-aborted": [{"fault": {"abort": {"httpStatus": 503}}, "route": [TO]}],
    "grpc-aborted": [{"fault": {"abort": {"grpcStatus": "NOT_FOUND", "percentage": ALL}}, "route": [TO]}],
    "delayed": [
        {
            "fault": {"delay": {"fixedDelay": "1ms", "percentage": ALL}},
            "headers": {"response": {"set": {"x-flags": "%RESPONSE_FLAGS%"}}},
            "route": [TO],
        },
    ],
    "mirrored": [{"mirror": {"host": "shadow"}, "route": [TO]}],
    "never-mirrored": [
        {"mirror": {"host": "shadow"}, "mirrorPercentage": {"value": 0.0}, "route": [TO]},
    ],
    "mirrors": [
        {
            "mirrors": [
                {"destination": {"host": "shadow"}, "percentage": ALL},
                {"destination": {"host": "shadow"}},
            ],
            "route": [TO],
        }
    ],
    "cors": [{"corsPolicy": CORS, "route": [TO]}],
    "cors-ignored": [{"corsPolicy": CORS | {"unmatchedPreflights": "IGNORE"}, "route": [TO]}],
    "retried": [
        {"retries": {"attempts": 2, "retryOn": "503", "backoff": "1ms"}, "route": [TO]},
    ],
    "remote": [
        {
            "retries": {
                "attempts": 2,
                "retryOn": "503",
                "backoff": "1ms",
                "retryRemoteLocalities": True,
                "retryIgnorePreviousHosts": False,
            },
            "route": [TO],
        },
    ],
}
"""By the host's name, the rules of its VirtualService."""


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    headers: HTTPMessage
    body: bytes

    @property
    def asked(self) -> dict[str, Any]:
        """The request as the server got it."""
        found = json.loads(self.body)
        assert isinstance(found, dict)
        return found


@dataclass(frozen=True)
class Mesh:
    """The rules, the proxy, the server behind every destination, and the one that gets the copies."""

    registry: Registry
    connection: HTTPConnection
    echo: Echo
    shadow: Echo

    def ask(self, case: str, path: str = "/", method: str = "GET", **headers: str) -> Answer:
        """Ask the host of a case. Header names are written with `_` for `-`."""
        return Answer(*exchange(self.connection, self._request(case, path, method, headers)))

    def walked(self, case: str, path: str = "/", method: str = "GET", **headers: str) -> Hop:
        """What the walker says of the same request."""
        (hop,) = walk(self.registry, PLACE, self._request(case, path, method, headers)).hops
        return hop

    def forwarded(self, case: str, path: str) -> Request:
        """The request as the walker sends it on."""
        site = Site(frozenset({"mesh"}), 80)
        asked = self._request(case, path, "GET", {})
        source = self.registry.rules_of(f"{case}.shop.svc.cluster.local")
        row = next(row for row in rows_of([source] if source else [], site) if not misfit(row, asked))
        (target,) = targets_of(row, site, self.registry)
        return forwarded(asked, row, target, shared=False)

    def _request(self, case: str, path: str, method: str, headers: Mapping[str, str]) -> Request:
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        return Request(case, 80, path, method, given)


def objects(cases: Mapping[str, list[dict[str, Any]]]) -> Registry:
    """These rules, and the services that they are for."""
    values = [rules(*http, name=name) for name, http in cases.items()]
    assert not [refusal for value in values for refusal in refusals_of(value)]
    services = [parse(TARGET.replace("target", name))[0] for name in ("target", "shadow", *cases)]
    return registry([*services, *values])


@pytest.fixture(scope="module")
def mesh(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mesh]:
    """All cases on one Envoy."""
    found = objects(CASES)
    built = [table for case in CASES if (table := mesh_table(f"{case}.shop.svc.cluster.local", found))]
    hosts = [host for table in built for host in decoded(table).virtual_hosts]
    routes = message("envoy.config.route.v3.RouteConfiguration")(name="all", virtual_hosts=hosts)
    routes.validate_clusters.value = False
    filters = [{"name": name, "typed_config": any_of(message(kind)())} for name, kind in LAST_FILTERS.items()]
    name = "envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager"
    manager = message(name)(stat_prefix="test", route_config=routes, http_filters=filters)
    with echoing() as echo, echoing() as shadow:
        ports = {
            cluster: (shadow if "|shadow." in cluster else echo).port
            for table in built
            for cluster in table.needs
        }
        with running(tmp_path_factory.mktemp("envoy"), manager, ports) as connection:
            yield Mesh(found, connection, echo, shadow)


def test_a_share_changes_headers_after_its_rule(mesh: Mesh) -> None:
    """Where it is the only one: the rule's changes come first."""
    answer = mesh.ask("one-share")
    assert answer.asked["headers"]["x-a"] == "share"
    assert answer.asked["headers"]["host"] == "other.example"
    assert (answer.headers["x-a"], answer.headers["set-cookie"]) == ("route", "cohort=a")
    assert "x-served-by" not in answer.headers


def test_each_of_several_shares_changes_its_own_headers(mesh: Mesh) -> None:
    """Before the rule does. The other share's answers stay as they are."""
    answers = [mesh.ask("two-shares") for _ in range(40)]
    cookies = [answer.headers["set-cookie"] for answer in answers]
    assert set(cookies) == {"cohort=a", None}
    for answer in answers:
        sticky = answer.headers["set-cookie"] is not None
        assert answer.asked["headers"]["host"] == ("other.example" if sticky else "two-shares")
        assert answer.asked["headers"]["x-a"] == "route"
        assert ("x-served-by" in answer.headers) is not sticky


def test_a_rules_own_host_comes_before_a_shares(mesh: Mesh) -> None:
    """Istio's choice, whatever the number of shares."""
    assert mesh.ask("both-hosts").asked["headers"]["host"] == "rule.example"


@pytest.mark.parametrize(
    ("path", "status", "location"),
    [
        ("/all?q=1", 301, "http://b.example/to?q=1"),
        ("/query?q=1", 303, "http://redirect/to?r=1"),
        ("/tls/a?q=1", 308, "https://redirect/tls/a?q=1"),
        ("/port", 301, "https://redirect:8443/port"),
        ("/own", 301, "https://redirect/own"),
        ("/derived", 301, "https://b.example:80/derived"),
        ("/rest", 307, "http://redirect/rest"),
    ],
)
def test_redirects_lead_where_the_walker_says(mesh: Mesh, path: str, status: int, location: str) -> None:
    """What is not given stays; a query stays unless the new path has one; a scheme's own port goes."""
    answer = mesh.ask("redirect", path)
    assert (answer.status, answer.headers["location"]) == (status, location)
    hop = mesh.walked("redirect", path)
    assert (hop.status, hop.location) == (status, location)


def test_a_redirect_changes_headers_too(mesh: Mesh) -> None:
    """Those of the answer."""
    assert mesh.ask("redirect", "/rest").headers["x-why"] == "moved"


def test_a_direct_response_has_the_bytes_of_its_body(mesh: Mesh) -> None:
    """Given as text or as base64."""
    answer = mesh.ask("answer", "/bytes")
    assert (answer.status, answer.body) == (418, b"\x00\xff\x01")
    answer = mesh.ask("answer", "/text")
    assert (answer.status, answer.body) == (503, b"no")
    assert mesh.ask("answer").status == mesh.walked("answer").status == 204


@pytest.mark.parametrize(
    ("path", "seen"),
    [
        ("/user/ann/orders/7?q=a", "/orders/7/of/ann?q=a"),
        ("/many/banana?a=a", "/m<a>ny/b<a>n<a>n<a>?a=a"),
        ("/x7?q=1", "/whole?q=1"),
        ("/page?p=1", "/qage?p=1"),
    ],
)
def test_paths_are_rewritten_as_the_walker_says(mesh: Mesh, path: str, seen: str) -> None:
    """Every match of an expression, the matched prefix, or the path that an expression matched."""
    assert mesh.ask("rewrite", path).asked["path"] == seen
    assert mesh.forwarded("rewrite", path).path == seen


def test_an_abort_answers_its_share_of_the_requests(mesh: Mesh) -> None:
    """None without a percentage."""
    assert {mesh.ask("aborted").status for _ in range(20)} == {503}
    assert {mesh.ask("never-aborted").status for _ in range(20)} == {200}
    assert {mesh.ask("half-aborted").status for _ in range(60)} == {200, 503}
    assert mesh.walked("aborted").status == 503
    assert mesh.walked("half-aborted").effects == ("fault: 50 % are answered with 503",)
    assert not mesh.walked("never-aborted").effects


def test_an_abort_with_a_grpc_status_is_a_200(mesh: Mesh) -> None:
    """A request of gRPC's finds it in a header, another one finds none."""
    for headers, status in (({"content_type": "application/grpc"}, "5"), ({}, None)):
        answer = mesh.ask("grpc-aborted", method="POST", **headers)
        assert (answer.status, answer.headers["grpc-status"]) == (200, status)
    assert mesh.walked("grpc-aborted").status == 200


def test_a_delay_holds_the_request_back(mesh: Mesh) -> None:
    """Envoy's flag for an injected delay says that there was one."""
    answer = mesh.ask("delayed")
    assert (answer.status, answer.headers["x-flags"]) == (200, "DI")
    assert mesh.walked("delayed").effects == ("fault: 100 % wait 1ms",)


def test_copies_go_to_the_mirror(mesh: Mesh) -> None:
    """With the Host as it is; their answers are nobody's."""
    before = len(mesh.shadow.asked)
    for index in range(3):
        assert mesh.ask("mirrored", f"/copy{index}").asked["path"] == f"/copy{index}"
    copies = mesh.shadow.wait_for(before + 3)[before:]
    assert {(copy["path"], copy["headers"]["host"]) for copy in copies} == {
        (f"/copy{index}", "mirrored") for index in range(3)
    }
    (copied,) = mesh.walked("mirrored").mirrors
    assert (copied.host, copied.percent) == ("shadow.shop.svc.cluster.local", 100)


def test_several_mirrors_get_a_copy_each(mesh: Mesh) -> None:
    """And one with 0 % none."""
    before = len(mesh.shadow.asked)
    assert mesh.ask("never-mirrored", "/never").status == 200
    assert mesh.ask("mirrors", "/twice").status == 200
    assert [copy["path"] for copy in mesh.shadow.wait_for(before + 2)[before:]] == ["/twice"] * 2
    assert len(mesh.walked("mirrors").mirrors) == 2
    assert not mesh.walked("never-mirrored").mirrors


PREFLIGHT = {"access_control_request_method": "PUT"}


@pytest.mark.parametrize(
    ("case", "method", "headers", "allowed", "answered"),
    [
        ("cors", "GET", {"origin": "https://a.example"}, True, False),
        ("cors", "GET", {"origin": "https://x.b.example"}, True, False),
        ("cors", "GET", {"origin": "https://c.example"}, False, False),
        ("cors", "OPTIONS", {"origin": "https://a.example"} | PREFLIGHT, True, True),
        ("cors", "OPTIONS", {"origin": "https://c.example"} | PREFLIGHT, False, False),
        ("cors", "OPTIONS", {"origin": "https://a.example"}, True, False),
        ("cors-ignored", "OPTIONS", {"origin": "https://c.example"} | PREFLIGHT, False, True),
        ("cors-ignored", "OPTIONS", PREFLIGHT, False, False),
    ],
)
def test_cross_origin_requests_are_answered_as_the_walker_says(
    mesh: Mesh, case: str, method: str, headers: dict[str, str], allowed: bool, answered: bool
) -> None:
    """The proxy answers preflights; other requests pass, and their answers say who may read them."""
    answer = mesh.ask(case, method=method, **headers)
    hop = mesh.walked(case, method=method, **headers)
    assert (answer.status, "access-control-allow-origin" in answer.headers) == (200, allowed)
    assert (hop.status == 200) == answered == ("x-served-by" not in answer.headers)
    assert any(effect.endswith(" may read the answer") for effect in hop.effects) is allowed


def test_a_preflight_is_told_the_whole_policy(mesh: Mesh) -> None:
    """Methods, headers, age and credentials."""
    headers = mesh.ask("cors", method="OPTIONS", origin="https://a.example", **PREFLIGHT).headers
    assert headers["access-control-allow-origin"] == "https://a.example"
    assert headers["access-control-allow-methods"] == "GET,PUT"
    assert headers["access-control-allow-headers"] == "x-a,x-b"
    assert headers["access-control-max-age"] == "600"
    assert headers["access-control-allow-credentials"] == "true"
    exposed = mesh.ask("cors", origin="https://a.example").headers["access-control-expose-headers"]
    assert exposed == "x-served-by"


@pytest.mark.parametrize("case", ["retried", "remote"])
def test_requests_are_retried(mesh: Mesh, case: str) -> None:
    """As often as the rule says, and then no more."""
    before = len(mesh.echo.asked)
    assert mesh.ask(case, x_status="503").status == 503
    attempts = [asked["headers"]["x-envoy-attempt-count"] for asked in mesh.echo.asked[before:]]
    assert attempts == ["1", "2", "3"]
