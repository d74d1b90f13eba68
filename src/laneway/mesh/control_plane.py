"""The control plane: objects, pods and proxies in, Envoy resources out; and who has acknowledged what.

Owns which proxy is connected and which generation it serves. Must not know how objects are translated, in
which order resources go, nor how processes run.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from laneway.mesh.files import unreadable
from laneway.mesh.peer import Peer
from laneway.mesh.refusals import Refusal
from laneway.mesh.translator import Translator
from laneway.mesh.wire import Request
from laneway.mesh.world import Pod, Proxy
from laneway.mesh.xds import AdsServer, Stream
from laneway.spec.meta import Key, Object


class ControlPlane:
    """Everything is called on one event loop; nothing here waits for a proxy.

    A proxy is *counted* if it may serve requests by older rules. A generation is *confirmed* when every
    counted proxy is connected and has acknowledged it.
    """

    def __init__(self, translator: Translator | None = None) -> None:
        self._translator = translator or Translator()
        self._server = AdsServer(self)
        self._peers: dict[Stream, Peer] = {}
        self._proxies: dict[str, Proxy] = {}
        self._published: frozenset[str] = frozenset()
        self._callbacks: list[Callable[[], None]] = []

    async def start(self, socket_path: Path) -> None:
        """Serve at a Unix socket. Raises ValueError for a path too long, OSError where it cannot listen."""
        await self._server.start(socket_path)

    async def stop(self) -> None:
        """Cut all streams. The proxies go on with what they have, and try to reconnect."""
        await self._server.stop()

    def upsert(self, value: Object) -> tuple[Refusal, ...]:
        """Take an object, from the next `publish` on.

        Returns why it is refused; then the earlier one stays.
        """
        return unreadable(value) or self._translator.upsert(value)

    def delete(self, kind: str, key: Key) -> None:
        """Forget an object, from the next `publish` on."""
        self._translator.delete(kind, key)

    def set_passthrough(self, allowed: bool) -> None:
        """Whether sidecars let pass what the mesh does not know, from the next `publish` on; at first not."""
        self._translator.set_passthrough(allowed)

    def set_pods(self, pods: Iterable[Pod]) -> None:
        """Replace the pods, from the next `publish` on."""
        self._translator.set_pods(pods)

    def set_proxies(self, proxies: Iterable[Proxy]) -> None:
        """Replace the proxies that are expected, at once, and what they serve, from the next `publish` on."""
        self._proxies = {proxy.id: proxy for proxy in proxies}
        self._translator.set_proxies(self._proxies.values())
        self._changed()

    def publish(self) -> int:
        """Send what became different to every connected proxy. Returns the generation; waits for nobody."""
        changes = self._translator.take_changes()
        self._published = frozenset(self._proxies)
        for peer in self._peers.values():
            if peer.id not in self._published:
                continue
            if not peer.begun:
                self._begin(peer)
            elif peer.layers == self._translator.layers_of(peer.id):
                peer.update(changes)
            else:
                peer.part()
        self._changed()
        return changes.generation

    @property
    def generation(self) -> int:
        """What the last `publish` returned; 0 before the first."""
        return self._translator.generation

    def acked(self, proxy_id: str) -> int:
        """The newest generation of which a proxy has acknowledged everything; 0 while it is not connected."""
        return self._acked().get(proxy_id, 0)

    def confirmed(self, kind: str, key: Key) -> bool:
        """Whether every counted proxy serves an object as it is now, with the endpoints of its clusters.

        A deleted object is confirmed when no counted proxy serves it any more.
        """
        return self._translator.touched(kind, key) <= self.confirmed_generation()

    def confirmed_generation(self) -> int:
        """The newest generation that every counted proxy has acknowledged."""
        acked = self._acked()
        return min(
            (acked.get(name, 0) for name, proxy in self._proxies.items() if proxy.counted),
            default=self._translator.generation,
        )

    def laggards(self, generation: int) -> tuple[str, ...]:
        """The counted proxies that have not acknowledged a generation, by id."""
        acked = self._acked()
        counted = (name for name, proxy in self._proxies.items() if proxy.counted)
        return tuple(sorted(name for name in counted if acked.get(name, 0) < generation))

    def rejections(self) -> Mapping[str, str]:
        """What connected proxies refuse, by proxy id, in the words of the proxy."""
        return {peer.id: peer.rejection for peer in self._peers.values() if peer.rejection}

    def subscribe(self, callback: Callable[[], None]) -> Callable[[], None]:
        """Call this whenever an answer of this class may have become different. It must not block.

        Returns what ends the subscription.
        """
        self._callbacks.append(callback)
        return lambda: self._callbacks.remove(callback)

    def received(self, stream: Stream, request: Request) -> None:
        """Take a request from a stream, whose first one names the proxy."""
        peer = self._peers.get(stream)
        if peer is None:
            peer = self._peers[stream] = Peer(request.proxy_id, stream)
        before = peer.acked, peer.rejection
        peer.receive(request)
        if not peer.begun and peer.id in self._published and peer.id in self._proxies:
            self._begin(peer)
        if before != (peer.acked, peer.rejection):
            self._changed()

    def closed(self, stream: Stream) -> None:
        """Forget a stream."""
        if self._peers.pop(stream, None):
            self._changed()

    def _begin(self, peer: Peer) -> None:
        layers, wanted = self._translator.layers_of(peer.id), self._translator.resources_for(peer.id)
        peer.begin(layers, wanted, self._translator.generation)

    def _acked(self) -> dict[str, int]:
        """By proxy id; of several streams of one proxy, the one that is furthest behind."""
        found: dict[str, int] = {}
        for peer in self._peers.values():
            found[peer.id] = min(peer.acked, found.get(peer.id, peer.acked))
        return found

    def _changed(self) -> None:
        for callback in tuple(self._callbacks):
            callback()
