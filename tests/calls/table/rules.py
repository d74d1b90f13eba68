"""The user's own rules, and their clones for lanes and previews: rule 3."""

from __future__ import annotations

from tests.calls.call import (
    Call,
    Expect,
    answered,
    at_gate,
    case,
    inside,
    moved,
    near,
    of,
    refused,
    ruled,
    shares,
    to,
)
from tests.calls.table.lanes import AUDITED, WEIGHTS
from tests.calls.table.releases import drawn

NOBODY = Expect(status=404)


def by(rule: str) -> Expect:
    """The catalog, by a rule of its own."""
    return ruled("catalog:1", rule)


def in_lane(rule: str) -> Expect:
    """The lane's catalog, by the clone of a rule."""
    return ruled("catalog:green", rule)


PATHS = of(
    "R3",
    case("an exact path", inside("catalog", "/exact"), by("exact")),
    case("a query is no part of it", inside("catalog", "/exact?a=1"), by("exact")),
    near("a longer path is another", inside("catalog", "/exact/1"), NOBODY),
    near("capitals are others", inside("catalog", "/Exact"), NOBODY),
    case("unless the rule says not", inside("catalog", "/cASE"), by("any-case")),
    case("a prefix", inside("catalog", "/books/1"), by("prefix")),
    near("not half of it", inside("catalog", "/books"), NOBODY),
    case(
        "a detour is none", inside("catalog", "/books/../exact"), ruled("catalog:1", "exact", path="/exact")
    ),
    case(
        "an escape in vain is none", inside("catalog", "/%65xact"), ruled("catalog:1", "exact", path="/exact")
    ),
    near("an escaped slash is no slash", inside("catalog", "/books%2F1"), NOBODY),
    near("two slashes are two", inside("catalog", "//exact"), NOBODY),
    case("an expression", inside("catalog", "/items/42?all"), by("expression")),
    near("which is of the whole path", inside("catalog", "/items/42/x"), NOBODY),
    case("one block of two", inside("catalog", "/one"), by("two-blocks")),
    case("the other of two", inside("catalog", "/two", x_kind="book"), by("two-blocks")),
    near("not half of it either", inside("catalog", "/two"), NOBODY),
)

HEADERS = of(
    "R3",
    case("a header's value", inside("catalog", "/kind", x_kind="book"), by("header-exact")),
    case("its beginning", inside("catalog", "/kind", x_kind="magazine"), by("header-prefix")),
    case("an expression of it", inside("catalog", "/kind", x_kind="dvd9"), by("header-regex")),
    near(
        "of the whole value: else it is only there",
        inside("catalog", "/kind", x_kind="dvd99"),
        by("header-there"),
    ),
    case("an empty one is there", inside("catalog", "/kind", x_kind=""), by("header-there")),
    near("none is not", inside("catalog", "/kind"), NOBODY),
    case("two headers", inside("catalog", "/both", x_kind="book", x_tier="gold"), by("two-headers")),
    near("one of two is not enough", inside("catalog", "/both", x_kind="book"), NOBODY),
    case("without a header", inside("catalog", "/without"), by("without-header")),
    near("with it", inside("catalog", "/without", x_blocked="no"), NOBODY),
    case("without a value there is none", inside("catalog", "/without-value"), by("without-value")),
    case(
        "without a value there is another",
        inside("catalog", "/without-value", x_tier="gold"),
        by("without-value"),
    ),
    case(
        "without an expression there is none",
        inside("catalog", "/without-expression"),
        by("without-expression"),
    ),
    near("with the expression", inside("catalog", "/without-expression", x_kind="cd"), NOBODY),
    near("with the value", inside("catalog", "/without-value", x_tier="free"), NOBODY),
)

