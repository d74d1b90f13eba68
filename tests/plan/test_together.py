"""Several apps in one release: drawn once, followed everywhere, promoted and rolled back together."""

from __future__ import annotations

from typing import Any

import pytest
from tests.plan.invariants import mixed, violations
from tests.plan.world import NAMESPACE, World, walk

from laneway.spec.cohorts import COHORT_HEADER
from laneway.spec.meta import Key
from laneway.spec.release import Phase, Release, Verb

HALF = [{"weight": 50, "hold": "10s"}, {"weight": 100}]
SHOP = ("page", "pharmacy")
PREVIEW = {"preview": {"header": "x-version"}}


def two_apps(steps: Any = None, page: int = 2, pharmacy: int = 4) -> World:
    """Two settled apps of different sizes, which then go to version 2 in one release."""
    world = World(proxies=3)
    for name, replicas in (("page", page), ("pharmacy", pharmacy)):
        world.app(name, replicas=replicas, release={"steps": steps or HALF} | PREVIEW)
    world.settle()
    world.together("both", page="2", pharmacy="2")
    return world


def both(world: World) -> Release:
    """The release of both."""
    return Release.model_validate(world.store["Release", Key(NAMESPACE, "both")])


def phase(world: World) -> Phase | None:
    """Where it stands."""
    status = both(world).status
    return status.phase if status else None


def candidates(world: World) -> dict[str, str]:
    """What each app goes to."""
    return {part.name: part.revision for part in both(world).spec.apps}


def shares(world: World) -> list[int]:
    """The candidates' weights in the stored rules."""
    return [world.weights(app).get(revision, 0) for app, revision in candidates(world).items()]


def go(world: World, passes: int, seconds: float = 1) -> list[list[int]]:
    """Passes in which proxies take turns to lag; every invariant holds before and after each sync."""
    seen: list[list[int]] = []
    for turn in range(passes):
        made = world.reconcile()
        assert violations(world, made) == []
        superseded = phase(world) is Phase.SUPERSEDED
        assert superseded or list(mixed(world, candidates(world))) == []
        seen += [shares(world)] if shares(world) not in seen[-1:] else []
        world.sync(turn % 3)
        assert superseded or list(mixed(world, candidates(world))) == []
        world.tick(seconds)
    return seen


def test_both_move_by_the_same_weights_and_are_promoted_together() -> None:
    """Each sub-shift is one that the smaller app and the larger one both carry."""
    world = two_apps()
    seen = go(world, 120)
    assert phase(world) is Phase.PROMOTED
    assert seen[0] == [0, 0]
    assert seen[-1] == [10_000, 10_000]
    assert all(abs(one - other) <= 1 for one, other in seen), seen
    assert [len(world.releases(app)) for app in ("page", "pharmacy")] == [1, 1]


def test_nothing_is_drawn_before_every_proxy_can_lead_to_every_candidate() -> None:
    """One app's new version is ready at once, the other's never: neither gets weight, nor a preview."""
    world = two_apps()
    world.starting_fails.add(candidates(world)["pharmacy"])
    assert go(world, 40) == [[0, 0]]
    assert both(world).status.opened_at is None  # type: ignore[union-attr]
    page = world.store["VirtualService", Key(NAMESPACE, "page")]["spec"]["http"]
    assert not any(rule["name"].startswith("preview") for rule in page)
    assert any(rule["name"].startswith("cohort-candidate") for rule in page)


def test_an_abort_of_one_is_an_abort_of_both() -> None:
    """Asked of either app; both end at stable, and neither revision is tried again."""
    world = two_apps([{"weight": 50, "hold": "1h"}, {"weight": 100}])
    go(world, 40)
    assert shares(world) == [5_000, 5_000]
    world.ask(Verb.ABORT, "pharmacy", "wrong prices")
    go(world, 60)
    assert phase(world) is Phase.ROLLED_BACK
    for app, revision in candidates(world).items():
        assert world.role(app, revision) == "refused"
        assert revision not in world.weights(app)


@pytest.mark.parametrize(("app", "other"), [("page", "pharmacy"), ("pharmacy", "page")])
def test_the_template_of_one_put_back_is_an_abort_of_both(app: str, other: str) -> None:
    """They were meant to go together."""
    world = at_half()
    world.template(app, "1", {"page": 2, "pharmacy": 4}[app])
    go(world, 60)
    assert phase(world) is Phase.ROLLED_BACK
    assert world.role(other, candidates(world)[other]) == "refused"


def test_a_new_template_of_one_supersedes_and_both_go_together_again() -> None:
    """The other one, whose template is still the new one, does not go by itself."""
    world = two_apps([{"weight": 50, "hold": "1h"}, {"weight": 100}])
    go(world, 40)
    world.template("page", "3", 2)
    go(world, 60)
    assert phase(world) is Phase.SUPERSEDED
    last = world.releases("page")[-1]
    assert last.metadata.name == world.releases("pharmacy")[-1].metadata.name != "both"
    assert last.spec.apps[1].revision == candidates(world)["pharmacy"]


