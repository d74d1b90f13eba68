"""Layers keep resources by owner and tell what changed."""

from __future__ import annotations

from laneway.mesh.layers import Layers
from laneway.mesh.resources import CDS, EDS, TYPES, Audience, Delta, Layer, Resource

ALL = Layer(Audience.ALL)
ONE = Layer(Audience.PROXY, "one")


def resource(name: str, version: str = "1") -> Resource:
    """A resource without a body."""
    return Resource(name, version, b"")


def test_a_change_is_told_once() -> None:
    """What is given again unchanged is none."""
    layers = Layers()
    assert layers.replace(ALL, CDS, "host", [resource("a"), resource("b")])
    assert layers.take_changes() == {ALL: {CDS: Delta(changed=frozenset("ab"))}}
    assert not layers.replace(ALL, CDS, "host", [resource("a"), resource("b")])
    assert layers.take_changes() == {}


def test_what_an_owner_no_longer_gives_is_removed() -> None:
    """Other owners keep theirs."""
    layers = Layers()
    layers.replace(ALL, CDS, "host", [resource("a"), resource("b")])
    layers.replace(ALL, CDS, "other", [resource("c")])
    layers.take_changes()
    assert layers.replace(ALL, CDS, "host", [resource("a", "2")])
    assert layers.take_changes() == {ALL: {CDS: Delta(frozenset("a"), frozenset("b"))}}
    assert set(layers.view([ALL])[CDS]) == {"a", "c"}


def test_what_changed_and_changed_back_is_not_told() -> None:
    """Nor what came and went."""
    layers = Layers()
    layers.replace(ALL, CDS, "host", [resource("a")])
    layers.take_changes()
    layers.replace(ALL, CDS, "host", [resource("b")])
    layers.replace(ALL, CDS, "host", [resource("a")])
    assert layers.take_changes() == {}


def test_a_view_is_the_union_of_layers_and_stays_current() -> None:
    """With an entry for each type, also when empty."""
    layers = Layers()
    view = layers.view([ONE, ALL])
    assert {url: dict(found) for url, found in view.items()} == {url: {} for url in TYPES}
    layers.replace(ALL, CDS, "host", [resource("a")])
    layers.replace(ONE, CDS, "one", [resource("b")])
    assert set(view[CDS]) == {"a", "b"}


def test_a_dropped_layer_is_removed_whole() -> None:
    """All types of it."""
    layers = Layers()
    layers.replace(ONE, CDS, "one", [resource("a")])
    layers.replace(ONE, EDS, "one", [resource("b")])
    layers.take_changes()
    layers.drop(ONE)
    removed = {CDS: Delta(removed=frozenset("a")), EDS: Delta(removed=frozenset("b"))}
    assert layers.take_changes() == {ONE: removed}
