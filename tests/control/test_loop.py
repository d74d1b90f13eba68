"""The loop: passes over a world until it is what people want."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from tests.control.memory import NOON, World, app

from laneway.control.loop import Loop
from laneway.manifests import names
from laneway.spec.meta import Key

PHARMACY = Key("default", "pharmacy")


def settle(world: World, loop: Loop, passes: int = 50) -> None:
    """Run passes until one changes nothing."""
    for _ in range(passes):
        before = world.versions, len(world.reasons)
        loop.once()
        if before == (world.versions, len(world.reasons)):
            return
    raise AssertionError(f"not settled after {passes} passes: {world.report.findings}")


def rules(world: World) -> list[dict[str, Any]]:
    """The rules of the pharmacy's mesh host."""
    http: list[dict[str, Any]] = world.stored["VirtualService", PHARMACY]["spec"]["http"]
    return http


def test_a_new_app_is_served_by_its_first_revision_without_a_release(world: World) -> None:
    """Nothing is released where nothing has served yet."""
    settle(world, Loop(world))
    assert world.names("Release") == []
    assert len(rules(world)) == 1
    assert world.names("Service") == ["pharmacy"]


def test_a_settled_world_is_left_alone_also_by_a_loop_that_was_just_started(world: World) -> None:
    """All that a loop knows is in the stored objects."""
    settle(world, Loop(world))
    written = world.versions
    Loop(world).once()
    assert world.versions == written


def test_a_changed_template_becomes_a_release_that_the_clock_promotes(world: World) -> None:
    """20 → 100 in words of this app: 25 % for a minute, then all."""
    loop = Loop(world)
    settle(world, loop)
    world.put(app("pharmacy", "pharmacy:2")[0])
    settle(world, loop)
    assert sorted(route["weight"] for route in rules(world)[-1]["route"]) == [25, 75]
    world.time += timedelta(minutes=1)
    settle(world, loop)
    (release,) = (body for (kind, _), body in world.stored.items() if kind == "Release")
    assert release["status"]["phase"] == "Promoted"
    assert len(rules(world)[-1]["route"]) == 1
    assert len([name for name in world.names("Deployment") if name != "pharmacy"]) == 1


def test_no_hold_begins_before_every_proxy_has_confirmed(world: World) -> None:
    """A proxy that serves the old weights stops the clock, not the abort."""
    loop = Loop(world)
    settle(world, loop)
    world.put(app("pharmacy", "pharmacy:2")[0])
    settle(world, loop)
    world.unconfirmed.add(("VirtualService", PHARMACY))
    world.time += timedelta(minutes=2)
    settle(world, loop)
    assert sorted(route["weight"] for route in rules(world)[-1]["route"]) == [25, 75]


def test_every_write_says_why(world: World) -> None:
    """The history is made of these reasons."""
    settle(world, Loop(world))
    assert all(world.reasons)
    assert "0 → 4 pods" in world.reasons


def test_an_object_that_nothing_asks_for_any_more_is_deleted(world: World) -> None:
    """Only what Laneway wrote, never what people wrote."""
    loop = Loop(world)
    settle(world, loop)
    del world.stored["App", PHARMACY]
    settle(world, loop)
    assert world.names("VirtualService") == []
    assert world.names("Deployment") == ["pharmacy"]


def test_an_edit_of_a_derived_object_is_put_right(world: World) -> None:
    """The plan's manifests are what is stored, whoever wrote last."""
    loop = Loop(world)
    settle(world, loop)
    service = world.stored["Service", PHARMACY]
    world.put(service | {"spec": service["spec"] | {"selector": {"app": "else"}}})
    settle(world, loop)
    assert world.stored["Service", PHARMACY]["spec"]["selector"] == {names.APP: "pharmacy"}


def test_only_the_newest_records_of_releases_are_kept(world: World) -> None:
    """The rest is history."""
    loop = Loop(world)
    settle(world, loop)
    for number in range(2, 15):
        world.put(app("pharmacy", f"pharmacy:{number}")[0])
        settle(world, loop)
        world.time += timedelta(minutes=1)
        settle(world, loop)
    started = [body["status"]["startedAt"] for (kind, _), body in world.stored.items() if kind == "Release"]
    assert len(started) == 10
    assert min(started) > (NOON + timedelta(minutes=2)).isoformat()
