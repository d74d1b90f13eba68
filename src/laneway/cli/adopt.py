"""`laneway adopt`: Apps in place of plain objects, with the proof that they mean the same."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from laneway.cli import options
from laneway.cli.options import Format

if TYPE_CHECKING:
    from laneway.adoption.adopt import Adopted
    from laneway.control.status import Json
    from laneway.spec.meta import Object

OTHERS = "others.yaml"
"""Where the objects that belong to no App are written."""


@click.command(
    "adopt",
    epilog=options.example("laneway adopt -f k8s/ --to laneway/", "laneway adopt -f k8s/ > apps.yaml"),
)
@options.files
@options.recursive
@click.option(
    "--to",
    "folder",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="DIR",
    help="Write a file for each App there; without it all YAML goes to standard output.",
)
@options.output
@options.namespace
def adopt(
    paths: tuple[str, ...], recursive: bool, folder: Path | None, output: Format, namespace: str | None
) -> None:
    """Write Apps that mean the same as plain objects.

    Services, DestinationRules, VirtualServices and autoscalers become Apps; the Deployments stay, as their
    templates. What would change a route table stays as it is, with the reason. No Laneway needs to run, and
    the given files are not changed.
    """
    from laneway.adoption.adopt import adopt as adopted_from
    from laneway.cli import loading
    from laneway.cli.failure import Failure, document_of
    from laneway.cli.output import as_yaml, emit, say
    from laneway.spec.check import check_objects
    from laneway.spec.problems import Code

    if not paths:
        raise click.BadParameter("say which files", param_hint="-f")
    batch = loading.load_files(paths, recursive, namespace)
    loading.refuse(loading.problems(batch))
    adopted = adopted_from(batch.loaded.objects)
    if not adopted.apps:
        reasons = [f"{host}: {why}" for host, why in adopted.stays.items()] or ["there is none in the files"]
        raise Failure(Code.NOTHING_ADOPTED, "\n  ".join(["no Service can become an App:", *reasons]))
    lines = report(adopted)
    loading.refuse([document_of(problem) for problem in check_objects(adopted.objects)])
    files = files_of(adopted)
    if folder:
        _write(folder, files)
    text = "---\n".join(as_yaml(obj.written()) for objects in files.values() for obj in objects)
    if output is Format.TABLE and not folder:
        click.echo(text, nl=False)
        say("\n".join(lines))
        return
    emit(
        output,
        _document(adopted, [str(folder / name) for name in files] if folder else []),
        table=lambda: "\n".join(lines),
        names=[f"app/{app.key.name}" for app in adopted.apps],
    )


def report(adopted: Adopted) -> list[str]:
    """What became an App, what did not and why, and which route tables were compared."""
    from laneway.adoption.apps import ANNOTATION
    from laneway.cli.output import counted

    lines = [f"App {app.key}: from {app.metadata.annotations[ANNOTATION]}" for app in adopted.apps]
    lines += [f"stays as it is: {host}: {why}" for host, why in adopted.stays.items()]
    lines += [
        f"equal: {host}:{port} at {at}, {counted(rules, 'rule')}"
        for (at, host, port), rules in adopted.tables.items()
    ]
    return [*lines, f"{counted(len(adopted.tables), 'route table')} compared, all equal"]


def _document(adopted: Adopted, files: Sequence[str]) -> Json:
    return {
        "apps": [{"namespace": app.key.namespace, "name": app.key.name} for app in adopted.apps],
        "stays": [{"host": host, "why": why} for host, why in adopted.stays.items()],
        "tables": [
            {"at": at, "host": host, "port": port, "rules": rules, "equal": True}
            for (at, host, port), rules in adopted.tables.items()
        ],
        "files": list(files),
        "objects": [obj.written() for obj in adopted.objects],
    }


def files_of(adopted: Adopted) -> dict[str, list[Object]]:
    """The objects by the name of their file: each App with its template, all else together."""
    spaces = {app.key.namespace for app in adopted.apps}
    owners = {
        ("Deployment", app.key.namespace, app.spec.workload.deployment or ""): app for app in adopted.apps
    }
    files: dict[str, list[Object]] = {}
    for app in adopted.apps:
        name = app.key.name if len(spaces) == 1 else f"{app.key.namespace}.{app.key.name}"
        files[f"{name}.yaml"] = [app]
        owners["App", *app.key] = app
    names = {id(objects[0]): name for name, objects in files.items()}
    for obj in adopted.objects:
        owner = owners.get((obj.kind, *obj.key))
        if owner is None:
            files.setdefault(OTHERS, []).append(obj)
        elif owner is not obj:
            files[names[id(owner)]].append(obj)
    return files


def _write(folder: Path, files: dict[str, list[Object]]) -> None:
    """Write the files into a new or empty folder. Raises Failure where it holds anything."""
    from laneway.cli.failure import Failure
    from laneway.cli.output import as_yaml
    from laneway.spec.problems import Code

    if folder.is_dir() and any(folder.iterdir()):
        raise Failure(Code.FOLDER_TAKEN, f"{folder} is not empty")
    folder.mkdir(parents=True, exist_ok=True)
    for name, objects in files.items():
        (folder / name).write_text("---\n".join(as_yaml(obj.written()) for obj in objects), encoding="utf-8")
