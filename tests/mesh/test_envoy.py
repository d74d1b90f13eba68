"""Envoy's command and its admin interface."""

from __future__ import annotations

import asyncio
import subprocess
from pathlib import Path

import pytest
from tests.mesh.mesh_objects import parse
from tests.mesh.running_mesh import RunningMesh, eventually

from laneway.mesh.envoy import Admin, envoy_argv


@pytest.mark.mesh
def test_the_binary_is_found_without_a_path() -> None:
    """Nothing is looked up in PATH."""
    binary = envoy_argv(Path("x"))[0]
    found = subprocess.run([binary, "--version"], env={}, capture_output=True, text=True, check=True)
    assert "/1.40." in found.stdout


@pytest.mark.anyio
async def test_an_admin_interface_that_is_not_there_is_an_error_and_not_ready(tmp_path: Path) -> None:
    """Readiness is false; everything else says that nobody answers."""
    admin = Admin(tmp_path / "none.sock")
    assert not await admin.ready()
    with pytest.raises(OSError, match="no answer"):
        await admin.active_requests()


@pytest.mark.mesh
@pytest.mark.anyio
async def test_active_requests_are_those_without_an_answer(mesh: RunningMesh) -> None:
    """One while a slow request is under way, none before and after; the question itself does not count."""
    backend = await mesh.backend("blue", app="pharmacy")
    proxy = await mesh.sidecar()
    assert not await proxy.admin.ready()
    (service,) = parse(
        "{kind: Service, metadata: {name: pharmacy},"
        " spec: {selector: {app: pharmacy}, ports: [{name: http, port: 80, targetPort: 8080}]}}"
    )
    mesh.plane.upsert(service)
    mesh.plane.set_pods([backend.pod()])
    await mesh.publish()
    assert await proxy.admin.ready()
    assert await proxy.admin.active_requests() == 0
    caller = await mesh.caller(proxy)
    slow = asyncio.create_task(caller.get("pharmacy", "/slow"))
    await eventually(lambda: backend.busy)
    assert await proxy.admin.active_requests() == 1
    assert await slow == (200, "blue")
    assert await proxy.admin.active_requests() == 0
