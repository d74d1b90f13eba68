"""The Deployment that is an App's template."""

from __future__ import annotations

from typing import Any

from laneway.kubernetes.template_hold import HELD, hold, is_contested, is_held, size_of


def deployment(replicas: int | None, noted: str | None = None) -> dict[str, Any]:
    annotations = {} if noted is None else {HELD: noted}
    spec = {} if replicas is None else {"replicas": replicas}
    return {"metadata": {"resourceVersion": "7", "annotations": annotations}, "spec": spec}


def test_its_size_is_what_it_asks_for_until_it_is_held() -> None:
    assert size_of(deployment(4)) == 4
    assert size_of(deployment(None)) == 1, "Kubernetes' default"


def test_a_held_one_remembers_its_size() -> None:
    assert size_of(deployment(0, "4")) == 4


def test_a_note_that_is_no_number_is_none() -> None:
    assert size_of(deployment(2, "many")) == 2


def test_to_hold_it_is_to_scale_it_to_zero_at_the_version_that_was_seen() -> None:
    patch = hold(deployment(4))
    assert patch["spec"] == {"replicas": 0}
    assert patch["metadata"] == {"annotations": {HELD: "4"}, "resourceVersion": "7"}


def test_one_that_never_was_held_is_not_contested() -> None:
    assert not is_held(deployment(4))
    assert not is_contested(deployment(4))


def test_one_that_was_scaled_up_again_is_contested() -> None:
    assert is_held(deployment(0, "4"))
    assert not is_contested(deployment(0, "4"))
    assert is_contested(deployment(3, "4"))


def test_one_that_is_made_at_zero_is_held_and_nobodys_contest() -> None:
    assert is_held(deployment(0))
    assert not is_contested(deployment(0))
