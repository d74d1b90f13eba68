"""What to run for a pod: its container's command, or the one that `laneway.yaml` maps its image to."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from laneway.local.container.containers import Command
from laneway.local.container.references import CannotStartError
from laneway.local.pod.pods import Pod
from laneway.spec.images import FILE_NAME, command_for, load_config, unmapped
from laneway.spec.load import Source
from laneway.spec.meta import Key
from laneway.spec.problems import Place
from laneway.spec.world import FOLDER

Find = Callable[[str, Key], Mapping[str, Any] | None]
"""A stored object by kind and key."""


def application(pod: Pod, find: Find) -> Command:
    """How to run a pod's application. Raises CannotStartError where nothing says what its image is."""
    folder = folder_of(pod, find)
    container = pod.container
    command = container.command or _mapped(container.image, folder)
    cwd = (folder or Path()) / container.working_dir if container.working_dir else folder
    return Command([*command, *container.args], cwd=cwd)


def contained(pod: Pod, find: Find) -> Command:
    """How a container engine runs a pod's application: by what its image does not say itself.

    Raises CannotStartError where there is no image.
    """
    if pod.container.image is None:
        raise CannotStartError("the container has no image for the container engine to run")
    return Command([*pod.container.command, *pod.container.args], cwd=folder_of(pod, find), contained=True)


def folder_of(pod: Pod, find: Find) -> Path | None:
    """The folder of the YAML that the pod's template stood in, where it came from a file.

    By its Deployment; where that is gone, as it was when the pod was made.
    """
    deployment = find("Deployment", Key(pod.key.namespace, pod.deployment))
    return _folder(deployment["metadata"].get("annotations", {}) if deployment else pod.annotations)


def folder_of_app(app: Key, find: Find) -> Path | None:
    """The folder of the YAML that an App's template stands in, where it came from a file."""
    body = find("App", app)
    deployment = body["spec"]["workload"].get("deployment") if body else None
    source = find("Deployment", Key(app.namespace, deployment)) if deployment else body
    return _folder(source["metadata"].get("annotations", {})) if source else None


def _folder(annotations: Mapping[str, str]) -> Path | None:
    folder = annotations.get(FOLDER)
    return Path(folder) if folder else None


def _mapped(image: str | None, folder: Path | None) -> list[str]:
    if image is None:
        raise CannotStartError("the container has neither command nor image")
    file = folder / FILE_NAME if folder else Path(FILE_NAME)
    text = file.read_text(encoding="utf-8") if folder and file.is_file() else ""
    config, problems = load_config(Source(str(file), text))
    errors = [str(problem) for problem in problems if problem.is_error]
    if errors:
        raise CannotStartError("; ".join(errors))
    words = command_for(image, config.images)
    if words is None:
        missing = unmapped(image, Place(str(file)))
        raise CannotStartError(f"{missing.text}; {missing.remedy}")
    return words
