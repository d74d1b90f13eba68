"""Rules that no witness is shown, looked for in what istiod would tell a proxy that is.

A witness stands in the root namespace. It is not shown what istiod keeps to other namespaces: gateways there,
where PILOT_SCOPE_GATEWAY_TO_NAMESPACE is set; rules that are exported to their own namespace alone. istiod's
dump of a proxy's configuration is large, so it is asked for rarely. A marker in it tells of every proxy: the
push that the dump belongs to, and each later one, has the rules. Must not know why rules are sought.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from time import monotonic

from laneway.kubernetes.confirm.questions import Questions, RefusedError
from laneway.kubernetes.confirm.witness import Moment
from laneway.spec.meta import Key

AGAIN_SECONDS = 2.0
AGAIN_SECONDS_MAX = 60.0

log = logging.getLogger(__name__)


class Search:
    """In one istiod, through a stream of its own."""

    def __init__(self, questions: Questions, changed: Callable[[], None]) -> None:
        self.found: dict[str, Moment] = {}
        """A push since when a marker is served, though not necessarily the first."""
        self._questions = questions
        self._changed = changed
        self._sought: Mapping[str, tuple[Key, ...]] = {}
        self._stale = asyncio.Event()
        self._turn = 0

    def seek(self, sought: Mapping[str, tuple[Key, ...]]) -> None:
        """Look for these markers, each in what is told one of these pods. Others are forgotten."""
        if sought.keys() != self._sought.keys():
            self._stale.set()
        self._sought = sought
        for gone in self.found.keys() - sought.keys():
            del self.found[gone]

    async def run(self) -> None:
        """Search while something is sought; raises what Questions raise, but for refusals."""
        try:
            while True:
                await self._stale.wait()
                self._stale.clear()
                await self._until_found()
                self._questions.close()
        finally:
            self._questions.close()

    async def _until_found(self) -> None:
        wait = AGAIN_SECONDS
        while self._sought.keys() - self.found.keys():
            await self._look()
            await asyncio.sleep(wait)
            wait = min(2 * wait, AGAIN_SECONDS_MAX)

    async def _look(self) -> None:
        missing = self._sought.keys() - self.found.keys()
        pods = sorted({pod for marker in missing for pod in self._sought[marker]})
        if not pods:
            return
        self._turn += 1
        pod = pods[self._turn % len(pods)]
        try:
            counter, markers = await self._questions.told(pod)
        except RefusedError as refusal:
            log.info("istiod does not tell what it tells %s: %s", pod, refusal)
            return
        self.found |= dict.fromkeys(markers & missing, Moment(counter, monotonic()))
        if markers & missing:
            self._changed()
