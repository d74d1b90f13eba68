"""Which pods are started and which go."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as some
from tests.local.samples import START, changed, pod

from laneway.local.pod.pods import Pod, Stage
from laneway.local.pod.scaling import Step, step, victims


def a_pod(age: int, stage: Stage = Stage.READY, template: str = "new") -> Pod:
    """A pod that was made so many minutes after the start."""
    made = pod(f"{template}{age}", template=template)
    return changed(made, stage=stage, created=START + timedelta(minutes=age))


def names(pods: Iterable[Pod]) -> list[str]:
    """Names of pods, in order."""
    return sorted(each.key.name for each in pods)


def test_missing_pods_are_created() -> None:
    """Draining ones do not count: they are as good as gone."""
    assert step(3, "new", [a_pod(1), a_pod(2, Stage.DRAINING)]) == Step(create=2, drain=())
    assert step(1, "new", [a_pod(1)]) == Step(create=0, drain=())


def test_those_that_serve_nobody_go_first_then_the_newest() -> None:
    """The oldest have the warmest caches."""
    ready, newer, starting = a_pod(1), a_pod(2), a_pod(0, Stage.STARTING)
    assert victims([ready, newer, starting], 2) == (starting, newer)
    assert step(1, "new", [ready, newer, starting]).drain == (starting, newer)
    assert victims([ready], -1) == ()


def test_nothing_is_left_of_a_deployment_without_replicas() -> None:
    """Of any template."""
    pods = [a_pod(1), a_pod(2, template="old"), a_pod(3, Stage.STARTING, "old")]
    assert names(step(0, "new", pods).drain) == names(pods)


def test_a_changed_template_rolls() -> None:
    """First a quarter more, then as many old ones go as new ones are ready."""
    old = [a_pod(age, template="old") for age in range(4)]
    assert step(4, "new", old) == Step(create=1, drain=())
    starting = a_pod(9, Stage.STARTING)
    assert step(4, "new", [*old, starting]) == Step(create=0, drain=())
    assert step(4, "new", [*old, a_pod(9)]) == Step(create=0, drain=(old[3],))
    assert step(4, "new", [*old[:3], a_pod(9)]) == Step(create=1, drain=())


def test_old_pods_that_serve_nobody_make_room_at_once() -> None:
    """So a broken template is replaced without waiting for it."""
    broken = [a_pod(age, Stage.NOT_READY, "old") for age in range(2)]
    assert names(step(2, "new", broken).drain) == names(broken)


stages = some.sampled_from([Stage.READY, Stage.STARTING, Stage.NOT_READY, Stage.DRAINING])


@given(some.integers(0, 9), some.lists(some.tuples(stages, some.sampled_from(["new", "old"])), max_size=14))
def test_no_step_takes_ready_pods_that_are_needed(desired: int, kinds: list[tuple[Stage, str]]) -> None:
    """However the world looks: as many stay ready as are asked for, or all there are; none goes twice."""
    pods = [a_pod(age, stage, template) for age, (stage, template) in enumerate(kinds)]
    todo = step(desired, "new", pods)
    assert len(set(names(todo.drain))) == len(todo.drain)
    assert all(each.stage is not Stage.DRAINING for each in todo.drain)
    ready = sum(each.ready for each in pods)
    left = ready - sum(each.ready for each in todo.drain)
    assert left >= min(ready, desired)


@pytest.mark.parametrize("desired", [1, 2, 3, 4, 5, 20])
def test_a_roll_comes_to_its_end(desired: int) -> None:
    """Never fewer ready pods than asked for, never more than a quarter above, until all are new."""
    pods = [a_pod(age, template="old") for age in range(desired)]
    for age in range(desired, 20 * desired + 20):
        todo = step(desired, "new", pods)
        if not todo.create and not todo.drain:
            break
        pods = [each for each in pods if each not in todo.drain]
        pods += [a_pod(age * 100 + number) for number in range(todo.create)]
        assert desired <= len(pods) <= desired + max(1, -(-desired // 4))
    assert [each.template for each in pods] == ["new"] * desired
