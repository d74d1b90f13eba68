"""What an autoscaler knows of its pods and metrics at one moment. Must not know how it was measured.

Amounts are thousandths (Kubernetes' milli-values) of cores, bytes, requests per second, or of a metric's own
unit.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class Pod:
    """A pod of the target.

    started: when it was made; leaving: it drains or has failed; pending: its application does not run yet;
    ready_since: the last time at which it became ready, or not ready; requests: amounts by resource.
    """

    name: str
    started: datetime
    ready: bool
    ready_since: datetime
    leaving: bool = False
    pending: bool = False
    requests: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Sample:
    """What a pod used. at: the end of the window over which it was measured."""

    amount: int
    at: datetime
    window: timedelta


class NoMetricError(Exception):
    """A metric cannot be had now. The message says why."""


PerPod: TypeAlias = Mapping[str, Sample]
"""Samples of a metric by pod; a pod of which nothing is known is left out."""

Reading: TypeAlias = PerPod | int | NoMetricError
"""What a metric says: for each pod (Resource, Pods), or as a whole (Object, External)."""


@dataclass(frozen=True, slots=True)
class Measured:
    """The target at one moment. replicas: that its spec asks for; readings: one for each metric followed."""

    replicas: int
    pods: tuple[Pod, ...]
    readings: tuple[Reading, ...]
