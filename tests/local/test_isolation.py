"""Which isolation a state gets, and why."""

from __future__ import annotations

import errno

import pytest

from laneway.local.network.isolation import Impossible, Isolation, IsolationError, Mode, decide, forbidden

SHARED, APART = Isolation(Mode.LOOPBACK, "the default"), Isolation(Mode.NAMESPACES, "asked for")
FULL = forbidden("make a user namespace", errno.ENOSPC)


def allowed() -> Impossible | None:
    return None


def full() -> Impossible | None:
    return FULL


def untried() -> Impossible | None:
    raise AssertionError("nothing is to be tried")


def test_without_a_word_it_is_the_kept_one_or_the_default() -> None:
    assert decide(None, None, False, untried) == SHARED
    assert decide(None, APART, False, allowed) == APART


def test_auto_takes_networks_where_they_can_be_made_and_says_why_not() -> None:
    assert decide("auto", None, False, allowed).mode is Mode.NAMESPACES
    found = decide("auto", None, False, full)
    assert found.mode is Mode.LOOPBACK
    assert found.why == "auto: this user may not make a user namespace: no space left on device (ENOSPC)"


def test_networks_that_cannot_be_made_are_refused_with_the_step_and_the_remedy() -> None:
    for asked, kept in (("namespaces", None), (None, APART)):
        with pytest.raises(IsolationError, match="may not make a user namespace") as refused:
            decide(asked, kept, False, full)
        assert "user.max_user_namespaces" in refused.value.remedy
        assert "--isolation loopback" in refused.value.remedy


def test_pods_that_run_do_not_move() -> None:
    """What they run in has been tried."""
    assert decide("auto", APART, True, untried) == APART
    assert decide(None, APART, True, untried) == APART
    with pytest.raises(IsolationError, match="cannot move to loopback while they run"):
        decide("loopback", APART, True, untried)
