"""Lanes: their rules, their versions, and how they go."""

from __future__ import annotations

from typing import Any

from tests.plan.world import START, World, walk

from laneway.plan.result import LaneRule
from laneway.spec.meta import Key


def shop(*apps: str) -> World:
    """A settled world of these apps."""
    world = World()
    for app in apps or ("pharmacy", "page"):
        world.app(app, replicas=1)
    world.settle()
    return world


def rules(world: World, app: str = "pharmacy") -> dict[str, str | None]:
    """Where each lane's requests for an app go, lanes without a rule left out."""
    made = world.reconcile()
    found = next(planned.lanes for planned in made.plan.apps if planned.key.name == app)
    return {rule.lane: rule.to for rule in found}


def image(world: World, deployment: str) -> str:
    """What a derived Deployment runs."""
    body: dict[str, Any] = world.store["Deployment", Key("shop", deployment)]
    return str(body["spec"]["template"]["spec"]["containers"][0]["image"])


def test_only_apps_that_a_lane_deploys_have_a_rule_for_it() -> None:
    """Sparse: two hundred services do not each get a rule for every lane."""
    world = shop()
    world.lane("green", "pharmacy")
    world.settle()
    assert rules(world) == {"green": "green"}
    assert rules(world, "page") == {}


def test_a_version_that_is_not_ready_leaves_its_requests_to_the_baseline() -> None:
    """No rule stands before a pod can answer and every proxy knows its Service; the report says so."""
    world = shop()
    world.lane("green", "pharmacy")
    assert rules(world) == {}
    assert "LaneNotReady" in world.reconcile().codes
    world.tick(6)
    assert rules(world) == {}
    world.sync()
    assert rules(world) == {"green": "green"}


def test_a_version_without_pods_is_withdrawn_or_refused_as_its_fallback_says() -> None:
    """Its pods die: back to the baseline, or 503."""
    world = shop()
    world.lane("green", "pharmacy")
    world.lane("strict", "pharmacy", fallback={"else": "refuse"})
    world.settle()
    world.starting_fails.add("")
    world.kill("green")
    world.kill("strict")
    assert rules(world) == {"strict": None}


def test_a_lane_that_refuses_has_a_rule_for_every_app() -> None:
    """What it does not deploy answers 503, with the lane and the app in the body."""
    world = shop()
    world.lane("strict", "pharmacy", fallback={"else": "refuse"})
    world.settle()
    assert rules(world, "page") == {"strict": None}
    rule = walk(world.store["VirtualService", Key("shop", "page")], headers={"x-lane": "strict"})
    assert rule is not None
    assert rule["directResponse"]["status"] == 503
    assert (
        "strict" in rule["directResponse"]["body"]["string"]
        and "page" in rule["directResponse"]["body"]["string"]
    )
    assert "route" not in rule


def test_a_lane_falls_back_through_other_lanes_in_order() -> None:
    """Its own version, then those of the lanes it names, as far as they are ready, then the baseline."""
    world = shop("pharmacy", "page", "labs")
    world.lane("dev", "page", "labs")
    world.lane("uat", "labs")
    world.lane("green", "pharmacy", fallback={"through": ["uat", "dev"]})
    world.settle()
    assert rules(world)["green"] == "green"
    assert rules(world, "page") == {"dev": "dev", "green": "dev"}
    assert rules(world, "labs") == {"dev": "dev", "green": "uat", "uat": "uat"}
    world.starting_fails.add("")
    world.kill("uat")
    assert rules(world, "labs") == {"dev": "dev", "green": "dev"}


def test_a_lane_has_the_value_it_says() -> None:
    """The header's value need not be the lane's name."""
    world = shop()
    world.lane("green", "pharmacy", value="pr-7")
    world.settle()
    assert world.reconcile().plan.apps[1].lanes == (LaneRule("green", "pr-7", "green"),)


def test_a_baseline_release_never_rolls_a_lane_again() -> None:
    """A lane stays on the revision it was made of, and that template is kept for as long as the lane is."""
    world = shop()
    world.lane("green", "pharmacy", image=None)
    made = world.settle()
    base = next(version.base for version in made.plan.lanes)
    before = world.store["Deployment", Key("shop", "pharmacy-green")]
    for number in range(2, 12):
        world.template(image=str(number), replicas=1)
        world.settle()
    assert world.store["Deployment", Key("shop", "pharmacy-green")] == before
    assert world.role("pharmacy", base) == "retired"
    world.remove("Lane", "green")
    world.settle()
    assert world.role("pharmacy", base) is None


def test_a_lane_that_names_a_base_is_made_of_it() -> None:
    """`lane rebase` moves it to what is stable now; a base that is not kept changes nothing."""
    world = World()
    world.app()
    world.lane("green", "pharmacy")
    world.settle()
    world.template(image="2")
    world.settle()
    (stable,) = world.weights()
    for base, expected in (("0000000000", False), (stable, True)):
        world.put(
            {
                "apiVersion": "laneway.dev/v1alpha1",
                "kind": "Lane",
                "metadata": {"name": "green", "namespace": "shop"},
                "spec": {"apps": [{"name": "pharmacy", "image": "lane", "base": base}]},
            }
        )
        world.settle()
        deployment = world.store["Deployment", Key("shop", "pharmacy-green")]
        assert (deployment["metadata"]["labels"]["laneway.dev/base"] == stable) == expected
        assert deployment["spec"]["template"]["spec"]["containers"][0]["image"] == "lane"


