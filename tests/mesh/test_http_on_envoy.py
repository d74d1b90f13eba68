"""What rules say, done by a real Envoy: each host below has the rules of one case."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPMessage
from typing import Any

import pytest
from tests.mesh.echo import Echo, echoing
from tests.mesh.mesh_objects import decoded, parse, registry, rules
from tests.mesh.static_envoy import connection_manager, exchange, running

from laneway.mesh.matching import Request
from laneway.mesh.protos import message
from laneway.mesh.refusals import refusals_of
from laneway.mesh.resources import Resource
from laneway.mesh.tables import mesh_table

pytestmark = pytest.mark.mesh

TO = {"destination": {"host": "target"}}
TARGET = "kind: Service\nmetadata: {name: target}\nspec: {selector: {app: target}, ports: [{port: 80}]}"

CASES: dict[str, list[dict[str, Any]]] = {
    "one-share": [
        {
            "headers": {"request": {"set": {"x-a": "route"}}, "response": {"set": {"x-a": "route"}}},
            "route": [
                TO
                | {
                    "headers": {
                        "request": {"set": {"x-a": "share", "host": "other.example"}},
                        "response": {"add": {"set-cookie": "cohort=a"}, "remove": ["x-served-by"]},
                    }
                }
            ],
        }
    ],
    "two-shares": [
        {
            "headers": {"request": {"set": {"x-a": "route"}}},
            "route": [
                TO
                | {
                    "weight": 1,
                    "headers": {
                        "request": {"set": {"x-a": "share", "host": "other.example"}},
                        "response": {"add": {"set-cookie": "cohort=a"}, "remove": ["x-served-by"]},
                    },
                },
                {"destination": {"host": "target", "port": {"number": 80}}, "weight": 1},
            ],
        }
    ],
}
"""By the host's name, the rules of its VirtualService."""


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    headers: HTTPMessage
    body: str

    @property
    def asked(self) -> dict[str, Any]:
        """The request as the server got it."""
        found = json.loads(self.body)
        assert isinstance(found, dict)
        return found


@dataclass(frozen=True)
class Mesh:
    """The proxy, and the server behind every destination."""

    connection: HTTPConnection
    echo: Echo

    def ask(self, case: str, path: str = "/", method: str = "GET", **headers: str) -> Answer:
        """Ask the host of a case. Header names are written with `_` for `-`."""
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        return Answer(*exchange(self.connection, Request(case, 80, path, method, given)))


def tables(cases: Mapping[str, list[dict[str, Any]]]) -> list[Resource]:
    """The route configurations of these rules."""
    values = [rules(*http, name=name) for name, http in cases.items()]
    assert not [refusal for value in values for refusal in refusals_of(value)]
    services = [parse(TARGET.replace("target", name))[0] for name in ("target", *cases)]
    found = registry([*services, *values])
    built = [mesh_table(f"{name}.shop.svc.cluster.local", found) for name in cases]
    return [table for table in built if table]


@pytest.fixture(scope="module")
def mesh(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mesh]:
    """All cases on one Envoy."""
    built = tables(CASES)
    hosts = [host for table in built for host in decoded(table).virtual_hosts]
    routes = message("envoy.config.route.v3.RouteConfiguration")(name="all", virtual_hosts=hosts)
    routes.validate_clusters.value = False
    with echoing() as echo:
        ports = {cluster: echo.port for table in built for cluster in table.needs}
        manager = connection_manager(route_config=routes)
        with running(tmp_path_factory.mktemp("envoy"), manager, ports) as connection:
            yield Mesh(connection, echo)


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
