"""The loop: passes over a world until it is what people want."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from tests.control.memory import NOON, World, app, lane

from laneway.control.loop import Loop
from laneway.manifests import names
from laneway.spec.meta import Key
from laneway.spec.world import FOLDER

UNMOVED = {"Deployment", "VirtualService"}
"""What leads requests, and who answers them."""

MOST_FIRST = app("pharmacy", "")[1]["spec"] | {
    "release": {"steps": [{"weight": 80, "hold": "1m"}, {"weight": 100}]}
}

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


def applied_from(world: World, folder: str, image: str) -> None:
    """Apply a template from a file in this folder."""
    body = app("pharmacy", image)[0]
    world.put(body | {"metadata": body["metadata"] | {"annotations": {FOLDER: folder}}})


def folders(world: World) -> dict[str, str]:
    """The folder of each derived Deployment, by the image that it runs."""
    return {
        body["spec"]["template"]["spec"]["containers"][0]["image"]: body["metadata"]["annotations"][FOLDER]
        for (kind, _), body in world.stored.items()
        if kind == "Deployment" and names.managed(body)
    }


def test_each_revision_keeps_the_folder_that_its_template_was_applied_from(world: World) -> None:
    """Its command is looked up and runs there, also when the app's newest template is in another one."""
    applied_from(world, "/one", "pharmacy:1")
    settle(world, Loop(world))
    applied_from(world, "/two", "pharmacy:2")
    settle(world, Loop(world))
    assert folders(world) == {"pharmacy:1": "/one", "pharmacy:2": "/two"}
    applied_from(world, "/moved", "pharmacy:2")
    settle(world, Loop(world))
    assert folders(world) == {"pharmacy:1": "/one", "pharmacy:2": "/moved"}


def test_a_lane_runs_in_the_folder_of_the_revision_that_it_is_made_of(world: World) -> None:
    """Of stable, while a newer template is released; and for as long as the lane has that base."""
    applied_from(world, "/one", "pharmacy:1")
    settle(world, Loop(world))
    applied_from(world, "/two", "pharmacy:2")
    world.put(lane("green", "pharmacy:green"))
    settle(world, Loop(world))
    assert folders(world)["pharmacy:green"] == "/one"
    world.time += timedelta(minutes=1)
    settle(world, Loop(world))
    assert folders(world) == {"pharmacy:2": "/two", "pharmacy:green": "/one"}


@pytest.mark.parametrize("damaged", [None, {}, {"template": {"spec": "?"}}])
@pytest.mark.parametrize("image", ["pharmacy:1", "pharmacy:2"])
def test_a_lost_or_damaged_template_is_written_again_from_what_runs_of_it(
    world: World, image: str, damaged: dict[str, Any] | None
) -> None:
    """Of either side of a canary: no weight and no pod moves, and the revision is the same."""
    loop = Loop(world)
    settle(world, loop)
    applied_from(world, "/two", "pharmacy:2")
    settle(world, loop)
    before = {ref: body["spec"] for ref, body in world.stored.items() if ref[0] in UNMOVED}
    (ref,) = (r for r, b in world.stored.items() if r[0] == "ControllerRevision" and image in str(b))
    kept = world.stored.pop(ref)
    if damaged is not None:
        world.put(kept | {"data": damaged})
    loop.once()
    assert {ref: body["spec"] for ref, body in world.stored.items() if ref[0] in UNMOVED} == before
    settle(world, loop)
    again = world.stored[ref]
    assert (again["data"], again["metadata"]["labels"]) == (kept["data"], kept["metadata"]["labels"])
    world.time += timedelta(minutes=1)
    settle(world, loop)
    assert len(rules(world)[-1]["route"]) == 1


def test_of_a_canary_that_has_most_of_the_weight_a_lost_stable_is_still_the_one_to_go_back_to(
    world: World,
) -> None:
    """The record of the release says what it was, not the weights."""
    world.put(app("pharmacy", "pharmacy:1")[1] | {"spec": MOST_FIRST})
    loop = Loop(world)
    settle(world, loop)
    world.put(app("pharmacy", "pharmacy:2")[0])
    settle(world, loop)
    (ref,) = (r for r, b in world.stored.items() if r[0] == "ControllerRevision" and "pharmacy:1" in str(b))
    kept = world.stored.pop(ref)
    settle(world, loop)
    assert world.stored[ref]["metadata"]["labels"] == kept["metadata"]["labels"]
