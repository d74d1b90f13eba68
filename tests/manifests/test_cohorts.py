"""Who is told apart while a release runs, walked as a proxy walks the rules."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.manifests.test_routes import GREEN, SERVICE
from tests.plan.world import Body

from laneway.manifests.reading import table_of
from laneway.manifests.routes import gateway_rules, mesh_rules
from laneway.plan.observed import Table
from laneway.plan.result import AppPlan, Cohort, LaneRule
from laneway.spec.app import App
from laneway.spec.istio import VirtualService
from laneway.spec.values import FULL

HEADER = "x-laneway-cohort"
SPLIT = {"aaa": 8_000, "bbb": 2_000}
PREVIEW: Body = {"preview": {"header": "x-version"}}
STICKY: Body = {"sticky": {"cookie": "lw", "ttl": "90s"}}


def app(http: list[Body] | None = None, **release: Any) -> App:
    """An App at a gateway, with this release policy."""
    routing = {"hosts": ["shop.example"], "gateways": ["public"], "http": http or []}
    spec = {"workload": {"deployment": "a"}, "service": SERVICE, "routing": routing, "release": release}
    return App.model_validate({"metadata": {"name": "a", "namespace": "shop"}, "spec": spec})


def planned(of: App, weights: dict[str, int], *lanes: LaneRule, **more: Any) -> AppPlan:
    """A plan in which aaa is stable."""
    return AppPlan(of.key, "aaa", (), weights, lanes, guard="aaa" in weights, **more)


def mesh(of: App, plan: AppPlan) -> list[Body]:
    """The rules of the mesh host."""
    body = mesh_rules(of, plan, "x-lane")
    VirtualService.model_validate(body)
    http: list[Body] = body["spec"]["http"]
    return http


def gateway(of: App, plan: AppPlan) -> list[Body]:
    """The rules of the gateway host."""
    (body,) = gateway_rules({of.key: (of, plan)}, "x-lane")
    VirtualService.model_validate(body)
    http: list[Body] = body["spec"]["http"]
    return http


def taken(rules: list[Body], path: str = "/", **headers: str) -> Body:
    """The rule that a request takes. Headers: with _ for -."""
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    return next(rule for rule in rules if any(_holds(m, path, sent) for m in rule.get("match") or [{}]))


def _holds(match: Body, path: str, sent: dict[str, str]) -> bool:
    if not path.startswith(match.get("uri", {}).get("prefix", "/")):
        return False
    return all(name in sent and _fits(c, sent[name]) for name, c in match.get("headers", {}).items())


def _fits(condition: Body, value: str) -> bool:
    regex = condition.get("regex", ".*")
    return condition.get("exact", value) == value and re.fullmatch(regex, value) is not None


def reached(rules: list[Body], path: str = "/", **headers: str) -> str:
    """The subsets (or Services) of the rule that a request takes."""
    found = [route["destination"] for route in taken(rules, path, **headers)["route"]]
    return " ".join(to.get("subset", to["host"].split(".")[0]) for to in found)


def test_a_tester_reaches_either_version_by_its_side_or_revision_before_it_has_weight() -> None:
    """`candidate` and `stable` need no look-up; everything else goes by weight."""
    of = app(**PREVIEW)
    for rules in (mesh, gateway):
        table = rules(of, planned(of, {"aaa": FULL}, candidate="bbb"))
        assert reached(table, x_version="candidate") == reached(table, x_version="bbb") == "r-bbb"
        assert reached(table, x_version="stable") == reached(table, x_version="aaa") == "r-aaa"
        assert reached(table) == reached(table, x_version="ccc") == "r-aaa"


def test_a_preview_keeps_to_the_paths_of_the_user_s_rules() -> None:
    """Each rule is cloned, with its timeout; a header brings nobody to a path that has no rule."""
    of = app(
        [{"name": "slow", "match": [{"uri": {"prefix": "/a"}}], "timeout": "9s"}, {"name": "rest"}], **PREVIEW
    )
    table = mesh(of, planned(of, SPLIT, candidate="bbb"))
    assert taken(table, "/a", x_version="candidate")["timeout"] == "9s"
    assert taken(table, "/b", x_version="candidate")["name"] == "preview-candidate-rest"


def test_a_lane_comes_before_a_preview() -> None:
    """Who is in a lane that deploys the app is there; who is in another is with stable, whatever he asks."""
    of = app(**PREVIEW)
    table = mesh(of, planned(of, SPLIT, GREEN, candidate="bbb"))
    assert reached(table, x_lane="green", x_version="candidate") == "a-green"
    assert reached(table, x_lane="other", x_version="candidate") == "r-aaa"


def test_without_a_candidate_that_can_answer_there_is_no_preview() -> None:
    """An abort, or a version without pods, takes its rules away."""
    of = app(**PREVIEW, **STICKY)
    for rules in (mesh, gateway):
        assert (
            reached(rules(of, planned(of, {"aaa": FULL})), x_version="candidate", cookie="lw=bbb") == "r-aaa"
        )
        split = rules(of, planned(of, SPLIT))
        assert reached(split, cookie="lw=bbb") == "r-aaa r-bbb"
        assert all("response" not in route.get("headers", {}) for route in split[-1]["route"])


def test_stable_is_no_preview_once_it_has_no_weight() -> None:
    """Its pods are on their way out."""
    of = app(**PREVIEW)
    assert reached(mesh(of, planned(of, {"bbb": FULL}, candidate="bbb")), x_version="stable") == "r-bbb"


@pytest.mark.parametrize("cookie", ["lw=bbb", "x=1; lw=bbb", "lw=bbb; x=1", "x=1;lw=bbb;y=2"])
def test_a_browser_stays_with_the_version_that_its_cookie_names(cookie: str) -> None:
    """Wherever in the header the cookie stands."""
    of = app(**STICKY)
    table = gateway(of, planned(of, SPLIT, candidate="bbb"))
    assert reached(table, cookie=cookie) == "r-bbb"
    assert reached(table, cookie=cookie.replace("bbb", "aaa")) == "r-aaa"


@pytest.mark.parametrize("cookie", ["lw=ccc", "lw=bbbb", "lw=bb", "xlw=bbb", "lw=", "other=1"])
def test_a_cookie_of_a_version_that_is_gone_is_drawn_anew(cookie: str) -> None:
    """And replaced: each destination sets its own."""
    of = app(**STICKY)
    table = gateway(of, planned(of, SPLIT, candidate="bbb"))
    assert reached(table, cookie=cookie) == "r-aaa r-bbb"
    given = [r["headers"]["response"]["add"]["set-cookie"] for r in taken(table, cookie=cookie)["route"]]
    assert given == [f"lw={r}; Path=/; Max-Age=90; HttpOnly; SameSite=Lax" for r in ("aaa", "bbb")]


def test_cookies_hold_at_gateways_and_while_two_versions_share_the_traffic() -> None:
    """Services do not pass cookies on; at 100 % everybody goes."""
    of = app(**STICKY)
    assert reached(mesh(of, planned(of, SPLIT, candidate="bbb")), cookie="lw=bbb") == "r-aaa r-bbb"
    assert reached(gateway(of, planned(of, {"bbb": FULL}, candidate="bbb")), cookie="lw=aaa") == "r-bbb"


def test_a_cohort_is_drawn_once_and_followed() -> None:
    """Whoever is drawn by weight is marked; whoever is marked is led, but not by another release."""
    of = app()
    table = mesh(of, planned(of, SPLIT, candidate="bbb", cohort=Cohort("shop.r1", "bbb")))
    assert reached(table, x_laneway_cohort="shop.r1.candidate") == "r-bbb"
    assert reached(table, x_laneway_cohort="shop.r1.stable") == "r-aaa"
    assert reached(table, x_laneway_cohort="shop.r0.candidate") == "r-aaa r-bbb"
    assert marks(taken(table)) == ["shop.r1.stable", "shop.r1.candidate"]


def marks(rule: Body) -> list[str]:
    """What each destination of a rule sets the cohort header to."""
    return [route["headers"]["request"]["set"][HEADER] for route in rule["route"]]


def test_stable_is_drawn_and_followed_before_and_after_the_candidate_can_serve() -> None:
    """From the release's first moment to its last, so that no request in flight is drawn again."""
    of = app()
    before = mesh(of, planned(of, {"aaa": FULL}, cohort=Cohort("shop.r1")))
    assert marks(taken(before)) == ["shop.r1.stable"]
    after = mesh(of, planned(of, {"bbb": FULL}, cohort=Cohort("shop.r1", "bbb")))
    assert reached(after, x_laneway_cohort="shop.r1.stable") == "r-aaa"
    assert marks(taken(after)) == ["shop.r1.candidate"]


