"""A controller's life: it waits to lead, acts while it leads, says how it is, and gives the lead back.

Owns what is made for it and in which order it ends. Must not know what the controller does.
"""

from __future__ import annotations

import asyncio
import gc
import logging
from asyncio import sslproto
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from laneway import __version__
from laneway.control.metrics.prometheus import Prometheus, Source
from laneway.control.metrics.reader import MetricReader
from laneway.kubernetes import endpoints, metrics
from laneway.kubernetes.api.access import Access
from laneway.kubernetes.api.requests import Requests, open_requests
from laneway.kubernetes.api.server import Server
from laneway.kubernetes.confirm.confirmations import Confirmations
from laneway.kubernetes.confirm.wanted import Pod
from laneway.kubernetes.controller import Controller, Settings
from laneway.kubernetes.evidence.counting import Counting
from laneway.kubernetes.facts import proxies
from laneway.kubernetes.lease import Leader, LeadershipLostError
from laneway.kubernetes.metrics import Metric
from laneway.kubernetes.places import HEALTH_PORT, LEASE, MESH_ROOT, METRICS_PORT, TOKENS
from laneway.kubernetes.trust import Trust
from laneway.spec.meta import Key
from laneway.spec.naming import ROOT_NAMESPACE

log = logging.getLogger(__name__)

TOKEN_FILE = Path(TOKENS) / "istio-token"
CERTIFICATE_FILE = Path(MESH_ROOT) / "root-cert.pem"
_TEXT = "text/plain; charset=utf-8"

TLS_BUFFER_BYTES = 32 << 10
"""Of each connection. asyncio's own 256 KiB would be 9 MB for our watches and the requests in flight."""


@dataclass(frozen=True, slots=True)
class Options:
    """identity: of this process and of no other; root: Istio's namespace, where the Lease is too.

    token, certificate: files, where the API server is asked for what is in none; host: to listen on;
    prometheus: who counts requests, None where nobody does.
    """

    access: Access
    identity: str
    root: str = ROOT_NAMESPACE
    token: Path = TOKEN_FILE
    certificate: Path = CERTIFICATE_FILE
    host: str = "127.0.0.1"
    health_port: int = HEALTH_PORT
    metrics_port: int = METRICS_PORT
    istiod_port: int = 15012
    prometheus: Source | None = None


async def run(options: Options) -> None:
    """Lead and act, until cancelled. Raises NotTrustedError, Unreachable, OSError where it cannot begin."""
    sslproto.SSLProtocol.max_size = TLS_BUFFER_BYTES
    async with open_requests(options.access) as requests:
        life = _Life(requests, options)
        answers = {"/healthz": life.alive, "/readyz": life.ready, "/metrics": life.numbers}
        places = [(options.host, port) for port in (options.health_port, options.metrics_port)]
        async with endpoints.serving(places, answers):
            await life.run()


class _Life:
    """One process. ready: it leads and has read everything, or waits for the lead."""

    def __init__(self, requests: Requests, options: Options) -> None:
        self._options = options
        self._server = Server(requests)
        self._trust = Trust(requests, options.root, options.token, options.certificate)
        self._controller: Controller | None = None
        self._confirmations: Confirmations | None = None
        self._begun = self._synced = False
        self._written: Counter[tuple[str, ...]] = Counter()

    async def run(self) -> None:
        await self._trust.refresh()
        keeping = asyncio.create_task(self._trust.run())
        self._begun = True
        try:
            while True:
                with suppress(LeadershipLostError):
                    await self._lead()
                log.warning("another may lead by now; waiting for the lead")
        finally:
            keeping.cancel()

    async def _lead(self) -> None:
        """Act for as long as we lead. Raises LeadershipLostError."""
        leader = Leader(self._server, self._options.root, LEASE, self._options.identity)
        async with leader.leading():
            self._confirmations = Confirmations(self._trust.access, pods=self._meshed)
            settings = Settings(self._options.root, self._options.istiod_port)
            counted = self._options.prometheus
            counting = Counting(Prometheus(counted)) if counted else None
            own_metrics = MetricReader(partial(Prometheus, counted) if counted else None)
            self._controller = Controller(
                self._server,
                self._confirmations,
                settings,
                counting,
                wrote=self._wrote,
                own_metrics=own_metrics,
            )
            try:
                async with asyncio.TaskGroup() as tasks:
                    tasks.create_task(self._controller.run())
                    tasks.create_task(self._await_synced(self._controller))
            finally:
                self._controller = self._confirmations = None
                self._synced = False

    async def _await_synced(self, controller: Controller) -> None:
        await asyncio.sleep(0)  # the controller makes what is waited for when it begins
        await controller.synced()
        self._synced = True
        gc.collect()
        gc.freeze()  # what is there by now stays, and need not be looked through again and again
        log.info("everything is read: %d apps", len(controller.index.apps))

    async def _wrote(self, verb: str, kind: str, key: Key) -> None:
        self._written[verb, kind] += 1

    def _meshed(self) -> Iterator[Pod]:
        return proxies(self._controller.index) if self._controller else iter(())

    # --- what is told

    def alive(self) -> tuple[int, str, str]:
        return 200, _TEXT, "ok\n"

    def ready(self) -> tuple[int, str, str]:
        if self._controller is not None:
            return (200, _TEXT, "leads\n") if self._synced else (503, _TEXT, "reads the cluster\n")
        return (200, _TEXT, "waits for the lead\n") if self._begun else (503, _TEXT, "starts\n")

    def numbers(self) -> tuple[int, str, str]:
        return 200, metrics.CONTENT_TYPE, metrics.text(self._metrics())

    def _metrics(self) -> Iterator[Metric]:
        leads, confirmations = self._controller, self._confirmations
        yield Metric("laneway_build_info", "gauge", "1.", ("version",), {(__version__,): 1})
        yield Metric("laneway_leads", "gauge", "Whether this process acts.", (), {(): float(bool(leads))})
        sent: dict[tuple[str, ...], float] = {(*of,): count for of, count in self._server.requests.items()}
        yield Metric("laneway_api_requests_total", "counter", "Requests to the API server.",
                     ("verb", "kind"), sent)  # fmt: skip
        yield Metric("laneway_writes_total", "counter", "Objects written.", ("verb", "kind"),
                     self._written)  # fmt: skip
        if leads is None or confirmations is None:
            return
        yield Metric("laneway_apps", "gauge", "Apps in the cluster.", (), {(): len(leads.index.apps)})
        yield Metric("laneway_lanes", "gauge", "Lanes in the cluster.", (),
                     {(): sum(map(len, leads.index.lanes.values()))})  # fmt: skip
        yield Metric("laneway_lagging_proxies", "gauge", "Proxies that do not serve what istiod serves.", (),
                     {(): len(confirmations.laggards())})  # fmt: skip
        yield Metric("laneway_unreachable_istiods", "gauge", "Istiods that cannot be asked.", (),
                     {(): len(confirmations.unreachable())})  # fmt: skip
