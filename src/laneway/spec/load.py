"""From text to a Spec: every object of every source, and every problem at once.

Owns which kinds there are. Must not know what objects mean to each other (`check` does), nor where a source
came from.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple, get_args

from laneway.spec.app import App
from laneway.spec.autoscaling import HorizontalPodAutoscaler
from laneway.spec.fields import close_to, path_text, read_fields
from laneway.spec.istio import DestinationRule, Gateway, ServiceEntry, Sidecar, VirtualService
from laneway.spec.kubernetes import ConfigMap, Deployment, Secret, Service
from laneway.spec.lane import Lane, Mesh, MeshSpec
from laneway.spec.meta import Key, Object
from laneway.spec.problems import Code, Place, Problem
from laneway.spec.release import Release
from laneway.spec.world import Spec
from laneway.spec.yaml import Document, Path, read

KINDS: Mapping[str, type[Object]] = {
    "App": App,
    "Lane": Lane,
    "Mesh": Mesh,
    "Release": Release,
    "Deployment": Deployment,
    "Service": Service,
    "ConfigMap": ConfigMap,
    "Secret": Secret,
    "VirtualService": VirtualService,
    "DestinationRule": DestinationRule,
    "Gateway": Gateway,
    "ServiceEntry": ServiceEntry,
    "Sidecar": Sidecar,
    "HorizontalPodAutoscaler": HorizontalPodAutoscaler,
}
"""What is read."""

_SILENT_KINDS = frozenset({"Namespace"})
_INERT_KINDS = frozenset({"ServiceAccount", "PodDisruptionBudget"})
_REFUSED_KINDS: Mapping[str, str] = {
    "StatefulSet": "write a Deployment, or reach it through a ServiceEntry",
    "DaemonSet": "write a Deployment",
    "ReplicaSet": "write a Deployment",
    "Pod": "write a Deployment",
    "Job": "run it yourself",
    "CronJob": "run it yourself",
    "Ingress": "write a Gateway, and `routing` of the App",
    "HTTPRoute": "write a VirtualService, or `routing` of the App",
    "PersistentVolumeClaim": "remove it: pods have no volumes that outlive them here",
    "AuthorizationPolicy": "remove it: every caller may call every host here",
    "EnvoyFilter": "remove it: what proxies do is said by VirtualServices, DestinationRules and Gateways",
    "NetworkPolicy": "remove it: `laneway up --isolation namespaces` lets sidecars alone reach their pods",
    "PeerAuthentication": "remove it: proxies of one machine speak without TLS to each other",
    "ProxyConfig": "remove it: proxies have no settings of their own here",
    "RequestAuthentication": "remove it: tokens are for applications to check here",
    "Telemetry": "remove it: what proxies log and count is fixed here",
    "WasmPlugin": "remove it: proxies run no plugins here",
    "WorkloadEntry": "write it in `endpoints` of a ServiceEntry",
    "WorkloadGroup": "write `endpoints` of a ServiceEntry",
}


class Source(NamedTuple):
    """A text and the name that its problems carry."""

    name: str
    text: str


Ref = tuple[str, Key]
"""What names an object: its kind, and its key."""


def ref_of(obj: Object) -> Ref:
    """What names this object."""
    return obj.kind, obj.key


@dataclass(frozen=True, slots=True)
class Loaded:
    """What was read. An object with an error is not in `objects`, and so not in `spec`."""

    spec: Spec
    objects: tuple[Object, ...]
    problems: tuple[Problem, ...]
    documents: Mapping[Ref, Document] = field(repr=False, default_factory=dict)

    @property
    def errors(self) -> tuple[Problem, ...]:
        """The problems that stop what was asked."""
        return tuple(problem for problem in self.problems if problem.is_error)

    def place(self, obj: Object, path: Path = ()) -> Place:
        """Where this part of an object is written; where the object was not read here, its name."""
        document = self.documents.get(ref_of(obj))
        return document.place(path) if document else place_of(obj)


def place_of(obj: Object, path: Path = ()) -> Place:
    """The place of any part of an object that comes from no file: the object's name."""
    return Place(f"{obj.kind} {obj.key}")


def load(sources: Iterable[Source], namespace: str = "default") -> Loaded:
    """Every object of the sources, in their order, and everything that is wrong with each of them.

    namespace: of objects that name none. Never raises for what a text contains.
    """
    objects: dict[Ref, Object] = {}
    documents: dict[Ref, Document] = {}
    problems: list[Problem] = []
    for source in sources:
        found, wrong = read(source.text, source.name)
        for document in found:
            obj, flaws = _object(document, namespace)
            wrong.extend(flaws)
            if obj is None:
                continue
            first = documents.setdefault(ref_of(obj), document)
            if first is document:
                objects[ref_of(obj)] = obj
            else:
                wrong.append(_duplicate(obj, document, first))
        problems.extend(sorted(wrong, key=lambda problem: problem.place))
    return Loaded(spec_of(objects.values()), tuple(objects.values()), tuple(problems), documents)


