"""`laneway check` and `laneway render`: what is wrong in files, and what they become.

No Laneway needs to run.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from laneway.cli import options
from laneway.cli.options import Files, Format, Namespace, Output, Recursive

if TYPE_CHECKING:
    from laneway.cli.loading import Batch


def check(
    filename: Files = None, recursive: Recursive = False, output: Output = None, namespace: Namespace = None
) -> None:
    """Print everything that is wrong in files.

    Exit code 1 where anything is, warnings aside.
    """
    from laneway.cli import loading
    from laneway.cli.failure import count_errors, problem_line
    from laneway.cli.output import emit

    batch = _read(filename, recursive, namespace)
    problems = loading.problems(batch)
    ok = not any(problem["severity"] == "error" for problem in problems)
    lines = [problem_line(problem) for problem in problems]
    summary = f"{len(batch.loaded.objects)} objects: {count_errors(problems)}"
    emit(
        options.output(output),
        {"ok": ok, "objects": len(batch.loaded.objects), "problems": problems},
        table=lambda: "\n".join([*lines, summary]),
        names=sorted({problem["code"] for problem in problems}),
    )
    raise typer.Exit(0 if ok else 1)


def render(
    filename: Files = None, recursive: Recursive = False, output: Output = None, namespace: Namespace = None
) -> None:
    """Print the Istio and Kubernetes objects that files become.

    They are YAML of the settled world: every app at its template's revision, every lane ready.
    """
    from laneway.cli import loading
    from laneway.cli.failure import document_of
    from laneway.cli.output import as_yaml, emit, listed, names_of
    from laneway.manifests.render import render as manifests
    from laneway.spec.check import check as check_objects

    batch = _read(filename, recursive, namespace)
    loading.refuse([document_of(problem) for problem in check_objects(batch.loaded)])
    objects = manifests(batch.loaded.spec)
    text = "---\n".join(as_yaml(obj) for obj in objects)
    form = options.output(output)
    if form in {Format.TABLE, Format.YAML}:
        typer.echo(text, nl=False)
    else:
        emit(form, listed(objects), table=lambda: text, names=names_of(objects))


def _read(filename: list[str] | None, recursive: bool, namespace: str | None) -> Batch:
    from laneway.cli import loading

    if not filename:
        raise typer.BadParameter("say which files", param_hint="-f")
    return loading.load_files(filename, recursive, options.namespace(namespace))
