"""Whether the images of what files say can run on this machine. Must not know how they run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from laneway.spec.app import App
from laneway.spec.images import FILE_NAME, LocalConfig, command_for, load_config, unmapped
from laneway.spec.kubernetes import Container, Deployment
from laneway.spec.load import Loaded, Source, ref_of
from laneway.spec.meta import Object
from laneway.spec.problems import Code, Problem

_TEMPLATES = {"App": ("spec", "workload", "template"), "Deployment": ("spec", "template")}
_CONTAINER = ("spec", "containers", 0)


def problems(loaded: Loaded, folders: Mapping[str, Path]) -> Iterator[Problem]:
    """What is wrong in each laneway.yaml, and every image that none of them maps to a command.

    folders: where commands run, by the name of the source of their template.
    """
    configs: dict[Path, LocalConfig] = {}
    for folder in sorted(set(folders.values())):
        configs[folder], wrong = _config(folder)
        yield from wrong
    for obj in loaded.objects:
        if (container := _container(obj)) is None or container.command:
            continue
        images = configs[folders[loaded.documents[ref_of(obj)].file]].images
        place = loaded.place(obj, (*_TEMPLATES[obj.kind], *_CONTAINER, "image"))
        if container.image is None:
            yield Code.NO_COMMAND.at(
                place, "the container has neither a command nor an image", "write its `command`"
            )
        elif command_for(container.image, images) is None:
            yield unmapped(container.image, place)


def _config(folder: Path) -> tuple[LocalConfig, tuple[Problem, ...]]:
    file = folder / FILE_NAME
    return load_config(Source(str(file), file.read_text(encoding="utf-8") if file.is_file() else ""))


def _container(obj: Object) -> Container | None:
    match obj:
        case App(spec=spec) if spec.workload.template:
            return spec.workload.template.spec.containers[0]
        case Deployment(spec=spec):
            return spec.template.spec.containers[0]
        case _:
            return None
