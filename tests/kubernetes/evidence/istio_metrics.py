"""Counters as Istio's proxies show them, of requests to the pharmacy. Must not know what they are for."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from tests.kubernetes.evidence.running_prometheus import Series

from laneway.kubernetes.evidence.watched import Watched
from laneway.plan.observed import CountsId
from laneway.plan.result import Watch
from laneway.spec.meta import Key

START = datetime(2026, 1, 1, 12, tzinfo=UTC)
"""The first moment of a test's past."""
APP = Key("shop", "pharmacy")
HOST = "pharmacy.shop.svc.cluster.local"
REVISION = "f4f3ea7ba3"


def second(number: float) -> datetime:
    """So many seconds after the first moment."""
    return START + timedelta(seconds=number)


def watching(since: float, *edges: int, revision: str = REVISION) -> Watched:
    """The pharmacy's requests from that second on."""
    known = CountsId(Key("shop", "pharmacy-1"), second(since))
    return Watched(Watch(known, APP, revision), frozenset(edges))


def answered(
    readings: Mapping[float, int],
    code: str = "200",
    pod: str = "page-1",
    revision: str = REVISION,
    **labels: str,
) -> Series:
    """Requests of a caller's proxy that were answered so."""
    named = {
        "reporter": "source",
        "pod": pod,
        "destination_service": HOST,
        "destination_canonical_revision": revision,
        "response_code": code,
        "response_flags": "-",
        "grpc_response_status": "",
    }
    return Series("istio_requests_total", named | labels, readings)


def unreachable(readings: Mapping[float, int], flags: str = "UH") -> Series:
    """Requests that reached no pod, which have no revision."""
    return answered(readings, "503", revision="latest", destination_workload="unknown", response_flags=flags)


def timed(readings: Mapping[float, int], le: str, pod: str = "page-1", revision: str = REVISION) -> Series:
    """Requests of a caller's proxy that took no longer than so many milliseconds."""
    counted = answered(readings, pod=pod, revision=revision)
    return Series("istio_request_duration_milliseconds_bucket", {**counted.labels, "le": le}, readings)