def parse(obj: Mapping[str, Any]) -> Object:
    """An object that was valid when it was stored. Raises KeyError or ValidationError where it was not.

    Its status is left out where that is a report to people, which nothing is decided by.
    """
    model = KINDS[obj["kind"]]
    return model.model_validate({k: v for k, v in obj.items() if k != "status" or k in model.model_fields})


def spec_of(objects: Iterable[Object]) -> Spec:
    """The objects by kind; of several Meshes, the first."""
    by_kind: dict[str, dict[Key, Any]] = {kind: {} for kind in KINDS}
    for obj in objects:
        by_kind[obj.kind][obj.key] = obj
    meshes = [mesh.spec for mesh in by_kind["Mesh"].values()]
    return Spec(
        mesh=meshes[0] if meshes else MeshSpec(),
        apps=by_kind["App"],
        lanes=by_kind["Lane"],
        releases=by_kind["Release"],
        deployments=by_kind["Deployment"],
        services=by_kind["Service"],
        config_maps=by_kind["ConfigMap"],
        secrets=by_kind["Secret"],
        gateways=by_kind["Gateway"],
        virtual_services=by_kind["VirtualService"],
        destination_rules=by_kind["DestinationRule"],
        service_entries=by_kind["ServiceEntry"],
        sidecars=by_kind["Sidecar"],
        autoscalers=by_kind["HorizontalPodAutoscaler"],
    )


def _object(document: Document, namespace: str) -> tuple[Object | None, list[Problem]]:
    """The document's object, if it is one of ours and right."""
    identity = list(_identity_problems(document))
    if identity or document.value["kind"] not in KINDS:
        return None, identity
    obj, flaws = read_fields(KINDS[document.value["kind"]], _in_namespace(document.value, namespace))
    problems = [flaw.code.at(document.place(flaw.path), flaw.text, flaw.remedy) for flaw in flaws]
    return (None if any(problem.is_error for problem in problems) else obj), problems


def _in_namespace(value: dict[str, Any], namespace: str) -> dict[str, Any]:
    metadata = value.get("metadata")
    if not isinstance(metadata, dict) or metadata.get("namespace") is not None:
        return value
    return value | {"metadata": metadata | {"namespace": namespace}}


def _identity_problems(document: Document) -> Iterator[Problem]:
    """What is wrong with apiVersion and kind."""
    if not isinstance(document.value, dict):
        yield Code.NOT_AN_OBJECT.at(document.place(), "this document is not an object")
        return
    for name in ("apiVersion", "kind"):
        match document.value.get(name):
            case None:
                yield Code.MISSING_FIELD.at(document.place(), f"{name} is missing")
                return
            case str():
                continue
            case _:
                yield Code.WRONG_TYPE.at(document.place((name,)), f"{path_text((name,))} must be text")
                return
    yield from _kind_problems(document, document.value["kind"], document.value["apiVersion"])


def _kind_problems(document: Document, kind: str, version: str) -> Iterator[Problem]:
    place = document.place(("kind",))
    if kind in KINDS:
        known = get_args(KINDS[kind].model_fields["api_version"].annotation)
        if version not in known:
            text = f"{kind} of {version} is not supported"
            yield Code.UNKNOWN_VERSION.at(document.place(("apiVersion",)), text, f"write {known[0]}")
    elif kind in _REFUSED_KINDS:
        text = f"{kind} is not supported by Laneway, and refused rather than ignored"
        yield Code.REFUSED_KIND.at(place, text, _REFUSED_KINDS[kind])
    elif kind in _INERT_KINDS:
        yield Code.INERT_KIND.at(place, f"{kind} has no effect here and is dropped")
    elif kind not in _SILENT_KINDS:
        meant = close_to(kind, KINDS)
        remedy = f"did you mean {meant}?" if meant else f"the kinds here are {', '.join(KINDS)}"
        yield Code.UNKNOWN_KIND.at(place, f"unknown kind {kind}", remedy)


def _duplicate(obj: Object, document: Document, first: Document) -> Problem:
    name = ("metadata", "name")
    text = f"{obj.kind} {obj.key} is already in {first.place(name)}"
    return Code.DUPLICATE_OBJECT.at(document.place(name), text)
