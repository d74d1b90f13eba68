"""CustomResourceDefinitions of App, Lane, Mesh and Release, from the models.

Owns their names, columns and subresources. Must not know how a schema is made.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, get_args

from laneway.kubernetes.install.forms import Schema
from laneway.kubernetes.install.schema import schema_of
from laneway.kubernetes.install.statuses import AppStatus, LaneStatus, MeshStatus
from laneway.kubernetes.install.validations import validations
from laneway.kubernetes.install.wording import words_of
from laneway.spec.app import App, LanewayVersion
from laneway.spec.lane import Lane, Mesh
from laneway.spec.meta import Model, Object
from laneway.spec.release import Release, ReleaseStatus

Manifest = dict[str, Any]

GROUP, _, VERSION = get_args(LanewayVersion)[0].partition("/")


@dataclass(frozen=True, slots=True)
class Column:
    """A column of `kubectl get`. wide: only of `-o wide`."""

    name: str
    path: str
    type: str = "string"
    wide: bool = False
    description: str = ""

    def written(self) -> Manifest:
        """As a CustomResourceDefinition has it."""
        said: Manifest = {"name": self.name, "type": self.type, "jsonPath": self.path}
        if self.description:
            said["description"] = self.description
        return said | ({"priority": 1} if self.wide else {})


AGE = Column("Age", ".metadata.creationTimestamp", "date")
READY = Column("Ready", '.status.conditions[?(@.type=="Ready")].status')


@dataclass(frozen=True, slots=True)
class Kind:
    """One of Laneway's kinds. about: what `kubectl explain` says of it."""

    model: type[Object]
    status: type[Model]
    plural: str
    short: str
    about: str
    columns: tuple[Column, ...]
    namespaced: bool = True
    scale: Mapping[str, str] | None = None

    @property
    def name(self) -> str:
        """Of the CustomResourceDefinition."""
        return f"{self.plural}.{GROUP}"


KINDS: tuple[Kind, ...] = (
    Kind(
        App,
        AppStatus,
        "apps",
        "lwapp",
        "An App is one microservice: what its pods are made from, where it is reached, how many pods it "
        "has, and how a new revision of it takes over.",
        (
            Column("Stable", ".status.stable", description="The revision that has the requests."),
            Column(
                "Weight",
                '.status.versions[?(@.role=="candidate")].weight',
                "number",
                description="Percent of the requests that go to the revision which is released.",
            ),
            Column("Ready", READY.path, description="Whether it has the pods that it shall have."),
            Column("Pods", ".status.replicas", "integer"),
            Column("Release", ".status.release", wide=True),
            Column("Message", '.status.conditions[?(@.type=="Ready")].message', wide=True),
            AGE,
        ),
        scale={"specReplicasPath": ".spec.scale.replicas", "statusReplicasPath": ".status.replicas"},
    ),
    Kind(
        Lane,
        LaneStatus,
        "lanes",
        "lwlane",
        "A Lane is a parallel environment: requests with its value in the lane header meet its versions of "
        "Apps, and everybody's of all others.",
        (
            Column("Value", ".status.header.*", description="What a request carries in the lane header."),
            Column("Apps", ".status.deployed"),
            READY,
            Column("Expires", ".status.expiresAt"),
            Column("Owner", ".spec.owner", wide=True),
            AGE,
        ),
    ),
    Kind(
        Mesh,
        MeshStatus,
        "meshes",
        "lwmesh",
        "The Mesh has what the platform team says for all Apps and Lanes. There is one, named default.",
        (Column("Header", ".spec.lane.header", description="The header that carries the lane."), AGE),
        namespaced=False,
    ),
    Kind(
        Release,
        ReleaseStatus,
        "releases",
        "lwrel",
        "A Release is a change of one App, or of several that go together, and the record of what happened. "
        "Laneway makes it when the pod template of an App changes; people write its `request`.",
        (
            Column("App", ".spec.apps[0].name", description="The App that leads."),
            Column("Revision", ".spec.apps[0].revision"),
            Column("Phase", ".status.phase"),
            Column("Step", ".status.step", "integer", description="The step under way, counted from 0."),
            Column("Reason", ".status.reason", wide=True),
            AGE,
        ),
    ),
)
"""In the order in which people meet them."""


def crds() -> list[Manifest]:
    """The CustomResourceDefinitions of all kinds."""
    return [_definition(kind) for kind in KINDS]


def _definition(kind: Kind) -> Manifest:
    name = kind.model.__name__
    names = {
        "kind": name,
        "listKind": f"{name}List",
        "plural": kind.plural,
        "singular": name.lower(),
        "shortNames": [kind.short],
        "categories": ["laneway"],
    }
    subresources: Manifest = {"status": {}} | ({"scale": dict(kind.scale)} if kind.scale else {})
    version = {
        "name": VERSION,
        "served": True,
        "storage": True,
        "subresources": subresources,
        "additionalPrinterColumns": [column.written() for column in kind.columns],
        "schema": {"openAPIV3Schema": _schema(kind)},
    }
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": kind.name, "labels": {"app.kubernetes.io/name": "laneway"}},
        "spec": {
            "group": GROUP,
            "scope": "Namespaced" if kind.namespaced else "Cluster",
            "names": names,
            "versions": [version],
        },
    }


def _schema(kind: Kind) -> Schema:
    """What stands in an object of the kind. Identity and metadata are the API server's to describe."""
    whole = schema_of(kind.model)
    spec = whole["properties"]["spec"]
    status = schema_of(kind.status) | {"description": words_of(kind.status).whole}
    found: Schema = {
        "type": "object",
        "description": kind.about,
        "properties": {"metadata": {"type": "object"}, "spec": spec, "status": status},
    }
    if "spec" in whole["required"]:
        found["required"] = ["spec"]
    if rules := validations(kind.model):
        found["x-kubernetes-validations"] = rules
    return found
