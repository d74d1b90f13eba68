"""`laneway explain`: the way of one request through the mesh, hop by hop."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from laneway.cli import options
from laneway.cli.options import Namespace, Output, StateDir

if TYPE_CHECKING:
    from collections.abc import Iterator

    from laneway.local.status import Explanation, Hop, Target

Url = Annotated[
    str,
    typer.Argument(
        metavar="URL", help="As a client writes it: http://shop.example/pharmacy.", show_default=False
    ),
]
From = Annotated[
    str | None,
    typer.Option(
        "--from", metavar="APP", help="The request leaves a pod of this app.", show_default="the ingress"
    ),
]
Headers = Annotated[
    list[str] | None,
    typer.Option("-H", "--header", metavar="'NAME: VALUE'", help="A request header; repeatable."),
]
Method = Annotated[str, typer.Option("-X", "--request", metavar="METHOD", help="The request's method.")]


def explain(
    url: Url,
    source: From = None,
    header: Headers = None,
    method: Method = "GET",
    output: Output = None,
    namespace: Namespace = None,
    state: StateDir = None,
) -> None:
    """Say where a request would go, and why.

    For each hop: the rule that matches, why the earlier ones do not, and the pods behind it. No request is
    sent.
    """
    from laneway.cli import daemon, finding
    from laneway.cli.output import emit

    headers = [options.header(text) for text in header or []]
    with daemon.connected(options.state(state)) as client:
        key = None
        if source:
            found = finding.app(client.status(), source, options.namespace(namespace))
            key = (found["namespace"], found["name"])
        explanation = client.explain(url, method=method.upper(), headers=headers, source=key)
    emit(options.output(output), explanation, table=lambda: "\n".join(lines(explanation)))


def lines(explanation: Explanation) -> Iterator[str]:
    """An explanation as text."""
    for number, hop in enumerate(explanation["hops"], start=1):
        yield f"{number}. {hop['at']}: {hop['source']}"
        yield from _hop(hop)
    yield explanation["outcome"]


def _hop(hop: Hop) -> Iterator[str]:
    for rule in hop["rules"]:
        mark = "✓" if rule["matched"] else "✗"
        yield f"   {mark} {rule['name']}: {rule['why']}"
    for target in hop["targets"]:
        yield f"   → {_target(target)}"


def _target(target: Target) -> str:
    subset = f" subset {target['subset']}" if target["subset"] else ""
    ready = ", ".join(target["ready"]) or "no ready pod"
    return f"{target['weight']:g}% to {target['host']}{subset}: {ready}"
