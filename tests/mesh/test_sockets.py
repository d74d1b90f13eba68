"""Limits of socket paths."""

from __future__ import annotations

from pathlib import Path

import pytest

from laneway.mesh.sockets import BYTES_MAX, socket_path


def test_a_path_of_the_greatest_length_is_taken() -> None:
    """The limit itself is allowed."""
    path = Path("/" + "a" * (BYTES_MAX - 1))
    assert socket_path(path) == str(path)


def test_a_longer_path_is_refused_with_a_remedy() -> None:
    """Bytes count, not characters."""
    with pytest.raises(ValueError, match="shorter folder"):
        socket_path(Path("/" + "ä" * (BYTES_MAX // 2)))
