"""Guardrails: absolute limits on the counts of the released revision. Must not know who counts."""

from __future__ import annotations

from collections.abc import Sequence

from laneway.plan.observed import Counts
from laneway.spec.release_policy import Guardrail
from laneway.spec.values import FULL, format_bound, format_percent


def broken(guardrails: Sequence[Guardrail], counts: Counts | None, hurried: bool) -> tuple[str, str] | None:
    """Why the release goes no further, and what becomes of it (`then`); a rollback before a pause.

    hurried: a person has said to go on, so that nothing pauses.
    """
    if counts is None:
        return None
    for then in ("rollback",) if hurried else ("rollback", "pause"):
        for guardrail in guardrails:
            if guardrail.then == then and _is_broken(guardrail, counts):
                return f"guardrail broken: {described(guardrail, counts)}", then
    return None


def _is_broken(guardrail: Guardrail, counts: Counts) -> bool:
    bad, of = _bad(guardrail, counts)
    return of >= guardrail.minimum and bad * FULL > _allowed(guardrail) * of


def _allowed(guardrail: Guardrail) -> int:
    """Basis points of the requests that may be bad."""
    return guardrail.above if isinstance(guardrail.above, int) else FULL - guardrail.quantile


def _bad(guardrail: Guardrail, counts: Counts) -> tuple[int, int]:
    if isinstance(guardrail.above, int):
        return counts.errors, counts.requests
    edge = int(guardrail.above.total_seconds() * 1000)
    return counts.timed - counts.within.get(edge, counts.timed), counts.timed


def described(guardrail: Guardrail, counts: Counts) -> str:
    """What was counted, against what is allowed."""
    bad, of = _bad(guardrail, counts)
    share = f" ({100 * bad / of:.2f} %)" if of else ""
    allowed = f"{format_percent(_allowed(guardrail))} %"
    if isinstance(guardrail.above, int):
        return f"{bad} of {of} requests failed{share}, allowed are {allowed}"
    return (
        f"{bad} of {of} requests took more than {format_bound(guardrail.above)}{share}, allowed are {allowed}"
    )
