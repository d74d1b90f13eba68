"""The options that commands share, and what their values mean. Must not know any command."""

from __future__ import annotations

import functools
import getpass
import os
import re
import shlex
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from laneway.cli.places import Place
    from laneway.local.state import State

_F = TypeVar("_F", bound=Callable[..., Any])

_TOKEN = re.compile(r"[-!#$%&'*+.^_`|~0-9A-Za-z]+")
"""A field name. Source: RFC 9110, section 5.6.2."""


CURRENT = ""
"""`--cluster` without a context: the kubeconfig's current one."""
CLUSTER_VARIABLE = "LANEWAY_CLUSTER"


class Format(StrEnum):
    """How a result is printed on standard output."""

    TABLE = "table"
    JSON = "json"
    YAML = "yaml"
    NAME = "name"


class Duration(click.ParamType[timedelta]):
    """A duration: 90s, 2m, 1h30m."""

    name = "duration"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> timedelta:
        """Text as timedelta; a usage error where it is no duration."""
        from laneway.spec.values import parse_duration

        try:
            return value if isinstance(value, timedelta) else parse_duration(value)
        except ValueError as error:
            self.fail(str(error), param, ctx)


class Pair(click.ParamType[tuple[str, str]]):
    """NAME=VALUE."""

    name = "pair"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, str]:
        """Text as name and value; a usage error where there is no `=`."""
        if isinstance(value, tuple):
            return value
        name, separator, rest = value.partition("=")
        if not name or not separator:
            self.fail(f"{value!r} is not of the form NAME=VALUE", param, ctx)
        return name, rest


class Header(click.ParamType[tuple[str, str]]):
    """A header as curl takes it: `name: value`."""

    name = "header"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, str]:
        """Text as the name in lowercase and the value; a usage error where it is no header."""
        if isinstance(value, tuple):
            return value
        name, separator, rest = value.partition(":")
        if not _TOKEN.fullmatch(name) or not separator:
            self.fail(f"{value!r} is not a header; write it like 'x-lane: green'", param, ctx)
        return name.lower(), rest.strip()


class Percent(click.ParamType[int]):
    """A percentage: 20, 0.5, 0.5%."""

    name = "percent"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Text as basis points; a usage error where it is no percentage."""
        from laneway.spec.values import parse_percent

        try:
            return value if isinstance(value, int) else parse_percent(value)
        except ValueError as error:
            self.fail(str(error), param, ctx)


class Moment(click.ParamType[datetime]):
    """A time: 2026-01-31T12:00, seconds since 1970, or how long ago it was: 6h."""

    name = "time"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        """Text as datetime, UTC where it names no zone; a usage error where it is no time."""
        from laneway.spec.recording import parse_moment
        from laneway.spec.values import parse_duration

        if isinstance(value, datetime):
            return value
        try:
            return datetime.now(UTC) - parse_duration(value)
        except (ValueError, OverflowError):
            pass
        try:
            seconds = float(value) if re.fullmatch(r"[0-9]+([.][0-9]+)?", value) else parse_moment(value)
            return datetime.fromtimestamp(seconds, UTC)
        except (ValueError, OverflowError, OSError):
            self.fail(
                f"{value!r} is not a time; write it like 2026-01-31T12:00, or 6h for so long ago", param, ctx
            )


class InOrder(click.Group):
    """Lists commands in the order in which they were added: that of a first day's use."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """All of them."""
        return list(self.commands)


DURATION = Duration()
PAIR = Pair()
HEADER = Header()
PERCENT = Percent()
MOMENT = Moment()
RATIO = click.FloatRange(1, 100)


def _inherited(ctx: click.Context, param: click.Parameter, value: Any) -> Any:
    """The option's value; where it does not stand after the command, the one before it."""
    return value if value is not None else ctx.find_root().params.get(str(param.name))


def _format(ctx: click.Context, param: click.Parameter, value: str | None) -> Format:
    return Format(_inherited(ctx, param, value) or Format.TABLE)


def _state(ctx: click.Context, param: click.Parameter, value: Path | None) -> State:
    return _at(_inherited(ctx, param, value))


def _at(path: Path | None) -> State:
    from laneway.local.state import State, default_state

    return State.at(path or default_state())


def _output_option(**given: Any) -> Callable[[_F], _F]:
    choice = click.Choice([each.value for each in Format])
    return click.option(
        "-o", "--output", type=choice, show_default="table", help="How to print the result.", **given
    )


def _namespace_option(**given: Any) -> Callable[[_F], _F]:
    return click.option(
        "-n",
        "--namespace",
        metavar="NAME",
        help="Namespace to look in, and of objects that name none.",
        **given,
    )


def _state_option(**given: Any) -> Callable[[_F], _F]:
    return click.option(
        "--state",
        type=click.Path(path_type=Path),
        metavar="DIR",
        show_default="$LANEWAY_STATE, else ~/.local/state/laneway/default",
        help="Directory of this Laneway.",
        **given,
    )


