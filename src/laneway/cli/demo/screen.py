"""How the demo looks on a terminal. Rendering only: it decides nothing and measures nothing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from rich.console import Console, Group
from rich.live import Live
from rich.padding import Padding
from rich.text import Text
from rich.tree import Tree

BAR_CELLS = 20
STYLES = {"blue": "bright_blue", "green": "green", "2.0": "cyan", "3.0-bad": "red"}


class Screen:
    """The console of a demo; a live line where there is a terminal, one line for each change elsewhere."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._live: Live | None = None
        self._last = ""

    def chapter(self, title: str) -> None:
        """A heading."""
        self._console.print(f"\n[bold]{title}[/bold]", highlight=False)

    def say(self, text: str) -> None:
        """A sentence."""
        self._console.print(f"  {text}", highlight=False)

    def command(self, text: str) -> None:
        """What a user would type."""
        self._console.print(Text(f"  $ {text}", style="dim"), soft_wrap=True)

    def done(self, text: str) -> None:
        """Something that was expected and has been seen."""
        self._console.print(f"  [green]✓[/green] {text}", highlight=False)

    def failed(self, text: str) -> None:
        """The expectation that was not met."""
        self._console.print(Text(f"  ✗ {text}", style="red"))

    def hops(self, request: str, answer: Mapping[str, Any]) -> None:
        """One request's way through the system."""
        self._console.print(Text(f"  {request}", style="bold"))
        self._console.print(Padding(_tree(answer), (0, 0, 0, 2), expand=False))

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """While the block lasts, something turns on a terminal."""
        if self._console.is_terminal:
            with self._console.status("  …", spinner="dots"):
                yield
        else:
            yield

    @contextmanager
    def moving(self) -> Iterator[None]:
        """While the block lasts, `weights` draws in place."""
        if not self._console.is_terminal:
            yield
            return
        with Live(console=self._console, refresh_per_second=8) as self._live:
            yield
        self._live = None

    def weights(
        self, planned: Mapping[str, int | float], shares: Mapping[str, float], pods: Mapping[str, int]
    ) -> None:
        """Each version's weight as a bar, the share measured in the last seconds, and its pods."""
        rows = [
            _row(version, planned.get(version, 0), shares.get(version, 0.0), pods[version])
            for version in pods
        ]
        if self._live is not None:
            self._live.update(Group(*rows))
        elif (now := repr((planned, pods))) != self._last:
            self._last = now
            self._console.print(Group(*rows), Text(""))

    def suggest(self, commands: Sequence[str]) -> None:
        """What to try next."""
        for command in commands:
            self._console.print(Text(f"  {command}"), soft_wrap=True)


def styled(version: str) -> str:
    """A version in its colour."""
    return f"[{STYLES.get(version, 'magenta')}]{version}[/]"


def _row(version: str, weight: int | float, share: float, pods: int) -> Text:
    filled = round(BAR_CELLS * weight / 100)
    style = STYLES.get(version, "magenta")
    return Text.assemble(
        f"  {version:<8}",
        ("█" * filled, style),
        ("░" * (BAR_CELLS - filled), "dim"),
        f" {weight:>4g} %   measured {share * 100:5.1f} %   ",
        ("■" * pods, style),
        f" {pods} pod{'' if pods == 1 else 's'}",
    )


def _tree(answer: Mapping[str, Any]) -> Tree:
    version = str(answer.get("version"))
    label = Text.assemble(
        f"{answer.get('service'):<13}",
        (f"{version:<8}", STYLES.get(version, "")),
        (str(answer.get("pod")), "dim"),
    )
    tree = Tree(label, guide_style="dim")
    for hop in answer.get("hops", ()):
        tree.children.append(_tree(hop))
    return tree
