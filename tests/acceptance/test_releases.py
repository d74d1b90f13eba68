"""A release's whole course on real proxies: undone at once, stopped by its gates and guardrails, queued."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.acceptance.flood import Answer
from tests.acceptance.running import Laneway, served
from tests.acceptance.systems import Service, system, write

pytestmark = pytest.mark.mesh

HOST = "solo.test"
SOLO = Service("solo", hosts=(HOST,), replicas=2)
AT_ONCE = ({"weight": 100},)
HALF = {"weight": 50, "hold": "0s"}


def written(folder: Path, service: Service, **policy: Any) -> Path:
    """The service's files, with more of a release policy."""
    objects = system([service])
    for made in objects:
        if made["kind"] == "App":
            made["spec"]["release"] |= policy
    return write(folder, objects)


def released(laneway: Laneway, folder: Path, service: Service, **policy: Any) -> str:
    """Applies another version; returns its revision."""
    applied = laneway.apply(written(folder, service, **policy))
    revision: str = applied["releases"][-1]["revision"]
    return revision


def wait(laneway: Laneway, *arguments: str) -> int:
    """The exit code of `release wait`."""
    return laneway.run("release", "wait", "solo", "--timeout", "60s", *arguments).code


def serves(laneway: Laneway, shares: dict[str, float]) -> None:
    """Every proxy has these weights by now, or soon: after a release's end its last rules go."""
    laneway.until(f"it serves {shares}", lambda: served(laneway.app("solo")) == shares)


def newest(laneway: Laneway) -> Any:
    """The newest release's record."""
    return laneway.json("release", "status", "solo")["releases"][-1]


def ask(laneway: Laneway) -> Answer:
    """One request at the gateway."""
    return laneway.ask(HOST)


@pytest.fixture(scope="module")
def solo(laneway: Laneway, folder: Path) -> Laneway:
    laneway.up(written(folder, SOLO).parent)
    return laneway


def test_an_undo_with_warm_pods_returns_all_traffic(solo: Laneway, folder: Path) -> None:
    """The old pods are the same ones as before; the undone revision waits for a retry."""
    before = {pod["metadata"]["name"] for pod in solo.json("get", "pod")["items"]}
    released(solo, folder, replace(SOLO, version="v2", steps=AT_ONCE), keepOld="10m")
    assert wait(solo) == 0
    serves(solo, {"v2": 100})
    done = solo.run("release", "undo", "solo", "--reason", "prices", "--wait", "-o", "json")
    assert (done.code, done.json["phase"]) == (0, "RolledBack"), done.err
    assert "prices" in done.json["reason"]
    serves(solo, {"v1": 100})
    assert before <= {pod["metadata"]["name"] for pod in solo.json("get", "pod")["items"]}
    assert "RevisionRefused" in {finding["code"] for finding in solo.status()["findings"]}
    assert solo.run("release", "retry", "solo", "--wait").code == 0
    serves(solo, {"v2": 100})


@pytest.mark.parametrize(
    ("service", "guardrail"),
    [
        (replace(SOLO, version="broken"), {"metric": "errors", "above": "5%", "minimum": 10}),
        (replace(SOLO, version="v3", delay_ms=150), {"metric": "latency", "above": "75ms", "minimum": 10}),
    ],
    ids=["errors", "latency"],
)
def test_a_guardrail_rolls_a_bad_version_back(
    solo: Laneway, folder: Path, service: Service, guardrail: Any
) -> None:
    """Within seconds of its first requests, with the numbers in its reason."""
    steps = ({"weight": 50, "hold": "10m"}, {"weight": 100})
    released(solo, folder, replace(service, steps=steps), judge={"guardrails": [guardrail]})
    solo.until_served("solo", 50)

    def rolled_back() -> bool:
        for _ in range(10):
            ask(solo)
        return bool(newest(solo)["phase"] == "RolledBack")

    solo.until("it is rolled back", rolled_back)
    assert newest(solo)["reason"].startswith("guardrail broken: ")
    serves(solo, {"v2": 100})


def test_a_command_decides_about_a_step(solo: Laneway, folder: Path) -> None:
    """It runs in the app's folder, and knows what it is asked about; its words are the evidence."""
    script = "import os; print(*(os.environ[n] for n in ('APP', 'WEIGHT', 'STEP')), os.getcwd()); exit(3)"
    gate = {"command": [sys.executable, "-c", script], "then": "rollback"}
    steps = (HALF | {"gates": [gate]}, {"weight": 100})
    released(solo, folder, replace(SOLO, version="v4", steps=steps))
    assert wait(solo) == 3
    assert f"exit code 3: solo 50 1 {folder}" in newest(solo)["reason"]
    passes = {"command": [sys.executable, "-c", "print('all well')"]}
    steps = (HALF | {"gates": [passes, {"approval": {}}]}, {"weight": 100})
    released(solo, folder, replace(SOLO, version="v5", steps=steps))
    waits = lambda: "AwaitingApproval" in {finding["code"] for finding in solo.status()["findings"]}  # noqa: E731
    solo.until("it waits for a person", waits)
    assert solo.run("release", "approve", "solo", "--reason", "tested", "--wait").code == 0
    serves(solo, {"v5": 100})
    evidence = [result["evidence"] for result in newest(solo)["gates"]]
    assert evidence[0] == "exit code 0: all well"
    assert evidence[1].endswith("tested")


def test_a_gate_is_asked_again_after_the_daemon_was_killed(solo: Laneway, folder: Path) -> None:
    """The first run never ends; it is ended, and the second one passes."""
    mark = folder / "asked"
    first = f"import os, time; seen = os.path.exists({str(mark)!r}); open({str(mark)!r}, 'a').close()"
    script = f"{first}; seen or time.sleep(600)"
    gate = {"command": [sys.executable, "-c", script], "timeout": "20m"}
    released(solo, folder, replace(SOLO, version="v6", steps=(HALF | {"gates": [gate]}, {"weight": 100})))
    solo.until("the gate is asked", mark.exists)
    processes = len(solo.processes())
    solo.kill_daemon()
    solo.up()
    assert wait(solo) == 0
    assert len(solo.processes()) <= processes
    serves(solo, {"v6": 100})


def test_the_newest_revision_waits_in_the_queue(solo: Laneway, folder: Path) -> None:
    """The running release goes on; what came between is never released."""
    steps = ({"weight": 50, "hold": "10m"}, {"weight": 100})
    first = released(solo, folder, replace(SOLO, version="v7", steps=steps), onNew="queue")
    solo.until_served("solo", 50)
    for version in ("v8", "v9"):
        solo.apply(written(folder, replace(SOLO, version=version, steps=steps), onNew="queue"))
    assert newest(solo)["revision"] == first
    assert "Queued" in {finding["code"] for finding in solo.status()["findings"]}
    assert solo.run("release", "promote", "solo", "--wait").code == 0
    solo.until_served("solo", 50)
    serves(solo, {"v7": 50, "v9": 50})
    assert solo.run("release", "promote", "solo", "--wait").code == 0