def test_a_candidate_that_dies_in_one_app_is_drawn_at_none() -> None:
    """Half of the requests would fail at that app otherwise."""
    world = two_apps([{"weight": 50, "hold": "1h"}, {"weight": 100}])
    go(world, 40)
    revision = candidates(world)["pharmacy"]
    world.starting_fails.add(revision)
    world.kill(revision)
    world.reconcile()
    assert shares(world) == [0, 0]


def test_a_release_waits_for_those_of_its_apps_that_are_under_way() -> None:
    """And no app of it goes alone meanwhile."""
    world = World(proxies=3)
    for name in ("page", "pharmacy"):
        world.app(name, replicas=2, release={"steps": HALF})
    world.settle()
    world.template("page", "2", 2)
    world.settle(until=lambda: len(world.weights("page")) > 1)
    world.together("both", page="3", pharmacy="3")
    made = world.reconcile()
    assert "ReleaseWaits" in made.codes
    assert world.running("pharmacy") is None
    world.settle()
    assert phase(world) is Phase.PROMOTED


def test_an_app_whose_template_is_another_goes_by_itself() -> None:
    """A Release that cannot begin keeps nobody waiting."""
    world = two_apps()
    world.template("pharmacy", "3", 4)
    world.settle()
    assert phase(world) is None
    assert [len(world.weights(app)) for app in ("page", "pharmacy")] == [1, 1]
    assert world.role("page", candidates(world)["page"]) == "stable"


def test_two_releases_of_several_apps_go_one_after_the_other() -> None:
    """The cohort header says of one release what was drawn."""
    world = two_apps()
    for name in ("labs", "stock"):
        world.app(name, replicas=1, release={"steps": HALF})
    world.settle(until=lambda: all(world.weights(app) for app in ("labs", "stock")))
    world.together("others", labs="2", stock="2")
    made = world.reconcile()
    assert "ReleaseWaits" in made.codes
    world.settle()
    assert {r.status.phase for r in (world.releases("labs")[-1], both(world)) if r.status} == {Phase.PROMOTED}


@pytest.mark.parametrize("after", range(0, 14, 2))
def test_killed_in_the_middle_of_any_pass_it_goes_on(after: int) -> None:
    """Whatever was written of a pass, requests are not mixed, and the release ends."""
    world = two_apps()
    for _ in range(150):
        world.reconcile(stop_after=after)
        assert list(mixed(world, candidates(world))) == []
        world.restart()
        world.sync()
        made = world.reconcile()
        assert violations(world, made) == []
        world.sync()
        world.tick(2)
    assert phase(world) is Phase.PROMOTED


def at_half() -> World:
    """Two apps of which half of the requests are drawn to version 2."""
    world = two_apps([{"weight": 50, "hold": "1h"}, {"weight": 100}])
    go(world, 40)
    assert shares(world) == [5_000, 5_000]
    return world


@pytest.mark.parametrize("after", range(5))
@pytest.mark.parametrize("app", SHOP)
def test_killed_while_it_takes_weight_from_the_dead_it_goes_on(app: str, after: int) -> None:
    """The rules of one app are written, those of the other not yet: its requests must not go to the dead."""
    world = at_half()
    world.starting_fails.add(candidates(world)[app])
    world.kill(candidates(world)[app])
    world.reconcile(stop_after=after)
    world.restart()
    go(world, 2)
    assert shares(world) == [0, 0]


def test_a_stable_version_that_comes_back_gets_its_weight_back() -> None:
    """While it had no pod the new versions got everything; that does not promote them."""
    world = at_half()
    both_stable = {app: next(r for r in world.weights(app) if r != candidates(world)[app]) for app in SHOP}
    world.kill(both_stable["pharmacy"])
    assert go(world, 60) == [[10_000, 10_000], [5_000, 5_000]]


def test_the_old_version_dead_in_one_app_and_the_new_one_in_the_other() -> None:
    """No side answers everywhere: what each app can answer alone, it answers."""
    world = at_half()
    new, old = (
        candidates(world)["page"],
        min(set(world.weights("pharmacy")) - {candidates(world)["pharmacy"]}),
    )
    world.starting_fails |= {new, old}
    world.kill(new)
    world.kill(old)
    go(world, 1)
    assert shares(world) == [0, 10_000]


def test_nobody_is_led_to_a_version_without_weight_because_the_old_one_has_no_pod() -> None:
    """Its first step is for testers: one restart of the old version must not give it everything."""
    world = two_apps([{"weight": 0, "hold": "1h"}, {"weight": 100}])
    go(world, 40)
    (old,) = world.weights("pharmacy")
    world.kill(old)
    assert go(world, 40) == [[0, 0]]


