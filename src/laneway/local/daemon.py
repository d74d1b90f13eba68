"""The daemon of one state: `python -m laneway.local.daemon --state DIR [...]`, begun by a handshake.

Owns the start and end of everything. Killed, it leaves replicas and proxies serving; started again, it adopts
them. Told to end, it ends them all and keeps the state.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import logging
import random
import signal
import sys
from collections.abc import Mapping
from contextlib import AsyncExitStack, ExitStack
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import anyio
from anyio.abc import TaskGroup
from sqlalchemy.exc import DBAPIError

from laneway.control.judging import Judging
from laneway.control.loop import Loop
from laneway.control.metrics.reader import MetricReader
from laneway.history.database import SchemaMismatchError
from laneway.local import handshake, settings
from laneway.local.container import commands
from laneway.local.container.engines import Runtime
from laneway.local.container.engines import engine as container_engine
from laneway.local.engine import LocalEngine
from laneway.local.gate_runs import GateRuns
from laneway.local.measure.autoscaler import Autoscaler
from laneway.local.measure.counting import Counting
from laneway.local.measure.metric_url import read_metric
from laneway.local.measure.tally import TallyFile
from laneway.local.measure.usage import Meter
from laneway.local.netns import client
from laneway.local.network.addresses import Addresses, NoAddressError
from laneway.local.network.cluster_addresses import addressed
from laneway.local.network.host_names import follow_names
from laneway.local.network.isolation import Impossible, IsolationError, Mode
from laneway.local.network.networks import SharedNetwork
from laneway.local.network.pod_networks import PodNetworks
from laneway.local.pod.replicas import Replicas
from laneway.local.process.markers import Identity, Marker, Part, find, parts
from laneway.local.process.processes import kill_all
from laneway.local.proxy import gateways
from laneway.local.proxy.gateway_process import GatewayProcess
from laneway.local.proxy.gateways import Places
from laneway.local.proxy.mesh_view import file_name
from laneway.local.proxy.proxies import Proxies
from laneway.local.server.api_server import serve
from laneway.local.server.service import Service
from laneway.local.settings import PortTakenError, Settings, ingress_port, runtime_of
from laneway.local.state import State, StateTakenError
from laneway.local.store import Store
from laneway.mesh.control_plane import ControlPlane
from laneway.mesh.translator import Translator
from laneway.plan.observed import Counts, CountsId
from laneway.spec.meta import Key
from laneway.spec.problems import Code, Place

GRACE = timedelta(seconds=5)
"""How long processes have to end when everything is stopped."""

_PRUNE_SECONDS = 600.0
"""A pass over a full history takes some 50 ms."""

REFUSALS: Mapping[type[Exception], Code] = {
    StateTakenError: Code.ALREADY_RUNNING,
    SchemaMismatchError: Code.NO_STATE,
    NoAddressError: Code.NO_ADDRESS,
    PortTakenError: Code.PORT_TAKEN,
    IsolationError: Code.NO_ISOLATION,
}
"""What keeps a daemon from starting, and is not its own fault."""

Running = Mapping[tuple[Key, Part], Identity]
"""Processes that an earlier daemon left."""

log = logging.getLogger(__name__)


def now() -> datetime:
    """The time, UTC."""
    return datetime.now(UTC)


async def run(
    state: State,
    port: int | None,
    isolation: str | None,
    scale_every: timedelta | None = None,
    asked: Runtime | None = None,
) -> None:
    """Run until told to end by signal or API. The state is held by the caller. Raises what `REFUSALS` has.

    isolation: a mode of it, or `auto`; scale_every: from one decision of the autoscaler to the next; asked:
    the runtime. None: as it was.
    """
    ending = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, ending.set)
    with ExitStack() as opened:
        addresses = Addresses.claim(state.id)
        opened.callback(addresses.close)
        store = Store(state.database, now, addressed)
        opened.callback(store.close)
        running = parts(find(state.id))
        ingress = ingress_port(store, port, held=(gateways.INGRESS, Part.GATEWAY) in running)
        runtime = runtime_of(store, asked)
        parts_run = any(part is Part.SIDECAR for _, part in running)
        isolated = settings.isolation(store, isolation, parts_run, partial(_tried, runtime))
        every = settings.autoscaler_sync(store, scale_every)
        chosen = Settings(ingress, isolated, runtime, every)
        await _serve(state, store, addresses, chosen, running, ending)


def _tried(runtime: Runtime) -> Impossible | None:
    """What keeps pods from networks of their own."""
    if runtime is not Runtime.PROCESS:
        return Impossible(f"containers of {runtime} share this machine's network", "add --runtime process")
    return client.tried()


async def _serve(
    state: State,
    store: Store,
    addresses: Addresses,
    chosen: Settings,
    running: Running,
    ending: asyncio.Event,
) -> None:
    translator = Translator(access_log=None)
    plane = ControlPlane(translator)
    own = chosen.isolation.mode is Mode.NAMESPACES
    sockets = str(state.run / file_name(str(gateways.EGRESS))) if own else ""
    places = Places(chosen.port, addresses.gateway(1), addresses.gateway(2), sockets)
    proxies = Proxies(state, plane, translator.registry, places)
    command = commands.application if chosen.runtime is Runtime.PROCESS else commands.contained
    pod_networks = PodNetworks(state, addresses.block) if own else None
    engine = LocalEngine(store, plane, proxies, chosen.isolation.status(), now)
    replicas = Replicas(
        state,
        store,
        addresses,
        application=lambda pod: command(pod, store.get),
        sidecars=proxies,
        networks=pod_networks or SharedNetwork(),
        now=now,
        source=random.Random(),
        changed=engine.pod_changed,
        engine=container_engine(chosen.runtime, state.id),
    )
    async with AsyncExitStack() as stack:
        await plane.start(proxies.xds)
        stack.push_async_callback(plane.stop)
        if pod_networks is not None:
            await stack.enter_async_context(pod_networks)
        await stack.enter_async_context(replicas)
        engine.attach(replicas)
        if pod_networks is not None:
            stack.callback(follow_names(store, pod_networks.resolve))
        gates = GateRuns(state, addresses.block, store.get, engine.ingress, now, engine.look_again)
        stack.push_async_callback(gates.stop)
        judging, own_metrics = Judging(), MetricReader()

        def counted(counts: Mapping[CountsId, Counts]) -> None:
            if judging.read(counts, now(), others=own_metrics.read):
                engine.look_again()

        counting = Counting(proxies.callers, TallyFile(state.counts), engine.look_again, counted)
        engine.find_out(gates, counting, judging, own_metrics)
        async with anyio.create_task_group() as tasks:
            _run_gateways(tasks, state, addresses.block, proxies, running)
            await tasks.start(serve, Service(state, engine, ending), state.api)
            handshake.say(None)
            tasks.start_soon(engine.tell)
            tasks.start_soon(Loop(engine).run)
            tasks.start_soon(counting.run)
            tasks.start_soon(own_metrics.run)
            tasks.start_soon(_prune_history, store)
            autoscaler = Autoscaler(store, Meter(proxies.sidecar_admin, now), replicas.pods, read_metric, now)
            tasks.start_soon(autoscaler.run, chosen.scale_every)
            gc.freeze()
            await ending.wait()
            tasks.cancel_scope.cancel()
        await replicas.stop(GRACE)
        if pod_networks is not None:
            pod_networks.leave()
        await kill_all(state.id, GRACE)


def _run_gateways(tasks: TaskGroup, state: State, block: int, proxies: Proxies, running: Running) -> None:
    """Adopt or start both gateways."""
    for key, proxy in ((gateways.INGRESS, proxies.ingress), (gateways.EGRESS, proxies.egress)):
        marker = Marker(state.id, block, key, Part.GATEWAY)
        gateway = GatewayProcess(state, marker, proxies.gateway_command(proxy), now)
        tasks.start_soon(gateway.run, running.get((key, Part.GATEWAY)))


async def _prune_history(store: Store) -> None:
    """Keep the history within its bound, until cancelled."""
    while True:
        try:
            store.prune_history()
        except DBAPIError as error:
            log.error("the history was not pruned: %s", error.orig)
        await asyncio.sleep(_PRUNE_SECONDS)


def _seconds(text: str) -> timedelta:
    return timedelta(seconds=float(text))


def main(arguments: list[str] | None = None) -> int:
    """The process's entry."""
    parser = argparse.ArgumentParser(prog="laneway.local.daemon")
    parser.add_argument("--state", type=Path, required=True)
    parser.add_argument("--port", type=int)
    parser.add_argument("--autoscaler-sync", type=_seconds)
    parser.add_argument("--runtime", type=Runtime)
    parser.add_argument("--isolation")
    given = parser.parse_args(arguments)
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(name)s %(levelname)s %(message)s")
    if not handshake.told_to_begin():
        return 0
    state = State.at(given.state)
    try:
        with state.held():
            asyncio.run(run(state, given.port, given.isolation, given.autoscaler_sync, given.runtime))
    except tuple(REFUSALS) as refusal:
        text = f"{state.path} is {refusal}" if isinstance(refusal, StateTakenError) else str(refusal)
        remedy = refusal.remedy if isinstance(refusal, IsolationError) else None
        problem = REFUSALS[type(refusal)].at(Place(str(state.path)), text, remedy)
        log.error("%s", problem)
        handshake.say(problem)
        return 1
    except Exception:
        log.critical("a fault of Laneway's own; replicas and proxies run on", exc_info=True)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
