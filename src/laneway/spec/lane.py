"""Lane: one parallel environment, and Mesh: the platform team's defaults."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, ClassVar, Literal

from pydantic import Field, StringConstraints

from laneway.spec.app import LanewayVersion
from laneway.spec.kubernetes import EnvVar
from laneway.spec.meta import DnsLabel, Model, Object
from laneway.spec.values import HEADER_NAME, HTTP_URL, Duration

LANE_VALUE = r"^[A-Za-z0-9][-A-Za-z0-9_.]{0,62}$"


class LaneApp(Model):
    """What the lane runs of an app: a template of the app's, patched.

    base: the revision of that template; without one, the stable revision at the lane's creation.
    """

    name: DnsLabel
    image: str | None = None
    env: list[EnvVar] = Field(default_factory=list)
    replicas: int = Field(default=1, ge=1)
    base: str | None = None


class Fallback(Model):
    """Where a request goes for an app that its lane does not deploy: other lanes in order, then `else`."""

    through: list[DnsLabel] = Field(default_factory=list)
    otherwise: Literal["baseline", "refuse"] = Field(default="baseline", alias="else")


class LaneSpec(Model):
    """What a Lane says. Without `value` the lane's name is the header's value."""

    unsupported: ClassVar[Mapping[str, str]] = {
        "entry": "remove it, and let callers send the header of the lane",
        "sleep": "remove it: a lane of no use is taken down by `laneway lane rm`, or by its `ttl`",
    }

    value: str | None = Field(default=None, pattern=LANE_VALUE)
    apps: list[LaneApp] = Field(default_factory=list)
    fallback: Fallback = Fallback()
    ttl: Duration | None = None
    owner: str | None = None


class Lane(Object):
    """laneway.dev Lane."""

    inert: ClassVar[frozenset[str]] = frozenset({"status"})

    api_version: LanewayVersion = "laneway.dev/v1alpha1"
    kind: Literal["Lane"] = "Lane"
    spec: LaneSpec

    @property
    def value(self) -> str:
        """The value of the mesh's lane header that selects this lane."""
        return self.spec.value or self.metadata.name


class LaneHeader(Model):
    """The header that carries the lane."""

    unsupported: ClassVar[Mapping[str, str]] = {
        "baggage": "write `header`",
        "from": "write `header`",
    }

    header: str = Field(default="x-lane", pattern=HEADER_NAME)


MetricsUrl = Annotated[str, StringConstraints(pattern=HTTP_URL)]


class OutboundTrafficPolicy(Model):
    """What becomes of calls to what the mesh does not know: refused, or let through; as in Istio."""

    mode: Literal["REGISTRY_ONLY", "ALLOW_ANY"] = "REGISTRY_ONLY"


class MeshSpec(Model):
    """What a Mesh says.

    metrics: where autoscalers read metrics of type Object and External, by name; surge: pods that all
    releases together may add to their apps' own, None: as many as each app's `scale.surge` says.
    """

    outbound_traffic_policy: OutboundTrafficPolicy = OutboundTrafficPolicy()
    lane: LaneHeader = LaneHeader()
    metrics: dict[str, MetricsUrl] = Field(default_factory=dict)
    surge: int | None = Field(default=None, ge=1)


class Mesh(Object):
    """laneway.dev Mesh: at most one."""

    inert: ClassVar[frozenset[str]] = frozenset({"status"})

    api_version: LanewayVersion = "laneway.dev/v1alpha1"
    kind: Literal["Mesh"] = "Mesh"
    spec: MeshSpec = MeshSpec()
