"""A synchronous client of the daemon's control API, for the commands and the demo.

Owns requests, answers and their errors. Must not print, and must not know how a daemon is started.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, TypedDict, cast

if TYPE_CHECKING:
    import httpx2

    from laneway.control.status import (
        Changes,
        Event,
        Explanation,
        Json,
        LogLine,
        Ping,
        PodUsage,
        Problem,
        Reference,
        ReleaseStatus,
        Status,
    )

ANSWER_SECONDS = 30.0
"""How long an answer may take, long polls and followed logs aside."""


class Pods(TypedDict, total=False):
    """Which pods are meant: as `laneway.api.selection.PodQuery`."""

    namespace: str
    app: str
    deployment: str
    lane: str
    revision: str
    pod: str


class NotRunningError(Exception):
    """Nothing answers on the socket, or the daemon ended before it had answered."""


class ApiError(Exception):
    """The daemon answered with an error. status: of HTTP; problems: what is wrong with applied objects."""

    def __init__(self, status: int, text: str, problems: Sequence[Problem] = ()) -> None:
        super().__init__(text)
        self.status = status
        self.problems = list(problems)


@contextmanager
def _connection() -> Iterator[None]:
    import httpx2

    try:
        yield
    except httpx2.TimeoutException as error:
        raise NotRunningError("the daemon does not answer in time") from error
    except httpx2.TransportError as error:
        raise NotRunningError("no daemon answers") from error


def _checked(answer: httpx2.Response) -> Any:
    """The JSON of a good answer. Raises ApiError for any other."""
    if answer.is_success:
        return answer.json()
    try:
        document = answer.json()
        text, problems = str(document["error"]), document["problems"]
    except (ValueError, KeyError, TypeError):
        raise ApiError(
            answer.status_code, f"the daemon answered {answer.status_code}: {answer.text[:500]}"
        ) from None
    raise ApiError(answer.status_code, text, problems)


class Client:
    """One connection to a daemon. Implements `engine.Engine`. Methods raise NotRunningError and ApiError."""

    on_cluster = False

    def __init__(self, api: Path) -> None:
        import httpx2  # a tenth of a second, in which a daemon can start

        transport = httpx2.HTTPTransport(uds=str(api))
        self._http = httpx2.Client(transport=transport, base_url="http://laneway", timeout=ANSWER_SECONDS)

    def __enter__(self) -> Client:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._http.close()

    def ping(self) -> Ping:
        """Who answers."""
        return cast("Ping", self._get("/v1/ping"))

    def status(self) -> Status:
        """Everything at this moment."""
        return cast("Status", self._get("/v1/status"))

    def changed(self, since: int, seconds: float) -> int:
        """Wait until the status's version is greater than `since`, at most `seconds`. Returns the version."""
        answer = self._get("/v1/changed", since=since, seconds=seconds, timeout=seconds + ANSWER_SECONDS)
        return int(answer["version"])

    def apply(
        self,
        objects: Sequence[Json],
        *,
        by: str = "",
        reason: str = "",
        whole: bool = True,
        take_over: bool = False,
    ) -> Changes:
        """Merge objects into the spec: all or, with ApiError 422 and its problems, none.

        whole, take_over: without effect, as nobody else writes here.
        """
        return cast("Changes", self._post("/v1/apply", objects=objects, by=by, reason=reason))

    def trial(self, objects: Sequence[Json], *, whole: bool = True, take_over: bool = False) -> list[Json]:
        """The objects as they would be stored: as they are."""
        return list(objects)

    def stored(self, objects: Sequence[Json]) -> list[Json]:
        """Those of these objects that there are, as they are stored."""
        named = [(each["kind"], each["metadata"]) for each in objects]
        return [
            body
            for kind, metadata in named
            for body in self.objects(kind, metadata.get("namespace"), metadata["name"])
        ]

    def delete(self, objects: Sequence[Reference], *, by: str = "", reason: str = "") -> Changes:
        """Delete the objects that there are."""
        return cast("Changes", self._post("/v1/delete", objects=objects, by=by, reason=reason))

    def objects(self, kind: str, namespace: str | None = None, name: str | None = None) -> list[Json]:
        """Stored and derived objects of a kind, `Pod` included; `*` means every kind."""
        return cast(
            "list[Json]", self._get("/v1/objects", kind=kind, namespace=namespace, name=name)["items"]
        )

    def usage(self, namespace: str | None = None) -> list[PodUsage]:
        """What the pods use, measured over a second."""
        return cast("list[PodUsage]", self._get("/v1/usage", namespace=namespace)["items"])

    def request(
        self, namespace: str, app: str, verb: str, *, by: str = "", reason: str = ""
    ) -> ReleaseStatus:
        """Write a person's word (`spec.release.Verb`) on the app's release.

        ApiError 404: there is no such app; 409: its release cannot do this now, and why.
        """
        return cast(
            "ReleaseStatus",
            self._post("/v1/request", namespace=namespace, app=app, verb=verb, by=by, reason=reason),
        )

    def explain(
        self,
        url: str,
        *,
        method: str = "GET",
        headers: Iterable[tuple[str, str]] = (),
        source: tuple[str, str] | None = None,
    ) -> Explanation:
        """The way of a request that enters at the ingress, or leaves a pod of app (namespace, name)."""
        namespace, app = source or ("", "")
        return cast(
            "Explanation",
            self._post(
                "/v1/explain", url=url, method=method, headers=list(headers), namespace=namespace, app=app
            ),
        )

    def history(self, **query: Any) -> list[Event]:
        """The newest events that meet every condition given, oldest first.

        namespace, app, lane, kind, name; since: RFC 3339; after: an event's id; limit: the newest so many.
        """
        items = self._get("/v1/history", timeout=ANSWER_SECONDS, **query)["items"]
        return cast("list[Event]", items)

    def restart(self, pods: Pods, *, by: str = "", reason: str = "") -> list[str]:
        """Replace pods, new ones before old ones; their names. ApiError 404: there are none."""
        return cast("list[str]", self._post("/v1/restart", **pods, by=by, reason=reason)["pods"])

    def logs(
        self, pods: Pods, *, part: str = "app", tail: int = 100, follow: bool = False
    ) -> Iterator[LogLine]:
        """The last lines of each of these pods; with `follow` also those to come, until the daemon stops.

        part: of a pod, `app` or `sidecar`.
        """
        import httpx2

        query: dict[str, Any] = {**pods, "part": part, "tail": tail, "follow": follow}
        timeout = httpx2.Timeout(ANSWER_SECONDS, read=None if follow else ANSWER_SECONDS)
        with (
            _connection(),
            self._http.stream("GET", "/v1/logs", params=query, timeout=timeout) as answer,
        ):
            if not answer.is_success:
                answer.read()
                _checked(answer)
            for line in answer.iter_lines():
                yield cast("LogLine", json.loads(line))

    def shutdown(self) -> None:
        """Ask the daemon to stop replicas and proxies and to end. Returns at once; the state stays."""
        self._post("/v1/shutdown")

    def _get(self, path: str, *, timeout: float = ANSWER_SECONDS, **query: Any) -> Any:
        given = {name: value for name, value in query.items() if value is not None}
        with _connection():
            answer = self._http.get(path, params=given, timeout=timeout)
        return _checked(answer)

    def _post(self, path: str, **body: Any) -> Any:
        with _connection():
            answer = self._http.post(path, json=body)
        return _checked(answer)
