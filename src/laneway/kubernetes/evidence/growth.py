"""How much counters grew, and which of what they count is bad. Pure.

Must not know how counters are read.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from laneway.kubernetes.evidence.prometheus import Row
from laneway.kubernetes.evidence.questions import COUNTED, TIMED, Target
from laneway.mesh.envoy import SERVER_FAULTS
from laneway.plan.observed import Counts

_FAULTS = frozenset(SERVER_FAULTS.split("|"))
_NO_HEALTHY_UPSTREAM = "UH"
_OF_NO_POD = frozenset({"latest", "unknown"})
"""What Istio calls the revision of a request that reached no pod."""


@dataclass(frozen=True, slots=True)
class Growth:
    """Of one target over some time. slow: requests that took longer than so many milliseconds."""

    requests: int = 0
    errors: int = 0
    timed: int = 0
    slow: Mapping[int, int] = field(default_factory=dict)

    def __add__(self, other: Growth) -> Growth:
        slow = {
            edge: self.slow.get(edge, 0) + other.slow.get(edge, 0)
            for edge in self.slow.keys() | other.slow.keys()
        }
        return Growth(
            self.requests + other.requests, self.errors + other.errors, self.timed + other.timed, slow
        )

    @property
    def counts(self) -> Counts:
        """The same for the planner. An edge that no proxy tells apart is not in it, and breaks nothing."""
        within = {edge: max(0, self.timed - slow) for edge, slow in self.slow.items()}
        return Counts(self.requests, self.errors, self.timed, within)


def growth_of(target: Target, requests: Iterable[Row], durations: Iterable[Row], unreached: bool) -> Growth:
    """What the answers say of one target.

    unreached: with the requests for which a proxy knew no healthy pod, which name no revision. They count for
    the released one: that no pod of stable is healthy is rare, and that a new version dies altogether is
    what a release watches for.
    """
    total = errors = timed = 0
    for row in requests:
        if row.labels.get("destination_service") == target.host and _concerns(target, row, unreached):
            amount = _amount(row)
            total += amount
            errors += amount if _is_bad(row.labels) else 0
    slow: dict[int, int] = {}
    for row in durations:
        if Target.of(row.labels) == target:
            what = row.labels[COUNTED]
            if what == TIMED:
                timed += _amount(row)
            else:
                slow[int(what)] = _amount(row)
    return Growth(total, errors, timed, slow)


def _reached_no_pod(row: Row) -> bool:
    """Whether a series is of requests for which a proxy knew no healthy pod."""
    flags = row.labels.get("response_flags", "").split(",")
    return row.labels.get("destination_canonical_revision") in _OF_NO_POD and _NO_HEALTHY_UPSTREAM in flags


def _concerns(target: Target, row: Row, unreached: bool) -> bool:
    if _reached_no_pod(row):
        return unreached
    return row.labels.get("destination_canonical_revision") == target.revision


def _is_bad(labels: Mapping[str, str]) -> bool:
    """Answered with 5xx, or with a gRPC status that is the server's fault, or (0) not at all."""
    code = labels.get("response_code", "")
    return code == "0" or code.startswith("5") or labels.get("grpc_response_status") in _FAULTS


def _amount(row: Row) -> int:
    return round(sum(row.values))
