"""The health check that Argo CD is given says of an App what its conditions say."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import lupa
import pytest
import yaml

FILE = Path(__file__).parents[3] / "examples/gitops/argocd-health.yaml"


def health(kind: str, body: dict[str, Any]) -> tuple[str, str]:
    """What the check says of an object: its status and message."""
    script = yaml.safe_load(FILE.read_text())["data"][f"resource.customizations.health.laneway.dev_{kind}"]
    lua = lupa.LuaRuntime(unpack_returned_tuples=True)
    lua.globals()["obj"] = lua.table_from(body, recursive=True)
    said = lua.execute(script)
    return said["status"], said["message"]


def app(generation: int = 2, **conditions: str) -> dict[str, Any]:
    """An App whose status was written for generation 2."""
    said = [{"type": name, "status": status, "message": f"{name}!"} for name, status in conditions.items()]
    status = {"observedGeneration": 2, "conditions": said}
    return {"metadata": {"generation": generation}, "status": status}


@pytest.mark.parametrize("kind", ["App", "Lane"])
@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (app(Ready="True", Reconciling="False", Stalled="False"), ("Healthy", "Ready!")),
        (app(Ready="True", Reconciling="True", Stalled="False"), ("Progressing", "Reconciling!")),
        (app(Ready="False", Reconciling="False", Stalled="True"), ("Degraded", "Stalled!")),
        (app(Ready="False", Reconciling="False", Stalled="False"), ("Degraded", "Ready!")),
        (app(generation=3, Ready="True"), ("Progressing", "not looked at yet")),
        ({"metadata": {"generation": 1}}, ("Progressing", "not looked at yet")),
    ],
)
def test_health_is_what_the_conditions_say(
    kind: str, body: dict[str, Any], expected: tuple[str, str]
) -> None:
    assert health(kind, body) == expected