def test_a_tester_and_a_browser_bring_their_cohort_along() -> None:
    """What they are led to at the first hop, they meet at every other."""
    of = app(**PREVIEW, **STICKY)
    table = gateway(of, planned(of, SPLIT, candidate="bbb", cohort=Cohort("shop.r1", "bbb")))
    assert marks(taken(table, x_version="candidate")) == ["shop.r1.candidate"]
    assert marks(taken(table, cookie="lw=aaa")) == ["shop.r1.stable"]


@pytest.mark.parametrize("cohort", [None, Cohort("shop.r1", "bbb")])
def test_a_gateway_believes_no_cohort_from_outside(cohort: Cohort | None) -> None:
    """No rule there reads the header, and each either sets it or removes it."""
    http = [{"headers": {"request": {"remove": ["x-old"]}}}]
    of = app(http, **PREVIEW)
    table = gateway(of, planned(of, SPLIT, GREEN, candidate="bbb", cohort=cohort))
    assert not any(HEADER in match.get("headers", {}) for rule in table for match in rule.get("match", ()))
    for rule in table:
        removed = rule["headers"]["request"]["remove"]
        sets = [HEADER in r.get("headers", {}).get("request", {}).get("set", {}) for r in rule["route"]]
        assert removed == (["x-old"] if all(sets) else ["x-old", HEADER])


