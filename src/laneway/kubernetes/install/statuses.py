"""What an engine in a cluster tells people about Apps, Lanes and the Mesh: `status` of each.

A report, which nothing is decided by: a release's record is `spec.release.ReleaseStatus`. Must not know who
writes it, nor when.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from laneway.plan.observed import Role
from laneway.plan.result import Severity
from laneway.spec.meta import Model

ConditionType = Annotated[
    str,
    StringConstraints(
        max_length=316,
        pattern=r"^([a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*/)?(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])$",
    ),
]
Reason = Annotated[
    str,
    StringConstraints(min_length=1, max_length=1024, pattern=r"^[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?$"),
]


class Condition(Model):
    """One thing that is so, or is not. As `metav1.Condition` of Kubernetes.

    type: what is so, like Ready; status: whether it is so; observed_generation: the generation of the object
    that this was said of; last_transition_time: since when; reason: why, in one word for programs; message:
    why, in words for people.
    """

    type: ConditionType
    status: Literal["True", "False", "Unknown"]
    observed_generation: int | None = Field(default=None, ge=0)
    last_transition_time: datetime
    reason: Reason
    message: str = Field(max_length=32_768)


class Finding(Model):
    """Why something stays as it is, in a line.

    code: the same for the same kind of reason, for programs; severity: how much it matters; text: the
    sentence that every command prints.
    """

    code: str
    severity: Severity
    text: str


class VersionStatus(Model):
    """One revision of an app.

    revision: the hash of its pod template; role: what it is to the app; image: of its first container;
    weight: the share of the requests that it shall get, in percent; served: the share that every proxy
    serves, left out while they may differ; wanted: pods that it shall have; pods: those that exist; ready:
    those that take requests.
    """

    revision: str
    role: Role
    image: str = ""
    weight: float = Field(default=0.0, ge=0, le=100)
    served: float | None = Field(default=None, ge=0, le=100)
    wanted: int = Field(default=0, ge=0)
    pods: int = Field(default=0, ge=0)
    ready: int = Field(default=0, ge=0)


class AppStatus(Model):
    """Where an App stands.

    observed_generation: the newest generation of the App that was taken up; conditions: Ready, Reconciling,
    Stalled and Progressing; stable: the revision that has the requests while no release is under way;
    release: the Release that is under way; versions: its revisions that have pods or a weight; replicas: the
    pods of all of them; findings: why it does not move on.
    """

    observed_generation: int | None = Field(default=None, ge=0)
    conditions: list[Condition] = Field(default_factory=list)
    stable: str | None = None
    release: str | None = None
    versions: list[VersionStatus] = Field(default_factory=list)
    replicas: int = Field(default=0, ge=0)
    findings: list[Finding] = Field(default_factory=list)


class LaneAppStatus(Model):
    """A lane's version of an app.

    name: of the App; base: the revision whose template was patched; image: what it runs; wanted: pods that it
    shall have; pods: those that exist; ready: those that take requests.
    """

    name: str
    base: str = ""
    image: str = ""
    wanted: int = Field(default=0, ge=0)
    pods: int = Field(default=0, ge=0)
    ready: int = Field(default=0, ge=0)


class LaneStatus(Model):
    """Where a Lane stands.

    observed_generation: the newest generation of the Lane that was taken up; conditions: Ready,
    Reconciling and Stalled; header: what a request carries to be in the lane; expires_at: when it is taken
    down; deployed: the names of its Apps in a line, for tables; apps: its versions of Apps; findings: why it
    is not ready.
    """

    observed_generation: int | None = Field(default=None, ge=0)
    conditions: list[Condition] = Field(default_factory=list)
    header: dict[str, str] = Field(default_factory=dict)
    expires_at: datetime | None = None
    deployed: str = ""
    apps: list[LaneAppStatus] = Field(default_factory=list)
    findings: list[Finding] = Field(default_factory=list)


class MeshStatus(Model):
    """Whether the Mesh was taken up.

    observed_generation: the newest generation of the Mesh that was taken up; conditions: Ready.
    """

    observed_generation: int | None = Field(default=None, ge=0)
    conditions: list[Condition] = Field(default_factory=list)
