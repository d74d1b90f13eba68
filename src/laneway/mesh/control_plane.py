"""The control plane: objects, pods and proxies in, Envoy resources out; and who has acknowledged what.

Owns which proxy is connected and which generation it serves. Must not know how objects are translated, in
which order resources go, nor how processes run.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from laneway.mesh.push import Conversation
from laneway.mesh.refusals import Refusal
from laneway.mesh.resources import Changes, Layer
from laneway.mesh.translator import Translator
from laneway.mesh.wire import Request
from laneway.mesh.world import Pod, Proxy
from laneway.mesh.xds import AdsServer, Stream
from laneway.spec.meta import Key, Object


@dataclass(slots=True)
class _Peer:
    """A connected proxy.

    early: what it asked before it was known; layers: those that its conversation is about.
    """

    id: str
    stream: Stream
    early: list[Request] = field(default_factory=list)
    conversation: Conversation | None = None
    layers: tuple[Layer, ...] = ()
    acked: int = 0
    rejection: str = ""


class ControlPlane:
    """Everything is called on one event loop; nothing here waits for a proxy.

    A proxy is *counted* if it may serve requests by older rules. A generation is *confirmed* when every
    counted proxy is connected and has acknowledged it.
    """

    def __init__(self, translator: Translator | None = None) -> None:
        self._translator = translator or Translator()
        self._server = AdsServer(self)
        self._peers: dict[str, _Peer] = {}
        self._streams: dict[Stream, _Peer] = {}
        self._proxies: dict[str, Proxy] = {}
        self._served: frozenset[str] = frozenset()
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
        return self._translator.upsert(value)

    def delete(self, kind: str, key: Key) -> None:
        """Forget an object, from the next `publish` on."""
        self._translator.delete(kind, key)

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
        self._served = frozenset(self._proxies)
        for peer in list(self._peers.values()):
            if peer.id not in self._served:
                continue
            if peer.conversation is None:
                self._welcome(peer)
            elif peer.layers == self._translator.layers_of(peer.id):
                self._update(peer, peer.conversation, changes)
            else:
                # Other layers: the next stream starts from what the proxy says that it has.
                peer.stream.close()
        self._changed()
        return changes.generation

    @property
    def generation(self) -> int:
        """What the last `publish` returned; 0 before the first."""
        return self._translator.generation

    def acked(self, proxy_id: str) -> int:
        """The newest generation of which a proxy has acknowledged everything; 0 while it is not connected."""
        peer = self._peers.get(proxy_id)
        return peer.acked if peer else 0

    def confirmed(self, kind: str, key: Key) -> bool:
        """Whether every counted proxy serves an object as it is now, with the endpoints of its clusters.

        A deleted object is confirmed when no counted proxy serves it any more.
        """
        return self._translator.touched(kind, key) <= self.confirmed_generation()

    def confirmed_generation(self) -> int:
        """The newest generation that every counted proxy has acknowledged."""
        counted = [self.acked(proxy.id) for proxy in self._proxies.values() if proxy.counted]
        return min(counted, default=self._translator.generation)

    def laggards(self, generation: int) -> tuple[str, ...]:
        """The counted proxies that have not acknowledged a generation, by id."""
        return tuple(
            sorted(
                proxy.id
                for proxy in self._proxies.values()
                if proxy.counted and self.acked(proxy.id) < generation
            )
        )

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
        """Take a request from a stream; the newest stream of a proxy counts."""
        peer = self._streams.get(stream)
        if peer is None:
            peer = self._streams[stream] = self._peers[request.proxy_id] = _Peer(request.proxy_id, stream)
        if peer.conversation is not None:
            peer.conversation.receive(request)
            self._speak(peer, peer.conversation)
            return
        peer.early.append(request)
        if peer.id in self._served:
            self._welcome(peer)

    def closed(self, stream: Stream) -> None:
        """Forget a stream."""
        peer = self._streams.pop(stream, None)
        if peer is not None and self._peers.get(peer.id) is peer:
            del self._peers[peer.id]
            self._changed()

    def _welcome(self, peer: _Peer) -> None:
        """Begin with a proxy that is known from now on."""
        peer.layers = self._translator.layers_of(peer.id)
        peer.conversation = Conversation(self._translator.resources_for(peer.id), self._translator.generation)
        for request in peer.early:
            peer.conversation.receive(request)
        peer.early.clear()
        self._speak(peer, peer.conversation)

    def _update(self, peer: _Peer, conversation: Conversation, changes: Changes) -> None:
        conversation.change((changes.layers.get(layer, {}) for layer in peer.layers), changes.generation)
        self._speak(peer, conversation)

    def _speak(self, peer: _Peer, conversation: Conversation) -> None:
        peer.stream.send(conversation.responses())
        before = peer.acked, peer.rejection
        peer.acked, peer.rejection = conversation.acknowledged(), conversation.rejection()
        if before != (peer.acked, peer.rejection):
            self._changed()

    def _changed(self) -> None:
        for callback in tuple(self._callbacks):
            callback()