def test_versions_that_only_headers_lead_to_are_read_back() -> None:
    """Their subsets and pods are kept while some rule names them."""
    of = app(**PREVIEW)
    body = mesh_rules(of, planned(of, {"aaa": FULL}, candidate="bbb"), "x-lane")
    assert table_of(of.key, VirtualService.model_validate(body)) == Table(
        {"aaa": FULL}, named=frozenset({"bbb"})
    )


revisions = st.lists(
    st.text("0123456789abcdef", min_size=4, max_size=10), unique=True, min_size=2, max_size=2
)
lane_names = st.lists(st.from_regex(r"[a-z][a-z0-9]{0,8}", fullmatch=True), unique=True, max_size=3)


@given(revisions, st.integers(0, FULL), lane_names, st.booleans(), st.booleans(), st.booleans())
def test_the_route_table_of_a_release_is_read_back(
    of_two: list[str], share: int, lanes: list[str], open_to_all: bool, several: bool, led: bool
) -> None:
    """Weights, lanes and the versions that headers alone lead to, whatever else the rules say."""
    old, new = of_two
    weights = {revision: weight for revision, weight in ((old, FULL - share), (new, share)) if weight}
    of = app([{"match": [{"uri": {"prefix": "/a"}}]}, {"timeout": "1s"}], **PREVIEW, **STICKY)
    cohort = Cohort("shop.r1", new if led else None) if several else None
    plan = AppPlan(
        of.key, old, (), weights, tuple(LaneRule(lane, lane, lane) for lane in lanes),
        guard=old in weights, candidate=new if open_to_all else None, cohort=cohort,
    )  # fmt: skip
    named = ({new} if open_to_all or (several and led) else set()) | ({old} if several else set())
    body = mesh_rules(of, plan, "x-lane")
    read = table_of(of.key, VirtualService.model_validate(body))
    assert read == Table(weights, frozenset(lanes), frozenset(named - set(weights)))
