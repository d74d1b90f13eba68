"""What each example is rendered to, in `golden/`.

`UPDATE_GOLDEN=1 pytest tests/manifests` writes the files anew: read the diff before committing it.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import yaml

from laneway.manifests.render import render
from laneway.spec.load import KINDS, Source, load
from laneway.spec.world import Spec

GOLDEN = Path(__file__).parent / "golden"
EXAMPLES = Path(__file__).parents[2] / "examples"
LANE = """
apiVersion: laneway.dev/v1alpha1
kind: Lane
metadata: {name: green, namespace: shop}
spec:
  apps:
  - {name: pharmacy, image: "registry.example/shop/pharmacy:green", env: [{name: COLOUR, value: green}]}
"""


def example(name: str, *more: Source) -> Spec:
    """An example as the commands load it."""
    files = [path for path in sorted((EXAMPLES / name).glob("*.yaml")) if path.name != "laneway.yaml"]
    loaded = load([*(Source(path.name, path.read_text()) for path in files), *more], name)
    assert loaded.problems == ()
    return loaded.spec


class Plain(yaml.SafeDumper):
    """Writes a value that occurs twice twice."""

    def ignore_aliases(self, data: object) -> bool:
        return True


def text(spec: Spec) -> str:
    """The objects as YAML documents."""
    return str(yaml.dump_all(render(spec), Dumper=Plain, sort_keys=False))


def check_golden(name: str, rendered: str) -> None:
    """Compare with the golden file, or write it where that is asked for."""
    path = GOLDEN / f"{name}.yaml"
    if os.environ.get("UPDATE_GOLDEN"):
        path.write_text(rendered)
    assert rendered == path.read_text()


@pytest.mark.parametrize("name", ["shop"])
def test_an_example_is_rendered_to_its_golden_file(name: str) -> None:
    """Every change of what is applied shows in review."""
    check_golden(name, text(example(name)))


def test_an_example_with_a_lane_is_rendered_to_its_golden_file() -> None:
    """The lane's rules stand before the app's own, on its mesh host and on the public one."""
    check_golden("shop-with-a-lane", text(example("shop", Source("lane.yaml", LANE))))


def test_rendering_is_deterministic() -> None:
    """Equal inputs give equal bytes, in whatever order they were read."""
    spec = example("shop")
    turned = Spec(
        mesh=spec.mesh,
        apps=dict(reversed(list(spec.apps.items()))),
        deployments=dict(reversed(list(spec.deployments.items()))),
        gateways=spec.gateways,
        service_entries=spec.service_entries,
    )
    assert text(spec) == text(example("shop")) == text(turned)


def test_what_is_rendered_is_genuine() -> None:
    """Each object that Laneway also reads is accepted, without an unknown or refused field."""
    for manifest in render(example("shop", Source("lane.yaml", LANE))):
        if manifest["kind"] in KINDS:
            KINDS[manifest["kind"]].model_validate(manifest)
