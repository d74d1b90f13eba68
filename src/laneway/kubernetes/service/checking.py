"""What is wrong between files and what a cluster has: of Laneway's kinds, and of what they refer to. Pure.

What was wrong in the cluster before is not these files' matter. Must not know how either was read.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from typing import Any

from laneway.kubernetes.service.files import GROUP
from laneway.spec.check import check_objects
from laneway.spec.load import Loaded, Ref, ref_of
from laneway.spec.meta import Object
from laneway.spec.problems import Code, Place, Problem
from laneway.spec.yaml import Path

Json = dict[str, Any]

OF_EVERY_KIND = frozenset({Code.NAME_TAKEN, Code.TWO_WRITERS})
"""Rules about objects of any kind: of others than Laneway's, nothing else is checked here."""

OF_TEMPLATES = frozenset({Code.NO_PORT_NAME, Code.UNDECLARED_PORT, Code.NO_REQUEST, Code.SELECTOR})
"""Rules about pod templates, which no model reads here."""


def check(loaded: Loaded, stored: Iterable[Object]) -> tuple[Problem, ...]:
    """The problems of reading, and those that these files would bring.

    stored: what people have written into the cluster; one that was read again is replaced.
    """
    before = {ref_of(obj): obj for obj in stored}
    after = before | {ref_of(obj): obj for obj in loaded.objects}
    found = _brought(before.values(), after.values(), loaded)
    return (*loaded.problems, *found)


def missed(stored: Iterable[Object], gone: Collection[Ref]) -> tuple[Problem, ...]:
    """What would be wrong with the rest if these objects were not there any more."""
    stored = list(stored)
    return tuple(_brought(stored, [obj for obj in stored if ref_of(obj) not in gone], None))


def _brought(before: Iterable[Object], after: Iterable[Object], loaded: Loaded | None) -> Iterator[Problem]:
    known = {_said(problem) for problem in _found(before, None, whole=True)}
    for problem in _found(after, loaded, whole=loaded is None or not loaded.errors):
        if _said(problem) not in known:
            yield problem


def _found(objects: Iterable[Object], loaded: Loaded | None, *, whole: bool) -> Iterator[Problem]:
    subjects: dict[Place, Object] = {}

    def place(obj: Object, path: Path) -> Place:
        where = loaded.place(obj, path) if loaded else Place(f"{obj.kind} {obj.key}")
        subjects.setdefault(where, obj)
        return where

    for problem in check_objects(objects, place, whole):
        subject = subjects[problem.place]
        if problem.code in OF_TEMPLATES:
            continue
        if subject.api_version.startswith(GROUP) or problem.code in OF_EVERY_KIND:
            yield problem


def _said(problem: Problem) -> tuple[Code, str]:
    return problem.code, problem.text
