"""Messages between processes: JSON values with file descriptors, over a Unix socket that keeps packets apart.

Standard library only. Must not know what is said.
"""

from __future__ import annotations

import json
import os
import socket
from array import array
from collections.abc import Sequence
from typing import Any

_DESCRIPTORS_MAX = 8
_PACKET_BYTES_MAX = 64 * 1024
_INSIDE, _BESIDE = b"i", b"b"
"""Where the value stands: in the packet, or in a file in memory whose descriptor comes last."""


def pair() -> tuple[socket.socket, socket.socket]:
    """Two connected sockets."""
    return socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET | socket.SOCK_CLOEXEC)


def send(to: socket.socket, value: Any, descriptors: Sequence[int] = ()) -> None:
    """Send a value, of any size. The descriptors stay the sender's to close. Raises OSError."""
    text = json.dumps(value).encode()
    if len(text) < _PACKET_BYTES_MAX:
        socket.send_fds(to, [_INSIDE + text], list(descriptors))
        return
    beside = os.memfd_create("laneway-message", os.MFD_CLOEXEC)
    try:
        with os.fdopen(os.dup(beside), "wb") as file:
            file.write(text)
        socket.send_fds(to, [_BESIDE], [*descriptors, beside])
    finally:
        os.close(beside)


def receive(of: socket.socket) -> tuple[Any, list[int]] | None:
    """The next value, with descriptors that are now the receiver's to close; None when the other side ended.

    Raises BlockingIOError where the socket does not block and there is none.
    """
    try:
        packet, ancillary, _, _ = of.recvmsg(
            _PACKET_BYTES_MAX + 1,
            socket.CMSG_SPACE(_DESCRIPTORS_MAX * array("i").itemsize),
            socket.MSG_CMSG_CLOEXEC,
        )
    except ConnectionResetError:
        return None
    if not packet:
        return None
    descriptors = _descriptors(ancillary)
    if packet[:1] == _INSIDE:
        return json.loads(packet[1:]), descriptors
    with os.fdopen(descriptors.pop(), "rb") as file:
        file.seek(0)
        return json.loads(file.read()), descriptors


def _descriptors(ancillary: Sequence[tuple[int, int, bytes]]) -> list[int]:
    found = array("i")
    for level, kind, data in ancillary:
        if (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS):
            found.frombytes(data[: len(data) - len(data) % found.itemsize])
    return list(found)
