"""How many requests a decision still needs. An estimate, not a promise. Must not know how it is told."""

from __future__ import annotations

from math import ceil, log, log1p

from laneway.analysis import bets, dispersion
from laneway.analysis.configuration import Metric
from laneway.analysis.mixture import least_rise
from laneway.analysis.state import CountState

MOST = 1e9
"""Requests beyond which nobody waits."""


def requests_to_promote(metric: Metric, state: CountState, false_promote: float) -> int | None:
    """Requests of the canary until it is shown acceptable, were it as good as stable has been; None if never.

    Each bet grows by its expectation for each request, at stable's share of bad ones and the requests'
    division so far. With no bad request at all this is the rule of three: ln(bets / beta) / plus.
    """
    phi = dispersion.phi(state.scatter, metric.phi)
    most = 0
    for edge, logs in enumerate(state.acceptable):
        slopes = _slopes(metric, state, edge, phi)
        need = least_rise(logs, slopes, log(1 / false_promote), MOST)
        if need is None:
            return None
        most = max(most, ceil(need))
    return most


def _slopes(metric: Metric, state: CountState, edge: int, phi: float) -> list[float]:
    stable, canary = state.stable, state.canary
    drops = list(zip(bets.BOLDNESS, bets.SLOPES, strict=True))
    if not stable.requests:
        return [metric.refuse.plus * drop / phi for _, drop in drops]
    p = stable.bad[edge] / stable.requests
    rho = max(canary.requests, 1) / stable.requests
    return [
        (p * (log1p(metric.refuse.ratio * rho * drop) / rho - a) + metric.refuse.plus * drop) / phi
        for a, drop in drops
    ]
