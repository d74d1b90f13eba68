"""What a plan changes, written to a stand-in of the API server that answers as a test says."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Coroutine
from typing import Any, cast

import pytest
from tests.kubernetes.stored import SHOP

from laneway.control.changes import Changes, Removal, Write
from laneway.kubernetes.api.errors import ApiError, Cause
from laneway.kubernetes.api.seen import Seen, seen
from laneway.kubernetes.api.server import Server
from laneway.kubernetes.dialect import Normalised
from laneway.kubernetes.writing import TAKE_OVER, ContestedError, Writer, merge_patch
from laneway.manifests import names
from laneway.spec.meta import Key

LABELS = {names.MANAGED_BY: names.LANEWAY}


class Requests:
    """Notes what is asked, and answers as an API server does. refuse: an error for the next of a kind."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str, Any]] = []
        self.refuse: dict[tuple[str, str], Exception] = {}
        self.there: dict[tuple[str, Key], dict[str, Any]] = {}
        self.versions = 100

    def _answer(self, verb: str, kind: str, body: dict[str, Any], said: Any) -> dict[str, Any]:
        self.asked.append((verb, kind, said))
        if error := self.refuse.pop((verb, kind), None):
            raise error
        self.versions += 1
        metadata = {"name": "x", "namespace": SHOP} | body.get("metadata", {})
        metadata |= {"resourceVersion": str(self.versions), "uid": "1"}
        return {"apiVersion": "v1", **body, "kind": kind, "metadata": metadata}

    async def get(self, kind: str, key: Key) -> dict[str, Any] | None:
        return self.there.get((kind, key))

    async def create(self, body: dict[str, Any]) -> dict[str, Any]:
        return self._answer("create", body["kind"], body, body["metadata"]["name"])

    async def apply(self, body: dict[str, Any], *, force: bool = False) -> dict[str, Any]:
        return self._answer("apply", body["kind"], body, "forced" if force else body["spec"])

    async def patch(self, kind: str, key: Key, patch: Any, **_: Any) -> dict[str, Any]:
        return self._answer("patch", kind, {"metadata": {"name": key.name}}, patch)

    async def scale(self, kind: str, key: Key, replicas: int) -> str:
        version: str = self._answer("scale", kind, {}, replicas)["metadata"]["resourceVersion"]
        return version

    async def delete(self, kind: str, key: Key) -> bool:
        self.asked.append(("delete", kind, key.name))
        return True


class World:
    """A writer, what it asks, and what is known."""

    def __init__(self, *known: dict[str, Any]) -> None:
        self.requests = Requests()
        self.known: dict[tuple[str, Key], Seen] = {}
        for body in known:
            self.took(body["kind"], Key(SHOP, body["metadata"]["name"]), seen(json.dumps(body).encode()))
        self.serves = True
        self.writer = Writer(
            cast(Server, self.requests),
            Normalised(),
            self.took,
            lambda kind, key: self.known.get((kind, key)),
            serves=lambda app: self.serves,
        )

    def took(self, kind: str, key: Key, now: Seen | None) -> None:
        if now is None:
            self.known.pop((kind, key), None)
        else:
            self.known[kind, key] = now

    def execute(self, *bodies: dict[str, Any], removals: tuple[Removal, ...] = ()) -> list[ContestedError]:
        writes = tuple(Write(body, "a test") for body in bodies)
        found: list[ContestedError] = run(self.writer.execute(Changes((), writes, removals)))
        return found

    @property
    def verbs(self) -> list[tuple[str, str]]:
        return [(verb, kind) for verb, kind, _ in self.requests.asked]


def run(work: Coroutine[Any, Any, Any]) -> Any:
    return asyncio.run(work)


def manifest(kind: str, name: str = "x", **spec: Any) -> dict[str, Any]:
    metadata = {"name": name, "namespace": SHOP, "labels": LABELS, "resourceVersion": "1"}
    return {"apiVersion": "v1", "kind": kind, "metadata": metadata, "spec": spec}


def conflict(*managers: str, reason: str = "Conflict") -> ApiError:
    causes = [Cause(".spec", "FieldManagerConflict", f'conflict with "{each}"') for each in managers]
    return ApiError(409, reason, "conflict", None, tuple(causes))


OLD = Removal("Deployment", Key(SHOP, "old"), "a test")


def test_rules_are_written_last_and_removals_come_after_them() -> None:
    world = World()
    world.execute(
        *map(
            manifest, ("VirtualService", "DestinationRule", "HorizontalPodAutoscaler", "ControllerRevision")
        ),
        manifest("Deployment", replicas=1),
        removals=(OLD,),
    )
    assert world.verbs[0] == ("create", "ControllerRevision")
    assert set(world.verbs[1:3]) == {("apply", "DestinationRule"), ("create", "Deployment")}
    assert world.verbs[3:] == [
        ("create", "HorizontalPodAutoscaler"), ("apply", "VirtualService"), ("delete", "Deployment"),
    ]  # fmt: skip


def test_nothing_is_written_or_removed_after_what_somebody_else_owns() -> None:
    world = World()
    world.requests.refuse["apply", "Service"] = conflict("helm")
    (contested,) = world.execute(manifest("Service"), manifest("VirtualService"), removals=(OLD,))
    assert contested.managers == ("helm",) and "helm" in str(contested)
    assert world.verbs == [("apply", "Service")]


