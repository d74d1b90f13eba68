"""Lines out of pieces of any size; a line may be megabytes long. Pure."""

from __future__ import annotations

LINE_BYTES_MAX = 32 << 20
"""Objects have at most 1.5 MB in etcd; written as JSON they grow, but never so much."""


class LineTooLongError(Exception):
    """What comes has no lines."""


class Lines:
    """Keeps what has come of a line until its end comes."""

    def __init__(self) -> None:
        self._begun: list[bytes] = []
        self._length = 0

    def feed(self, piece: bytes) -> list[bytes]:
        """The lines that this piece completes, without the empty ones. Raises LineTooLongError."""
        if b"\n" not in piece:
            self._keep(piece)
            return []
        *lines, rest = b"".join([*self._begun, piece]).split(b"\n")
        self._begun, self._length = [], 0
        if rest:
            self._keep(rest)
        return [line for line in lines if line]

    def _keep(self, piece: bytes) -> None:
        self._begun.append(piece)
        self._length += len(piece)
        if self._length > LINE_BYTES_MAX:
            raise LineTooLongError(f"a line of more than {LINE_BYTES_MAX >> 20} MB")
