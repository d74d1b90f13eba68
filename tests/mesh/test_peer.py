"""A stream of a proxy, before and after the proxy is known."""

from __future__ import annotations

from collections.abc import Iterable

from laneway.mesh.peer import Peer
from laneway.mesh.resources import CDS, LDS, TYPES, Audience, Changes, Delta, Layer, Resource
from laneway.mesh.wire import Request, Response
from laneway.mesh.xds import Stream

OWN, OTHERS = Layer(Audience.PROXY, "page"), Layer(Audience.PROXY, "other")


class Recorder(Stream):
    """Remembers the types of what was sent since it was last asked."""

    def __init__(self) -> None:
        super().__init__()
        self._types: list[str] = []

    def send(self, responses: Iterable[Response]) -> None:
        """Remember."""
        self._types += [response.type_url for response in responses]

    def said(self) -> list[str]:
        """Type URLs."""
        found, self._types = self._types, []
        return found


def test_requests_wait_until_the_proxy_is_known() -> None:
    """Then they are answered."""
    stream = Recorder()
    peer = Peer("page", stream)
    peer.receive(Request(CDS, proxy_id="page"))
    assert (stream.said(), peer.begun) == ([], False)
    peer.begin((OWN,), {url: {} for url in TYPES}, 1)
    assert (stream.said(), peer.begun) == ([CDS], True)


def test_only_changes_of_its_own_layers_are_sent() -> None:
    """Another proxy's change is a new generation and no more."""
    stream = Recorder()
    wanted: dict[str, dict[str, Resource]] = {url: {} for url in TYPES}
    peer = Peer("page", stream)
    peer.begin((OWN,), wanted, 1)
    for url in (CDS, LDS):
        peer.receive(Request(url))
    peer.receive(Request(CDS, nonce="1"))
    peer.receive(Request(LDS, nonce="2"))
    stream.said()
    delta = {CDS: Delta(frozenset({"a"}))}
    peer.update(Changes(2, {OTHERS: delta}))
    assert (stream.said(), peer.acked) == ([], 2)
    wanted[CDS]["a"] = Resource("a", "1", b"")
    peer.update(Changes(3, {OWN: delta}))
    assert (stream.said(), peer.acked) == ([CDS], 2)
    peer.receive(Request(CDS, nonce="3"))
    assert peer.acked == 3
