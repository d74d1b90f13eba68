"""Paths of Unix sockets, which the kernel limits. Must not know who listens."""

from __future__ import annotations

from pathlib import Path

BYTES_MAX = 100
"""Linux takes 107 bytes; this leaves room for what others add."""


def socket_path(path: Path) -> str:
    """The path as text. Raises ValueError for one that is too long for a socket."""
    text = str(path)
    if len(text.encode()) > BYTES_MAX:
        raise ValueError(
            f"the path of a socket has at most {BYTES_MAX} bytes; put {text} in a shorter folder"
        )
    return text
