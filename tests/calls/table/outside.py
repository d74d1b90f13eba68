"""Callers in other namespaces, and the ways in and out: rules 9 and 10."""

from __future__ import annotations

from tests.calls.call import Expect, at_gate, case, inside, near, of, ruled, to
from tests.calls.table.lanes import AUDITED, DRAWN, GREEN

UNKNOWN = Expect(status=502)
BOTH = {"x-lane": None, "x-laneway-cohort": None}

NAMESPACES = of(
    "R9",
    case(
        "rules hold for callers in every namespace",
        inside("pharmacy.shop", "/pharmacy", caller="probe:1", x_lane="green"),
        GREEN,
    ),
    case("weights do", inside("pharmacy.shop.svc.cluster.local", "/pharmacy", caller="probe:1"), DRAWN),
    case("by every name", inside("pharmacy.shop.svc", "/pharmacy", caller="probe:1", x_lane="green"), GREEN),
    case("in capitals too", inside("Pharmacy.Shop", "/pharmacy", x_lane="green"), GREEN),
    case(
        "with a dot at the end",
        inside("pharmacy.shop.svc.cluster.local.", "/pharmacy", x_lane="green"),
        GREEN,
    ),
    case(
        "a caller that is told of the App alone reaches its lanes",
        inside("pharmacy.shop", "/pharmacy", caller="clerk:1", x_lane="green"),
        GREEN,
    ),
    case(
        "and its versions, with what is mirrored",
        inside("pharmacy.shop", "/pharmacy/audited", caller="clerk:1"),
        AUDITED,
    ),
    near(
        "and no other App",
        inside("catalog.shop", "/exact", caller="clerk:1", x_lane="green"),
        UNKNOWN,
    ),
    near("nor other hosts outside", inside("payments.example", caller="clerk:1"), UNKNOWN),
    near(
        "a bare name is of its own namespace",
        inside("pharmacy", "/pharmacy", caller="probe:1", x_lane="green"),
        UNKNOWN,
    ),
    near("what nobody knows is refused", inside("nobody.example"), UNKNOWN),
)

BORDERS = of(
    "R10",
    case(
        "lane and cohort end at the way out",
        inside("courier.example", "/v1", x_lane="green", x_laneway_cohort="shop.both.candidate", x_own="1"),
        to("courier:1", sees=BOTH | {"x-own": "1"}, path="/v1", host="courier.example"),
    ),
    case(
        "from every namespace",
        inside("courier.example", caller="probe:1", x_lane="green"),
        to("courier:1", sees=BOTH),
    ),
    case(
        "from a caller that is told of the host alone",
        inside("courier.example", caller="clerk:1", x_lane="green"),
        to("courier:1", sees=BOTH),
    ),
    case("a dot at the end of a host outside", inside("payments.example."), ruled("payments:1", "paid")),
    near(
        "inside they go on",
        inside("stub", x_lane="green", x_laneway_cohort="a.b"),
        to("stub:1", sees={"x-lane": "green", "x-laneway-cohort": "a.b"}),
    ),
    case(
        "a lane may have a stub for a host outside",
        inside("payments.example", x_lane="green"),
        ruled("stub:1", "stubbed"),
    ),
    near(
        "others have the host itself",
        inside("payments.example", x_lane="azure"),
        to("payments:1", sees=BOTH | {"x-rule": "paid"}),
    ),
    near("so has everybody", inside("payments.example"), ruled("payments:1", "paid")),
    case(
        "no cohort comes in where the App has none",
        at_gate("/pharmacy/1", x_laneway_cohort="shop.both.candidate", x_version="stable"),
        to("pharmacy:1", sees={"x-laneway-cohort": None}),
    ),
    case(
        "none comes in with a lane",
        at_gate("/pharmacy/1", x_laneway_cohort="shop.both.candidate", x_lane="green"),
        to("pharmacy:green", sees={"x-laneway-cohort": None, "x-lane": "green"}),
    ),
)

ROWS = (*NAMESPACES, *BORDERS)
