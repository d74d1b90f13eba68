"""`laneway explain`: the way of one request through the mesh, hop by hop."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from laneway.cli import options
from laneway.cli.options import Format

if TYPE_CHECKING:
    from collections.abc import Iterator

    from laneway.cli.places import Place
    from laneway.control.status import Explanation, Hop, Target


@click.command(
    "explain",
    epilog=options.example(
        "laneway explain -H 'x-lane: green' http://shop.example/pharmacy",
        "laneway explain --from pharmacy http://inventory/",
    ),
)
@click.argument("url", metavar="URL", help="As a client writes it.")
@click.option(
    "--from",
    "source",
    metavar="APP",
    show_default="the ingress",
    help="The request leaves a pod of this app, or Deployment.",
)
@click.option(
    "-H",
    "--header",
    "headers",
    type=options.HEADER,
    multiple=True,
    metavar="'NAME: VALUE'",
    help="A header of the request; repeatable.",
)
@click.option("-X", "--request", "method", metavar="METHOD", default="GET", help="The request's method.")
@options.output
@options.namespace
@options.place
def explain(
    url: str,
    source: str | None,
    headers: tuple[tuple[str, str], ...],
    method: str,
    output: Format,
    namespace: str | None,
    place: Place,
) -> None:
    """Say where a request would go, and why.

    For each hop: the rule that matches, why the earlier ones do not, what else the rule does (faults,
    redirects, copies), and the pods behind it. No request is sent.
    """
    from urllib.parse import urlsplit

    from laneway.cli import finding, places
    from laneway.cli.output import emit

    if not urlsplit(url if "//" in url else f"//{url}").hostname:
        raise click.BadParameter(
            f"{url!r} names no host; write it like http://shop.example/", param_hint="URL"
        )
    with places.connected(place, source) as client:
        key = None
        if source:
            found = finding.runs(client.status(), source, namespace)
            key = (found["namespace"], found["name"])
        explanation = client.explain(url, method=method.upper(), headers=headers, source=key)
    emit(output, explanation, table=lambda: "\n".join(lines(explanation)))


def lines(explanation: Explanation) -> Iterator[str]:
    """An explanation as text."""
    for number, hop in enumerate(explanation["hops"], start=1):
        yield f"{number}. {hop['at']}" + (f": {hop['source']}" if hop["source"] else "")
        yield from _hop(hop)
    yield explanation["outcome"]


def _hop(hop: Hop) -> Iterator[str]:
    for rule in hop["rules"]:
        mark = "✓" if rule["matched"] else "✗"
        yield f"   {mark} {rule['name']}: {rule['why']}"
    for effect in hop["effects"]:
        yield f"   ! {effect}"
    for target in hop["targets"]:
        yield f"   → {_target(target)}"


def _target(target: Target) -> str:
    subset = f" subset {target['subset']}" if target["subset"] else ""
    ready = ", ".join(target["ready"]) or "no ready pod"
    return f"{target['weight']:g}% to {target['host']}{subset}: {ready}"
