"""What several Istio kinds share.

Field meanings and defaults: Istio's API reference (networking.istio.io/v1).
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from laneway.spec.meta import Model
from laneway.spec.protocols import PortProtocol

NetworkingVersion = Literal[
    "networking.istio.io/v1", "networking.istio.io/v1beta1", "networking.istio.io/v1alpha3"
]


class PortSelector(Model):
    """A port by number."""

    number: int = Field(ge=1, le=65535)


class Port(Model):
    """A port of a Gateway's server or a ServiceEntry."""

    number: int = Field(ge=1, le=65535)
    name: str
    protocol: PortProtocol = "HTTP"
    target_port: int | None = Field(default=None, ge=1, le=65535)
