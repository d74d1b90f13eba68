"""Textual forms of durations and percentages."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from laneway.spec.values import (
    format_duration,
    format_percent,
    format_quantity,
    parse_duration,
    parse_percent,
    parse_quantity,
)


@given(st.timedeltas(min_value=timedelta(0), max_value=timedelta(days=100_000)))
def test_duration_reads_back(value: timedelta) -> None:
    """A formatted duration is the same duration again, to the microsecond."""
    assert parse_duration(format_duration(value)) == value


@given(st.integers(0, 10_000))
def test_percentage_reads_back(basis_points: int) -> None:
    """A formatted percentage is the same again, as a number, as text, and with its sign."""
    written = format_percent(basis_points)
    assert (
        parse_percent(written) == parse_percent(str(written)) == parse_percent(f"{written}%") == basis_points
    )


@given(st.text() | st.from_regex(r"[0-9]{1,30}(\.[0-9]+)?(d|ms|h)", fullmatch=True))
def test_any_text_is_a_duration_or_a_value_error(text: str) -> None:
    """No text makes a duration fail in another way."""
    try:
        assert parse_duration(text) >= timedelta(0)
    except ValueError as error:
        assert "; write " in str(error)


@given(
    st.text() | st.floats() | st.integers() | st.from_regex(r"s?nan|-?inf|1e[0-9]{1,12}%?", fullmatch=True)
)
def test_anything_is_a_percentage_or_a_value_error(value: object) -> None:
    """No value makes a percentage fail in another way."""
    try:
        assert 0 <= parse_percent(value) <= 10_000
    except ValueError as error:
        assert "; write " in str(error)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("90s", timedelta(seconds=90)),
        ("1h30m", timedelta(minutes=90)),
        ("0.5s", timedelta(milliseconds=500)),
        ("2d", timedelta(days=2)),
        ("0s", timedelta(0)),
    ],
)
def test_duration_as_kubernetes_writes_it(text: str, value: timedelta) -> None:
    """Units may be joined and have decimals."""
    assert parse_duration(text) == value


@pytest.mark.parametrize("text", ["", "5", "s", "5 s", "-5s", "5s ", "1e3s", "٣s"])
def test_other_durations_are_refused(text: str) -> None:
    """A unit is required, a sign is not allowed."""
    with pytest.raises(ValueError, match="is not a duration"):
        parse_duration(text)


def test_duration_prints_the_largest_units() -> None:
    """The text is the shortest exact one."""
    assert format_duration(timedelta(days=1, minutes=1, microseconds=2_500)) == "1d1m2.5ms"


@pytest.mark.parametrize(
    ("text", "amount", "written"),
    [
        ("100m", "0.1", "100m"),
        ("0.1", "0.1", "100m"),
        ("2", "2", "2"),
        (".5", "0.5", "500m"),
        ("1.5Gi", str(3 * 512 * 1024**2), "1536Mi"),
        ("128M", "128000000", "125000Ki"),
        ("1e3", "1000", "1000"),
        ("250u", "0.00025", "0.00025"),
        (0, "0", "0"),
        (0.25, "0.25", "250m"),
    ],
)
def test_quantities_are_read_and_written_as_kubernetes_has_them(
    text: object, amount: str, written: str
) -> None:
    """In the base unit; the written text reads back as the same amount."""
    assert parse_quantity(text) == Decimal(amount)
    assert format_quantity(Decimal(amount)) == written
    assert parse_quantity(written) == Decimal(amount)


@pytest.mark.parametrize("text", ["", "1 Mi", "Mi", "-1", "1mi", "1e3k", "nan", True])
def test_other_quantities_are_refused(text: object) -> None:
    """With an example of a right one."""
    with pytest.raises(ValueError, match="is not a quantity; write it like 100m"):
        parse_quantity(text)
