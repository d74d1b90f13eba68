"""Releases of one App and of several: rules 1, 3 and 8, and what the cohort header does."""

from __future__ import annotations

from tests.calls.call import Call, Expect, To, at_gate, case, inside, near, of, ruled, shares, to
from tests.calls.table.lanes import DRAWN, GREEN, STABLE
from tests.calls.world import revision

COHORT = "x-laneway-cohort"
OLD, NEW = "shop.both.stable", "shop.both.candidate"
CART = shares({"cart:1": 87.5, "cart:2": 12.5})
CANARY = ruled("pharmacy:2", "rest")
HOME = "/pharmacy/1"


def cookie(version: str) -> str:
    """The cookie that keeps a browser with a version, as it is set."""
    return f"lw-pharmacy={revision(version)}; Path=/; Max-Age=90; HttpOnly; SameSite=Lax"


def kept(version: str) -> dict[str, str]:
    """The header of a browser that was drawn to a version."""
    return {"cookie": f"theme=dark; lw-pharmacy={revision(version)}; lang=en"}


DRAWN_AT_GATE = Expect(
    (
        To("pharmacy:1", 80, {"x-rule": "rest"}, {"set-cookie": cookie("pharmacy:1")}),
        To("pharmacy:2", 20, {"x-rule": "rest"}, {"set-cookie": cookie("pharmacy:2")}),
    )
)
STAYS = {"gives": {"set-cookie": None}}


def drawn(app: str, rule: str | None = None, onward: str = "") -> Expect:
    """Half to each side, which the request is marked with; behind it everybody keeps to that side."""
    return Expect(
        tuple(
            To(
                f"{app}:{tag}",
                50,
                {COHORT: side, "x-rule": rule},
                then=to(f"{onward}:{tag}") if onward else None,
            )
            for tag, side in (("1", OLD), ("2", NEW))
        )
    )


SUBSETS = of(
    "R1",
    case(
        "a revision's name is its pods'",
        inside("pharmacy", "/pharmacy", x_version=revision("pharmacy:2")),
        CANARY,
    ),
    case("stable's too", inside("pharmacy", "/pharmacy", x_version=revision("pharmacy:1")), STABLE),
    near(
        "another App's revision is nobody's here",
        inside("pharmacy", "/pharmacy", x_version=revision("page:2")),
        DRAWN,
    ),
    case(
        "a cookie's revision is its pods'",
        Call("shop.example", HOME, kept("pharmacy:2"), caller="ingress"),
        ruled("pharmacy:2", "rest", **STAYS),
    ),
    near(
        "the cookie of a revision that is gone is not",
        at_gate(HOME, cookie="lw-pharmacy=0123456789"),
        DRAWN_AT_GATE,
    ),
)

ORDER = of(
    "R3",
    case(
        "a lane comes before a preview",
        inside("pharmacy", "/pharmacy", x_lane="green", x_version="candidate"),
        GREEN,
    ),
    case(
        "any lane is with stable while a release runs", inside("pharmacy", "/pharmacy", x_lane="none"), STABLE
    ),
    case(
        "any lane comes before a preview",
        inside("pharmacy", "/pharmacy", x_lane="none", x_version="candidate"),
        STABLE,
    ),
    case(
        "any lane comes before a cookie",
        Call("shop.example", HOME, kept("pharmacy:2") | {"x-lane": "none"}, caller="ingress"),
        STABLE,
    ),
    case("a tester reaches the candidate", inside("pharmacy", "/pharmacy", x_version="candidate"), CANARY),
    case("and stable", inside("pharmacy", "/pharmacy", x_version="stable"), STABLE),
    case("at the gateway too", at_gate(HOME, x_version="candidate"), ruled("pharmacy:2", "rest", **STAYS)),
    case(
        "a preview comes before a cookie",
        Call("shop.example", HOME, kept("pharmacy:1") | {"x-version": "candidate"}, caller="ingress"),
        CANARY,
    ),
    near("an unknown side is drawn", inside("pharmacy", "/pharmacy", x_version="Candidate"), DRAWN),
    near("a preview is an App's own", inside("cart", x_version="candidate"), CART),
    case(
        "a browser stays with stable",
        Call("shop.example", HOME, kept("pharmacy:1"), caller="ingress"),
        ruled("pharmacy:1", "rest", **STAYS),
    ),
    near(
        "another cookie's end is not the cookie",
        at_gate(HOME, cookie=f"xlw-pharmacy={revision('pharmacy:2')}"),
        DRAWN_AT_GATE,
    ),
    near("services know no cookies", Call("pharmacy", "/pharmacy", kept("pharmacy:2")), DRAWN),
    near(
        "without a release any lane changes nothing",
        inside("catalog", "/exact", x_lane="none"),
        ruled("catalog:1", "exact"),
    ),
    near(
        "a preview keeps to the rules' paths",
        inside("pharmacy", "/other", x_version="candidate"),
        Expect(status=404),
    ),
)

WEIGHTS = of(
    "R8",
    case("whole percentages", at_gate(HOME), DRAWN_AT_GATE),
    case("at every gateway", at_gate(HOME, 8080), DRAWN_AT_GATE),
    case("basis points", inside("cart"), CART),
    case("halves", inside("page"), drawn("page", "rest")),
    near("one version has all", inside("audit"), to("audit:1")),
)

COHORTS = of(
    "cohorts",
    case("the first hop draws and marks", inside("inventory"), drawn("inventory")),
    case("the gateway may be the first", at_gate("/"), drawn("page", "rest")),
    case(
        "who is drawn follows",
        inside("inventory", x_laneway_cohort=NEW),
        to("inventory:2", sees={COHORT: NEW}),
    ),
    case("to stable too", inside("inventory", x_laneway_cohort=OLD), to("inventory:1", sees={COHORT: OLD})),
    case(
        "a cohort comes before any lane",
        inside("inventory", x_laneway_cohort=NEW, x_lane="none"),
        to("inventory:2"),
    ),
    near(
        "a lane that refuses comes before a cohort",
        inside("inventory", x_laneway_cohort=NEW, x_lane="strict"),
        Expect(status=503, body="lane strict has no version of inventory that can serve"),
    ),
    near(
        "the cohort of another release is drawn anew",
        inside("inventory", x_laneway_cohort="shop.other.candidate"),
        drawn("inventory"),
    ),
    near("a gateway believes no cohort", at_gate("/", x_laneway_cohort=NEW), drawn("page", "rest")),
    case("any lane marks stable", inside("inventory", x_lane="none"), to("inventory:1", sees={COHORT: OLD})),
    case(
        "every hop keeps to what was drawn",
        Call("shop.example", caller="ingress", onward="inventory"),
        drawn("page", "rest", onward="inventory"),
    ),
    case("so it does inside", Call("page", onward="inventory"), drawn("page", "rest", onward="inventory")),
    case(
        "a preview takes its cohort along",
        Call("shop.example", "/", {"x-version": "candidate"}, caller="ingress", onward="inventory"),
        ruled("page:2", "rest", then=to("inventory:2")),
    ),
    case(
        "a lane takes stable's along",
        Call("shop.example", "/", {"x-lane": "none"}, caller="ingress", onward="inventory"),
        ruled("page:1", "rest", then=to("inventory:1")),
    ),
    near(
        "an app of another release hears nothing of it",
        Call("page", "/", {"x-version": "candidate"}, onward="audit"),
        ruled("page:2", "rest", then=to("audit:1")),
    ),
)

ROWS = (*SUBSETS, *ORDER, *WEIGHTS, *COHORTS)
