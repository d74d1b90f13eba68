"""When a stored object is what a manifest says."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from laneway.kubernetes.confirm.markers import marker_of
from laneway.kubernetes.dialect import WRITTEN, Normalised, covers, formed, is_drift, is_edited


@pytest.mark.parametrize(
    "stored, wanted",
    [
        ({"replicas": 1, "paused": False}, {"replicas": 1}),
        ({"template": {"spec": {"dnsPolicy": "ClusterFirst", "x": 1}}}, {"template": {"spec": {"x": 1}}}),
        ({}, {"labels": {}}),
        ({}, {"http": []}),
        ({"ports": [{"port": 80, "protocol": "TCP"}]}, {"ports": [{"port": 80}]}),
        ({"ports": [1]}, {"ports": (1,)}),
    ],
    ids=["default", "deep", "empty map", "empty list", "in a list", "a tuple"],
)
def test_what_the_api_server_adds_is_no_difference(stored: Any, wanted: Any) -> None:
    assert covers(stored, wanted)


@pytest.mark.parametrize(
    "stored, wanted",
    [
        ({"replicas": 2}, {"replicas": 1}),
        ({}, {"replicas": 1}),
        ({"replicas": None}, {"replicas": 0}),
        ({"ports": [1, 2]}, {"ports": [1]}),
        ({"ports": [2, 1]}, {"ports": [1, 2]}),
        ({"spec": 1}, {"spec": {"x": 1}}),
    ],
    ids=["changed", "missing", "none", "one more", "another order", "another type"],
)
def test_what_was_asked_for_otherwise_is_a_difference(stored: Any, wanted: Any) -> None:
    assert not covers(stored, wanted)


@pytest.mark.parametrize("name", ["selector", "matchLabels"])
def test_a_further_entry_of_a_selector_is_a_difference(name: str) -> None:
    assert not covers({name: {"app": "a", "more": "b"}}, {name: {"app": "a"}})
    assert covers({name: {"app": "a"}}, {name: {"app": "a"}})


def rules(weight: int = 100) -> dict[str, Any]:
    metadata = {"name": "pharmacy", "namespace": "shop", "labels": {"of": "us"}}
    spec = {"http": [{"name": "all", "route": [{"weight": weight}]}]}
    return {"kind": "VirtualService", "metadata": metadata, "spec": spec}


def deployment(replicas: int, image: str = "a:1") -> dict[str, Any]:
    metadata = {"name": "pharmacy", "namespace": "shop", "generation": 1}
    return {"kind": "Deployment", "metadata": metadata, "spec": {"replicas": replicas, "image": image}}


def test_rules_bear_a_marker_of_what_they_say() -> None:
    markers = {marker_of(formed(rules(weight))["spec"]) for weight in (20, 80)}
    assert len(markers) == 2 and "" not in markers
    assert marker_of(formed(formed(rules()))["spec"]) == marker_of(formed(rules())["spec"])


def test_what_was_formed_before_is_not_changed() -> None:
    said = rules()
    formed(said)
    assert said == rules()


def test_a_change_of_what_we_wrote_last_is_drift() -> None:
    written = formed(rules(80))
    stored = {**written, "spec": rules(1)["spec"]}
    assert is_drift(stored, written)


def test_edited_rules_are_told_from_written_ones_whatever_is_planned_from_them() -> None:
    written = formed(rules(80))
    assert not is_edited(written)
    assert is_edited({**written, "spec": rules(1)["spec"]})


def test_a_number_that_the_api_server_writes_shorter_is_no_edit() -> None:
    faulty: dict[str, Any] = rules()
    faulty["spec"]["http"][0]["fault"] = {"abort": {"percentage": {"value": 5.0}}}
    stored = orjson.loads(orjson.dumps(formed(faulty)).replace(b"5.0", b"5"))
    assert not is_edited(stored)


def test_rules_that_nobody_of_us_has_written_are_not_edited_ones() -> None:
    assert not is_edited(None)
    assert not is_edited(rules())


def test_a_change_that_we_want_is_no_drift() -> None:
    assert not is_drift(formed(rules(80)), formed(rules(75)))


def test_what_is_not_there_or_was_never_written_by_us_has_not_drifted() -> None:
    assert not is_drift(None, formed(rules()))
    assert not is_drift(rules(), formed(rules()))


def test_the_size_of_a_deployment_is_no_change_of_it() -> None:
    one, other = formed(deployment(1)), formed(deployment(5))
    assert one["metadata"]["annotations"][WRITTEN] == other["metadata"]["annotations"][WRITTEN]
    assert not is_drift(deployment(1) | {"metadata": one["metadata"]}, other)


def cpu(amount: str, generation: int = 1) -> dict[str, Any]:
    """0.5 is stored as 500m."""
    metadata = {"name": "a", "namespace": "shop", "generation": generation}
    return {"kind": "Deployment", "metadata": metadata, "spec": {"cpu": amount}}


def test_what_the_api_server_writes_otherwise_is_learned_from_its_answer() -> None:
    normalised = Normalised()
    assert not normalised.same(cpu("500m"), cpu("0.5"))
    normalised.learn(cpu("0.5"), cpu("500m", generation=2))
    assert normalised.same(cpu("500m", generation=2), cpu("0.5"))


def test_what_was_learned_holds_for_that_object_as_it_was_answered() -> None:
    normalised = Normalised()
    normalised.learn(cpu("0.5"), cpu("500m", generation=2))
    assert not normalised.same(cpu("700m", generation=3), cpu("0.5")), "somebody has changed it"
    assert not normalised.same(cpu("500m", generation=2), cpu("0.6")), "we want something else"
    assert not normalised.same(None, cpu("0.5"))


def test_an_answer_that_needs_no_learning_is_forgotten() -> None:
    normalised = Normalised()
    normalised.learn(cpu("0.5"), cpu("500m", generation=2))
    normalised.learn(cpu("0.5"), cpu("0.5", generation=3))
    assert not normalised.same(cpu("500m", generation=2), cpu("0.5"))


def test_an_object_that_was_compared_is_compared_again_once_it_says_something_else() -> None:
    normalised = Normalised()
    manifest = {"kind": "Service", "metadata": {"name": "a", "namespace": "b"}, "spec": {"ports": [80]}}
    metadata = {"name": "a", "namespace": "b", "resourceVersion": "1"}
    stored = manifest | {"metadata": metadata, "status": {"seen": 1}}
    assert normalised.same(stored, manifest)
    assert normalised.same(stored | {"status": {"seen": 2}}, manifest)
    assert not normalised.same(stored | {"spec": {"ports": [81]}}, manifest)
    assert not normalised.same(stored, manifest | {"spec": {"ports": [81]}})


def test_a_deployment_that_a_release_makes_larger_was_not_changed_by_somebody_else() -> None:
    """Else it would be told as restored, and under `drift: report` never have the pods that it needs."""
    metadata = {"name": "a-r-1", "namespace": "b", "labels": {}}
    template = {"spec": {"containers": [{"name": "app", "image": "a:1"}]}}
    one = formed({"kind": "Deployment", "metadata": metadata, "spec": {"replicas": 1, "template": template}})
    five = formed({"kind": "Deployment", "metadata": metadata, "spec": {"replicas": 5, "template": template}})
    assert not is_drift(one, five)
    other = {"spec": {"containers": [{"name": "app", "image": "somebody:else"}]}}
    assert is_drift(one | {"spec": {"replicas": 1, "template": other}}, five)
