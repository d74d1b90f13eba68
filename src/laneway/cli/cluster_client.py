"""A cluster as commands ask it: the service of `laneway.kubernetes`, on an event loop of its own.

Owns the loop, and what becomes of a refusal or of silence. Must not print.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from datetime import datetime
from typing import TYPE_CHECKING, Any, TypeVar

import anyio
from anyio.from_thread import BlockingPortal, start_blocking_portal

from laneway.api.engine import ConflictError, EventQuery, MissingError, NotOfferedError, Part, RefusedError
from laneway.api.selection import PodQuery
from laneway.cli.client import ApiError, Pods
from laneway.cli.failure import Failure
from laneway.kubernetes.api.credentials import AccessError
from laneway.kubernetes.api.errors import ApiError as Refusal
from laneway.kubernetes.api.errors import Unreachable
from laneway.kubernetes.api.requests import open_requests
from laneway.kubernetes.service.service import Service
from laneway.spec.meta import Key
from laneway.spec.problems import Code
from laneway.spec.release import Verb

if TYPE_CHECKING:
    from laneway.control.status import (
        Changes,
        Event,
        Explanation,
        Json,
        LogLine,
        PodUsage,
        Reference,
        ReleaseStatus,
        Status,
    )
    from laneway.kubernetes.api.access import Access

T = TypeVar("T")

UNPROCESSABLE, SERVER_ERROR = 422, 500


@contextmanager
def connected(access: Access, namespaces: frozenset[str] | None) -> Iterator[ClusterClient]:
    """A client of a cluster. namespaces: to look in, None for all. Raises Failure."""
    with (
        start_blocking_portal() as portal,
        portal.wrap_async_context_manager(_service(access, namespaces)) as service,
    ):
        yield ClusterClient(portal, service, access.context)


@asynccontextmanager
async def _service(access: Access, namespaces: frozenset[str] | None) -> AsyncIterator[Service]:
    async with open_requests(access) as requests:
        service = Service(access, requests, namespaces)
        try:
            yield service
        finally:
            service.close()


class ClusterClient:
    """Implements `laneway.cli.engine.Engine`. context: the cluster's name for people."""

    on_cluster = True

    def __init__(self, portal: BlockingPortal, service: Service, context: str) -> None:
        self._portal = portal
        self._service = service
        self._context = context

    def status(self) -> Status:
        """What the controller has written."""
        return self._ask(self._service.status)

    def changed(self, since: int, seconds: float) -> int:
        """Wait until the status's version is greater than `since`, at most `seconds`. Returns the version."""

        async def waited() -> int:
            with anyio.move_on_after(seconds):
                return await self._service.changed(since)
            return since

        return self._ask(waited)

    def apply(
        self,
        objects: Sequence[Json],
        *,
        by: str = "",
        reason: str = "",
        whole: bool = True,
        take_over: bool = False,
    ) -> Changes:
        """Apply objects: all or, with ApiError 422 and its problems, none."""
        return self._ask(lambda: self._service.apply(objects, by, reason, whole=whole, take_over=take_over))

    def trial(self, objects: Sequence[Json], *, whole: bool = True, take_over: bool = False) -> list[Json]:
        """The objects as they would be stored."""
        return self._ask(lambda: self._service.trial(objects, whole=whole, take_over=take_over))

    def stored(self, objects: Sequence[Json]) -> list[Json]:
        """Those of these objects that there are, as they are stored."""
        return self._ask(lambda: self._service.stored(objects))

    def delete(self, objects: Sequence[Reference], *, by: str = "", reason: str = "") -> Changes:
        """Delete the objects that there are."""
        return self._ask(lambda: self._service.delete(objects, by, reason))

    def objects(self, kind: str, namespace: str | None = None, name: str | None = None) -> list[Json]:
        """Objects of a kind; `*` means every kind."""
        return self._ask(lambda: self._service.objects(kind, namespace, name))

    def usage(self, namespace: str | None = None) -> list[PodUsage]:
        """What the pods use."""
        return self._ask(lambda: self._service.usage(namespace))

    def request(
        self, namespace: str, app: str, verb: str, *, by: str = "", reason: str = ""
    ) -> ReleaseStatus:
        """Write a person's word on the app's release."""
        return self._ask(lambda: self._service.request(Key(namespace, app), Verb(verb), by, reason))

    def explain(
        self,
        url: str,
        *,
        method: str = "GET",
        headers: Iterable[tuple[str, str]] = (),
        source: tuple[str, str] | None = None,
    ) -> Explanation:
        """The way of a request that enters at the ingress, or leaves a pod of app (namespace, name)."""
        caller = Key(*source) if source else None
        return self._ask(lambda: self._service.explain(url, method, list(headers), caller))

    def history(self, *, since: str | None = None, **query: Any) -> list[Event]:
        """The newest events that meet every condition given, oldest first."""
        moment = datetime.fromisoformat(since) if since else None
        return self._ask(lambda: self._service.history(EventQuery(since=moment, **query)))

    def restart(self, pods: Pods, *, by: str = "", reason: str = "") -> list[str]:
        """Replace pods, new ones before old ones; their names."""
        return self._ask(lambda: self._service.restart(PodQuery(**pods), by, reason))

    def logs(
        self, pods: Pods, *, part: str = "app", tail: int = 100, follow: bool = False
    ) -> Iterator[LogLine]:
        """The last lines of each of these pods; with `follow` also those to come."""
        which: Part = "sidecar" if part == "sidecar" else "app"
        lines = self._ask(lambda: self._service.logs(PodQuery(**pods), which, tail, follow))
        while (line := self._ask(lambda: anext(lines, None))) is not None:
            yield line

    def _ask(self, question: Callable[[], Awaitable[T]]) -> T:
        """The answer. Raises ApiError as a daemon would, Failure where it is the cluster's own matter."""

        async def asked() -> T:
            return await question()

        try:
            return self._portal.call(asked)
        except RefusedError as error:
            raise ApiError(UNPROCESSABLE, str(error), error.problems) from None
        except MissingError as error:
            raise Failure(Code.NOT_FOUND, str(error)) from None
        except NotOfferedError as error:
            raise Failure(Code.NOT_ON_CLUSTER, f"{self._context}: {error}", error.remedy) from None
        except ConflictError as error:
            raise Failure(Code.NO_RELEASE, str(error)) from None
        except Unreachable as error:
            raise Failure(Code.NO_CLUSTER, f"{self._context} does not answer: {error}") from None
        except AccessError as error:
            raise Failure(Code.NO_CLUSTER, error.wrong, error.remedy) from None
        except Refusal as error:
            raise self._failure(error) from None

    def _failure(self, error: Refusal) -> Failure:
        if error.forbidden:
            return Failure(Code.NOT_ALLOWED, f"{self._context}: {error.message}")
        if error.status >= SERVER_ERROR:
            return Failure(Code.NO_CLUSTER, f"{self._context}: {error.message}")
        return Failure(Code.CLUSTER_REFUSED, f"{self._context}: {error.message}")
