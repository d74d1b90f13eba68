"""What is asked of Prometheus: by how much Istio's counters of requests grew over some time, as PromQL. Pure.

`increase()` is no count: it extrapolates, and leaves out what a series begins with. Here what a counter was
before is subtracted, unless it was larger: then it began anew; and one that was not there counts in full.
Must not know who asks. Source of the metrics: https://istio.io/latest/docs/reference/config/metrics/
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import NamedTuple, Self

REQUESTS = "istio_requests_total"
DURATIONS = "istio_request_duration_milliseconds_bucket"
LOOK_BACK = timedelta(minutes=15)
"""How long ago a counter may have been read last, and still be the one that goes on."""

COUNTED, TIMED = "counted", "timed"
"""The label of an answer about durations: an edge in ms, for requests that took longer, or all of them."""

_OF = "destination_service, destination_canonical_revision"


class Target(NamedTuple):
    """Whose requests are counted: a host inside the mesh, and the canonical revision of its pods."""

    host: str
    revision: str

    @classmethod
    def of(cls, labels: Mapping[str, str]) -> Self:
        """That of a series."""
        return cls(labels.get("destination_service", ""), labels.get("destination_canonical_revision", ""))


@dataclass(frozen=True, slots=True)
class Over:
    """The time until the moment that is asked about.

    lead: between the beginning of the count and that time, while it is short: as long as proxies may not have
    been read since. Then what a counter had at its first reading does not count, unless it is new.
    """

    length: timedelta
    lead: timedelta | None = None


def requests(targets: Collection[Target], over: Over) -> str:
    """Requests by target, and by what they were answered."""
    revisions = [*(target.revision for target in targets), "latest", "unknown"]
    grown = _grown(_series(REQUESTS, targets, revisions), over)
    return f"sum by ({_OF}, response_code, grpc_response_status, response_flags) ({grown})"


def revisions(host: str, length: timedelta) -> str:
    """The revisions of a host whose counters were read over this time."""
    series = f'{REQUESTS}{{reporter="source",destination_service={json.dumps(host)}}}'
    return f"group by (destination_canonical_revision) ({_last(series, length)})"


def durations(targets: Collection[Target], edges: Iterable[int], over: Over) -> str:
    """Requests by target: all whose time is known, and for each edge (ms) those that took longer.

    A proxy that does not count at an edge has none that took longer.
    """
    revisions = [target.revision for target in targets]

    def grown(le: str) -> str:
        return _grown(_series(DURATIONS, targets, revisions, f'le=~"{le}"'), over)

    every = grown("[+]Inf")
    found = [_marked(TIMED, f"sum by ({_OF}) ({every})")]
    for edge in sorted(edges):
        within = f"sum without (le) ({grown(rf'{edge}([.]0)?')})"
        found.append(_marked(str(edge), f"sum by ({_OF}) (({every}) - ignoring (le) {within})"))
    return " or ".join(found)


def _grown(series: str, over: Over) -> str:
    total = _total(series, over.length)
    if over.lead is None:
        return _less(total, _last(series, LOOK_BACK, over.length))
    # What was read last before the count began is not what it began with: that is the first reading since.
    old = _last(series, LOOK_BACK, over.lead + over.length)
    first = f"(min_over_time({series}[{_length(over.length)}]) >= {old} unless {_peak(series, over.length)})"
    if not over.lead:
        return _less(total, f"({first} or {old})")
    return _less(total, f"({_last(series, over.lead, over.length)} or {first} or {old})")


def _less(total: str, before: str) -> str:
    return f"({total} - {before} >= 0) or {total}"


def _total(series: str, length: timedelta) -> str:
    """What a counter is, and besides what it had come to where it began anew."""
    now = _last(series, length)
    return f"(({_peak(series, length)} + {now}) or {now})"


def _peak(series: str, length: timedelta) -> str:
    """The most that was read of a counter which is smaller now."""
    return f"(max_over_time({series}[{_length(length)}]) > {_last(series, length)})"


def _last(series: str, within: timedelta, ago: timedelta = timedelta()) -> str:
    """The last reading in this time, which ended so long ago."""
    offset = f" offset {_length(ago)}" if ago else ""
    return f"last_over_time({series}[{_length(within)}]{offset})"


def _series(metric: str, targets: Collection[Target], revisions: Iterable[str], *more: str) -> str:
    chosen = (
        'reporter="source"',
        f"destination_service=~{_one_of(target.host for target in targets)}",
        f"destination_canonical_revision=~{_one_of(revisions)}",
        *more,
    )
    return f"{metric}{{{','.join(chosen)}}}"


def _one_of(names: Iterable[str]) -> str:
    return json.dumps("|".join(re.escape(name) for name in sorted(set(names))))


def _marked(what: str, query: str) -> str:
    return f'label_replace({query}, "{COUNTED}", "{what}", "", "")'


def _length(span: timedelta) -> str:
    return f"{max(1, span // timedelta(milliseconds=1))}ms"
