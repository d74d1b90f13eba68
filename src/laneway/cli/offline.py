"""`laneway check` and `laneway render`: what is wrong in files, and what they become.

No Laneway needs to run.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from laneway.cli import options
from laneway.cli.options import Format

if TYPE_CHECKING:
    from laneway.cli.loading import Batch


@click.command(
    "check", epilog=options.example("laneway check -f examples/shop", "laneway check -R -f . -o json")
)
@options.files
@options.recursive
@options.output
@options.namespace
def check(paths: tuple[str, ...], recursive: bool, output: Format, namespace: str | None) -> None:
    """Print everything that is wrong in files.

    Exit code 1 where anything is, warnings aside.
    """
    from laneway.cli import loading
    from laneway.cli.failure import count_errors, problem_line
    from laneway.cli.output import counted, emit

    batch = _read(paths, recursive, namespace)
    problems = loading.problems(batch)
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


@click.command("render", epilog=options.example("laneway render -f examples/shop > rendered.yaml"))
@options.files
@options.recursive
@options.output
@options.namespace
def render(paths: tuple[str, ...], recursive: bool, output: Format, namespace: str | None) -> None:
    """Print the Istio and Kubernetes objects that files become.

    They are YAML of the settled world: every app at its template's revision, every lane ready.
    """
    from laneway.cli import loading
    from laneway.cli.failure import document_of
    from laneway.cli.output import as_yaml, emit, listed, names_of
    from laneway.manifests.render import render as manifests
    from laneway.spec.check import check as check_objects

    batch = _read(paths, recursive, namespace)
    loading.refuse([document_of(problem) for problem in check_objects(batch.loaded)])
    objects = manifests(batch.loaded.spec)
    text = "---\n".join(as_yaml(obj) for obj in objects)
    if output in {Format.TABLE, Format.YAML}:
        click.echo(text, nl=False)
    else:
        emit(output, listed(objects), table=lambda: text, names=names_of(objects))


def _read(paths: tuple[str, ...], recursive: bool, namespace: str | None) -> Batch:
    from laneway.cli import loading

    if not paths:
        raise click.BadParameter("say which files", param_hint="-f")
    return loading.load_files(paths, recursive, namespace)
