"""`laneway check` and `laneway render`: what is wrong in files, and what they become.

No Laneway needs to run; a cluster is asked where one is named.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from laneway.cli import options
from laneway.cli.options import Format

if TYPE_CHECKING:
    from laneway.cli.loading import Batch
    from laneway.cli.places import Place
    from laneway.control.status import Problem
    from laneway.spec.world import Spec


@click.command(
    "check", epilog=options.example("laneway check -f examples/shop", "laneway check -R -f . -o json")
)
@options.files
@options.recursive
@options.output
@options.namespace
@options.place
def check(
    paths: tuple[str, ...], recursive: bool, output: Format, namespace: str | None, place: Place
) -> None:
    """Print everything that is wrong in files.

    With --cluster together with what the cluster has, and by what it says itself. Exit code 1 where anything
    is wrong, warnings aside.
    """
    from laneway.cli.failure import count_errors, problem_line
    from laneway.cli.output import counted, emit

    batch = _read(paths, recursive, namespace, place)
    problems = _problems(batch, place)
    ok = not any(problem["severity"] == "error" for problem in problems)
    lines = [problem_line(problem) for problem in problems]
    summary = f"{counted(len(batch.loaded.objects), 'object')}: {count_errors(problems)}"
    emit(
        output,
        {"ok": ok, "objects": len(batch.loaded.objects), "problems": problems},
        table=lambda: "\n".join([*lines, summary]),
        names=sorted({problem["code"] for problem in problems}),
    )
    click.get_current_context().exit(0 if ok else 1)


def _problems(batch: Batch, place: Place) -> list[Problem]:
    from laneway.cli import loading, places

    if not isinstance(place, places.Cluster):
        return loading.problems(batch)
    with places.connected(place, *batch.namespaces) as client:
        return loading.all_problems(client, batch, loading.of_people(client))


@click.command("render", epilog=options.example("laneway render -f examples/shop > rendered.yaml"))
@options.files
@options.recursive
@options.output
@options.namespace
@options.place
def render(
    paths: tuple[str, ...], recursive: bool, output: Format, namespace: str | None, place: Place
) -> None:
    """Print the Istio and Kubernetes objects that files become.

    They are YAML of the settled world: every app at its template's revision, every lane ready. With --cluster
    together with what the cluster has: everything of the files' namespaces.
    """
    from laneway.cli.output import as_yaml, emit, listed, names_of
    from laneway.manifests.render import render as manifests

    batch = _read(paths, recursive, namespace, place)
    objects = manifests(_spec(batch, place))
    text = "---\n".join(as_yaml(obj) for obj in objects)
    if output in {Format.TABLE, Format.YAML}:
        click.echo(text, nl=False)
    else:
        emit(output, listed(objects), table=lambda: text, names=names_of(objects))


def _spec(batch: Batch, place: Place) -> Spec:
    """What people want once the files are applied. Raises ProblemsFailure where something is wrong."""
    from laneway.cli import loading, places
    from laneway.cli.failure import document_of
    from laneway.spec.check import check as check_objects

    if not isinstance(place, places.Cluster):
        loading.refuse([document_of(problem) for problem in check_objects(batch.loaded)])
        return batch.loaded.spec
    with places.connected(place, *batch.namespaces) as client:
        stored = loading.of_people(client)
        loading.refuse(loading.all_problems(client, batch, stored))
        return loading.spec(client, stored, client.trial(batch.objects()))


def _read(paths: tuple[str, ...], recursive: bool, namespace: str | None, place: Place) -> Batch:
    from laneway.cli import loading

    if not paths:
        raise click.BadParameter("say which files", param_hint="-f")
    return loading.load_files(paths, recursive, namespace, place)