def _cluster_option(**given: Any) -> Callable[[_F], _F]:
    return click.option(
        "--cluster",
        metavar="[CONTEXT]",
        is_flag=False,
        flag_value=CURRENT,
        show_default=f"${CLUSTER_VARIABLE}, else this machine",
        help="A cluster instead: a context of the kubeconfig, the current one if none is named.",
        **given,
    )


def before_commands(function: _F) -> _F:
    """The options that may stand before any command, as well as after it."""
    return _output_option()(_namespace_option()(_cluster_option()(_state_option()(function))))


def place(function: Callable[..., Any]) -> Callable[..., Any]:
    """Where: --state or --cluster, as the parameter `place`.

    On a cluster `namespace` is the context's where none is given, and None with --all-namespaces.
    """

    @functools.wraps(function)
    def placed(state: Path | None, cluster: str | None, everywhere: bool = False, **given: Any) -> Any:
        chosen = _place(state, cluster, given.get("namespace"), everywhere)
        if "namespace" in given:
            given["namespace"] = getattr(chosen, "namespace", given["namespace"])
        return function(place=chosen, **given)

    options = _cluster_option(callback=_inherited), _state_option(callback=_inherited)
    for option in options:
        placed = option(placed)
    return placed


def _context(ctx: click.Context, param: click.Parameter, value: str | None) -> str | None:
    """The context of a command that is of clusters alone; None for the current one."""
    return _inherited(ctx, param, value) or os.environ.get(CLUSTER_VARIABLE) or None


def _place(state: Path | None, cluster: str | None, namespace: str | None, everywhere: bool) -> Place:
    if everywhere and namespace is not None:
        raise click.UsageError("write either --namespace or --all-namespaces")
    if state is not None and cluster is not None:
        raise click.UsageError("write either --state or --cluster")
    if cluster is None and state is None:
        cluster = os.environ.get(CLUSTER_VARIABLE) or None
    if cluster is None:
        return _at(state)
    from dataclasses import replace

    from laneway.cli import places

    found = places.cluster(cluster or None)
    return replace(found, namespace=None if everywhere else namespace or found.namespace)


def of_this_machine(function: _F) -> _F:
    """Refuses --cluster, and says why."""
    return _cluster_option(hidden=True, expose_value=False, callback=_refuse_cluster)(function)


def _refuse_cluster(ctx: click.Context, param: click.Parameter, value: str | None) -> None:
    if _inherited(ctx, param, value) is not None:
        raise click.UsageError(
            f"`laneway {ctx.info_name}` is of this machine alone: leave --cluster out", ctx
        )


output = _output_option(callback=_format)
namespace = _namespace_option(callback=_inherited)
state = _state_option(callback=_state)
cluster = _cluster_option(callback=_context)
all_namespaces = click.option(
    "-A", "--all-namespaces", "everywhere", is_flag=True, help="Look in all namespaces of the cluster."
)
files = click.option(
    "-f",
    "--filename",
    "paths",
    multiple=True,
    metavar="PATH",
    help="YAML file, folder of them, or - for stdin.",
)
recursive = click.option("-R", "--recursive", is_flag=True, help="Folders inside the given folders too.")
wait = click.option("--wait", is_flag=True, help="Return when it has taken effect everywhere.")
wait_for_end = click.option("--wait", is_flag=True, help="Return when the release ends or pauses.")
reason = click.option(
    "--reason", metavar="TEXT", default="", show_default=False, help="Why; kept in the history."
)
app = click.argument("app", metavar="APP", help="NAME or NAMESPACE/NAME.")
any_app = click.argument(
    "app", metavar="[APP]", required=False, help="Only this one: NAME or NAMESPACE/NAME."
)


def which_pods(function: _F) -> _F:
    """The options that choose among pods."""
    for name, metavar, text in (
        ("pod", "NAME", "This pod alone."),
        ("revision", "REVISION", "Of this revision alone; its first digits are enough."),
        ("lane", "NAME", "Of this lane alone."),
    ):
        option = click.option(f"--{name}", metavar=metavar, default="", show_default=False, help=text)
        function = option(function)
    return function


def timeout(default: str) -> Callable[[_F], _F]:
    """How long to wait at most."""
    return click.option(
        "--timeout", "limit", type=DURATION, metavar="DURATION", default=default, help="The longest to wait."
    )


def example(*lines: str) -> str:
    """The end of a command's help. The mark keeps the lines apart."""
    return "\b\nExample:\n" + "\n".join(f"  {line}" for line in lines)


def command_line(place: Place, words: str) -> str:
    """A command to type next, with the state where it is not the default one, or with the cluster."""
    from laneway.cli.places import Cluster
    from laneway.local.state import State, default_state

    if isinstance(place, Cluster):
        return f"laneway {words} --cluster" + (f" {shlex.quote(place.context)}" if place.context else "")
    named = "" if place == State.at(default_state()) else f" --state {shlex.quote(str(place.path))}"
    return f"laneway {words}{named}"


def user() -> str:
    """Who asks, for the record."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return ""
