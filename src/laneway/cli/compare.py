"""`laneway diff` and `laneway export`: what files would change, and everything that was applied, as YAML.

Neither changes anything.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from laneway.cli import options
from laneway.cli.options import Format

if TYPE_CHECKING:
    from laneway.cli.engine import Engine
    from laneway.cli.loading import Batch
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
    from laneway.cli import loading, places

    batch = loading.load_files(paths, recursive, namespace, place)
    with places.connected(place, *batch.namespaces) as client:
        stored = loading.of_people(client)
        loading.refuse(loading.problems(batch, stored))
    before = {_ref(body): shown(body) for body in stored}
    given = {_ref(body): shown(body) for body in batch.objects()}
    found = differences({ref: body for ref, body in before.items() if ref in given}, given)
    return found + (_derived(stored, batch) if derived else [])


def _derived(stored: Iterable[Json], batch: Batch) -> list[Difference]:
    """What becomes different of the objects that Laneway writes, once everything has settled."""
    from laneway.manifests.render import render
    from laneway.spec.load import parse, ref_of, spec_of

    old = {(obj.kind, obj.key): obj for obj in map(parse, stored)}
    new = old | {ref_of(obj): obj for obj in batch.loaded.objects}
    before, after = (render(spec_of(list(each.values()))) for each in (old, new))
    return differences({_ref(body): body for body in before}, {_ref(body): body for body in after})


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


def shown(body: Json) -> Json:
    """An object as it is meant: with its defaults, without what the store sets and where it was read."""
    from laneway.spec.defaults import with_defaults
    from laneway.spec.load import parse

    return with_defaults(parse(_portable(body)))


def _ref(body: Json) -> Ref:
    from laneway.spec.meta import key_of

    return body["kind"], key_of(body)


@click.command("export", epilog=options.example("laneway export > all.yaml", "laneway export --derived"))
@click.option("--derived", is_flag=True, help="The objects that Laneway wrote, instead of what people did.")
@options.output
@options.namespace
@options.place
def export(derived: bool, output: Format, namespace: str | None, place: Place) -> None:
    """Print everything that was applied, as YAML that can be applied again.

    Without status and without what the store sets. Values of Secrets are in it: keep it safe.
    """
    from laneway.cli import loading, places
    from laneway.cli.output import as_yaml, emit, listed, names_of

    with places.connected(place) as client:
        found = _written_by_laneway(client) if derived else loading.of_people(client)
    objects = [
        _portable(body)
        for body in found
        if body["kind"] != "Release" and namespace in (None, body["metadata"].get("namespace"))
    ]
    text = "---\n".join(as_yaml(body) for body in objects)
    if output in {Format.TABLE, Format.YAML}:
        click.echo(text, nl=False)
    else:
        emit(output, listed(objects), table=lambda: text, names=names_of(objects))


def _written_by_laneway(client: Engine) -> list[Json]:
    """What any Istio mesh understands of all that Laneway writes, in the order to apply it."""
    from laneway.control.changes import DERIVED_KINDS
    from laneway.manifests import names

    kinds = [kind for kind in reversed(DERIVED_KINDS) if kind != "ControllerRevision"]
    return [body for kind in kinds for body in client.objects(kind) if names.managed(body)]


def _portable(body: Json) -> Json:
    """As somebody would write it, in any folder."""
    from laneway.spec.defaults import without_server_fields
    from laneway.spec.world import FOLDER

    written: dict[str, Any] = without_server_fields(body)
    annotations = {n: v for n, v in written["metadata"].get("annotations", {}).items() if n != FOLDER}
    written["metadata"] = {n: v for n, v in written["metadata"].items() if n != "annotations"}
    if annotations:
        written["metadata"]["annotations"] = annotations
    return written
