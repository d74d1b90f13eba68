"""The delta protocol for one type."""

from __future__ import annotations

import math

import pytest

from laneway.mesh.resources import CDS, EDS, RDS, Delta, Resource
from laneway.mesh.subscription import RESPONSE_MAX, Subscription
from laneway.mesh.wire import Request, Response


def named(*names: str, version: str = "1") -> dict[str, Resource]:
    return {name: Resource(name, version, b"") for name in names}


def opened(wanted: dict[str, Resource], url: str = CDS, request: Request | None = None) -> Subscription:
    """A subscription after the proxy's first request."""
    found = Subscription(url, wanted)
    found.receive(request or Request(url), 1)
    return found


def send(subscription: Subscription, nonce: str = "1") -> Response | None:
    return subscription.take(subscription.due(), nonce) if subscription.ready() else None


def changed(response: Response | None) -> set[str]:
    return {item.name for item in response.changed} if response else set()


def test_a_wildcard_gets_everything_and_names_get_only_themselves() -> None:
    """An empty subscription, and the name `*`, stand for all."""
    wanted = named("a", "b")
    assert changed(send(opened(wanted))) == {"a", "b"}
    assert changed(send(opened(wanted, request=Request(CDS, subscribe=("*",))))) == {"a", "b"}
    assert changed(send(opened(wanted, request=Request(CDS, subscribe=("b",))))) == {"b"}


def test_an_acknowledgement_is_never_answered() -> None:
    """Nothing is ready after it."""
    subscription = opened(named("a"))
    send(subscription)
    subscription.receive(Request(CDS, nonce="1"), 1)
    assert not subscription.ready()
    assert list(subscription.ages()) == []


def test_an_empty_wildcard_is_answered_once() -> None:
    """The proxy waits for the first answer, though nothing is in it."""
    subscription = opened({})
    assert send(subscription) == Response(CDS, "1", ())
    subscription.receive(Request(CDS, nonce="1"), 1)
    assert send(subscription) is None


def test_what_the_proxy_brings_along_is_not_sent_unless_it_differs() -> None:
    """Equal versions are held, others are replaced, unknown ones removed."""
    request = Request(CDS, held={"same": "1", "other": "0", "gone": "1"})
    subscription = opened(named("same", "other", "new"), request=request)
    response = send(subscription)
    assert changed(response) == {"other", "new"}
    assert response is not None
    assert response.removed == ("gone",)


def test_an_unknown_name_is_told_as_removed_or_empty() -> None:
    """Routes and endpoints are waited for, so theirs are empty; of other types the removal says it."""
    response = send(opened({}, request=Request(CDS, subscribe=("x",))))
    assert response == Response(CDS, "1", (), ("x",))
    for url in (RDS, EDS):
        assert changed(send(opened({}, url, Request(url, subscribe=("x",))))) == {"x"}


def test_an_empty_answer_that_the_proxy_brings_along_is_not_sent_again() -> None:
    """It has a version of its own."""
    first = send(opened({}, RDS, Request(RDS, subscribe=("x",))))
    assert first is not None
    held = {item.name: item.version for item in first.changed}
    assert send(opened({}, RDS, Request(RDS, subscribe=("x",), held=held))) is None


def test_the_end_of_a_wildcard_forgets_what_it_brought() -> None:
    """Asked for anew, everything goes again."""
    subscription = opened(named("a", "b"))
    send(subscription)
    subscription.receive(Request(CDS, nonce="1", unsubscribe=("*",)), 1)
    assert send(subscription) is None
    subscription.receive(Request(CDS, subscribe=("*",)), 1)
    assert changed(send(subscription, "2")) == {"a", "b"}


def test_a_name_that_is_no_longer_asked_for_is_not_sent() -> None:
    """Its changes wait for the next subscription."""
    wanted = named("a")
    subscription = opened(wanted, RDS, Request(RDS, subscribe=("a",)))
    send(subscription)
    subscription.receive(Request(RDS, nonce="1", unsubscribe=("a",)), 1)
    wanted |= named("a", version="2")
    subscription.change(Delta(frozenset({"a"})), 2)
    assert send(subscription) is None


def test_what_came_and_went_unsent_leaves_nothing() -> None:
    """A removal of what the proxy never had is not sent, and nothing waits for it."""
    wanted = named()
    subscription = opened(wanted)
    send(subscription)
    wanted |= named("a")
    subscription.change(Delta(frozenset({"a"})), 2)
    del wanted["a"]
    subscription.change(Delta(removed=frozenset({"a"})), 3)
    subscription.receive(Request(CDS, nonce="1"), 1)
    assert not subscription.ready()
    assert list(subscription.ages()) == []


def test_a_great_set_goes_in_parts() -> None:
    """So that others are served in between."""
    names = [str(number) for number in range(2 * RESPONSE_MAX + 1)]
    subscription = opened(named(*names))
    sizes: list[int] = []
    while response := send(subscription, nonce := str(len(sizes))):
        sizes.append(len(response.changed))
        subscription.receive(Request(CDS, nonce=nonce), 1)
    assert sizes == [RESPONSE_MAX, RESPONSE_MAX, 1]


@pytest.mark.parametrize("size", [1, 2, 100, 1_000])
@pytest.mark.parametrize("bad", [0, -1])
def test_one_bad_resource_is_found_in_few_steps(size: int, bad: int) -> None:
    """Refused responses are halved: steps grow with the logarithm's square, not with the size."""
    names = [str(number) for number in range(size)]
    culprit = names[bad]
    subscription = opened(named(*names))
    steps = 0
    while response := send(subscription, nonce := str(steps)):
        steps += 1
        error = "bad" if culprit in changed(response) else ""
        subscription.receive(Request(CDS, nonce=nonce, error=error), 1)
    assert set(subscription.refused) == {culprit}
    assert subscription.held.keys() == set(names) - {culprit}
    assert steps <= (math.log2(size) + 2) ** 2


def test_a_refusal_of_what_has_changed_since_is_as_old_as_what_was_refused() -> None:
    """The newer content brings both generations."""
    subscription = opened(named("a"))
    send(subscription)
    subscription.change(Delta(frozenset({"a"})), 2)
    subscription.receive(Request(CDS, nonce="1", error="bad"), 2)
    assert list(subscription.ages()) == [1]
    assert changed(send(subscription, "2")) == {"a"}


def test_what_changed_twice_is_as_old_as_its_first_change() -> None:
    """Neither generation is acknowledged before it is sent."""
    subscription = opened(named("a"), request=Request(CDS, held={"a": "1"}))
    for generation in (2, 3):
        subscription.change(Delta(frozenset({"a"})), generation)
    assert list(subscription.ages()) == [2]


def test_what_moves_to_another_layer_is_not_gone() -> None:
    """In whatever order the layers tell it; also while the proxy has yet to ask for it."""
    moved = Delta(removed=frozenset("b"))
    for deltas in ((Delta(changed=frozenset("b")), moved), (moved,)):
        subscription = opened(named("a", "b"), RDS, Request(RDS, subscribe=("a",)))
        for delta in deltas:
            subscription.change(delta, 2)
        assert "b" in subscription.stale
