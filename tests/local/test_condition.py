"""What a pod's parts make of it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from tests.local.samples import START, changed, pod

from laneway.local.pod.condition import Condition, Ended, adopted_condition, first_condition, in_condition
from laneway.local.pod.pods import Stage, Trouble
from laneway.local.pod.probes import Answer
from laneway.local.process.markers import Identity, Part

SOON = timedelta(seconds=0.5)
APP, PROXY = Identity(1, 1), Identity(2, 2)
YES, NO = Answer(True, "GET /: 200"), Answer(False, "GET /: 503")
CRASH = Ended(Part.APP, "exited with status 1", SOON)


def running() -> Condition:
    """Both parts run, neither has said anything."""
    return first_condition(pod()).started(Part.APP, APP).started(Part.SIDECAR, PROXY)


def ready() -> Condition:
    """Both parts run and are ready."""
    return replace(running().answered(YES), sidecar_ready=True)


def test_a_pod_is_ready_when_both_parts_are() -> None:
    """Until then it says what is missing."""
    starting = in_condition(pod(), running())
    assert (starting.stage, starting.reason) == (Stage.STARTING, Trouble.NOT_ANSWERING)
    half = in_condition(pod(), running().answered(YES))
    assert (half.stage, half.reason) == (Stage.STARTING, Trouble.SIDECAR_NOT_READY)
    whole = in_condition(pod(), ready())
    assert (whole.stage, whole.reason, whole.message, whole.ever_ready) == (
        Stage.READY,
        Trouble.NONE,
        "",
        True,
    )
    assert whole.processes == {Part.APP: APP, Part.SIDECAR: PROXY}


def test_without_a_sidecar_the_application_is_all() -> None:
    """There is nobody else to wait for."""
    plain = pod(annotations={"sidecar.istio.io/inject": "false"})
    condition = first_condition(plain).started(Part.APP, APP).answered(YES)
    assert in_condition(plain, condition).ready


def test_a_crash_makes_the_pod_not_ready_until_the_part_is_back() -> None:
    """It is counted, named, and what the process had answered counts no more."""
    before = in_condition(pod(), ready())
    crashed = ready().ended(CRASH)
    after = in_condition(before, crashed)
    assert (after.stage, after.reason, after.restarts) == (Stage.NOT_READY, Trouble.CRASHED, 1)
    assert after.message == "the application exited with status 1; next attempt after 0.5 s"
    assert after.processes == {Part.SIDECAR: PROXY}
    back = crashed.started(Part.APP, APP)
    assert in_condition(after, back).reason is Trouble.NOT_ANSWERING
    assert in_condition(after, back.answered(YES)).ready


def test_a_sidecars_crash_leaves_the_application_as_it_is() -> None:
    """Only the sidecar must prove itself again."""
    crashed = ready().ended(Ended(Part.SIDECAR, "was killed by SIGSEGV", SOON))
    back = crashed.started(Part.SIDECAR, PROXY)
    assert back.readiness.ready
    assert in_condition(pod(), back).reason is Trouble.SIDECAR_NOT_READY


def test_a_part_that_cannot_start_says_why() -> None:
    """With what was tried."""
    condition = first_condition(pod()).ended(Ended(Part.APP, "none: not found", SOON, Trouble.CANNOT_START))
    stopped = in_condition(pod(), condition)
    assert stopped.reason is Trouble.CANNOT_START
    assert stopped.message.startswith("the application cannot start: none: not found;")


def test_a_draining_pod_stays_so() -> None:
    """Whatever its parts say, it takes no new requests."""
    assert in_condition(changed(pod(), draining_since=START), ready()).stage is Stage.DRAINING


@pytest.mark.parametrize(
    ("stage", "found", "expected"),
    [
        (Stage.READY, {Part.APP: APP, Part.SIDECAR: PROXY}, Stage.READY),
        (Stage.READY, {Part.SIDECAR: PROXY}, Stage.NOT_READY),
        (Stage.READY, {Part.APP: APP}, Stage.NOT_READY),
        (Stage.NOT_READY, {Part.APP: APP, Part.SIDECAR: PROXY}, Stage.NOT_READY),
    ],
)
def test_an_adopted_pod_is_as_ready_as_it_was(
    stage: Stage, found: dict[Part, Identity], expected: Stage
) -> None:
    """If no part is missing: a restart of the daemon takes no pod out of service."""
    before = changed(pod(), stage=stage, ever_ready=True)
    assert in_condition(before, adopted_condition(before, found)).stage is expected


def test_a_part_that_ended_unseen_is_counted_and_named() -> None:
    """Until it runs again."""
    before = changed(
        pod(), stage=Stage.READY, ever_ready=True, processes={Part.APP: APP, Part.SIDECAR: PROXY}
    )
    condition = adopted_condition(before, {Part.SIDECAR: PROXY})
    after = in_condition(before, condition)
    assert (after.reason, after.message, after.restarts) == (
        Trouble.CRASHED, "the application ended unseen", 1,
    )  # fmt: skip
    assert in_condition(after, condition.started(Part.APP, APP)).reason is Trouble.NOT_ANSWERING


def test_one_refused_probe_does_not_end_an_adopted_pods_service() -> None:
    """The thresholds count on as for any ready pod."""
    before = changed(pod(), stage=Stage.READY, ever_ready=True)
    condition = adopted_condition(before, {Part.APP: APP, Part.SIDECAR: PROXY})
    assert in_condition(before, condition.answered(NO)).ready
    assert not in_condition(before, condition.answered(NO).answered(NO).answered(NO)).ready
