"""Who has what is wanted, from what istiods serve and know."""

from __future__ import annotations

from typing import Any, ClassVar

import pytest
from tests.kubernetes.confirm.worlds import CLUSTER, GATEWAY, MARKER, proxy, served, view

from laneway.kubernetes.confirm.decide import (
    BEHIND,
    CUT_OFF,
    DEBOUNCE_SECONDS,
    NOTHING_YET,
    QUEUE_SECONDS,
    Verdict,
    View,
    Want,
    World,
    cluster_want,
    endpoint_count,
    rules_want,
    verdict,
)
from laneway.kubernetes.confirm.decide import served as is_served
from laneway.kubernetes.confirm.syncz import NEVER, Kind, Told
from laneway.kubernetes.confirm.wanted import Pod, Rules
from laneway.kubernetes.confirm.witness import Moment, Served
from laneway.spec.meta import Key

RULES = Rules(MARKER, ("pharmacy.shop.svc.cluster.local",))


def everybody(namespace: str, host: str) -> bool:
    return True


MESH = rules_want(RULES, everybody)
NEW_CLUSTER = cluster_want(CLUSTER, everybody)


def judged(want: Want, *views: View, pods: Any = "as known", now: float = 101.0, **more: Any) -> Verdict:
    """The verdict in a world where all pods with a proxy are known to an istiod, if nothing else is said."""
    if pods == "as known":
        known = {one.key for each in views if each.snapshot for one in each.snapshot.proxies}
        pods = [Pod(*key) for key in known]
    since = more.pop("since", 0.0)
    return verdict(want, World(views, pods, now, **more), since)


class TestAcknowledged:
    """By the counters alone."""

    def test_every_proxy_has_acknowledged_the_push_with_the_rules(self) -> None:
        assert judged(MESH, view(proxy("a", 7), proxy("b", 9))).confirmed

    def test_a_proxy_that_has_acknowledged_only_earlier_routes_is_a_laggard(self) -> None:
        found = judged(MESH, view(proxy("a", 7), proxy("b", Told(6, current=False))))
        assert found.laggards == {Key("shop", "b"): BEHIND}

    def test_a_proxy_that_refuses_the_rules_is_a_laggard_for_its_reason(self) -> None:
        found = judged(MESH, view(proxy("a", Told(6, False, "no such filter"), reach=8)))
        assert found.laggards == {Key("shop", "a"): "refuses what it is sent: no such filter"}

    def test_a_refusal_of_something_later_does_not_take_the_rules_away(self) -> None:
        assert judged(MESH, view(proxy("a", Told(7, False, "later"), reach=8))).confirmed

    def test_counters_of_two_istiods_are_not_compared(self) -> None:
        one = view(proxy("a", 7), address="one")
        two = view(proxy("b", 7), address="two", mesh=served(counter=40))
        assert judged(MESH, one, two).laggards == {Key("shop", "b"): BEHIND}

    def test_a_proxy_with_two_connections_has_what_it_acknowledged_on_either(self) -> None:
        dead = view(proxy("a", Told(3, current=False)), address="one")
        alive = view(proxy("a", 7), address="two")
        assert judged(MESH, dead, alive).confirmed

    def test_what_a_proxy_once_had_it_has_although_it_is_cut_off_now(self) -> None:
        world = World((view(),), [Pod("shop", "a")], 101.0)
        assert not verdict(MESH, world, 0.0).confirmed
        assert verdict(MESH, world, 0.0, frozenset({Key("shop", "a")})).confirmed


class TestReach:
    """The witness may be shown the rules a push later than a proxy: istiod merges what it is late with."""

    def test_rules_sent_before_the_witness_saw_them_count_once_something_later_is_acknowledged(self) -> None:
        assert judged(MESH, view(proxy("a", 6, reach=7))).confirmed

    def test_they_do_not_count_while_the_last_routes_are_not_acknowledged(self) -> None:
        assert not judged(MESH, view(proxy("a", Told(5, current=False), reach=7))).confirmed

    def test_a_proxy_that_was_told_nothing_since_has_them_once_the_push_is_old(self) -> None:
        quiet = proxy("a", 6)
        assert not judged(MESH, view(quiet, at=100.0 + QUEUE_SECONDS)).confirmed
        assert judged(MESH, view(quiet, at=100.1 + QUEUE_SECONDS)).confirmed

    def test_the_more_proxies_the_older_the_push_has_to_be(self) -> None:
        many = [proxy(str(number), 6) for number in range(1000)]
        assert not judged(MESH, view(*many, at=101.0 + QUEUE_SECONDS)).confirmed
        assert judged(MESH, view(*many, at=102.1 + QUEUE_SECONDS)).confirmed

    def test_age_does_not_excuse_what_was_sent_and_not_acknowledged(self) -> None:
        assert not judged(MESH, view(proxy("a", Told(6, current=False)), at=1000.0)).confirmed

    def test_a_proxy_without_any_routes_has_them_once_it_has_acknowledged_anything_as_late(self) -> None:
        assert not judged(MESH, view(proxy("a", None, clusters=6))).confirmed
        assert judged(MESH, view(proxy("a", None, clusters=7))).confirmed


