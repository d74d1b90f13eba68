"""What is asked, and what answers amount to."""

from __future__ import annotations

from datetime import timedelta
from functools import reduce

import pytest

from laneway.local.pod.probes import (
    Answer,
    Place,
    Program,
    Question,
    ReadinessState,
    StartupState,
    Target,
    deed,
    question,
)
from laneway.spec.kubernetes import HttpGet, LifecycleHandler, Probe, TcpSocket

HOST = "127.64.33.0"
PLACE = Place(HOST, {80: 10080, 9090: 9090}, {"http": 80, "admin": 9090})
SECOND = timedelta(seconds=1)
NO_PORT = Answer(False, "the container has no port named 'none'")


def after(probe: Probe, answers: str) -> ReadinessState:
    """The state after these answers: y for success, n for failure."""
    return reduce(
        lambda state, letter: state.after(Answer(letter == "y", letter)), answers, ReadinessState(probe)
    )


@pytest.mark.parametrize(
    ("answers", "ready"),
    [("", False), ("y", False), ("yy", True), ("yny", False), ("yyn", True), ("yynn", True), ("yynnn", False),
     ("yynnynn", True), ("yynnny", False), ("yynnnyy", True)],
)  # fmt: skip
def test_thresholds_count_answers_in_a_row(answers: str, ready: bool) -> None:
    """As in Kubernetes: two successes to become ready, three failures to stop being so."""
    assert after(Probe(success_threshold=2, failure_threshold=3), answers).ready is ready


def test_until_first_ready_questions_come_quickly() -> None:
    """50 ms growing to the period; afterwards the period, also when it is not ready any more."""
    probe = Probe(period_seconds=2, failure_threshold=1)
    delays = [after(probe, "n" * count).delay.total_seconds() for count in range(100)]
    assert delays[0] == 0.05
    assert delays == sorted(delays)
    assert sum(delays[:10]) < 2.5
    assert delays[-1] == 2
    assert after(probe, "y").delay == after(probe, "yn").delay == timedelta(seconds=2)


@pytest.mark.parametrize(
    ("probe", "expected"),
    [
        (None, Target(HOST, 10080, None, timedelta(seconds=1))),
        (Probe(timeout_seconds=3), Target(HOST, 10080, None, timedelta(seconds=3))),
        (Probe(http_get=HttpGet(path="/up", port=80)), Target(HOST, 10080, "/up", timedelta(seconds=1))),
        (Probe(http_get=HttpGet(port="admin")), Target(HOST, 9090, "/", timedelta(seconds=1))),
        (Probe(tcp_socket=TcpSocket(port=7000)), Target(HOST, 7000, None, timedelta(seconds=1))),
        (Probe(tcp_socket=TcpSocket(port="none")), NO_PORT),
        (Probe.model_validate({"exec": {"command": ["a", "b"]}}), Program(["a", "b"], SECOND)),
        (Probe.model_validate({"grpc": {"port": 80}}), Target(HOST, 10080, None, SECOND, service="")),
        (
            Probe(http_get=HttpGet(port=80, host="other.example")),
            Target("other.example", 80, "/", SECOND),
        ),
        (
            Probe.model_validate(
                {"httpGet": {"port": 80, "scheme": "HTTPS", "httpHeaders": [{"name": "A", "value": "b"}]}}
            ),
            Target(HOST, 10080, "/", SECOND, headers=(("A", "b"),), tls=True),
        ),
    ],
)  # fmt: skip
def test_a_probe_asks_the_applications_own_address(probe: Probe | None, expected: Question | Answer) -> None:
    """By the port's number or name, as it is on this machine; without a probe, the first port."""
    assert question(probe, PLACE) == expected


def test_a_container_without_ports_is_ready_when_it_runs() -> None:
    """There is nothing to ask."""
    assert question(None, Place(HOST, {}, {})) == Answer(True, "the container has no port to ask")


@pytest.mark.parametrize(
    ("hook", "expected"),
    [
        ({"sleep": {"seconds": 5}}, timedelta(seconds=5)),
        ({"exec": {"command": ["flush"]}}, Program(["flush"], SECOND)),
        ({"httpGet": {"port": "http", "path": "/bye"}}, Target(HOST, 10080, "/bye", SECOND)),
        ({"httpGet": {"port": "none"}}, NO_PORT),
    ],
)
def test_a_hook_does_one_thing(hook: dict[str, object], expected: object) -> None:
    """Within its limit."""
    assert deed(LifecycleHandler.model_validate(hook), PLACE, SECOND) == expected


def test_a_start_may_take_its_periods_however_often_it_is_asked() -> None:
    """Three periods of two seconds are six seconds, not three quick failures."""
    state = StartupState(Probe(period_seconds=2, failure_threshold=3))
    waited = timedelta()
    while not state.failed:
        waited += state.delay
        state = state.after(Answer(False, "no"))
    assert state.attempts > 10
    assert timedelta(seconds=6) <= waited < timedelta(seconds=8)
    assert not state.passed and state.after(Answer(True, "yes")).passed
