"""A pod's status from its containers', as a kubelet writes it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from tests.lab.node.status import Container, Ended, PodState, phase, written

NOW = datetime(2026, 1, 1, tzinfo=UTC)
WAITS = Container("main", "image")
RUNS = replace(WAITS, running=NOW, started=True, ready=True)
FAILED = replace(WAITS, over=True, last=Ended(1, NOW, NOW))
DONE = replace(WAITS, over=True, last=Ended(0, NOW, NOW))


def pod(*containers: Container) -> PodState:
    return PodState("uid", "10.244.0.10", "10.244.0.2", NOW, containers, initialized=True)


@pytest.mark.parametrize(
    ("containers", "expected"),
    [
        ([WAITS], "Pending"),
        ([RUNS, WAITS], "Pending"),
        ([RUNS], "Running"),
        ([RUNS, replace(WAITS, last=Ended(1, NOW, NOW), waiting="CrashLoopBackOff")], "Running"),
        ([DONE], "Succeeded"),
        ([DONE, FAILED], "Failed"),
    ],
)
def test_the_phase_sums_the_containers_up(containers: list[Container], expected: str) -> None:
    assert phase(containers) == expected


def test_a_condition_keeps_its_time_until_it_changes() -> None:
    first = written(pod(RUNS), {}, [], NOW)
    later = NOW + timedelta(minutes=1)
    again = written(pod(RUNS), first, [], later)
    assert again["conditions"] == first["conditions"]
    changed = written(pod(replace(RUNS, ready=False)), first, [], later)
    times = {each["type"]: each["lastTransitionTime"] for each in changed["conditions"]}
    assert times["Ready"] == times["ContainersReady"] == "2026-01-01T00:01:00Z"
    assert times["PodScheduled"] == "2026-01-01T00:00:00Z"


def test_a_pod_is_not_ready_while_one_container_is_not() -> None:
    status = written(pod(RUNS, replace(WAITS, name="other")), {}, [], NOW)
    ready = next(each for each in status["conditions"] if each["type"] == "Ready")
    assert ready["status"] == "False"
    assert ready["message"] == "containers with unready status: [other]"


def test_a_container_that_was_killed_has_the_code_of_its_signal() -> None:
    assert Ended(-9, NOW, NOW).written()["exitCode"] == 137
