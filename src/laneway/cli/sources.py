"""From `-f` to sources: which files are meant, their texts, and the folder in which their commands run.

Owns how paths are read. Must not know what the texts say.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from laneway.cli.failure import Failure
from laneway.cli.output import say
from laneway.spec.load import Source
from laneway.spec.problems import Code

STDIN = "-"
CONFIGURATION = "laneway.yaml"
"""Maps images to commands; no objects stand in it."""

_SUFFIXES = {".yaml", ".yml"}


@dataclass(frozen=True, slots=True)
class Given:
    """A text, and the absolute path of the folder that it lies in."""

    source: Source
    folder: Path


def read(paths: Sequence[str], *, recursive: bool) -> list[Given]:
    """Every file that the paths mean, each once, in the order given; files of a folder by name.

    Raises Failure for a path that does not exist, cannot be read, or holds no YAML.
    """
    found: dict[str, Given] = {}
    for path in paths:
        if path == STDIN:
            found.setdefault(STDIN, Given(Source("<stdin>", sys.stdin.read()), Path.cwd()))
            continue
        for file in _files(Path(path), recursive):
            found.setdefault(
                str(file.resolve()), Given(Source(str(file), _text(file)), file.parent.resolve())
            )
    return list(found.values())


def _files(path: Path, recursive: bool) -> Iterable[Path]:
    if not path.exists():
        raise Failure(
            Code.NO_FILE, f"{path} does not exist", "give a YAML file, a folder of such files, or -"
        )
    if not path.is_dir():
        return [path]
    found = sorted(path.rglob("*") if recursive else path.iterdir())
    files = [file for file in found if _is_yaml(file)]
    below = (
        []
        if recursive
        else [file for file in sorted(path.rglob("*")) if _is_yaml(file) and file not in files]
    )
    if not files:
        remedy = f"{len(below)} lie in folders inside it: add -R" if below else "give a folder of YAML files"
        raise Failure(Code.NO_FILE, f"{path} holds no *.yaml or *.yml file", remedy)
    for folder in sorted({file.parent for file in below}):
        say(f"left out: {folder} (-R includes the folders inside a folder)")
    return files


def _is_yaml(file: Path) -> bool:
    return file.suffix in _SUFFIXES and file.name != CONFIGURATION and file.is_file()


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise Failure(
            Code.NO_FILE, f"{file} cannot be read: {error}", "give a readable file of UTF-8 text"
        ) from None


def project(folder: Path) -> Path:
    """Where commands of YAML in `folder` run: the nearest folder upwards with a laneway.yaml, or itself."""
    return next((each for each in (folder, *folder.parents) if (each / CONFIGURATION).is_file()), folder)