def way_of(world: World, app: str, side: str) -> str:
    """The revision that a request reaches which was drawn to this side at another app; it has a pod."""
    rules = world.store["VirtualService", Key(NAMESPACE, app)]
    rule = walk(rules, "/", {COHORT_HEADER: f"shop.both.{side}"})
    assert rule is not None
    (route,) = rule["route"]
    revision = str(route["destination"]["subset"]).removeprefix("r-")
    assert any(pod.ready for pod in world.pods if revision in pod.labels.values())
    return revision


@pytest.mark.parametrize("verb", [Verb.PROMOTE, Verb.ABORT])
def test_requests_under_way_find_their_side_for_a_while_after_the_last_weight(verb: Verb) -> None:
    """Who was drawn just before, and calls the other app later, must not meet the other side there."""
    world = at_half()
    sides = {"candidate": candidates(world)["page"], "stable": way_of(world, "page", "stable")}
    world.ask(verb, "page")
    world.settle(until=lambda: len(world.weights("page")) == len(world.weights("pharmacy")) == 1)
    world.sync()
    for _ in range(29):
        go(world, 1)
        assert {side: way_of(world, "page", side) for side in sides} == sides
    go(world, 10)
    assert phase(world) in {Phase.PROMOTED, Phase.ROLLED_BACK}


def test_a_release_that_drew_nobody_ends_at_once() -> None:
    """There is no request under way to follow."""
    world = two_apps()
    world.starting_fails.add(candidates(world)["pharmacy"])
    go(world, 20)
    world.ask(Verb.ABORT, "page")
    go(world, 2)
    assert phase(world) is Phase.ROLLED_BACK


def test_weight_goes_back_at_once_to_a_version_that_only_the_cohort_leads_to() -> None:
    """Its subset is named by the rules that proxies have: a restart of the planner makes nobody wait."""
    world = at_half()
    world.ask(Verb.PROMOTE, "page")
    world.settle(until=lambda: shares(world) == [10_000, 10_000])
    world.sync()
    world.restart()
    world.starting_fails.add(candidates(world)["pharmacy"])
    world.kill(candidates(world)["pharmacy"])
    assert go(world, 1) == [[0, 0]]


def test_a_hold_changes_nothing() -> None:
    """What has been reached stands in the record once, with its time."""
    world = at_half()
    assert not world.reconcile().changes
    world.tick()
    assert not world.reconcile().changes


def test_it_does_not_end_while_a_proxy_lacks_rules_of_one_of_the_apps() -> None:
    """The others' are everywhere; its old version is still needed."""
    world = at_half()
    world.ask(Verb.PROMOTE, "page")
    world.settle(until=lambda: shares(world) == [10_000, 10_000])
    go(world, 5)
    world.lane("blue", "pharmacy")
    go(world, 10)
    world.proxies[0].frozen = True
    world.remove("Lane", "blue")
    go(world, 60)
    assert phase(world) is Phase.PROGRESSING
    world.proxies[0].frozen = False
    go(world, 10)
    assert phase(world) is Phase.PROMOTED


def test_apps_of_which_one_has_nothing_new_do_not_wait_for_each_other() -> None:
    """A release that names a revision which is stable already does not begin, and keeps nobody waiting."""
    world = World()
    for name in SHOP:
        world.app(name, replicas=2, release={"steps": HALF})
    world.settle()
    world.together("both", page="2", pharmacy="1")
    world.settle()
    assert phase(world) is None
    assert world.role("page", candidates(world)["page"]) == "stable"


def test_the_way_back_is_as_fast_as_the_slowest() -> None:
    """What is drawn to stable at one app comes to stable at the other, whose pods are lost."""
    world = at_half()
    old = way_of(world, "pharmacy", "stable")
    world.starting_fails.add(old)
    world.kill(old, 1)
    world.ask(Verb.ABORT, "page")
    world.reconcile()
    page, pharmacy = shares(world)
    assert page == pharmacy > 0


def test_both_are_retried_together() -> None:
    """Refused together, they are not tried one by one."""
    world = at_half()
    world.ask(Verb.ABORT, "page")
    go(world, 60)
    assert phase(world) is Phase.ROLLED_BACK
    assert world.ask(Verb.RETRY, "pharmacy") == ""
    go(world, 4)
    again = world.running("page")
    assert again is not None
    assert {part.name: part.revision for part in again.spec.apps} == candidates(world)


def test_a_promotion_of_several_is_not_undone_app_by_app() -> None:
    """The reason says what to do instead."""
    world = two_apps()
    world.settle()
    assert phase(world) is Phase.PROMOTED
    assert "was of several apps: apply their templates from before" in world.ask(Verb.UNDO, "page")