OTHERS = of(
    "R3",
    case("a parameter's value", inside("catalog", "/search?a=1&q=ibuprofen"), by("query-exact")),
    case("its beginning, of a parameter", inside("catalog", "/search?q=ibu"), by("query-prefix")),
    case("an expression of a parameter", inside("catalog", "/search?q=400"), by("query-regex")),
    case("any value of a parameter", inside("catalog", "/search?q=x&all=1"), by("query-there")),
    case("a parameter without a value", inside("catalog", "/search?all"), by("query-there")),
    near("it is compared as it is written", inside("catalog", "/search?q=%69buprofen"), NOBODY),
    near("no parameter", inside("catalog", "/search"), NOBODY),
    near("the first of two counts", inside("catalog", "/search?q=x&q=ibuprofen"), NOBODY),
    case("a method", Call("catalog", "/method", method="POST"), by("method")),
    case("one of two methods", Call("catalog", "/method", method="DELETE"), by("method-regex")),
    near("another method", Call("catalog", "/method", method="GET"), NOBODY),
    case("the name that was called", inside("catalog.shop", "/authority"), by("authority")),
    case("its beginning, of the name", inside("catalog.shop.svc", "/authority"), by("authority-prefix")),
    near("another of its names", inside("catalog", "/authority"), NOBODY),
    case("a caller by its labels", inside("catalog", "/source", caller="cart:1"), by("from-cart")),
    case("a caller by its namespace", inside("catalog.shop", "/source", caller="probe:1"), by("from-tools")),
    near("another caller", inside("catalog", "/source"), NOBODY),
    near("a rule for some callers is for none at a gateway", at_gate("/basket"), drawn("page", "rest")),
    case("a scheme", inside("catalog", "/scheme"), by("scheme")),
    case(
        "a port",
        Call("pharmacy", "/any", {"x-version": "candidate"}, port=8081),
        ruled("pharmacy:2", "admin"),
    ),
    near("another port", inside("pharmacy", "/any"), NOBODY),
    case(
        "a gateway of two",
        at_gate("/pharmacy/offers", 8080, x_version="stable"),
        ruled("pharmacy:1", "partners"),
    ),
    near("the other gateway", at_gate("/pharmacy/offers", x_version="stable"), ruled("pharmacy:1", "rest")),
    near(
        "sidecars are no gateway",
        inside("pharmacy", "/pharmacy/offers", x_version="stable"),
        ruled("pharmacy:1", "rest"),
    ),
    case(
        "the order of Apps: the first's path",
        at_gate("/pharmacy", x_version="stable"),
        ruled("pharmacy:1", "rest"),
    ),
    near("the order of Apps: the rest", at_gate("/pharmac", x_version="stable"), ruled("page:1", "rest")),
    near("an App is at its gateways alone", at_gate("/", 8080), NOBODY),
    case("a gateway's rest", at_gate("/", 8080, host="any.example"), to("audit:1")),
    near("which is not the rest of another's host", at_gate("/other", 8080), NOBODY),
    case("a Service's only port, at a gateway", at_gate("/", host="ledger.example"), to("ledger:1")),
    case("that port, inside", Call("ledger", port=9000), to("ledger:1")),
    near("another than that port", Call("ledger"), Expect(status=502)),
    case("a destination's port", inside("billing.example", "/"), to("ledger:1")),
    near("a destination without its port", inside("billing.example", "/no-port"), Expect(status=503)),
    case(
        "capitals in a public host",
        at_gate("/pharmacy", host="Shop.Example", x_version="stable"),
        ruled("pharmacy:1", "rest"),
    ),
    case(
        "a port in a public host",
        Call(
            "shop.example", "/pharmacy", {"x-version": "stable"}, caller="ingress", named="shop.example:8443"
        ),
        ruled("pharmacy:1", "rest", host="shop.example:8443"),
    ),
    near("a host that nobody has", at_gate("/", host="nobody.example"), NOBODY),
)

ACTIONS = of(
    "R3",
    case(
        "headers are set, added and removed",
        inside("catalog", "/changes", x_set="old", x_more="one", x_gone="yes", x_stays="yes"),
        to(
            "catalog:1",
            sees={
                "x-rule": "changes",
                "x-set": "new",
                "x-more": "one,added",
                "x-gone": None,
                "x-stays": "yes",
            },
            gives={"x-answer": "set", "x-also": "added", "x-inner": None},
        ),
    ),
    case(
        "a prefix is rewritten",
        inside("catalog", "/store/a?b=1"),
        ruled("catalog:1", "prefix-rewritten", path="/a?b=1"),
    ),
    case(
        "a part is rewritten",
        inside("catalog", "/users/ann/orders?b=1"),
        ruled("catalog:1", "parts-rewritten", path="/orders/of/ann?b=1"),
    ),
    case(
        "a host is rewritten",
        inside("catalog", "/host"),
        ruled("catalog:1", "host-rewritten", host="elsewhere.example"),
    ),
    near(
        "a host stays",
        inside("catalog", "/exact"),
        ruled("catalog:1", "exact", host="catalog", path="/exact"),
    ),
    case("a redirect", inside("catalog", "/moved/1?a=2"), moved("https://catalog.example/moved/1?a=2", 308)),
    case(
        "a redirect to another path",
        inside("catalog", "/gone?a=1"),
        moved("http://catalog/found?by=rule", 303),
    ),
    case(
        "a redirect to another port",
        inside("catalog", "/port?a=1"),
        moved("https://catalog:8443/port?a=1", 307),
    ),
    case(
        "a redirect to the port that was called",
        inside("pharmacy", "/pharmacy/secure"),
        moved("https://pharmacy:80/pharmacy/secure"),
    ),
    case(
        "at a gateway", at_gate("/pharmacy/secure", 8080), moved("https://shop.example:8080/pharmacy/secure")
    ),
    case(
        "a redirect keeps the port of the Host header",
        Call("shop.example", "/pharmacy/old", caller="ingress", named="shop.example:8443"),
        moved("http://shop.example:8443/pharmacy/new", 302),
    ),
    case(
        "a whole path is rewritten",
        inside("catalog", "/v2/a?b=1"),
        ruled("catalog:1", "expression-rewritten", path="/latest?b=1"),
    ),
    case("a host is set", inside("catalog", "/host-set"), ruled("catalog:1", "host-set", host="set.example")),
    case("a redirect at a gateway", at_gate("/pharmacy/old"), moved("http://shop.example/pharmacy/new", 302)),
    case("an answer", inside("catalog", "/closed"), answered(451, "not here")),
    case("an answer at a gateway", at_gate("/pharmacy/closed/1"), answered(410, "closed")),
    case("a fault", inside("catalog", "/aborted"), answered(418, "fault filter abort")),
    case(
        "a preflight",
        Call(
            "catalog",
            "/cors",
            {"origin": "https://a.example", "access-control-request-method": "PUT"},
            "OPTIONS",
        ),
        Expect(gives={"access-control-allow-origin": "https://a.example", "access-control-max-age": "600"}),
    ),
    near(
        "a preflight of another's",
        Call(
            "catalog",
            "/cors",
            {"origin": "https://b.example", "access-control-request-method": "PUT"},
            "OPTIONS",
        ),
        by("cors"),
    ),
    case("a mirror", at_gate("/pharmacy/audited"), AUDITED),
    case(
        "a mirror without its port gets nothing from another",
        Call("pharmacy", "/audited", port=8081),
        shares(WEIGHTS, sees={"x-rule": "audited-admin"}),
    ),
    case("a mirror inside", inside("pharmacy", "/pharmacy/audited"), AUDITED),
)

