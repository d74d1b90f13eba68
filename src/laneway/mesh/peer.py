"""One stream of a proxy: what it asks is put to its conversation, what that says goes out.

Must not know other proxies, nor which of them count.
"""

from __future__ import annotations

from collections.abc import Mapping

from laneway.mesh.push import Conversation
from laneway.mesh.resources import Changes, Layer, Resource
from laneway.mesh.wire import Request
from laneway.mesh.xds import Stream


class Peer:
    """The proxy at the other end of a stream.

    acked: the newest generation of which it has acknowledged everything; rejection: what it refuses, in its
    own words.
    """

    def __init__(self, proxy_id: str, stream: Stream) -> None:
        self.id = proxy_id
        self.acked = 0
        self.rejection = ""
        self.layers: tuple[Layer, ...] = ()
        self._stream = stream
        self._early: list[Request] = []
        self._conversation: Conversation | None = None

    @property
    def begun(self) -> bool:
        """Whether it is answered: before, its requests wait."""
        return self._conversation is not None

    def begin(
        self, layers: tuple[Layer, ...], wanted: Mapping[str, Mapping[str, Resource]], generation: int
    ) -> None:
        """Answer it from now on, with what is wanted of these layers."""
        self.layers = layers
        self._conversation = Conversation(wanted, generation)
        for request in self._early:
            self._conversation.receive(request)
        self._early.clear()
        self._speak(self._conversation)

    def receive(self, request: Request) -> None:
        """Take its next request."""
        if self._conversation is None:
            self._early.append(request)
        else:
            self._conversation.receive(request)
            self._speak(self._conversation)

    def update(self, changes: Changes) -> None:
        """Send it what changed in its layers."""
        if self._conversation is not None:
            layers = (changes.layers.get(layer, {}) for layer in self.layers)
            self._conversation.change(layers, changes.generation)
            self._speak(self._conversation)

    def part(self) -> None:
        """End the stream; on its next one the proxy tells what it has, and gets what differs."""
        self._stream.close()

    def _speak(self, conversation: Conversation) -> None:
        self._stream.send(conversation.responses())
        self.acked, self.rejection = conversation.acknowledged(), conversation.rejection()
