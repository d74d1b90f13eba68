"""Files that are for a cluster: Laneway's kinds read strictly, all others as they are written. Pure.

What a cluster knows of its own kinds is its API server's to check. Must not know what objects mean to each
other.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from laneway.kubernetes.api.kinds import RESOURCES
from laneway.kubernetes.part import PLACEHOLDER
from laneway.kubernetes.service.reading import CLUSTER_SCOPED, read
from laneway.spec.fields import read_fields
from laneway.spec.load import KINDS, Loaded, Ref, Source, spec_of
from laneway.spec.meta import Object, key_of
from laneway.spec.problems import Code, Problem
from laneway.spec.yaml import Document
from laneway.spec.yaml import read as documents_of

Json = dict[str, Any]

GROUP = "laneway.dev/"
_TEXTS = (("apiVersion",), ("kind",), ("metadata", "name"))


@dataclass(frozen=True, slots=True)
class Files:
    """What files say. loaded: as far as a model can say it; bodies: as they are sent, in their order.

    documents: where each of the bodies is written, by kind and key.
    """

    loaded: Loaded
    bodies: tuple[Json, ...]


def load(sources: Iterable[Source], namespace: str) -> Files:
    """Every object of the sources. namespace: of objects that name none and are not of the whole cluster."""
    objects: dict[Ref, Object] = {}
    documents: dict[Ref, Document] = {}
    bodies: dict[Ref, Json] = {}
    problems: list[Problem] = []
    for source in sources:
        found, wrong = documents_of(source.text, source.name)
        for document in found:
            flaws = list(_identity(document))
            wrong += flaws
            if flaws:
                continue
            body = _in_namespace(document.value, namespace)
            ref = body["kind"], key_of(body)
            if ref in documents:
                wrong.append(_duplicate(ref, document, documents[ref]))
                continue
            documents[ref], bodies[ref] = document, body
            obj, flaws = _object(document, body)
            wrong += flaws
            if obj is not None:
                objects[ref] = obj
        problems += sorted(wrong, key=lambda problem: problem.place)
    loaded = Loaded(spec_of(objects.values()), tuple(objects.values()), tuple(problems), documents)
    return Files(loaded, tuple(bodies.values()))


def _identity(document: Document) -> Iterator[Problem]:
    """What an object needs to be sent at all."""
    if not isinstance(document.value, dict):
        yield Code.NOT_AN_OBJECT.at(document.place(), "this document is not an object")
        return
    for path in _TEXTS:
        value: Any = document.value
        for step in path:
            value = value.get(step) if isinstance(value, dict) else None
        if not isinstance(value, str) or not value:
            yield Code.MISSING_FIELD.at(document.place(path[:-1]), f"{'.'.join(path)} is missing, or no text")
    version, kind = document.value.get("apiVersion"), document.value.get("kind")
    if isinstance(version, str) and version.startswith(GROUP) and not _is_ours(version, str(kind)):
        text = f"{kind} of {version} is not supported"
        yield Code.UNKNOWN_KIND.at(document.place(("kind",)), text, "write App, Lane, Mesh or Release")


def _is_ours(version: str, kind: str) -> bool:
    return kind in KINDS and kind in RESOURCES and RESOURCES[kind].api_version == version


def _in_namespace(value: Json, namespace: str) -> Json:
    metadata = value["metadata"]
    known = RESOURCES.get(value["kind"])
    if known is not None and known.api_version == value["apiVersion"] and not known.namespaced:
        return value | {"metadata": {name: each for name, each in metadata.items() if name != "namespace"}}
    if metadata.get("namespace"):
        return value
    return value | {"metadata": metadata | {"namespace": namespace}}


def _object(document: Document, body: Json) -> tuple[Object | None, list[Problem]]:
    """The object's model, and what is wrong with it: of kinds that are not Laneway's, nothing here."""
    kind = body["kind"]
    if not body["apiVersion"].startswith(GROUP):
        return (read(body)[0] if _is_known(body) else None), []
    said = body
    if kind == "App" and _has_template(body):
        said = body | {
            "spec": body["spec"] | {"workload": {**body["spec"]["workload"], "template": PLACEHOLDER}}
        }
    if kind == "Mesh":
        said = said | {"metadata": said["metadata"] | {"namespace": CLUSTER_SCOPED}}
    obj, flaws = read_fields(KINDS[kind], said)
    problems = [flaw.code.at(document.place(flaw.path), flaw.text, flaw.remedy) for flaw in flaws]
    return (None if any(problem.is_error for problem in problems) else obj), problems


def _is_known(body: Json) -> bool:
    known = RESOURCES.get(body["kind"])
    return (
        body["kind"] in KINDS
        and known is not None
        and _group(known.api_version) == _group(body["apiVersion"])
    )


def _group(version: str) -> str:
    return version.rpartition("/")[0]


def _has_template(body: Json) -> bool:
    workload = (body.get("spec") or {}).get("workload") if isinstance(body.get("spec"), dict) else None
    return isinstance(workload, dict) and isinstance(workload.get("template"), dict)


def _duplicate(ref: Ref, document: Document, first: Document) -> Problem:
    name = ("metadata", "name")
    text = f"{ref[0]} {ref[1]} is already in {first.place(name)}"
    return Code.DUPLICATE_OBJECT.at(document.place(name), text)
