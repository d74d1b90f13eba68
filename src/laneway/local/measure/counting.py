"""Counts the requests to revisions that are released, as their callers' proxies saw them.

Proxies count from their own start, come and go; the counts here begin when they are asked for, and lose
nothing when a proxy goes but its last second. Must not know what the counts lead to.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Iterable, Mapping

from laneway.local.measure.tally import Tally, TallyFile
from laneway.manifests import names
from laneway.mesh.envoy import Admin, Requests
from laneway.plan.observed import Counts, CountsId
from laneway.plan.result import Watch
from laneway.spec.failure_codes import FailureCodes

EVERY_SECONDS = 1.0


class Counting:
    """The revisions whose requests are counted. For one event loop."""

    def __init__(
        self,
        callers: Callable[[], Mapping[str, Admin]],
        file: TallyFile,
        changed: Callable[[], None],
        read: Callable[[Mapping[CountsId, Counts]], None] = lambda counts: None,
    ) -> None:
        """callers: the proxies that send requests, by name; changed: called when counts have changed.

        file: where the counts are kept; those that it holds go on; read: told of each reading.
        """
        self._file = file
        self._callers = callers
        self._changed = changed
        self._read = read
        self._watches: list[Watch] = []
        self._tallies = file.read()
        self._wanted = asyncio.Event()

    @property
    def counts(self) -> Mapping[CountsId, Counts]:
        """What was counted so far."""
        return {known: tally.counts for known, tally in self._tallies.items()}

    def set(self, watches: Iterable[Watch]) -> None:
        """What shall be counted from now on, and nothing else."""
        self._watches = list(watches)
        wanted = {watch.id for watch in self._watches}
        self._tallies = {known: self._tallies.get(known) or Tally() for known in wanted}
        if wanted:
            self._wanted.set()
        else:
            self._wanted.clear()

    async def run(self) -> None:
        """Count once a second while there is anything to count; until cancelled."""
        while True:
            await self._wanted.wait()
            await self.read()
            await asyncio.sleep(EVERY_SECONDS)

    async def read(self) -> None:
        """Ask every proxy once."""
        watches, before = list(self._watches), self.counts
        pattern = "|".join(_clusters(watch) for watch in watches)
        callers = self._callers()
        each_code = any(watch.codes for watch in watches)
        answers = await asyncio.gather(*(_asked(admin, pattern, each_code) for admin in callers.values()))
        for known in {watch.id for watch in watches}:
            readings: dict[tuple[str, str], Requests] = {}
            codes: dict[tuple[str, str], FailureCodes] = {}
            for watch in watches:
                if watch.id == known:
                    mine = _of(watch, dict(zip(callers, answers, strict=True)))
                    readings |= mine
                    codes |= dict.fromkeys(mine, watch.codes) if watch.codes else {}
            if known in self._tallies:
                self._tallies[known].add(readings, codes)
        self._file.write(self._tallies)
        self._read(self.counts)
        if self.counts != before:
            self._changed()


def _clusters(watch: Watch) -> str:
    """The clusters of a revision, one for each port of its app."""
    host = names.host(watch.app.namespace, watch.app.name)
    return rf"outbound\|[0-9]+\|{re.escape(names.subset(watch.revision))}\|{re.escape(host)}"


def _of(watch: Watch, answers: Mapping[str, Mapping[str, Requests]]) -> dict[tuple[str, str], Requests]:
    """What proxies say of a revision."""
    mine = re.compile(_clusters(watch))
    return {
        (proxy, cluster): found
        for proxy, answer in answers.items()
        for cluster, found in answer.items()
        if mine.fullmatch(cluster)
    }


async def _asked(admin: Admin, pattern: str, each_code: bool) -> Mapping[str, Requests]:
    """What a proxy says; nothing where it does not answer, as one that is starting."""
    try:
        return await admin.requests(pattern, each_code=each_code)
    except OSError:
        return {}
