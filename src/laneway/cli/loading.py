"""From `-f` to objects that are applied: read, checked together with all that is applied already, sent.

Must not know which command asks.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from laneway.cli import images, options, sources
from laneway.cli.client import ApiError, Client
from laneway.cli.failure import ProblemsFailure, document_of, problem_line
from laneway.cli.output import say
from laneway.manifests import names
from laneway.spec.check import check
from laneway.spec.load import KINDS, Loaded, load, parse, ref_of
from laneway.spec.meta import Object
from laneway.spec.world import FOLDER

if TYPE_CHECKING:
    from laneway.control.status import Changes, Json
    from laneway.control.status import Problem as ProblemDocument

HTTP_UNPROCESSABLE = 422

_TEMPLATED = frozenset({"App", "Deployment"})
"""Kinds that hold a template, whose command runs in a folder."""


@dataclass(frozen=True, slots=True)
class Batch:
    """What files say. folders: where commands run, by the name of the source of their template."""

    loaded: Loaded
    folders: dict[str, Path]

    def objects(self) -> list[Json]:
        """The objects, as they are applied."""
        return [self._written(obj) for obj in self.loaded.objects]

    def _written(self, obj: Object) -> Json:
        written = obj.written()
        if obj.kind in _TEMPLATED:
            folder = self.folders[self.loaded.documents[ref_of(obj)].file]
            written["metadata"].setdefault("annotations", {})[FOLDER] = str(folder)
        return written


def load_files(paths: Sequence[str], recursive: bool, namespace: str | None) -> Batch:
    """Read files. Raises Failure where one cannot be read; what is wrong in them is for `problems` to say."""
    given = sources.read(paths, recursive=recursive)
    loaded = load([each.source for each in given], namespace or "default")
    return Batch(loaded, {each.source.name: sources.project(each.folder) for each in given})


def problems(batch: Batch, stored: Iterable[Object] = (), *, mapped: bool = True) -> list[ProblemDocument]:
    """Everything that is wrong in a batch, by itself and together with what is applied already.

    mapped: whether every image needs a command, as it does where no container engine runs it.
    """
    loaded = batch.loaded
    found = (*check(loaded, stored), *(images.problems(loaded, batch.folders) if mapped else ()))
    return [document_of(problem) for problem in found]


def refuse(found: Sequence[ProblemDocument]) -> None:
    """Say the warnings. Raises ProblemsFailure where there is an error."""
    if any(problem["severity"] == "error" for problem in found):
        raise ProblemsFailure(found)
    for problem in found:
        say(problem_line(problem))


def apply(
    client: Client,
    batch: Batch,
    reason: str,
    more: Callable[[list[Object]], list[Json]] = lambda _: [],
) -> Changes:
    """Check the batch with what is applied already, and apply it.

    more: objects to apply with it, given those. Raises ProblemsFailure: nothing was applied.
    """
    stored = parsed(of_people(client))
    settings = client.objects("LocalSettings")
    contained = any(each["spec"].get("runtime", "process") != "process" for each in settings)
    refuse(problems(batch, stored, mapped=not contained))
    return send_objects(client, [*batch.objects(), *more(stored)], reason)


def of_people(client: Client) -> list[Json]:
    """What was applied, without what Laneway derives from it."""
    return [obj for obj in client.objects("*") if obj["kind"] in KINDS and not names.managed(obj)]


def parsed(stored: Iterable[Json]) -> list[Object]:
    """Stored objects as they are checked."""
    return [parse(obj) for obj in stored]


def send(client: Client, batch: Batch, reason: str) -> Changes:
    """Apply a batch that was checked. Raises ProblemsFailure as `send_objects` does."""
    return send_objects(client, batch.objects(), reason)


def send_objects(client: Client, objects: Sequence[Json], reason: str) -> Changes:
    """Apply objects. Raises ProblemsFailure where the daemon finds something wrong: nothing was applied."""
    try:
        return client.apply(objects, by=options.user(), reason=reason)
    except ApiError as error:
        if error.status == HTTP_UNPROCESSABLE:
            raise ProblemsFailure(error.problems) from None
        raise
