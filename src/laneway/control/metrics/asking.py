"""Asks a metric's source about one version. Must not know which version that is, nor when to ask.

What goes wrong is said with the host that was asked, and with no more of a URL: it may hold a password.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from math import isfinite
from typing import Any
from urllib.parse import urlsplit

import orjson

from laneway.control.metrics.prometheus import NoAnswerError, Prometheus, Row
from laneway.control.metrics.sample import SERIES_MAX, Counters, Sample, series_of
from laneway.spec.metric_source import PrometheusSource, WebSource

ANSWER_BYTES_MAX = 4 * 1024 * 1024
"""Of a Prometheus that an App names."""
_DOCUMENT_BYTES_MAX = 64 * 1024
_COUNT_MAX = 2**53
_HEADERS = {"Accept": "application/json", "Accept-Encoding": "identity"}
_ASKS = "laneway_asks"
"""The label of a series: the field of the question that it answers."""


class NoDataError(Exception):
    """It answered, and has nothing to compare. Its text says why."""


def place(url: str) -> str:
    """The host and port of a URL, for people."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return "its URL"
    return f"{host}:{port}" if port else host


# --- a Prometheus


async def ask_prometheus(source: PrometheusSource, prometheus: Prometheus, moment: datetime) -> Sample:
    """What it says as of a moment. Raises NoAnswerError and NoDataError."""
    try:
        found = await prometheus.at(_query(source), moment)
    except NoAnswerError as error:
        raise NoAnswerError(f"{place(prometheus.url)}: {error}") from None
    return _value(found) if source.is_gauge else _counters(found)


def _query(source: PrometheusSource) -> str:
    """One question of all. A comment ends with its line."""
    if source.gauge is not None:
        return source.gauge
    return " or ".join(
        f'label_replace((\n{query}\n), "{_ASKS}", "{field}", "", "")'
        for field, query in source.questions.items()
    )


def _value(rows: list[Row]) -> float:
    if len(rows) > 1:
        raise NoDataError(f"`gauge` gave {len(rows)} series, and is one value: write avg(), sum() or max()")
    if not rows:
        raise NoDataError("`gauge` gave nothing")
    return _above_nothing(rows[0].values[-1])


def _above_nothing(value: float) -> float:
    if not isfinite(value) or value <= 0:
        raise NoDataError(f"the value is {value:g}, and ratios are of values above 0")
    return value


def _counters(rows: Iterable[Row]) -> Counters:
    """Both fields. Where nothing is counted in `of` it has no series: nothing was counted yet."""
    found: dict[str, dict[str, int]] = {"bad": {}, "of": {}}
    for row in rows:
        labels = dict(row.labels)
        field = labels.pop(_ASKS, "")
        if field not in found:
            raise NoDataError("the answer has lost what it answers: remove `or` on the outside")
        found[field][series_of(labels)] = _count(row.values[-1])
    for field, series in found.items():
        if len(series) > SERIES_MAX:
            text = f"`{field}` gave {len(series)} series, {SERIES_MAX} are read: write sum by (pod)"
            raise NoDataError(text)
    return Counters(found["bad"], found["of"])


def _count(value: float) -> int:
    if not isfinite(value) or not 0 <= value <= _COUNT_MAX:
        raise NoDataError(f"{value:g} is no count")
    return round(value)


# --- a URL


async def ask_web(source: WebSource, seconds: float) -> Sample:
    """What it answers. Raises NoAnswerError and NoDataError."""
    import httpx2  # memory that an engine without such a metric need not have

    where = place(source.url)
    try:
        async with (
            httpx2.AsyncClient(timeout=seconds) as client,
            client.stream("GET", source.url, headers=_HEADERS) as answer,
        ):
            status, content = answer.status_code, await _content(answer)
    except (httpx2.HTTPError, httpx2.InvalidURL, OSError) as error:
        raise NoAnswerError(f"{where}: {type(error).__name__}") from None
    if status in {204, 404}:
        raise NoDataError(f"{where} answered {status}")
    if not 200 <= status < 300:
        raise NoAnswerError(f"{where} answered {status}")
    return sample_of(source, content)


async def _content(answer: Any) -> bytes:
    """As much as such an answer may have."""
    content = b""
    async for chunk in answer.aiter_bytes():
        content += chunk
        if len(content) > _DOCUMENT_BYTES_MAX:
            raise NoDataError(f"the answer has more than {_DOCUMENT_BYTES_MAX // 1024} KiB")
    return content


def sample_of(source: WebSource, content: bytes) -> Sample:
    """What an answer says. Raises NoDataError."""
    try:
        document = orjson.loads(content)
    except orjson.JSONDecodeError:
        raise NoDataError("the answer is not JSON") from None
    match document:
        case {"value": int() | float() as value} if source.gauge and not isinstance(value, bool):
            return _above_nothing(float(value))
        case {"bad": int() | float() as bad, "of": int() | float() as of} if not source.gauge:
            return Counters({"s": _count(bad)}, {"s": _count(of)})
    counts = '{"bad": NUMBER, "of": NUMBER}, nor is it said to be a value (`gauge: true`)'
    wanted = '{"value": NUMBER}' if source.gauge else counts
    raise NoDataError(f"the answer is not {wanted}")
