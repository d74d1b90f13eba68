"""The options that commands share, and what their values mean. Must not know any command."""

from __future__ import annotations

import getpass
import re
import shlex
from datetime import timedelta
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import click
import typer

if TYPE_CHECKING:
    from laneway.local.state import State


_TOKEN = re.compile(r"[-!#$%&'*+.^_`|~0-9A-Za-z]+")
"""A field name. Source: RFC 9110, section 5.6.2."""


class Format(StrEnum):
    """How the result is printed on standard output."""

    TABLE = "table"
    JSON = "json"
    YAML = "yaml"
    NAME = "name"


Output = Annotated[
    Format | None,
    typer.Option("-o", "--output", help="What to print on standard output.", show_default="table"),
]
Namespace = Annotated[
    str | None,
    typer.Option("-n", "--namespace", metavar="NAME", help="Only this namespace.", show_default=False),
]
StateDir = Annotated[
    Path | None,
    typer.Option(
        "--state",
        metavar="DIR",
        help="Directory of this Laneway.",
        show_default="$LANEWAY_STATE, else ~/.local/state/laneway/default",
    ),
]
Files = Annotated[
    list[str] | None,
    typer.Option(
        "-f", "--filename", metavar="PATH", help="YAML file, folder of such files, or - for standard input."
    ),
]
Recursive = Annotated[bool, typer.Option("-R", "--recursive", help="Folders inside the given folders too.")]
Wait = Annotated[bool, typer.Option("--wait", help="Return when it has taken effect everywhere.")]
Timeout = Annotated[str, typer.Option("--timeout", metavar="DURATION", help="The longest to wait.")]
Reason = Annotated[
    str, typer.Option("--reason", metavar="TEXT", help="Why; kept in the history.", show_default=False)
]


def _root(name: str) -> Any:
    return click.get_current_context().find_root().params.get(name)


def output(given: Format | None) -> Format:
    """The format asked for, after the command or before it."""
    return given or _root("output") or Format.TABLE


def namespace(given: str | None) -> str | None:
    """The namespace asked for, after the command or before it."""
    found: str | None = given or _root("namespace")
    return found


def state(given: Path | None) -> State:
    """The state asked for, after the command or before it, else the default one."""
    from laneway.local.state import State, default_state

    return State.at(given or _root("state") or default_state())


def user() -> str:
    """Who asks, for the record."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return ""


def command(state: State, words: str) -> str:
    """A command line to type next, with the state where it is not the default one."""
    from laneway.local.state import State, default_state

    named = "" if state == State.at(default_state()) else f" --state {shlex.quote(str(state.path))}"
    return f"laneway {words}{named}"


def duration(text: str, option: str) -> timedelta:
    """The value of an option that is a duration. A usage error where it is none."""
    from laneway.spec.values import parse_duration

    try:
        return parse_duration(text)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint=option) from None


def pair(text: str, option: str) -> tuple[str, str]:
    """The value of an option of the form NAME=VALUE. A usage error where it is none."""
    name, separator, value = text.partition("=")
    if not name or not separator:
        raise typer.BadParameter(f"{text!r} is not of the form NAME=VALUE", param_hint=option)
    return name, value


def header(text: str) -> tuple[str, str]:
    """The value of -H: the name in lowercase, and the value. A usage error where it is no header."""
    name, separator, value = text.partition(":")
    if not _TOKEN.fullmatch(name) or not separator:
        raise typer.BadParameter(f"{text!r} is not a header; write it like 'x-lane: green'", param_hint="-H")
    return name.lower(), value.strip()
