"""Status documents as a daemon would give them, with only what a test is about spelled out."""

from __future__ import annotations

from typing import Any

from laneway.control.status import (
    AppStatus,
    Finding,
    Isolation,
    LaneStatus,
    ReleaseStatus,
    Replicas,
    Status,
    Version,
)


def version(revision: str = "r1", weight: float = 100, ready: int = 1, wanted: int = 1) -> Version:
    """A version of an app."""
    return Version(
        revision=revision,
        role="stable",
        image=f"registry/pharmacy:{revision}",
        weight=weight,
        served=weight,
        replicas=Replicas(wanted=wanted, pods=wanted, ready=ready),
    )


def app(name: str = "pharmacy", namespace: str = "shop", **given: Any) -> AppStatus:
    """An app at rest."""
    rest = AppStatus(
        namespace=namespace,
        name=name,
        hosts=[],
        ready=True,
        confirmed=True,
        stable="r1",
        versions=[version()],
        release=None,
    )
    return rest | given  # type: ignore[return-value]


def lane(name: str = "green", namespace: str = "shop", **given: Any) -> LaneStatus:
    """A lane that serves."""
    serving = LaneStatus(
        namespace=namespace,
        name=name,
        header={"x-lane": name},
        ready=True,
        confirmed=True,
        expiresAt=None,
        owner=None,
        apps=[{"name": "pharmacy", "base": "r1", "image": "registry/pharmacy:green", "replicas": _one()}],
    )
    return serving | given  # type: ignore[return-value]


def release(name: str = "pharmacy-1", **given: Any) -> ReleaseStatus:
    """A release of the pharmacy under way, from r1 to r2."""
    running = ReleaseStatus(
        namespace="shop",
        name=name,
        app="pharmacy",
        together=[],
        revision="r2",
        stable="r1",
        phase="Progressing",
        step=0,
        steps=2,
        weight=20,
        startedAt="2026-01-01T00:00:00+00:00",
        heldSince=None,
        finishedAt=None,
        gates=[],
        reason="",
        supersededBy=None,
    )
    return running | given  # type: ignore[return-value]


def finding(text: str, name: str = "pharmacy", severity: str = "info") -> Finding:
    """A line of the report."""
    return {"code": "Holds", "severity": severity, "namespace": "shop", "name": name, "text": text}  # type: ignore[typeddict-item]


def status(**given: Any) -> Status:
    """A world at rest with one app."""
    rest = Status(
        version=1,
        observed=1,
        ingress="http://127.0.0.1:8080",
        urls=["http://127.0.0.1:8080"],
        isolation=Isolation(mode="loopback", why="the default"),
        ready=True,
        confirmed=True,
        apps=[app()],
        workloads=[],
        lanes=[],
        releases=[],
        proxies={"total": 3, "confirmed": 3, "laggards": []},
        findings=[],
    )
    return rest | given  # type: ignore[return-value]


def _one() -> Replicas:
    return Replicas(wanted=1, pods=1, ready=1)