class TestConcerned:
    """Whom rules concern."""

    def test_rules_of_the_mesh_do_not_concern_gateways(self) -> None:
        assert judged(MESH, view(proxy("a", 7), proxy("gate", 1, kind=Kind.GATEWAY))).confirmed

    def test_rules_of_a_gateway_concern_gateways_alone(self) -> None:
        want = rules_want(Rules(MARKER, ("shop.example",), False, frozenset({GATEWAY})), everybody)
        gate = proxy("gate", 4, kind=Kind.GATEWAY)
        there = {GATEWAY: served(counter=5)}
        assert judged(want, view(proxy("a", 1), gate, gateways=there)).laggards == {
            Key("shop", "gate"): BEHIND
        }
        assert judged(want, view(proxy("a", 1), gate, gateways={GATEWAY: served(counter=4)})).confirmed

    def test_rules_of_both_are_served_once_they_are_at_both(self) -> None:
        want = rules_want(Rules(MARKER, ("shop.example",), True, frozenset({GATEWAY})), everybody)
        assert judged(want, view(proxy("a", 9), gateways={})).unserved == ("one",)
        gate = proxy("gate", 9, kind=Kind.GATEWAY)
        assert judged(want, view(proxy("a", 9), gate, gateways={GATEWAY: served(counter=8)})).confirmed

    def test_who_is_not_told_of_the_host_is_not_waited_for(self) -> None:
        want = rules_want(RULES, lambda namespace, host: namespace != "shop")
        assert judged(want, view(proxy("a", 1))).confirmed

    def test_what_only_starts_is_not_waited_for_unless_it_is_ready(self) -> None:
        starting = proxy("a", NEVER)
        assert judged(MESH, view(starting), pods=[]).confirmed
        assert judged(MESH, view(starting), pods=[Pod("shop", "a")]).laggards == {
            Key("shop", "a"): NOTHING_YET
        }


class TestCutOff:
    """Pods that no istiod knows serve what they had."""

    def test_a_ready_pod_that_no_istiod_knows_is_a_laggard(self) -> None:
        found = judged(MESH, view(proxy("a", 7)), pods=[Pod("shop", "a"), Pod("shop", "z")])
        assert found.laggards == {Key("shop", "z"): CUT_OFF}

    def test_a_cut_off_gateway_is_none_for_rules_of_the_mesh(self) -> None:
        assert judged(MESH, view(), pods=[Pod("shop", "gate", gateway=True)]).confirmed

    def test_an_unreachable_istiod_is_no_matter_where_the_others_know_all_pods(self) -> None:
        there = view(proxy("a", 7))
        assert judged(MESH, there, unreachable=("two",)).confirmed
        assert not judged(MESH, there, unreachable=("two",), pods=[Pod("shop", "b")]).confirmed

    def test_an_unreachable_istiod_is_waited_for_where_nobody_knows_the_pods(self) -> None:
        assert judged(MESH, view(proxy("a", 7)), pods=None).confirmed
        found = judged(MESH, view(proxy("a", 7)), pods=None, unreachable=("two",))
        assert found.unserved == ("two",)

    def test_an_istiod_that_is_being_connected_to_is_waited_for(self) -> None:
        assert judged(MESH, view(proxy("a", 7)), connecting=("two",)).unserved == ("two",)


