"""Gates of steps: nothing goes on before they have passed, and what they said is kept."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from tests.plan.test_release import go, releasing, status
from tests.plan.world import World

from laneway.plan.result import GateRun
from laneway.spec.release import GateResult, Phase, Verb

COMMAND = {"command": ["./smoke"]}


def gated(*gates: Any, **step: Any) -> World:
    """A release that has held 50 %, whose step has these gates."""
    first = {"weight": 50, "hold": "5s", "gates": list(gates)} | step
    world = releasing(steps=[first, {"weight": 100}])
    world.settle(until=lambda: bool(world.running() and status(world).held_since))
    go(world, 8)
    return world


def asked(world: World) -> GateRun | None:
    """The gate that is to be asked now."""
    gates = go(world, 1).plan.gates
    return gates[0] if gates else None


def answer(world: World, passed: bool, evidence: str = "exit code 0") -> None:
    """The gate that is asked says so."""
    run = asked(world)
    assert run is not None
    world.results[run.id] = GateResult(
        step=run.id.step, gate=run.id.gate, passed=passed, at=world.now, evidence=evidence
    )


def test_a_step_ends_only_when_its_gate_has_passed() -> None:
    """Without the gate the release would be over by now."""
    world = gated(COMMAND)
    go(world, 100)
    assert sorted(world.weights().values()) == [5_000, 5_000]
    assert "AwaitingGate" in go(world, 1).codes
    answer(world, passed=True)
    go(world, 30)
    assert status(world).phase is Phase.PROMOTED
    assert [result.evidence for result in status(world).gates] == ["exit code 0"]


def test_no_gate_is_asked_before_the_hold_is_over() -> None:
    """What it is asked about is the whole hold."""
    first = {"weight": 50, "hold": "1m", "gates": [COMMAND]}
    world = releasing(steps=[first, {"weight": 100}])
    world.settle(until=lambda: bool(world.running() and status(world).held_since))
    assert asked(world) is None
    go(world, 70)
    assert asked(world) is not None


@pytest.mark.parametrize(("then", "phase"), [("rollback", Phase.ROLLED_BACK), ("pause", Phase.PAUSED)])
def test_a_gate_that_fails_does_what_it_says(then: str, phase: Phase) -> None:
    """The evidence stands in the release's reason."""
    world = gated(COMMAND | {"then": then})
    answer(world, passed=False, evidence="exit code 1: price is wrong")
    go(world, 30)
    assert status(world).phase is phase
    assert "command ./smoke, failed: exit code 1: price is wrong" in status(world).reason


def test_a_failed_gate_is_asked_again_when_its_pause_is_over() -> None:
    """What it said before does not count any more."""
    world = gated(COMMAND | {"then": "pause"})
    answer(world, passed=False)
    go(world, 5)
    world.ask(Verb.RESUME)
    go(world, 5)
    answer(world, passed=True)
    go(world, 30)
    assert status(world).phase is Phase.PROMOTED


def test_gates_are_asked_one_after_the_other_and_each_once() -> None:
    """Also after a restart, which forgets everything but the record."""
    world = gated(COMMAND, {"webhook": {"url": "http://ci.example/ok"}})
    answer(world, passed=True)
    go(world, 2)
    world.restart()
    go(world, 2)
    run = asked(world)
    assert run is not None and run.gate.webhook is not None
    answer(world, passed=True)
    go(world, 30)
    assert status(world).phase is Phase.PROMOTED


def test_a_person_approves() -> None:
    """The report says what to type, the record who it was and why."""
    world = gated({"approval": {}})
    texts = [finding.text for finding in go(world, 60).report.findings]
    assert "pharmacy stays at 50 % until a person approves: laneway release approve pharmacy" in texts
    assert world.ask(Verb.APPROVE, reason="tested by hand") == ""
    go(world, 30)
    assert status(world).phase is Phase.PROMOTED
    assert status(world).gates[0].evidence == "approved by request: tested by hand"


def test_an_approval_may_come_before_it_is_waited_for() -> None:
    """During the hold; what waits for none refuses it."""
    first = {"weight": 50, "hold": "1m", "gates": [{"approval": {}}]}
    world = releasing(steps=[first, {"weight": 100}])
    world.settle(until=lambda: bool(world.running() and status(world).held_since))
    assert world.ask(Verb.APPROVE) == ""
    go(world, 2)
    assert "waits for no approval" in world.ask(Verb.APPROVE)
    go(world, 90)
    assert status(world).phase is Phase.PROMOTED


@pytest.mark.parametrize(
    ("unsure", "phase"),
    [("pause", Phase.PAUSED), ("rollback", Phase.ROLLED_BACK), ("promote", Phase.PROMOTED)],
)
def test_a_gate_that_says_nothing_in_time_leaves_the_step_unsure(unsure: str, phase: Phase) -> None:
    """No answer is neither yes nor no."""
    world = gated(COMMAND, limit="1m", onUnsure=unsure)
    go(world, 100)
    assert status(world).phase is phase


def test_an_approval_that_comes_late_lets_the_release_go_on() -> None:
    """It had paused for want of it; one that a person has paused stays so."""
    world = gated({"approval": {}}, limit="1m")
    go(world, 70)
    assert status(world).phase is Phase.PAUSED
    world.ask(Verb.APPROVE)
    go(world, 30)
    assert status(world).phase is Phase.PROMOTED
    world = gated({"approval": {}})
    world.ask(Verb.PAUSE)
    go(world, 2)
    world.ask(Verb.APPROVE)
    go(world, 2)
    assert status(world).phase is Phase.PAUSED


@pytest.mark.parametrize("verb", [Verb.SKIP, Verb.PROMOTE])
def test_a_person_may_go_past_a_gate(verb: Verb) -> None:
    """That is their word."""
    world = gated(COMMAND)
    world.ask(verb)
    go(world, 40)
    assert status(world).phase is Phase.PROMOTED


def test_nothing_is_asked_of_a_release_that_goes_back() -> None:
    """Its gate's run ends."""
    world = gated(COMMAND)
    assert asked(world) is not None
    world.ask(Verb.ABORT)
    assert asked(world) is None
    assert world.now - status(world).started_at < timedelta(minutes=5)
