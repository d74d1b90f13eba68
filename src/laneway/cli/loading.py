"""From `-f` to objects that are applied: read, checked together with all that is applied already, sent.

Must not know which command asks.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from laneway.cli import images, options, sources
from laneway.cli.client import ApiError
from laneway.cli.failure import ProblemsFailure, document_of, problem_line
from laneway.cli.output import say
from laneway.manifests import names
from laneway.spec.check import check
from laneway.spec.load import KINDS, Loaded, load, parse, ref_of, spec_of
from laneway.spec.meta import Object, key_of
from laneway.spec.world import FOLDER, Spec

if TYPE_CHECKING:
    from laneway.cli.engine import Engine
    from laneway.cli.places import Place
    from laneway.control.status import Changes, Json
    from laneway.control.status import Problem as ProblemDocument
    from laneway.spec.yaml import Path as YamlPath

HTTP_UNPROCESSABLE = 422

GROUP = "laneway.dev/"
"""Of Laneway's own kinds."""
_TEMPLATED = frozenset({"App", "Deployment"})
"""Kinds that hold a template, whose command runs in a folder."""


@dataclass(frozen=True, slots=True)
class Batch:
    """What files say. folders: where commands run, by the name of the source of their template.

    bodies: for a cluster, which gets the objects as they are written.
    """

    loaded: Loaded
    folders: dict[str, Path]
    bodies: tuple[Json, ...] | None = None

    @property
    def namespaces(self) -> list[str]:
        """Those of its objects, each as `NAMESPACE/`."""
        spaces = {body["metadata"].get("namespace", "") for body in self.objects()}
        return [f"{space}/" for space in sorted(spaces) if space]

    def objects(self) -> list[Json]:
        """The objects, as they are applied."""
        if self.bodies is not None:
            return list(self.bodies)
        return [self._written(obj) for obj in self.loaded.objects]

    def _written(self, obj: Object) -> Json:
        written = obj.written()
        if obj.kind in _TEMPLATED:
            folder = self.folders[self.loaded.documents[ref_of(obj)].file]
            written["metadata"].setdefault("annotations", {})[FOLDER] = str(folder)
        return written

    def readable(self) -> list[Json]:
        """The objects in which reading has found nothing wrong."""
        read = {ref_of(obj) for obj in self.loaded.objects}
        return [
            body
            for body in self.objects()
            if (body["kind"], key_of(body)) in read or not body["apiVersion"].startswith(GROUP)
        ]

    def located(self, problem: ProblemDocument) -> ProblemDocument:
        """A problem of an object that an engine has found, where it is written."""
        for (kind, key), document in self.loaded.documents.items():
            if not problem["line"] and problem["file"] == f"{kind} {key}":
                place = document.place(_path(problem.get("field", ""), document.value))
                return problem | {"file": place.file, "line": place.line, "column": place.column}
        return problem


def _path(field: str, body: Json) -> YamlPath:
    from laneway.kubernetes.service.refusals import path_of

    return path_of(field, body)


def load_files(
    paths: Sequence[str], recursive: bool, namespace: str | None, place: Place | None = None
) -> Batch:
    """Read files. Raises Failure where one cannot be read; what is wrong in them is for `problems` to say.

    place: where they are for; a cluster takes other kinds than one machine.
    """
    from laneway.cli.places import Cluster

    given = sources.read(paths, recursive=recursive)
    if isinstance(place, Cluster):
        from laneway.kubernetes.service import files

        found = files.load([each.source for each in given], namespace or place.access.namespace)
        return Batch(found.loaded, {}, found.bodies)
    loaded = load([each.source for each in given], namespace or "default")
    return Batch(loaded, {each.source.name: sources.project(each.folder) for each in given})


def problems(batch: Batch, stored: Iterable[Json] = (), *, mapped: bool = True) -> list[ProblemDocument]:
    """Everything that is wrong in a batch, by itself and together with what is applied already.

    mapped: whether every image needs a command, as it does where no container engine runs it.
    """
    if batch.bodies is not None:
        return _cluster_problems(batch, stored)
    found = check(batch.loaded, [parse(body) for body in stored])
    images_found = images.problems(batch.loaded, batch.folders) if mapped else ()
    return [document_of(problem) for problem in (*found, *images_found)]


