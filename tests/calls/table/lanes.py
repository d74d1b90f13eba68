"""Lanes: rules 2, 4, 5, 6 and 7 of the design's section on routing."""

from __future__ import annotations

from dataclasses import replace

from tests.calls.call import Call, Expect, at_gate, case, inside, near, of, refused, ruled, shares, to

STABLE = ruled("pharmacy:1", "rest")
GREEN = ruled("pharmacy:green", "rest")
WEIGHTS = {"pharmacy:1": 80.0, "pharmacy:2": 20.0}
AUDITED = replace(shares(WEIGHTS, sees={"x-rule": "audited"}), copies={"audit:1": 100})
DRAWN = shares(WEIGHTS, sees={"x-rule": "rest"})
EITHER = to("pharmacy:1 pharmacy:2")

PODS = of(
    "R2",
    case("nobody without the header reaches a lane", inside("pharmacy", "/pharmacy"), DRAWN),
    case("an old rule that names no subset reaches no lane", at_gate("/any", host="legacy.example"), EITHER),
    case(
        "an old rule reaches no lane with its header either",
        at_gate("/any", host="legacy.example", x_lane="green"),
        EITHER,
    ),
    case(
        "a rule for callers with an App's labels is for none of a lane",
        inside("catalog", "/source", caller="cart:blue"),
        Expect(status=404),
    ),
    near(
        "but for each of its revisions",
        inside("catalog", "/source", caller="cart:2"),
        ruled("catalog:1", "from-cart"),
    ),
    near(
        "a lane's own Service is the lane's version alone",
        inside("pharmacy-green", "/any"),
        to("pharmacy:green"),
    ),
    near(
        "so it is from another namespace", inside("catalog-green.shop", caller="probe:1"), to("catalog:green")
    ),
)

SPARSE = of(
    "R4",
    case(
        "an app that the lane does not deploy is the stable one", inside("cart", x_lane="green"), to("cart:1")
    ),
    case("so is one that is at rest", inside("audit", x_lane="green"), to("audit:1")),
    case("so is one that is released with others", inside("inventory", x_lane="green"), to("inventory:1")),
    near("an app that the lane deploys is the lane's", inside("cart", x_lane="azure"), to("cart:blue")),
    near(
        "a lane that refuses what it lacks says so",
        inside("pharmacy", "/pharmacy", x_lane="strict"),
        refused("strict", "pharmacy"),
    ),
    near("it does for an app at rest", inside("audit", x_lane="strict"), refused("strict", "audit")),
    near(
        "it does for an app that is released with others",
        inside("inventory", x_lane="strict"),
        refused("strict", "inventory"),
    ),
    case("it has what it deploys", inside("page", x_lane="strict"), ruled("page:strict", "rest")),
    case("it knows nothing of hosts that are no App's", inside("stub", x_lane="strict"), to("stub:1")),
    case("nor of hosts outside of the mesh", inside("courier.example", x_lane="strict"), to("courier:1")),
)

GATES = of(
    "R5",
    case("a lane's rules stand at the gateway too", at_gate("/pharmacy/1", x_lane="green"), GREEN),
    case("at every gateway of the App", at_gate("/pharmacy/1", 8080, x_lane="green"), GREEN),
    case("of every App there", at_gate("/", x_lane="strict"), ruled("page:strict", "rest")),
    near(
        "an App that it does not deploy is the stable one there",
        at_gate("/", x_lane="green"),
        ruled("page:1", "rest"),
    ),
    near("no lane at the gateway means the weights", at_gate("/pharmacy/1"), DRAWN),
    case(
        "it refuses there what it lacks",
        at_gate("/pharmacy/1", x_lane="strict"),
        refused("strict", "pharmacy"),
    ),
    near(
        "what a gateway has no rule for is no lane's either",
        at_gate("/", 8080, x_lane="strict"),
        Expect(status=404),
    ),
    case(
        "the header goes on to those behind",
        at_gate("/pharmacy/1", x_lane="green"),
        to("pharmacy:green", sees={"x-lane": "green"}),
    ),
    case(
        "a lane holds behind an app that it does not deploy",
        Call("shop.example", "/", {"x-lane": "azure"}, caller="ingress", onward="cart"),
        ruled("page:1", "rest", then=to("cart:blue")),
    ),
    case(
        "a refusal holds behind an app that it deploys",
        Call("shop.example", "/", {"x-lane": "strict"}, caller="ingress", onward="inventory"),
        ruled("page:strict", "rest", then=refused("strict", "inventory")),
    ),
)

KEYS = of(
    "R6",
    case("the value is the key", inside("pharmacy", "/pharmacy", x_lane="green"), GREEN),
    case("it may be another one than the lane's name", inside("cart", x_lane="azure"), to("cart:blue")),
    near("then the name is none", inside("cart", x_lane="blue"), to("cart:1")),
    near("capitals are not the same", inside("pharmacy", "/pharmacy", x_lane="Green"), STABLE),
    near("more than the value is not", inside("pharmacy", "/pharmacy", x_lane="greener"), STABLE),
    near("less than the value is not", inside("pharmacy", "/pharmacy", x_lane="gree"), STABLE),
    near("two values are not", inside("pharmacy", "/pharmacy", x_lane="green,azure"), STABLE),
    near("an empty one is not", inside("pharmacy", "/pharmacy", x_lane=""), STABLE),
    near("another header is not", inside("pharmacy", "/pharmacy", x_lanes="green"), DRAWN),
    case("a header's name has no case", Call("pharmacy", "/pharmacy", {"X-Lane": "green"}), GREEN),
)

READINESS = of(
    "R7",
    case(
        "a version without a ready pod is withdrawn", inside("pharmacy", "/pharmacy", x_lane="slow"), STABLE
    ),
    case("it is at the gateway", at_gate("/pharmacy/1", x_lane="slow"), STABLE),
    case(
        "it is refused where the lane says so",
        inside("pharmacy", "/pharmacy", x_lane="slow-refused"),
        refused("slow-refused", "pharmacy"),
    ),
    case(
        "another lane takes its place where the lane says so",
        inside("pharmacy", "/pharmacy", x_lane="slow-passed"),
        GREEN,
    ),
    near("a ready one is there", inside("pharmacy", "/pharmacy", x_lane="green"), GREEN),
    case("a lane falls back through another", inside("pharmacy", "/pharmacy", x_lane="azure"), GREEN),
    near("but not where neither deploys the app", inside("inventory", x_lane="azure"), to("inventory:1")),
)

ROWS = (*PODS, *SPARSE, *GATES, *KEYS, *READINESS)
