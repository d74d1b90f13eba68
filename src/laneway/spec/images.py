"""laneway.yaml: the commands that images run as on this machine. Must not know how a command is run."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from typing import Annotated

from pydantic import AfterValidator, Field

from laneway.spec.fields import read_fields
from laneway.spec.load import Source
from laneway.spec.meta import Model
from laneway.spec.problems import Code, Place, Problem
from laneway.spec.yaml import read

FILE_NAME = "laneway.yaml"
"""It stands beside the YAML of the objects, and its commands run in that folder."""


def _command(template: str) -> str:
    try:
        words = shlex.split(template)
    except ValueError as error:
        raise ValueError(f"{str(error).lower()}; write it as on a shell's line") from None
    if not words:
        raise ValueError("the command is empty; write the program and its arguments")
    return template


class LocalConfig(Model):
    """What laneway.yaml says: command templates by image, without tag."""

    images: dict[str, Annotated[str, AfterValidator(_command)]] = Field(default_factory=dict)


def load_config(source: Source) -> tuple[LocalConfig, tuple[Problem, ...]]:
    """The configuration, the default one where it is wrong, and everything that is wrong with it."""
    documents, problems = read(source.text, source.name)
    config = LocalConfig()
    for document in documents:
        if not isinstance(document.value, dict):
            text = f"{FILE_NAME} is not a mapping"
            problems.append(Code.NOT_AN_OBJECT.at(document.place(), text, "write `images:`"))
            continue
        found, flaws = read_fields(LocalConfig, document.value)
        config = found or config
        problems += [flaw.code.at(document.place(flaw.path), flaw.text, flaw.remedy) for flaw in flaws]
    return config, tuple(problems)


def repository_of(image: str) -> str:
    """The image without its tag and digest: `host:5000/pharmacy` of `host:5000/pharmacy:1.2@sha256:…`."""
    return _parts(image)[0]


def tag_of(image: str) -> str:
    """The image's tag; `latest` where it has none."""
    return _parts(image)[1] or "latest"


def _parts(image: str) -> tuple[str, str]:
    """Repository and tag. A colon before the last slash belongs to the registry's port."""
    name, _, _ = image.partition("@")
    folder, slash, last = name.rpartition("/")
    last, _, tag = last.partition(":")
    return f"{folder}{slash}{last}", tag


def command_for(image: str, images: Mapping[str, str]) -> list[str] | None:
    """The words of the command that an image is mapped to, `{tag}` and `{image}` filled in; None without one.

    They are split before they are filled in, so that an image's name is never read as shell.
    """
    template = images.get(repository_of(image))
    if template is None:
        return None
    words = shlex.split(template)
    return [word.replace("{tag}", tag_of(image)).replace("{image}", image) for word in words]


def unmapped(image: str, place: Place) -> Problem:
    """The problem of an image without a command."""
    text = f"image {image} has no command to run on this machine"
    remedy = (
        f'add this line under `images:` in {FILE_NAME}: {repository_of(image)}: "COMMAND --version {{tag}}"'
    )
    return Code.NO_COMMAND.at(place, text, remedy)