def _cluster_problems(batch: Batch, stored: Iterable[Json]) -> list[ProblemDocument]:
    from laneway.kubernetes.service import checking
    from laneway.kubernetes.service.reading import read

    models = [found for body in stored if (found := read(body)[0]) is not None]
    return [document_of(problem) for problem in checking.check(batch.loaded, models)]


def all_problems(
    client: Engine, batch: Batch, stored: Iterable[Json], *, take_over: bool = False
) -> list[ProblemDocument]:
    """Everything that is wrong in a batch; a cluster tries what could be read.

    take_over: as with `apply`.
    """
    settings = [] if client.on_cluster else client.objects("LocalSettings")
    contained = any(each["spec"].get("runtime", "process") != "process" for each in settings)
    found = problems(batch, stored, mapped=not contained)
    if not client.on_cluster:
        return found
    return [*found, *(each for each in _tried(client, batch, take_over) if not _is_said(each, found))]


def _is_said(problem: ProblemDocument, found: Iterable[ProblemDocument]) -> bool:
    """Whether what a cluster refuses was found before: by its rules for our kinds, which name our codes."""
    return any(each["file"] == problem["file"] and f"({each['code']})" in problem["text"] for each in found)


def _tried(client: Engine, batch: Batch, take_over: bool) -> list[ProblemDocument]:
    try:
        client.trial(batch.readable(), take_over=take_over)
    except ApiError as error:
        if error.status == HTTP_UNPROCESSABLE:
            return [batch.located(each) for each in error.problems]
        raise
    return []


def refuse(found: Sequence[ProblemDocument], then: str = "nothing was applied") -> None:
    """Say the warnings. Raises ProblemsFailure where there is an error. then: what comes of it."""
    if any(problem["severity"] == "error" for problem in found):
        raise ProblemsFailure(found, then)
    for problem in found:
        say(problem_line(problem))


def apply(
    client: Engine,
    batch: Batch,
    reason: str,
    more: Callable[[list[Json]], list[Json]] = lambda _: [],
    *,
    take_over: bool = False,
) -> Changes:
    """Check the batch with what is applied already, and apply it.

    more: objects to apply with it, given those; take_over: also fields that others own. Raises
    ProblemsFailure: nothing was applied.
    """
    stored = of_people(client)
    refuse(all_problems(client, batch, stored, take_over=take_over))
    with _locating(batch):
        objects = [*batch.objects(), *more(stored)]
        return client.apply(objects, by=options.user(), reason=reason, take_over=take_over)


def of_people(client: Engine) -> list[Json]:
    """What was applied, without what Laneway derives from it."""
    return [obj for obj in client.objects("*") if obj["kind"] in KINDS and not names.managed(obj)]


def spec(client: Engine, stored: Iterable[Json], applied: Iterable[Json]) -> Spec:
    """What people want once these objects are applied."""
    merged = {(body["kind"], key_of(body)): body for body in (*stored, *applied)}
    if client.on_cluster:
        from laneway.kubernetes.service.wants import spec_from

        return spec_from(merged.values())
    return spec_of(parse(body) for body in merged.values())


def send(client: Engine, batch: Batch, reason: str) -> Changes:
    """Apply a batch that was checked. Raises ProblemsFailure as `send_objects` does."""
    with _locating(batch):
        return client.apply(batch.objects(), by=options.user(), reason=reason)


def send_objects(client: Engine, objects: Sequence[Json], reason: str) -> Changes:
    """Change objects that are stored, or make them: of the former, what differs is written.

    Raises ProblemsFailure where the engine finds something wrong: nothing was applied.
    """
    with _locating(None):
        return client.apply(objects, by=options.user(), reason=reason, whole=False)


@contextmanager
def _locating(batch: Batch | None) -> Iterator[None]:
    """What an engine refuses is a ProblemsFailure, with the places in the batch."""
    try:
        yield
    except ApiError as error:
        if error.status != HTTP_UNPROCESSABLE:
            raise
        found = [batch.located(each) for each in error.problems] if batch else error.problems
        raise ProblemsFailure(found) from None
