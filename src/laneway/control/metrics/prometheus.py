"""A Prometheus, asked over HTTP. Owns the forms of its answers. Must not know what is asked, nor why.

Source: https://prometheus.io/docs/prometheus/latest/querying/api/
"""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

import orjson

if TYPE_CHECKING:
    import httpx2

ANSWER_SECONDS_MAX = 60.0
"""A look at many hours takes a while; others answer within milliseconds."""


class NoAnswerError(Exception):
    """It did not answer, or not with what was asked for. Its text says why."""


@dataclass(frozen=True, slots=True)
class Source:
    """url: with a path, where there is one before `/api`.

    token: the file of a bearer token, read anew each time, for such tokens are replaced; authority: the file
    of certificates that vouch for it, the system's where it is None.
    """

    url: str
    token: Path | None = None
    authority: Path | None = None


@dataclass(frozen=True, slots=True)
class Row:
    """A series of an answer.

    values: its numbers, oldest first; one where one moment was asked about; times: their moments, in seconds.
    """

    labels: Mapping[str, str]
    values: tuple[float, ...]
    times: tuple[float, ...] = field(default=(), compare=False)


class Prometheus:
    """Open from `async with` to its end."""

    def __init__(self, source: Source, bytes_max: int | None = None) -> None:
        """bytes_max: of an answer; None for any. Raises NoAnswerError for a URL that is none."""
        import httpx2  # memory that a controller without a Prometheus need not have

        self._source = source
        self._bytes_max = bytes_max
        self._failures = httpx2.HTTPError, httpx2.InvalidURL, OSError
        verify = ssl.create_default_context(cafile=source.authority) if source.authority else True
        try:
            self._client = httpx2.AsyncClient(
                base_url=source.url.rstrip("/") + "/", timeout=ANSWER_SECONDS_MAX, verify=verify
            )
        except httpx2.InvalidURL:
            raise NoAnswerError("its URL cannot be called") from None

    async def __aenter__(self) -> Self:
        await self._client.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._client.__aexit__(kind, error, trace)

    @property
    def url(self) -> str:
        """Where it is."""
        return self._source.url

    async def at(self, query: str, moment: datetime) -> list[Row]:
        """What a query (PromQL) gives at a moment. Raises NoAnswerError."""
        return await self._ask("query", query=query, time=_seconds(moment))

    async def between(self, query: str, first: datetime, last: datetime, step: timedelta) -> list[Row]:
        """What it gives at each of these moments. Raises NoAnswerError."""
        length = f"{step.total_seconds():.3f}"
        return await self._ask(
            "query_range", query=query, start=_seconds(first), end=_seconds(last), step=length
        )

    async def _ask(self, call: str, **asked: str) -> list[Row]:
        # Thanos would leave out what it does not reach, and such a gap would be counted as no requests.
        form = {**asked, "partial_response": "false"}
        try:
            call = f"api/v1/{call}"
            async with self._client.stream("POST", call, data=form, headers=self._headers()) as answer:
                return rows(answer.status_code, await self._content(answer))
        except self._failures as error:
            raise NoAnswerError(str(error) or type(error).__name__) from None

    async def _content(self, answer: httpx2.Response) -> bytes:
        if self._bytes_max is None:
            return await answer.aread()
        content = bytearray()
        async for chunk in answer.aiter_bytes():
            content += chunk
            if len(content) > self._bytes_max:
                raise NoAnswerError(f"answered with more than {self._bytes_max} bytes")
        return bytes(content)

    def _headers(self) -> dict[str, str]:
        token = self._source.token
        return {"Authorization": f"Bearer {token.read_text().strip()}"} if token else {}


def rows(status: int, content: bytes) -> list[Row]:
    """The series in an answer. Raises NoAnswerError."""
    try:
        document = orjson.loads(content)
    except orjson.JSONDecodeError:
        raise NoAnswerError(f"answered {status}, without JSON") from None
    try:
        return _rows(status, document)
    except (KeyError, IndexError, TypeError, ValueError):
        raise NoAnswerError(f"answered {status}, with series of another form") from None


def _rows(status: int, document: Any) -> list[Row]:
    match document:
        case {"status": "success", "data": {"resultType": "vector" | "matrix", "result": list(found)}}:
            return [_row(each) for each in found]
        case {"status": "success", "data": {"resultType": "scalar", "result": [_, value]}}:
            return [Row({}, (float(value),))]
        case {"status": "error", "error": str(text)}:
            raise NoAnswerError(f"answered {status}: {text}")
        case _:
            raise NoAnswerError(f"answered {status}, without series")


def _row(series: Mapping[str, Any]) -> Row:
    samples = series["values"] if "values" in series else [series["value"]]
    times, values = zip(*((float(time), float(value)) for time, value in samples), strict=True)
    return Row(series["metric"], values, times)


def _seconds(moment: datetime) -> str:
    return f"{moment.timestamp():.3f}"
