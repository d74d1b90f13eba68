"""Which command stands for an image: `images` of laneway.yaml files. Must not know how a command is run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from laneway.spec.images import FILE_NAME, command_for, load_config, repository_of
from laneway.spec.load import Source


@dataclass(frozen=True, slots=True)
class Images:
    """folders: where the command of each image runs, by image without tag; commands: templates, likewise."""

    commands: Mapping[str, str] = field(default_factory=dict)
    folders: Mapping[str, Path] = field(default_factory=dict)

    @classmethod
    def of(cls, *folders: Path) -> Self:
        """What the laneway.yaml files of these folders say together. Raises ValueError for a wrong one."""
        commands: dict[str, str] = {}
        places: dict[str, Path] = {}
        for folder in folders:
            file = folder / FILE_NAME
            config, problems = load_config(Source(str(file), file.read_text(encoding="utf-8")))
            if errors := [str(each) for each in problems if each.is_error]:
                raise ValueError("; ".join(errors))
            commands |= config.images
            places |= dict.fromkeys(config.images, folder.absolute())
        return cls(commands, places)

    def command(self, image: str) -> tuple[list[str], Path] | None:
        """The words of an image's command, and the folder to run them in; None without one."""
        words = command_for(image, self.commands)
        return None if words is None else (words, self.folders.get(repository_of(image), Path("/")))
