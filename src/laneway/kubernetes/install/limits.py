"""What a schema says of a field beyond its type: how lists are merged, and how much there may be.

The API server reckons what rules may cost at most before it takes them, so what they read has bounds. The
bounds are far above what people write. Must not know the rules.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from laneway.kubernetes.install.statuses import AppStatus, LaneStatus, MeshStatus
from laneway.spec.app import AppService, Routing, Scale
from laneway.spec.cohorts import Preview, Sticky
from laneway.spec.failure_codes import FailureCodes
from laneway.spec.kubernetes import EnvVar
from laneway.spec.kubernetes.container import FIELDS, FieldRef
from laneway.spec.lane import Fallback, LaneApp, LaneSpec
from laneway.spec.meta import Model
from laneway.spec.release import ReleaseApp, ReleaseSpec, ReleaseStatus
from laneway.spec.release_policy import Judge, ReleasePolicy, Step, StepGate

Schema = dict[str, Any]


def _keyed(*keys: str) -> Schema:
    return {"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": list(keys)}


def _whole(most: int) -> Schema:
    return {"x-kubernetes-list-type": "atomic", "maxItems": most}


_BY_TYPE = _keyed("type")
_FIELDS = "|".join(re.escape(field).replace("KEY", "[^']+") for field in FIELDS)
_VARIABLE = "^[ -<>-~]+$"
"""Printable, and no equals sign."""

LIMITS: Mapping[type[Model], Mapping[str, Schema]] = {
    AppService: {"ports": _whole(100)},
    Routing: {
        "gateways": _whole(100) | {"items": {"type": "string", "maxLength": 317}},
        "hosts": _whole(200) | {"items": {"type": "string", "maxLength": 253}},
        "http": _whole(500),
    },
    Scale: {"metrics": _whole(50)},
    ReleasePolicy: {"steps": _whole(50)},
    Step: {"gates": _whole(20)},
    StepGate: {"command": {"x-kubernetes-list-type": "atomic", "maxItems": 1_000}},
    Judge: {"guardrails": _whole(50), "metrics": _keyed("name") | {"maxItems": 50}},
    FailureCodes: {"http": _whole(100), "grpc": _whole(100)},
    Preview: {"header": {"maxLength": 128}},
    Sticky: {"cookie": {"maxLength": 128}},
    LaneSpec: {"apps": _keyed("name") | {"maxItems": 500}},
    LaneApp: {"env": _whole(500)},
    EnvVar: {"name": {"pattern": _VARIABLE}},
    FieldRef: {"field_path": {"pattern": f"^({_FIELDS})$"}},
    Fallback: {"through": _whole(50)},
    ReleaseSpec: {"apps": _keyed("name") | {"maxItems": 500}},
    ReleaseApp: {"revision": {"maxLength": 63}},
    ReleaseStatus: {"gates": {"x-kubernetes-list-type": "atomic"}},
    AppStatus: {
        "conditions": _BY_TYPE,
        "versions": _keyed("revision"),
        "findings": {"x-kubernetes-list-type": "atomic"},
    },
    LaneStatus: {
        "conditions": _BY_TYPE,
        "apps": _keyed("name"),
        "findings": {"x-kubernetes-list-type": "atomic"},
    },
    MeshStatus: {"conditions": _BY_TYPE},
}


def limits(model: type[Model], field: str) -> Schema:
    """What is said of a field of a model, by its name in Python."""
    return LIMITS.get(model, {}).get(field, {})
