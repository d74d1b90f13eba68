"""Asks the webhooks of steps. Must not know what an answer leads to.

A call that is cut off by the controller's end has said nothing, and is made again. A gate that is a command
is not run here, for the folder that it stands in is not in the cluster: it says nothing, and `findings` why.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping
from contextlib import AsyncExitStack, suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from laneway.plan.observed import GateId
from laneway.plan.result import GateRun
from laneway.spec.meta import Key
from laneway.spec.release import GateResult
from laneway.spec.release_policy import Webhook
from laneway.spec.values import format_percent

if TYPE_CHECKING:
    import httpx2

AGAIN_SECONDS = 1.0
AGAIN_SECONDS_MAX = 15.0
EVIDENCE_LENGTH_MAX = 200
_TEXT_SECONDS_MAX = 1.0

Changed = Callable[[frozenset[Key]], None]


class Webhooks:
    """The gates that are being asked, and what they said. For one event loop."""

    def __init__(self, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._now = now
        self._runs: dict[GateId, GateRun] = {}
        self._tasks: dict[GateId, asyncio.Task[None]] = {}
        self._results: dict[GateId, GateResult] = {}
        self._callbacks: list[Changed] = []
        self._group: asyncio.TaskGroup | None = None

    @property
    def results(self) -> Mapping[GateId, GateResult]:
        """What the gates said that are still asked for."""
        return dict(self._results)

    def subscribe(self, callback: Changed) -> None:
        """Be called with the app whose gate has answered."""
        self._callbacks.append(callback)

    def set(self, gates: Iterable[GateRun]) -> None:
        """The gates that shall be asked, and no others: what is no longer asked for ends."""
        self._runs = {run.id: run for run in gates if run.gate.webhook is not None}
        for gone in [known for known in self._tasks if known not in self._runs]:
            self._tasks.pop(gone).cancel()
        for gone in [known for known in self._results if known not in self._runs]:
            del self._results[gone]
        self._start()

    async def run(self) -> None:
        """Ask what shall be asked, until cancelled."""
        try:
            async with asyncio.TaskGroup() as self._group:
                self._start()
                await asyncio.Event().wait()
        finally:
            self._group = None
            self._tasks.clear()

    def _start(self) -> None:
        if self._group is None:
            return
        for known, run in self._runs.items():
            if known not in self._tasks and known not in self._results:
                assert run.gate.webhook is not None, "only webhooks are taken"
                self._tasks[known] = self._group.create_task(self._ask(run, run.gate.webhook))

    async def _ask(self, run: GateRun, webhook: Webhook) -> None:
        passed, evidence = await called(webhook, told(run))
        known = run.id
        self._results[known] = GateResult(
            step=known.step, gate=known.gate, passed=passed, at=self._now(), evidence=evidence
        )
        self._tasks.pop(known, None)
        for callback in self._callbacks:
            callback(frozenset({run.app}))


async def called(webhook: Webhook, body: Mapping[str, str]) -> tuple[bool, str]:
    """Whether a webhook passes, and what it answered; it is called again and again until it answers."""
    import httpx2  # memory that a controller without webhooks need not have

    delay = AGAIN_SECONDS
    async with httpx2.AsyncClient(timeout=None) as client:
        while True:
            try:
                return await _once(client, webhook, body)
            except (httpx2.HTTPError, TimeoutError):
                await asyncio.sleep(delay)
                delay = min(2 * delay, AGAIN_SECONDS_MAX)
            except httpx2.InvalidURL as error:
                return False, f"cannot be called: {error}"


async def _once(client: httpx2.AsyncClient, webhook: Webhook, body: Mapping[str, str]) -> tuple[bool, str]:
    """The status is the answer; what comes after it is not waited for long."""
    async with AsyncExitStack() as stack:
        async with asyncio.timeout(webhook.timeout.total_seconds()):
            asked = client.stream("POST", webhook.url, json=dict(body))
            answer = await stack.enter_async_context(asked)
        text = " ".join((await _begun(answer)).decode(errors="replace").split())
    said = f"answered {answer.status_code}"
    return answer.is_success, f"{said}: {text}" if text else said


async def _begun(answer: httpx2.Response) -> bytes:
    """How an answer begins, as far as it is read: it may have no end."""
    import httpx2

    begun = b""
    with suppress(httpx2.HTTPError, TimeoutError):
        async with asyncio.timeout(_TEXT_SECONDS_MAX):
            async for chunk in answer.aiter_bytes():
                begun += chunk
                if len(begun) >= EVIDENCE_LENGTH_MAX:
                    break
    return begun[:EVIDENCE_LENGTH_MAX]


def told(run: GateRun) -> dict[str, str]:
    """What a webhook is told: as on one machine, but that a cluster has not one gateway (`ingress`)."""
    return {
        "app": run.app.name,
        "namespace": run.app.namespace,
        "release": run.id.release.name,
        "revision": run.revision,
        "weight": str(format_percent(run.weight)),
        "step": str(run.id.step + 1),
        "ingress": "",
    }
