"""What proxies say, summed up from a first reading on, and the file in which that outlives the daemon.

The proxies outlive it, too, and count on meanwhile. Must not know who reads them.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from laneway.mesh.envoy import Requests
from laneway.plan.observed import Counts, CountsId
from laneway.spec.failure_codes import FailureCodes

log = logging.getLogger(__name__)

Readings = Mapping[tuple[str, str], Requests]
"""What each proxy says of each cluster, by proxy and cluster."""

Codes = Mapping[tuple[str, str], FailureCodes]
"""What is an error of each cluster, by proxy and cluster."""


class Tally:
    """What was counted since the first reading. A counter that is smaller than before began anew."""

    def __init__(self, counts: Counts | None = None, last: Readings | None = None) -> None:
        """counts, last: where an earlier tally goes on."""
        self.counts = counts or Counts()
        self._last = None if last is None else dict(last)

    @property
    def last(self) -> Readings | None:
        """The newest reading of each proxy, None before the first one."""
        return self._last

    def add(self, readings: Readings, codes: Codes | None = None) -> None:
        """Take what proxies say now. The first time it counts for nothing, of a later proxy for all.

        codes: what the judge takes for errors, of those where that is said.
        """
        if self._last is None:
            self._last = dict(readings)
            return
        for source, now in readings.items():
            before = self._last.get(source, Requests())
            since = Requests() if now.answered < before.answered or now.timed < before.timed else before
            self.counts = _sum(self.counts, now, since, (codes or {}).get(source))
            self._last[source] = now


def _sum(counts: Counts, now: Requests, since: Requests, codes: FailureCodes | None) -> Counts:
    within = {
        edge: counts.within.get(edge, 0) + total - since.within.get(edge, 0)
        for edge, total in now.within.items()
    }
    return Counts(
        requests=counts.requests + now.answered - since.answered,
        errors=counts.errors + now.failures_since(since),
        timed=counts.timed + now.timed - since.timed,
        within={**counts.within, **within},
        bad=None if codes is None and counts.bad is None else counts.judged + _bad_since(now, since, codes),
    )


def _bad_since(now: Requests, since: Requests, codes: FailureCodes | None) -> int:
    """What proxies do not tell apart is an error as ever: they are older, or nobody had asked them yet."""
    unknown = (since.answered and not since.codes) or (now.answered and not now.codes)
    if codes is None or unknown:
        return now.failures_since(since)
    http = sum(n - since.codes.get(code, 0) for code, n in now.codes.items() if codes.has_code(code))
    grpc = sum(n - since.statuses.get(each, 0) for each, n in now.statuses.items() if codes.has_status(each))
    return max(http, grpc)  # as of failures: the proxy's own answer to a gRPC call may stand among both


@dataclass(frozen=True, slots=True)
class _Written:
    """A tally as it is kept. last: proxy, cluster, and what the one said of the other."""

    id: CountsId
    counts: Counts
    last: list[tuple[str, str, Requests]]


_FILE = TypeAdapter(list[_Written])


class TallyFile:
    """Keeps tallies. path: of the file, written as a whole or not at all."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._content = b""

    def read(self) -> dict[CountsId, Tally]:
        """What was kept; nothing where there is no file, or none that this version wrote."""
        try:
            found = _FILE.validate_json(self._path.read_bytes())
        except FileNotFoundError:
            return {}
        except ValidationError as error:
            log.error("what guardrails had counted cannot be read, and begins anew: %s", error)
            return {}
        return {
            each.id: Tally(each.counts, {(proxy, cluster): last for proxy, cluster, last in each.last})
            for each in found
        }

    def write(self, tallies: Mapping[CountsId, Tally]) -> None:
        """Keep these, those that have a reading; what has not changed is not written."""
        written = [
            _Written(known, tally.counts, [(*source, last) for source, last in tally.last.items()])
            for known, tally in tallies.items()
            if tally.last is not None
        ]
        content = _FILE.dump_json(written)
        if content == self._content:
            return
        new = self._path.with_suffix(".new")
        try:
            new.write_bytes(content)
            new.replace(self._path)
        except OSError as error:
            log.error("what guardrails count cannot be kept: %s", error)
        else:
            self._content = content
