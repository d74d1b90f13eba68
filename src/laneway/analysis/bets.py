"""Bets on counts: what a tick's bad requests say for and against a claim. Must not know of time or state.

Write n for the requests of a tick, X for the bad ones and p for the probability of one, with c for the canary
and b for stable (the baseline). Both kinds of bet have the form

    log e = canary * X_c + stable * X_b + fixed

and both have E[e | past, n_c, n_b] <= 1 under their null hypothesis, whatever p_b is and however it changes.
The proof uses E[exp(t X)] <= exp(n p (e^t - 1)) for each arm, which holds for independent requests of any,
also unequal, probabilities (1 + x <= e^x) and for Poisson counts; p_b then cancels by the choice of b.

- *worse* bets against p_c <= ratio * p_b + plus: a on the canary, -b on stable, -n_c * plus * (e^a - 1) for
  the margin, with n_b (1 - e^-b) = n_c * ratio * (e^a - 1). The test of Lindon and Malek ("Anytime-valid
  inference for multinomial count data", 2022) for canaries is the case ratio = 1, plus = 0.
- *refused* bets against p_c >= ratio * p_b + plus: -a, b and n_c * plus * (1 - e^-a), with
  n_b (e^b - 1) = n_c * ratio * (1 - e^-a).

A bet may depend on the past and on this tick's requests, so weights may change at will.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import exp, log, log1p

from laneway.analysis.configuration import Margin

Bet = tuple[float, float, float]
"""Weights of one bad request of the canary and of stable, and what the tick itself costs or gains."""

TIMES_WORSE = (1.15, 1.3, 1.6, 2.0, 3.0, 5.0, 10.0, 30.0, 100.0)
"""Alternatives of *worse*: how many times the tolerated ratio the canary may be at."""
BOLDNESS = (0.05, 0.1, 0.2, 0.4, 0.8, 1.5, 3.0, 8.0)
"""The a of *refused*: small ones need many requests and find small differences, large ones need few."""

_WORSE = tuple((times, log(times)) for times in TIMES_WORSE)
_REFUSED = tuple((a, -(exp(-a) - 1)) for a in BOLDNESS)
SLOPES = tuple(drop for _, drop in _REFUSED)
"""Of *refused*: by how much a bet gains for each request of the canary, for each unit of `plus`."""

NO_BETS: tuple[Bet, ...] = ()


def on_worse(canary: int, stable: int, tolerate: Margin) -> tuple[Bet, ...]:
    """Bets that the canary is worse than tolerated, one for each of TIMES_WORSE; none without both arms."""
    if not (canary and stable):
        return NO_BETS
    rho = tolerate.ratio * canary / stable
    cost = canary * tolerate.plus
    bets = []
    for times, log_times in _WORSE:
        fall = (1 + times * rho) / (1 + rho)
        b = log(fall)
        bets.append((log_times - b, -b, cost * (1 - times / fall)))
    return tuple(bets)


def on_acceptable(canary: int, stable: int, refuse: Margin) -> tuple[Bet, ...]:
    """Bets that the canary is better than refused, one for each of BOLDNESS; none without its requests.

    Without stable's requests its term falls away: p_c >= plus remains of the null hypothesis.
    """
    if not canary:
        return NO_BETS
    rho = refuse.ratio * canary / stable if stable else 0.0
    gain = canary * refuse.plus
    return tuple([(-a, log1p(rho * drop), gain * drop) for a, drop in _REFUSED])


def placed(
    logs: tuple[float, ...], bets: Sequence[Bet], canary_bad: int, stable_bad: int, phi: float
) -> tuple[float, ...]:
    """Log evidence of each bet after this tick.

    phi: dispersion, at least 1. Where bad requests come in clusters of at most phi that fall on an arm
    together, the divided increments are still bets (compound Poisson, and exp is convex); for independent
    ones they are by Jensen's inequality.
    """
    if not bets:
        return logs
    return tuple(
        [
            each + (a * canary_bad + b * stable_bad + fixed) / phi
            for each, (a, b, fixed) in zip(logs, bets, strict=True)
        ]
    )