CLONES = of(
    "R3",
    case("a path in a lane", inside("catalog", "/exact", x_lane="green"), in_lane("exact")),
    near("a path that is not, in a lane", inside("catalog", "/other", x_lane="green"), NOBODY),
    case("one block of two, in a lane", inside("catalog", "/one", x_lane="green"), in_lane("two-blocks")),
    case(
        "the other of two, in a lane",
        inside("catalog", "/two", x_lane="green", x_kind="book"),
        in_lane("two-blocks"),
    ),
    near("not half of it, in a lane", inside("catalog", "/two", x_lane="green"), NOBODY),
    case(
        "rules in their order, in a lane",
        inside("catalog", "/kind", x_lane="green", x_kind="dvd9"),
        in_lane("header-regex"),
    ),
    case(
        "a caller, in a lane",
        inside("catalog", "/source", caller="cart:1", x_lane="green"),
        in_lane("from-cart"),
    ),
    case(
        "a redirect in a lane",
        inside("catalog", "/moved/1", x_lane="green"),
        moved("https://catalog.example/moved/1", 308),
    ),
    case("an answer in a lane", inside("catalog", "/closed", x_lane="green"), answered(451, "not here")),
    case(
        "a fault in a lane",
        inside("catalog", "/aborted", x_lane="green"),
        answered(418, "fault filter abort"),
    ),
    case(
        "a rewrite in a lane",
        inside("catalog", "/store/a", x_lane="green"),
        ruled("catalog:green", "prefix-rewritten", path="/a"),
    ),
    case(
        "a redirect in a lane that refuses",
        inside("catalog", "/moved/1", x_lane="strict"),
        moved("https://catalog.example/moved/1", 308),
    ),
    case(
        "a route in a lane that refuses",
        inside("catalog", "/exact", x_lane="strict"),
        refused("strict", "catalog"),
    ),
    near("no path in a lane that refuses", inside("catalog", "/other", x_lane="strict"), NOBODY),
    case(
        "a rule for the header of another lane", inside("catalog", "/lanes", x_lane="amber"), by("own-lane")
    ),
    case(
        "a rule for lanes that begin alike, in one that is",
        inside("catalog", "/lanes", x_lane="green"),
        in_lane("own-lanes"),
    ),
    near(
        "a rule for lanes that begin alike, in one that is not",
        inside("catalog", "/lanes", x_lane="grey"),
        by("own-lanes"),
    ),
    case("a rule for those in no lane", inside("catalog", "/lanes"), by("no-lane")),
    near("a rule for those in no lane, in one", inside("catalog", "/lanes", x_lane="azure"), NOBODY),
    near(
        "a mirror in a lane copies nothing",
        at_gate("/pharmacy/audited", x_lane="green"),
        ruled("pharmacy:green", "audited"),
    ),
    near(
        "a mirror of any lane copies nothing",
        inside("pharmacy", "/pharmacy/audited", x_lane="none"),
        ruled("pharmacy:1", "audited"),
    ),
    near(
        "a mirror of a preview copies nothing",
        inside("pharmacy", "/pharmacy/audited", x_version="candidate"),
        ruled("pharmacy:2", "audited"),
    ),
    case(
        "a rewrite in a preview",
        at_gate("/pharmacy/v1/a", x_version="candidate"),
        ruled("pharmacy:2", "shorter", path="/pharmacy/a"),
    ),
    case(
        "a redirect in a preview",
        at_gate("/pharmacy/old", x_version="candidate"),
        moved("http://shop.example/pharmacy/new", 302),
    ),
    case(
        "a port in a lane",
        Call("pharmacy", "/any", {"x-lane": "green"}, port=8081),
        ruled("pharmacy:green", "admin"),
    ),
)

ROWS = (*PATHS, *HEADERS, *OTHERS, *ACTIONS, *CLONES)