class TestServed:
    """What istiods show."""

    def test_an_istiod_that_does_not_serve_the_rules_is_named(self) -> None:
        behind = view(proxy("b", 90), address="two", mesh=Served())
        assert judged(MESH, view(proxy("a", 7)), behind).unserved == ("two",)

    def test_proxies_are_asked_about_once_all_istiods_serve_it(self) -> None:
        behind = view(address="two", mesh=Served())
        assert not is_served(MESH, World((view(), behind), [], 101.0))
        assert is_served(MESH, World((view(), view(address="two")), [], 101.0))
        assert not is_served(MESH, World((), [], 101.0))

    def test_what_was_known_of_proxies_before_the_rules_were_served_does_not_count(self) -> None:
        assert judged(MESH, view(proxy("a", 7), at=99.9)).unserved == ("one",)
        assert judged(MESH, view(proxy("a", 7), at=None)).unserved == ("one",)

    def test_without_any_istiod_nothing_is_confirmed(self) -> None:
        assert not judged(MESH).confirmed

    def test_rules_that_return_to_what_is_served_wait_for_what_was_written_in_between(self) -> None:
        want = rules_want(RULES, everybody, returned=105.0)
        assert judged(want, view(proxy("a", 7), at=106.0), now=106.0).unserved == ("one",)

        seen_between = served(counter=12, at=105.2)
        assert judged(want, view(proxy("a", 12), at=106.0, mesh=seen_between), now=106.0).confirmed

    def test_rules_that_return_count_as_pushed_once_istiod_has_had_the_time(self) -> None:
        want = rules_want(RULES, everybody, returned=105.0)
        later = 105.0 + DEBOUNCE_SECONDS + QUEUE_SECONDS
        pushed = Served({MARKER: Moment(7, 100.0)}, Moment(12, 105.4))
        assert not judged(want, view(proxy("a", Told(7, False)), at=later, mesh=pushed), now=later).confirmed
        assert judged(want, view(proxy("a", 12), at=later, mesh=pushed), now=later).confirmed


class TestClusters:
    """A cluster is known to a proxy with its endpoints."""

    there: ClassVar = {CLUSTER: Moment(5, 100.0)}

    def test_clusters_and_endpoints_have_to_be_acknowledged(self) -> None:
        assert judged(NEW_CLUSTER, view(proxy("a", clusters=5, endpoints=5), clusters=self.there)).confirmed
        late = proxy("a", clusters=5, endpoints=Told(4, current=False))
        assert judged(NEW_CLUSTER, view(late, clusters=self.there)).laggards == {Key("shop", "a"): BEHIND}

    def test_endpoints_that_did_not_change_are_current(self) -> None:
        assert judged(NEW_CLUSTER, view(proxy("a", clusters=5, endpoints=3), clusters=self.there)).confirmed

    def test_a_proxy_that_has_subscribed_to_nothing_yet_does_not_know_it(self) -> None:
        assert not judged(
            NEW_CLUSTER, view(proxy("a", clusters=None, reach=9), clusters=self.there)
        ).confirmed

    def test_the_endpoints_are_those_that_every_istiod_knows(self) -> None:
        views = [view(endpoints={CLUSTER: 3}), view(address="two", endpoints={CLUSTER: 2})]
        assert endpoint_count(CLUSTER, views) == 2
        assert endpoint_count(CLUSTER, [*views, view(address="three")]) is None
        assert endpoint_count(CLUSTER, []) is None


class TestAssumed:
    """Where istiod cannot be asked, a stated time decides."""

    def test_proxies_of_an_istiod_that_tells_nothing_of_them_never_have_it_by_default(self) -> None:
        assert judged(MESH, view(at=None, mute=True), now=1e6).unserved == ("one",)

    @pytest.mark.parametrize(("now", "confirmed"), [(129.0, False), (130.0, True)])
    def test_they_are_taken_to_have_it_after_the_time(self, now: float, confirmed: bool) -> None:
        found = judged(MESH, view(at=None, mute=True), now=now, pods=[Pod("shop", "a")], assume_after=30.0)
        assert (found.confirmed, found.assumed) == (confirmed, confirmed)

    def test_so_it_is_without_any_istiod(self) -> None:
        assert not judged(MESH, now=29.0, unreachable=("one",), assume_after=30.0).confirmed
        assert judged(MESH, now=30.0, unreachable=("one",), assume_after=30.0).assumed

    def test_what_is_known_of_a_laggard_is_not_assumed_away(self) -> None:
        late = proxy("a", Told(6, current=False))
        assert not judged(MESH, view(late, at=1000.0), now=1000.0, assume_after=30.0).confirmed