def test_a_changed_lane_patches_the_same_base() -> None:
    """Its new image runs on the template it was made of."""
    world = shop()
    world.lane("green", "pharmacy", image="pr-1")
    base = world.settle().plan.lanes[0].base
    world.template(image="2", replicas=1)
    world.settle()
    world.lane("green", "pharmacy", image="pr-2")
    made = world.settle()
    assert (made.plan.lanes[0].base, image(world, "pharmacy-green")) == (base, "pr-2")


def test_a_lane_whose_base_is_lost_stays_as_it_runs() -> None:
    """Its kept template was deleted: the version is not moved to stable behind its owner's back."""
    world = shop()
    world.lane("green", "pharmacy", image="pr-1")
    base = world.settle().plan.lanes[0].base
    world.template(image="2", replicas=1)
    world.settle()
    before = world.store["Deployment", Key("shop", "pharmacy-green")]
    world.remove("ControllerRevision", f"pharmacy-{base}")
    world.settle()
    assert world.store["Deployment", Key("shop", "pharmacy-green")] == before


def test_a_deleted_lane_leaves_rules_first_and_pods_last() -> None:
    """Its pods stay while some proxy still has a rule for them, and while requests are open."""
    world = shop()
    world.lane("green", "pharmacy")
    world.settle()
    world.remove("Lane", "green")
    world.proxies[0].frozen = True
    for _ in range(5):
        world.reconcile()
        world.sync()
    assert rules(world) == {}
    assert world.replicas("pharmacy-green") == 1
    world.proxies[0].frozen = False
    world.busy.add("green")
    world.sync()
    world.reconcile()
    assert world.replicas("pharmacy-green") == 1
    world.busy.clear()
    world.settle()
    assert ("Deployment", Key("shop", "pharmacy-green")) not in world.store
    assert ("Service", Key("shop", "pharmacy-green")) not in world.store


def test_a_lane_ends_when_its_ttl_is_over() -> None:
    """The plan wakes then, and the lane goes as if it had been deleted."""
    world = shop()
    world.lane("green", "pharmacy", ttl="1h")
    made = world.settle()
    assert made.plan.wake is not None
    assert 3_600 <= (made.plan.wake - START).total_seconds() < 3_700
    world.tick((made.plan.wake - world.now).total_seconds() - 1)
    assert rules(world) == {"green": "green"}
    world.tick(1)
    assert world.reconcile().plan.expired == (Key("shop", "green"),)
    world.settle()
    assert ("Lane", Key("shop", "green")) not in world.store
    assert ("Deployment", Key("shop", "pharmacy-green")) not in world.store


def test_lanes_of_a_deleted_app_go_with_it() -> None:
    """Nothing of the app is left, and the lane's other versions stay."""
    world = shop()
    world.lane("green", "pharmacy", "page")
    world.settle()
    world.remove("App", "pharmacy")
    world.settle()
    names = {key.name for (kind, key) in world.store if kind in {"Deployment", "Service"}}
    assert names == {"pharmacy", "page", "page-green", *(n for n in names if n.startswith("page-"))}


def test_lane_requests_stay_off_the_candidate() -> None:
    """While a release runs, a request of a lane that does not deploy the app goes to stable."""
    world = World()
    world.app(replicas=4, release={"steps": [{"weight": 50, "hold": "1h"}, {"weight": 100}]})
    world.settle()
    stable = next(iter(world.weights()))
    world.template(image="2")
    world.settle(until=lambda: len(world.weights()) == 2)
    stored = world.store["VirtualService", Key("shop", "pharmacy")]
    tagged, untagged = walk(stored, headers={"x-lane": "green"}), walk(stored)
    assert tagged is not None and untagged is not None
    assert [route["destination"]["subset"] for route in tagged["route"]] == [f"r-{stable}"]
    assert len(untagged["route"]) == 2


def test_a_lane_s_rule_stays_while_confirmation_is_pending() -> None:
    """After a restart nobody has confirmed anything: the lane's requests do not fall back to the baseline."""
    world = shop()
    world.lane("green", "pharmacy")
    world.settle()
    world.restart()
    assert rules(world) == {"green": "green"}


def test_a_lanes_service_stays_until_its_last_pod_is_gone() -> None:
    """Without it, proxies would end the streams that draining pods still have."""
    world = shop()
    world.lane("green", "pharmacy")
    world.settle()
    world.remove("Lane", "green")
    service = ("Service", Key("shop", "pharmacy-green"))

    def leaving() -> bool:
        return any(pod.leaves for pod in world.pods)

    world.settle(until=leaving)
    world.reconcile()
    assert leaving() and service in world.store
    world.settle()
    assert service not in world.store
    assert ("Deployment", Key("shop", "pharmacy-green")) not in world.store
