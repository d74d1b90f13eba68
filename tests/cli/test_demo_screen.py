"""How the demo looks where no terminal is."""

from __future__ import annotations

import io

from rich.console import Console

from laneway.cli.demo.screen import BAR_CELLS, Screen


def screen() -> tuple[Screen, io.StringIO]:
    out = io.StringIO()
    return Screen(Console(file=out, width=100)), out


def test_a_request_is_shown_as_the_tree_of_its_hops() -> None:
    """One line for each service, indented by who called it."""
    shown, out = screen()
    inventory = {"service": "inventory", "version": "green", "pod": "i-0", "hops": []}
    shown.hops("GET /", {"service": "pharmacy", "version": "blue", "pod": "p-0", "hops": [inventory]})
    lines = [line.split() for line in out.getvalue().splitlines()]
    assert lines == [["GET", "/"], ["pharmacy", "blue", "p-0"], ["└──", "inventory", "green", "i-0"]]


def test_weights_are_printed_once_for_each_change() -> None:
    """A log of the demo is read afterwards: no line repeats while nothing moves."""
    shown, out = screen()
    with shown.moving():
        for _ in range(3):
            shown.weights({"blue": 80, "2.0": 20}, {"2.0": 0.19}, {"blue": 4, "2.0": 1})
        shown.weights({"2.0": 100}, {"2.0": 1.0}, {"2.0": 4})
    lines = [line.split() for line in out.getvalue().splitlines() if line.strip()]
    assert [(line[0], line[2]) for line in lines] == [("blue", "80"), ("2.0", "20"), ("2.0", "100")]


def test_bars_are_as_long_as_the_weights() -> None:
    """A fifth of the bar is a fifth of the traffic."""
    shown, out = screen()
    shown.weights({"blue": 80, "2.0": 20}, {}, {"blue": 4, "2.0": 1})
    filled = [line.count("█") for line in out.getvalue().splitlines() if line.strip()]
    assert filled == [BAR_CELLS * 4 // 5, BAR_CELLS // 5]