def test_a_failure_does_not_keep_what_is_beside_it_from_being_written() -> None:
    world = World()
    world.requests.refuse["apply", "Service"] = ApiError(500, "InternalError", "broken")
    with pytest.raises(ApiError, match="broken"):
        world.execute(manifest("Service"), manifest("DestinationRule"), manifest("VirtualService"))
    assert world.verbs == [("apply", "Service"), ("apply", "DestinationRule")]


def of_helm(kind: str) -> World:
    """A world in which somebody else has an object, which nobody has told us of, and has given it to us."""
    world = World()
    world.requests.there[kind, Key(SHOP, "x")] = manifest(kind)
    world.requests.there[kind, Key(SHOP, "x")]["metadata"]["annotations"] = {TAKE_OVER: "true"}
    world.requests.refuse["apply", kind] = conflict("helm")
    return world


def test_what_is_given_to_laneway_is_taken_from_whoever_owned_it() -> None:
    world = of_helm("DestinationRule")
    assert not world.execute(manifest("DestinationRule"))
    assert world.requests.asked[-1] == ("apply", "DestinationRule", "forced")


def test_a_service_is_taken_only_with_pods_behind_it() -> None:
    """The selector is another one: until then the pods that serve now go on."""
    world = of_helm("Service")
    world.serves = False
    assert not world.execute(manifest("Service"))
    assert world.verbs == [("apply", "Service")]
    world.serves = True
    world.requests.refuse["apply", "Service"] = conflict("helm")
    assert not world.execute(manifest("Service"))
    assert world.requests.asked[-1] == ("apply", "Service", "forced")


def test_a_conflict_with_ourselves_is_none() -> None:
    """Under the name of another kind of write, as `scale` is."""
    world = World()
    world.requests.refuse["apply", "Service"] = conflict("laneway")
    assert not world.execute(manifest("Service"))
    assert world.requests.asked[-1] == ("apply", "Service", "forced")


def test_the_size_of_a_deployment_goes_by_its_scale_alone() -> None:
    world = World(manifest("Deployment", replicas=2, image="a:1"))
    world.execute(manifest("Deployment", replicas=3, image="a:1"))
    assert world.requests.asked == [("scale", "Deployment", 3)]
    known = world.known["Deployment", Key(SHOP, "x")].body()
    assert known["spec"]["replicas"] == 3, "known at once"


def test_the_rest_of_a_deployment_is_applied_without_its_size() -> None:
    world = World(manifest("Deployment", replicas=2, image="a:1"))
    world.execute(manifest("Deployment", replicas=2, image="a:2"))
    assert world.requests.asked == [("apply", "Deployment", {"image": "a:2"})]


def test_what_is_there_already_though_nobody_has_told_us_is_ours() -> None:
    """As after a controller that was killed before it heard the answer."""
    world = World()
    world.requests.refuse["create", "Deployment"] = conflict(reason="AlreadyExists")
    world.requests.there["Deployment", Key(SHOP, "x")] = manifest("Deployment", replicas=1)
    assert not world.execute(manifest("Deployment", replicas=1))
    assert ("Deployment", Key(SHOP, "x")) in world.known


def test_what_somebody_else_has_under_that_name_is_contested() -> None:
    world = World()
    theirs = manifest("Deployment")
    theirs["metadata"]["labels"] = {}
    world.requests.refuse["create", "Deployment"] = conflict(reason="AlreadyExists")
    world.requests.there["Deployment", Key(SHOP, "x")] = theirs
    assert len(world.execute(manifest("Deployment", replicas=1))) == 1


def test_what_was_deleted_is_known_at_once() -> None:
    world = World(manifest("Deployment", "old", replicas=1))
    world.execute(removals=(OLD,))
    assert not world.known


def test_a_status_that_says_nothing_new_is_not_sent() -> None:
    app = manifest("App") | {"status": {"stable": "a", "release": None}}
    world = World(app)
    run(world.writer.status("App", Key(SHOP, "x"), {"stable": "a"}, "a test"))
    assert not world.verbs
    run(world.writer.status("App", Key(SHOP, "x"), {"stable": "b"}, "a test"))
    assert world.requests.asked == [("patch", "App", {"status": {"stable": "b"}})]


@pytest.mark.parametrize(
    "before, after, patch",
    [
        ({"a": 1}, {"a": 1}, {}),
        ({"a": 1}, {"a": 2}, {"a": 2}),
        ({"a": 1}, {}, {"a": None}),
        ({"a": None}, {}, {}),
        ({}, {"a": None}, {}),
        ({"a": {"b": 1, "c": 2}}, {"a": {"b": 1, "c": 3}}, {"a": {"c": 3}}),
        ({"a": [1, 2]}, {"a": [1]}, {"a": [1]}),
        ({"a": {"b": 1}}, {"a": 1}, {"a": 1}),
    ],
)
def test_a_merge_patch_says_only_what_differs(before: Any, after: Any, patch: Any) -> None:
    assert merge_patch(before, after) == patch


def test_a_refusal_names_what_was_asked_for() -> None:
    """Of a kind that the cluster does not have, its answer names nothing."""
    world = World()
    world.requests.refuse["apply", "DestinationRule"] = ApiError(404, "NotFound", "could not find it")
    with pytest.raises(ApiError, match="DestinationRule shop/x: could not find it") as refused:
        world.execute(manifest("DestinationRule"))
    assert refused.value.missing and refused.value.lasting
