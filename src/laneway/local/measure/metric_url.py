"""Metrics from outside: a URL that answers with a number, or as Kubernetes' metrics APIs do.

Owns the question and the forms of the answer. Must not know what the number is for.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from laneway.autoscale.measured import NoMetricError
from laneway.autoscale.replicas import milli
from laneway.spec.values import parse_quantity

ANSWER_SECONDS_MAX = 5.0


async def read_metric(url: str, query: Mapping[str, str]) -> int:
    """The metric's value in thousandths. query: added to the URL's own. Raises NoMetricError."""
    import httpx2  # a tenth of a second, which a start need not wait for

    try:
        async with httpx2.AsyncClient(timeout=ANSWER_SECONDS_MAX) as client:
            asked = httpx2.URL(url)
            answer = await client.get(asked.copy_merge_params(dict(query)))
            answer.raise_for_status()
            return milli(amount_of(answer.json()))
    except (httpx2.HTTPError, ValueError) as error:
        text = str(error) or type(error).__name__
        raise NoMetricError(f"{url} did not give the metric: {text}") from None


def amount_of(document: Any) -> Decimal:
    """The number in an answer: `{"value": n}`, or the sum of a list of such (`items`).

    The list is that of external.metrics.k8s.io and custom.metrics.k8s.io, whose values are quantities.
    Raises ValueError for anything else.
    """
    match document:
        case {"items": [_, *_] as items}:
            return sum((amount_of(item) for item in items), Decimal(0))
        case {"value": int() | float() | str() as value}:
            return parse_quantity(value)
        case _:
            raise ValueError('the answer is neither {"value": NUMBER} nor a list of such as `items`')
