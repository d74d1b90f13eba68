"""The control API as JSON over HTTP: routes, the form of requests and answers, errors as status codes.

Must not decide: handlers call the Engine. Must not know where it is served.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from typing import Annotated, Any, TypeVar

import anyio
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from laneway.api.engine import ConflictError, Engine, EventQuery, MissingError, Part, RefusedError
from laneway.api.selection import PodQuery
from laneway.control.status import LogLine, Problem, Reference
from laneway.spec.meta import Key
from laneway.spec.release import Verb

POLL_SECONDS_MAX = 60.0
"""The longest that one long poll is kept open."""


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _Apply(_Body):
    objects: list[dict[str, Any]]
    by: str = ""
    reason: str = ""


class _Named(_Body):
    kind: str
    namespace: str
    name: str


class _Delete(_Body):
    objects: list[_Named]
    by: str = ""
    reason: str = ""


class _Ask(_Body):
    namespace: str
    app: str
    verb: Verb
    by: str = ""
    reason: str = ""


class _Explain(_Body):
    url: str
    method: str = "GET"
    headers: list[tuple[str, str]] = Field(default_factory=list)
    namespace: str = ""
    app: str = ""


class _Objects(_Body):
    kind: str
    namespace: str | None = None
    name: str | None = None


class _Usage(_Body):
    namespace: str | None = None


class _Changed(_Body):
    since: int
    seconds: Annotated[float, Field(gt=0, le=POLL_SECONDS_MAX)] = POLL_SECONDS_MAX


class _History(_Body):
    namespace: str | None = None
    app: str | None = None
    lane: str | None = None
    kind: str | None = None
    name: str | None = None
    since: datetime | None = None
    after: int = 0
    limit: Annotated[int, Field(ge=1, le=10_000)] = 100


class _Pods(_Body):
    namespace: str = ""
    app: str = ""
    deployment: str = ""
    lane: str = ""
    revision: str = ""
    pod: str = ""

    def query(self) -> PodQuery:
        return PodQuery(self.namespace, self.app, self.deployment, self.lane, self.revision, self.pod)


class _Logs(_Pods):
    part: Part = "app"
    tail: Annotated[int, Field(ge=0)] = 100
    follow: bool = False


class _Restart(_Pods):
    by: str = ""
    reason: str = ""


_B = TypeVar("_B", bound=_Body)


class _Handlers:
    """One method for each route."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    async def ping(self, request: Request) -> Response:
        return JSONResponse(await self.engine.ping())

    async def status(self, request: Request) -> Response:
        return JSONResponse(await self.engine.status())

    async def apply(self, request: Request) -> Response:
        body = _Apply.model_validate_json(await request.body())
        return JSONResponse(await self.engine.apply(body.objects, body.by, body.reason))

    async def delete(self, request: Request) -> Response:
        body = _Delete.model_validate_json(await request.body())
        named = [Reference(kind=each.kind, namespace=each.namespace, name=each.name) for each in body.objects]
        return JSONResponse(await self.engine.delete(named, body.by, body.reason))

    async def objects(self, request: Request) -> Response:
        query = _query(_Objects, request)
        return JSONResponse({"items": await self.engine.objects(query.kind, query.namespace, query.name)})

    async def changed(self, request: Request) -> Response:
        query = _query(_Changed, request)
        version = query.since
        with anyio.move_on_after(query.seconds):
            version = await self.engine.changed(query.since)
        return JSONResponse({"version": version})

    async def request(self, request: Request) -> Response:
        body = _Ask.model_validate_json(await request.body())
        app = Key(body.namespace, body.app)
        return JSONResponse(await self.engine.request(app, body.verb, body.by, body.reason))

    async def explain(self, request: Request) -> Response:
        body = _Explain.model_validate_json(await request.body())
        source = Key(body.namespace, body.app) if body.app else None
        return JSONResponse(await self.engine.explain(body.url, body.method, body.headers, source))

    async def usage(self, request: Request) -> Response:
        return JSONResponse({"items": await self.engine.usage(_query(_Usage, request).namespace)})

    async def history(self, request: Request) -> Response:
        query = EventQuery(**_query(_History, request).model_dump())
        return JSONResponse({"items": await self.engine.history(query)})

    async def logs(self, request: Request) -> Response:
        query = _query(_Logs, request)
        lines = await self.engine.logs(query.query(), query.part, query.tail, query.follow)
        return StreamingResponse(_json_lines(lines), media_type="application/x-ndjson")

    async def restart(self, request: Request) -> Response:
        body = _Restart.model_validate_json(await request.body())
        return JSONResponse({"pods": await self.engine.restart(body.query(), body.by, body.reason)})

    async def shutdown(self, request: Request) -> Response:
        await self.engine.shutdown()
        return JSONResponse({}, status_code=202)


def application(engine: Engine) -> Starlette:
    """The API as an ASGI application. Errors answer `{"error": text, "problems": [...]}`."""
    handlers = _Handlers(engine)
    return Starlette(
        routes=[
            Route("/v1/ping", handlers.ping),
            Route("/v1/status", handlers.status),
            Route("/v1/changed", handlers.changed),
            Route("/v1/objects", handlers.objects),
            Route("/v1/usage", handlers.usage),
            Route("/v1/history", handlers.history),
            Route("/v1/logs", handlers.logs),
            Route("/v1/apply", handlers.apply, methods=["POST"]),
            Route("/v1/delete", handlers.delete, methods=["POST"]),
            Route("/v1/request", handlers.request, methods=["POST"]),
            Route("/v1/explain", handlers.explain, methods=["POST"]),
            Route("/v1/restart", handlers.restart, methods=["POST"]),
            Route("/v1/shutdown", handlers.shutdown, methods=["POST"]),
        ],
        exception_handlers={
            RefusedError: _refused,
            MissingError: _missing,
            ConflictError: _conflict,
            ValidationError: _malformed,
        },
    )


def _query(model: type[_B], request: Request) -> _B:
    return model.model_validate(dict(request.query_params))


async def _json_lines(lines: AsyncIterator[LogLine]) -> AsyncIterator[bytes]:
    async for line in lines:
        yield json.dumps(line).encode() + b"\n"


def _error(status: int, text: str, problems: Sequence[Problem] = ()) -> Response:
    return JSONResponse({"error": text, "problems": list(problems)}, status_code=status)


def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, RefusedError)
    return _error(422, str(error), error.problems)


def _missing(request: Request, error: Exception) -> Response:
    return _error(404, str(error))


def _conflict(request: Request, error: Exception) -> Response:
    return _error(409, str(error))


def _malformed(request: Request, error: Exception) -> Response:
    return _error(400, f"malformed request: {error}")
