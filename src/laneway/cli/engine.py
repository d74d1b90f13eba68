"""An engine as commands ask it: one thing after the other, whatever answers. Types only.

The same verbs as `laneway.api.engine`. Must not know how an answer comes about.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from laneway.cli.client import Pods
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


class Engine(Protocol):
    """Every method raises `client.NotRunningError` and `client.ApiError`."""

    @property
    def on_cluster(self) -> bool:
        """Whether objects have fields that no model here knows, and are seen by others than Laneway too."""

    def status(self) -> Status:
        """Everything at this moment."""

    def changed(self, since: int, seconds: float) -> int:
        """Wait until the status's version is greater than `since`, at most `seconds`. Returns the version."""

    def apply(
        self,
        objects: Sequence[Json],
        *,
        by: str = "",
        reason: str = "",
        whole: bool = True,
        take_over: bool = False,
    ) -> Changes:
        """Apply objects: all or, with ApiError 422 and its problems, none.

        Of a cluster, where others write too: whole: the objects say all that is meant by them, else each is
        what is stored, changed; take_over: also fields that others own.
        """

    def trial(self, objects: Sequence[Json], *, whole: bool = True, take_over: bool = False) -> list[Json]:
        """The objects as they would be stored. ApiError 422 as with `apply`."""

    def stored(self, objects: Sequence[Json]) -> list[Json]:
        """Those of these objects that there are, as they are stored."""

    def delete(self, objects: Sequence[Reference], *, by: str = "", reason: str = "") -> Changes:
        """Delete the objects that there are."""

    def objects(self, kind: str, namespace: str | None = None, name: str | None = None) -> list[Json]:
        """Stored and derived objects of a kind, `Pod` included; `*` means every kind."""

    def usage(self, namespace: str | None = None) -> list[PodUsage]:
        """What the pods use."""

    def request(
        self, namespace: str, app: str, verb: str, *, by: str = "", reason: str = ""
    ) -> ReleaseStatus:
        """Write a person's word on the app's release. ApiError 404: no such app; 409: not now, and why."""

    def explain(
        self,
        url: str,
        *,
        method: str = "GET",
        headers: Iterable[tuple[str, str]] = (),
        source: tuple[str, str] | None = None,
    ) -> Explanation:
        """The way of a request that enters at the ingress, or leaves a pod of app (namespace, name)."""

    def history(self, **query: Any) -> list[Event]:
        """The newest events that meet every condition given, oldest first."""

    def restart(self, pods: Pods, *, by: str = "", reason: str = "") -> list[str]:
        """Replace pods, new ones before old ones; their names. ApiError 404: there are none."""

    def logs(
        self, pods: Pods, *, part: str = "app", tail: int = 100, follow: bool = False
    ) -> Iterator[LogLine]:
        """The last lines of each of these pods; with `follow` also those to come."""
