"""Systems that have nothing to do with the example: other names and ports, and objects without any App."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.acceptance.flood import flood, versions
from tests.acceptance.running import Laneway
from tests.acceptance.systems import Object, Service, gateway, plain, released, write

from laneway.local.http1 import Request

pytestmark = pytest.mark.mesh

BANK = "bank"
HOST, PLAIN_HOST = "bank.test", "rates.test"

LEDGER = Service("ledger-7", BANK, port=9090, target=7777, version="2024.11-rc.1", replicas=3)
TILL = Service("till", BANK, port=81, target=6000, version="9", calls=("http://ledger-7.bank:9090/x",))
DESK = Service(
    "a-rather-long-name-for-a-desk",
    BANK,
    target=3000,
    replicas=2,
    calls=(TILL.url,),
    hosts=(HOST,),
    prefix="/desk",
)
LOBBY = Service("l", BANK, port=8000, target=8000, calls=(DESK.url,), hosts=(HOST,))
RATES = Service("rates", BANK, port=5000, target=5001, version="x")


def rates_rules() -> list[Object]:
    """What a team writes by itself: subsets, a header rule, weights, a rewrite, a direct response."""
    subsets = [{"name": version, "labels": {"version": version}} for version in ("v1", "v2")]
    rule = {"host": "rates", "subsets": subsets}

    def to(subset: str, weight: int = 100) -> Object:
        destination = {"host": "rates", "subset": subset, "port": {"number": 5000}}
        return {"destination": destination, "weight": weight}

    http: list[Object] = [
        {"match": [{"headers": {"x-beta": {"exact": "yes"}}}], "route": [to("v2")]},
        {"match": [{"uri": {"prefix": "/old/"}}], "rewrite": {"uri": "/new/"}, "route": [to("v1")]},
        {
            "match": [{"uri": {"exact": "/closed"}}],
            "directResponse": {"status": 418, "body": {"string": "closed"}},
        },
        {"route": [to("v1", 50), to("v2", 50)]},
    ]
    spec = {"hosts": [PLAIN_HOST, "rates"], "gateways": ["bank/public", "mesh"], "http": http}
    return [
        _istio("DestinationRule", rule),
        _istio("VirtualService", spec),
    ]


def _istio(kind: str, spec: Object) -> Object:
    metadata = {"name": "rates", "namespace": BANK}
    return {"apiVersion": "networking.istio.io/v1", "kind": kind, "metadata": metadata, "spec": spec}


@pytest.fixture(scope="module")
def bank(laneway: Laneway, folder: Path) -> Laneway:
    objects = [gateway([HOST, PLAIN_HOST], BANK), *plain(RATES, ["v1", "v2"]), *rates_rules()]
    for service in (LEDGER, TILL, DESK, LOBBY):
        objects += released(service)
    laneway.up(write(folder, objects).parent)
    return laneway


def test_a_system_of_other_names_ports_and_numbers_comes_up_and_routes(bank: Laneway) -> None:
    """Names of any length, ports that differ from container ports, calls across namespaces' short names."""
    went = versions(bank.ask(HOST, "/desk"))
    assert went == {DESK.name: "v1", "till": "9", "ledger-7": "2024.11-rc.1"}
    assert bank.ask(HOST, "/")["service"] == "l"


def test_its_replicas_are_as_many_as_written(bank: Laneway) -> None:
    """Three ledgers answer, two desks."""
    answers = flood(bank.address, [Request(HOST, "/desk")] * 120)
    assert len({answer["pod"] for answer in answers}) == 2
    assert len({answer["hops"][0]["hops"][0]["pod"] for answer in answers}) == 3


def test_plain_objects_route_without_an_app(bank: Laneway) -> None:
    """A team's own VirtualService and DestinationRule mean what they mean under Istio."""
    beta = flood(bank.address, [Request(PLAIN_HOST, "/", {"x-beta": "yes"})] * 20)
    assert {answer["version"] for answer in beta} == {"v2"}
    shared = flood(bank.address, [Request(PLAIN_HOST)] * 60)
    assert {answer["version"] for answer in shared} == {"v1", "v2"}
    old = bank.ask(PLAIN_HOST, "/old/a")
    assert (old["version"], old["path"]) == ("v1", "/new/a")
    assert bank.ask(PLAIN_HOST, "/closed")["status"] == 418


def test_a_lane_works_on_a_system_of_other_names(bank: Laneway) -> None:
    """The lane of a service that is two hops away, chosen through a port of its own."""
    bank.json("lane", "up", "audit", "--app", "ledger-7=registry.test/ledger-7:audit", "-n", BANK, "--wait")
    assert versions(bank.ask(HOST, "/desk", "audit"))["ledger-7"] == "audit"
    assert versions(bank.ask(HOST, "/desk"))["ledger-7"] == LEDGER.version
