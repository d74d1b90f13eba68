"""Faults as Envoy injects them, and what is sure about them. Must not know rules."""

from __future__ import annotations

from typing import Any

from laneway.mesh.protos import any_of, enum, message
from laneway.spec.istio import FaultAbort, FaultDelay, HTTPFaultInjection
from laneway.spec.istio.validation import GRPC_STATUSES

FAULT = "envoy.filters.http.fault"
"""Name of the filter."""
PERCENT = 10_000
"""Parts of a million."""


def fault_of(fault: HTTPFaultInjection) -> Any:
    """The filter's configuration for a route, as an Any."""
    value = message("envoy.extensions.filters.http.fault.v3.HTTPFault")()
    if fault.delay is not None:
        value.delay.fixed_delay.FromTimedelta(fault.delay.fixed_delay)
        value.delay.percentage.CopyFrom(fraction(percent_of(fault.delay)))
    if fault.abort is not None:
        value.abort.percentage.CopyFrom(fraction(percent_of(fault.abort)))
        if fault.abort.http_status is not None:
            value.abort.http_status = fault.abort.http_status
        else:
            value.abort.grpc_status = GRPC_STATUSES[fault.abort.grpc_status or "OK"]
    return any_of(value)


def percent_of(fault: FaultDelay | FaultAbort) -> float:
    """Of how many requests, in percent: none where nothing is said."""
    if fault.percentage is not None:
        return fault.percentage.value
    return (fault.percent or 0) if isinstance(fault, FaultDelay) else 0


def aborted_with(fault: HTTPFaultInjection | None) -> int:
    """The HTTP status with which every request is answered; 0 where some go on.

    A status of gRPC comes with a 200, also where the request is not gRPC's.
    """
    abort = fault.abort if fault else None
    if abort is None or percent_of(abort) < 100:
        return 0
    return abort.http_status or 200


def fraction(percent: float) -> Any:
    """A percentage as Envoy's fraction: parts of a million, as Istio writes it."""
    million = enum("envoy.type.v3.FractionalPercent.DenominatorType", "MILLION")
    return message("envoy.type.v3.FractionalPercent")(numerator=int(percent * PERCENT), denominator=million)
