"""What several Istio kinds share.

Field meanings and defaults: Istio's API reference (networking.istio.io/v1).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Literal

from pydantic import Field

from laneway.spec.meta import Model
from laneway.spec.protocols import OTHER_TRANSPORTS, PortProtocol

NetworkingVersion = Literal[
    "networking.istio.io/v1", "networking.istio.io/v1beta1", "networking.istio.io/v1alpha3"
]


NARROWER_EXPORTS = dict.fromkeys((".", "~"), "remove it: an object holds in every namespace here")
"""Istio's other words for `exportTo`, with what to do instead. Namespaces are refused, too."""


class PortSelector(Model):
    """A port by number."""

    number: int = Field(ge=1, le=65535)


class Port(Model):
    """A port of a Gateway's server or a ServiceEntry."""

    refused_values: ClassVar[Mapping[str, Mapping[str, str]]] = {"protocol": OTHER_TRANSPORTS}

    number: int = Field(ge=1, le=65535)
    name: str
    protocol: PortProtocol = "HTTP"
    target_port: int | None = Field(default=None, ge=1, le=65535)
