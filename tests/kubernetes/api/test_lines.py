"""Lines, however they are cut."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from laneway.kubernetes.api.lines import LINE_BYTES_MAX, Lines, LineTooLongError


@given(st.lists(st.binary(min_size=1, max_size=20).map(lambda line: line.replace(b"\n", b"x"))), st.data())
def test_lines_come_whole_wherever_they_are_cut(lines: list[bytes], data: st.DataObject) -> None:
    """The pieces of a connection know nothing of lines."""
    stream = b"".join(line + b"\n" for line in lines)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)))))
    pieces = [stream[begin:end] for begin, end in zip([0, *cuts], [*cuts, len(stream)], strict=True)]
    splitter = Lines()
    assert [line for piece in pieces for line in splitter.feed(piece)] == lines


def test_a_line_without_an_end_is_refused_before_it_fills_the_memory() -> None:
    """No object is so large."""
    splitter = Lines()
    piece = bytes(1 << 20)
    with pytest.raises(LineTooLongError):
        for _ in range((LINE_BYTES_MAX >> 20) + 1):
            assert splitter.feed(piece) == []
