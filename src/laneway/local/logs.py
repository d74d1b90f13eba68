"""What replicas write: where it is kept, its last lines, and following it while it grows.

Must not know how pods are run.
"""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import AsyncGenerator, Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from laneway.local.process.markers import Part
from laneway.spec.meta import Key

_POLL_SECONDS = 0.2
_BLOCK_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True)
class Source:
    """The output of one part of a pod. name: that its lines are shown with."""

    name: str
    path: Path


@dataclass(frozen=True, slots=True)
class Line:
    """A line that a part wrote, without its end."""

    name: str
    text: str


def log_file(folder: Path, pod: Key, part: Part) -> Path:
    """Where a part's output goes. A `_` is in no name, so no two parts share a file."""
    return folder / f"{pod.namespace}_{pod.name}_{part.value}.log"


def tail(path: Path, lines_max: int) -> Sequence[str]:
    """The last lines of a file, an unfinished one included; none where there is no file."""
    return _tail(path, lines_max)[0]


def trim(path: Path, bytes_max: int) -> bool:
    """Move what a file holds to its `.1` where it is too large; whether that was so.

    Its writer goes on: it appends, so it writes to the start of the emptied file.
    """
    if not path.exists() or path.stat().st_size <= bytes_max:
        return False
    shutil.copyfile(path, path.with_name(f"{path.name}.1"))
    os.truncate(path, 0)
    return True


def prune(folder: Path, living: Iterable[Key], kept: int) -> None:
    """Delete the output of pods that are gone, but for the newest of these files; gateways are never gone."""
    names = {f"{pod.namespace}_{pod.name}" for pod in living}
    gone = [
        path
        for path in folder.glob("*_*_*.log*")
        if path.name.rpartition("_")[0] not in names and not path.name.endswith(f"_{Part.GATEWAY}.log")
    ]
    for path in sorted(gone, key=lambda path: path.stat().st_mtime_ns)[: max(0, len(gone) - kept)]:
        path.unlink()


async def follow_logs(
    sources: Callable[[], Sequence[Source]], lines_max: int, follow: bool
) -> AsyncGenerator[Line, None]:
    """The last lines of each source; then, when following, every line that any of them gains, until
    cancelled.

    sources: asked again and again; one that appears later is shown from its first line.
    """
    open_files: dict[Source, _Growing] = {}
    for source in sources():
        lines, end = _tail(source.path, lines_max, finished=follow)
        open_files[source] = _Growing(end)
        for text in lines:
            yield Line(source.name, text)
    while follow:
        grown = False
        for source in sources():
            for text in open_files.setdefault(source, _Growing()).read(source.path):
                grown = True
                yield Line(source.name, text)
        if not grown:
            await asyncio.sleep(_POLL_SECONDS)


@dataclass(slots=True)
class _Growing:
    """A file that is read on. position: of the first byte not read; rest: an unfinished line."""

    position: int = 0
    rest: bytes = field(default=b"")

    def read(self, path: Path) -> Sequence[str]:
        try:
            with path.open("rb") as file:
                if file.seek(0, os.SEEK_END) < self.position:
                    self.position, self.rest = 0, b""  # it was begun anew
                file.seek(self.position)
                data = file.read(_BLOCK_BYTES)
        except FileNotFoundError:
            return []
        self.position += len(data)
        *lines, self.rest = (self.rest + data).split(b"\n")
        return [_text(line) for line in lines]


def _tail(path: Path, lines_max: int, finished: bool = False) -> tuple[Sequence[str], int]:
    """The last lines, and the position after them. finished: leave an unfinished line to come."""
    try:
        with path.open("rb") as file:
            data, end = b"", file.seek(0, os.SEEK_END)
            start = end
            while start > 0 and data.count(b"\n") <= lines_max:
                start = max(0, start - _BLOCK_BYTES)
                file.seek(start)
                data = file.read(end - start)
    except FileNotFoundError:
        return [], 0
    *lines, rest = data.split(b"\n")
    if rest and not finished:
        lines, rest = [*lines, rest], b""
    return [_text(line) for line in lines[max(0, len(lines) - lines_max) :]], end - len(rest)


def _text(line: bytes) -> str:
    return line.decode(errors="replace").rstrip("\r")
