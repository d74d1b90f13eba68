"""How much counters grew, and which of what they count is bad. Pure.

Must not know how counters are read.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from laneway.control.metrics.prometheus import Row
from laneway.kubernetes.evidence.questions import COUNTED, TIMED, Target
from laneway.mesh.envoy import SERVER_FAULTS
from laneway.plan.observed import Counts
from laneway.spec.failure_codes import FailureCodes

_FAULTS = frozenset(SERVER_FAULTS.split("|"))
_NO_HEALTHY_UPSTREAM = "UH"
_OF_NO_POD = frozenset({"latest", "unknown"})
"""What Istio calls the revision of a request that reached no pod."""


@dataclass(frozen=True, slots=True)
class Growth:
    """Of one target over some time.

    slow: requests that took longer than so many milliseconds; bad: errors as its judge takes them, where the
    App says which they are.
    """

    requests: int = 0
    errors: int = 0
    timed: int = 0
    slow: Mapping[int, int] = field(default_factory=dict)
    bad: int | None = None

    def __add__(self, other: Growth) -> Growth:
        slow = {
            edge: self.slow.get(edge, 0) + other.slow.get(edge, 0)
            for edge in self.slow.keys() | other.slow.keys()
        }
        return Growth(
            self.requests + other.requests,
            self.errors + other.errors,
            self.timed + other.timed,
            slow,
            None if self.bad is other.bad is None else (self.bad or 0) + (other.bad or 0),
        )

    @property
    def counts(self) -> Counts:
        """The same for the planner. An edge that no proxy tells apart is not in it, and breaks nothing."""
        within = {edge: max(0, self.timed - slow) for edge, slow in self.slow.items()}
        return Counts(self.requests, self.errors, self.timed, within, self.bad)


def growth_of(
    target: Target,
    requests: Iterable[Row],
    durations: Iterable[Row],
    unreached: bool,
    codes: FailureCodes | None = None,
) -> Growth:
    """What the answers say of one target. codes: what its judge takes for errors, where that is said.

    unreached: with the requests for which a proxy knew no healthy pod, which name no revision. They count for
    the released one: that no pod of stable is healthy is rare, and that a new version dies altogether is
    what a release watches for.
    """
    total = errors = timed = judged = 0
    for row in requests:
        if row.labels.get("destination_service") == target.host and _concerns(target, row, unreached):
            amount = _amount(row)
            total += amount
            errors += amount if _is_bad(row.labels) else 0
            judged += amount if codes and _is_judged_bad(row.labels, codes) else 0
    slow: dict[int, int] = {}
    for row in durations:
        if Target.of(row.labels) == target:
            what = row.labels[COUNTED]
            if what == TIMED:
                timed += _amount(row)
            else:
                slow[int(what)] = _amount(row)
    return Growth(total, errors, timed, slow, judged if codes else None)


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


def _is_judged_bad(labels: Mapping[str, str], codes: FailureCodes) -> bool:
    """The same with the codes that an App names. Who never got an answer has none."""
    code, status = labels.get("response_code", ""), labels.get("grpc_response_status", "")
    return (
        code == "0"
        or (code.isdecimal() and codes.has_code(int(code)))
        or (status.isdecimal() and codes.has_status(int(status)))
    )


def _amount(row: Row) -> int:
    return round(sum(row.values))
