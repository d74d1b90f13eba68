"""`laneway diff` and `laneway export`: what files would change, and everything that was applied, as YAML.

Neither changes anything.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import click

from laneway.cli import options
from laneway.cli.options import Format

if TYPE_CHECKING:
    from laneway.cli.engine import Engine
    from laneway.cli.places import Place
    from laneway.control.status import Json
    from laneway.spec.load import Ref

DIFFERENT, FAILED = 1, 2
"""Exit codes of `diff`, as `kubectl diff` has them: 0 is no difference."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One object. change: `created`, `configured` or `deleted`; text: a unified diff of its YAML."""

    kind: str
    namespace: str
    name: str
    change: str
    text: str

    def written(self) -> Json:
        """The difference as JSON values."""
        named = {"kind": self.kind, "namespace": self.namespace, "name": self.name}
        return named | {"change": self.change, "diff": self.text}


@click.command(
    "diff",
    epilog=options.example("laneway diff -f pharmacy.yaml", "laneway diff -f examples/shop --derived"),
)
@options.files
@options.recursive
@click.option("--derived", is_flag=True, help="The objects that Laneway would write in the end, too.")
@options.output
@options.namespace
@options.place
def diff(
    paths: tuple[str, ...],
    recursive: bool,
    derived: bool,
    output: Format,
    namespace: str | None,
    place: Place,
) -> None:
    """Print what applying files would change.

    Exit code 0: nothing; 1: something; 2: it could not be told. Objects are compared with their defaults, so
    writing a default changes nothing. Values of Secrets are not shown.
    """
    from laneway.cli.failure import Failure, ProblemsFailure
    from laneway.cli.output import emit

    if not paths:
        raise click.BadParameter("say what to compare", param_hint="-f")
    try:
        found = _differences(paths, recursive, derived, namespace, place)
    except (Failure, ProblemsFailure) as failure:
        failure.exit_code = FAILED
        raise
    emit(
        output,
        {"same": not found, "objects": [each.written() for each in found]},
        table=lambda: "".join(each.text for each in found).rstrip("\n") or "no difference",
        names=[f"{each.kind.lower()}/{each.name}" for each in found],
    )
    click.get_current_context().exit(DIFFERENT if found else 0)


def _differences(
    paths: tuple[str, ...], recursive: bool, derived: bool, namespace: str | None, place: Place
) -> list[Difference]:
    from laneway.cli import comparing, loading, places

    batch = loading.load_files(paths, recursive, namespace, place)
    with places.connected(place, *batch.namespaces) as client:
        stored = loading.of_people(client)
        loading.refuse(loading.all_problems(client, batch, stored))
        before, after = comparing.both(client, batch, stored)
        found = differences(before, after)
        return found + (_derived(client, stored, list(after.values())) if derived else [])


def _derived(client: Engine, stored: Iterable[Json], given: Iterable[Json]) -> list[Difference]:
    """What becomes different of the objects that Laneway writes, once everything has settled."""
    from laneway.cli import loading
    from laneway.cli.comparing import ref_of
    from laneway.manifests.render import render

    stored = list(stored)
    before, after = (render(loading.spec(client, stored, each)) for each in ((), given))
    return differences({ref_of(body): body for body in before}, {ref_of(body): body for body in after})


def differences(before: Mapping[Ref, Json], after: Mapping[Ref, Json]) -> list[Difference]:
    """Every object that is not the same, in the order of `after`; those that are gone follow."""
    found = []
    for ref in dict.fromkeys([*after, *before]):
        old, new = before.get(ref), after.get(ref)
        if old == new:
            continue
        change = "created" if old is None else "deleted" if new is None else "configured"
        text = _unified(ref, _without_secrets(old, new, "before"), _without_secrets(new, old, "after"))
        found.append(Difference(ref[0], *ref[1], change, text))
    return found


def _unified(ref: Ref, old: Json | None, new: Json | None) -> str:
    from laneway.cli.output import as_yaml

    name = f"{ref[0]} {ref[1]}"
    before, after = (as_yaml(body).splitlines(keepends=True) if body else [] for body in (old, new))
    now, then = (f"{name} ({when})" if body else "nothing" for body, when in ((old, "now"), (new, "then")))
    return "".join(difflib.unified_diff(before, after, now, then))


def _without_secrets(body: Json | None, other: Json | None, when: str) -> Json | None:
    """A Secret without its values, in which one that changes can still be told."""
    if body is None or body["kind"] != "Secret":
        return body
    said, there = (dict(each or {}) for each in (body, other))
    for field in ("data", "stringData"):
        if field in said:
            same = there.get(field, {})
            said[field] = {
                name: "***" if same.get(name) == value else f"*** ({when})"
                for name, value in said[field].items()
            }
    return said


@click.command("export", epilog=options.example("laneway export > all.yaml", "laneway export --derived"))
@click.option("--derived", is_flag=True, help="The objects that Laneway wrote, instead of what people did.")
@options.output
@options.namespace
@options.all_namespaces
@options.place
def export(derived: bool, output: Format, namespace: str | None, place: Place) -> None:
    """Print everything that was applied, as YAML that can be applied again.

    Without status and without what the store sets. Values of Secrets are in it: keep it safe.
    """
    from laneway.cli import loading, places
    from laneway.cli.comparing import portable
    from laneway.cli.output import as_yaml, emit, listed, names_of

    with places.connected(place) as client:
        found = _written_by_laneway(client) if derived else loading.of_people(client)
    objects = [portable(body) for body in found if body["kind"] != "Release" and _is_in(body, namespace)]
    text = "---\n".join(as_yaml(body) for body in objects)
    if output in {Format.TABLE, Format.YAML}:
        click.echo(text, nl=False)
    else:
        emit(output, listed(objects), table=lambda: text, names=names_of(objects))


def _is_in(body: Json, namespace: str | None) -> bool:
    """Whether an object is in a namespace, or of a whole cluster."""
    return namespace is None or body["metadata"].get("namespace", namespace) == namespace


def _written_by_laneway(client: Engine) -> list[Json]:
    """What any Istio mesh understands of all that Laneway writes, in the order to apply it."""
    from laneway.control.changes import DERIVED_KINDS
    from laneway.manifests import names

    kinds = [kind for kind in reversed(DERIVED_KINDS) if kind != "ControllerRevision"]
    return [body for kind in kinds for body in client.objects(kind) if names.managed(body)]
