"""What is awaited and what was found, while the world goes on."""

from __future__ import annotations

from tests.kubernetes.confirm.worlds import CLUSTER, MARKER, proxy, served, view

from laneway.kubernetes.confirm.decide import View, World
from laneway.kubernetes.confirm.ledger import Ledger
from laneway.kubernetes.confirm.syncz import Told
from laneway.kubernetes.confirm.wanted import Pod, Rules
from laneway.kubernetes.confirm.witness import Moment, Served
from laneway.spec.meta import Key

RULES = Key("shop", "pharmacy")
HOSTS = ("pharmacy.shop.svc.cluster.local",)
OTHER = "~00000000bb"


def world(*views: View, now: float = 101.0) -> World:
    return World(views, [Pod("shop", "a")], now)


def ledger() -> Ledger:
    return Ledger(lambda namespace, host: True)


def test_what_was_confirmed_stays_so_whatever_is_known_later() -> None:
    found = ledger()
    found.watch({RULES: Rules(MARKER, HOSTS)}, [], world())
    found.look(world(view(proxy("a", 7))))
    assert found.confirmed(RULES) == MARKER
    assert not found.awaited

    found.look(world(view(at=None), now=200.0))
    assert found.confirmed(RULES) == MARKER


def test_rules_that_are_written_anew_are_awaited_anew() -> None:
    found = ledger()
    found.watch({RULES: Rules(MARKER, HOSTS)}, [], world())
    found.look(world(view(proxy("a", 7))))
    found.watch({RULES: Rules(OTHER, HOSTS)}, [], world())
    assert found.confirmed(RULES) is None
    assert found.awaited == {RULES}


def test_being_told_the_same_again_changes_nothing() -> None:
    found = ledger()
    for _ in range(2):
        found.watch({RULES: Rules(MARKER, HOSTS)}, [CLUSTER], world())
        found.look(world(view(proxy("a", 7))))
        assert found.confirmed(RULES) == MARKER


def test_what_is_not_wanted_any_more_is_forgotten() -> None:
    found = ledger()
    found.watch({RULES: Rules(MARKER, HOSTS)}, [CLUSTER], world())
    found.look(world(view(proxy("a", Told(6, current=False)))))
    assert found.laggards() == {"shop/a": "has not acknowledged it yet"}
    found.watch({}, [], world())
    assert (found.awaited, found.laggards(), found.unserved(CLUSTER)) == (frozenset(), {}, ())


def test_a_cluster_that_an_istiod_serves_no_longer_is_not_confirmed() -> None:
    found = ledger()
    found.watch({}, [CLUSTER], world())
    knows = view(proxy("a", clusters=5), clusters={CLUSTER: Moment(5, 100.0)})
    found.look(world(knows))
    assert found.confirmed(CLUSTER) is not None

    found.look(world(knows, view(address="two")))
    assert found.confirmed(CLUSTER) is None
    assert found.unserved(CLUSTER) == ("two",)


def test_an_abort_before_istiod_has_pushed_anything_is_not_confirmed_by_what_was_before() -> None:
    """Rules were confirmed, then written otherwise, then again as they were."""
    found = ledger()
    there = view(proxy("a", 7))
    found.watch({RULES: Rules(MARKER, HOSTS)}, [], world(there))
    found.look(world(there))
    found.watch({RULES: Rules(OTHER, HOSTS)}, [], world(there, now=102.0))
    found.watch({RULES: Rules(MARKER, HOSTS)}, [], world(there, now=102.1))
    found.look(world(there, now=102.2))
    assert found.confirmed(RULES) is None

    in_between = view(proxy("a", Told(7, current=False)), mesh=served(OTHER, 8, 102.3), at=102.3)
    found.look(world(in_between, now=102.4))
    returned = view(proxy("a", 9), mesh=Served({MARKER: Moment(9, 102.5)}, Moment(9, 102.5)), at=102.6)
    found.look(world(returned, now=102.7))
    assert found.confirmed(RULES) == MARKER


def test_who_was_seen_to_have_it_is_not_asked_about_again() -> None:
    found = ledger()
    found.watch({RULES: Rules(MARKER, HOSTS)}, [], world())
    one = view(proxy("a", 7), proxy("b", Told(6, current=False)))
    found.look(world(one))
    gone = view(proxy("b", 7), at=100.7)
    found.look(world(gone))
    assert found.confirmed(RULES) == MARKER, "a is cut off by now, but had it before"
