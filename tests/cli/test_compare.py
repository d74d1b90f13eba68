"""`laneway diff` and `laneway export`: what would change, and what was applied."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.cli.conftest import Daemon, Laneway

from laneway.cli.compare import differences
from laneway.cli.comparing import shown
from laneway.spec.world import FOLDER

MESH = """
apiVersion: laneway.dev/v1alpha1
kind: Mesh
metadata: {name: default, namespace: shop}
spec: {lane: {header: HEADER}}
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A file with one object, which is not applied."""
    path = tmp_path / "mesh.yaml"
    path.write_text(MESH.replace("HEADER", "x-env"))
    return path


def stored(daemon: Daemon, header: str, **metadata: Any) -> None:
    """The object of the file as the store has it."""
    body = yaml.safe_load(MESH.replace("HEADER", header))
    body["metadata"] |= {"uid": "1", "resourceVersion": "7", "generation": 2} | metadata
    daemon.stores(body)


def test_diff_shows_what_applying_would_change_and_exits_with_1(
    daemon: Daemon, laneway: Laneway, file: Path
) -> None:
    """As a unified diff of the object's YAML; nothing is applied."""
    stored(daemon, "x-lane")
    done = laneway("diff", "-f", str(file))
    assert done.code == 1
    assert "--- Mesh shop/default (now)\n+++ Mesh shop/default (then)" in done.out
    assert "-    header: x-lane\n+    header: x-env" in done.out
    assert daemon.asked("apply") == []


def test_diff_of_the_same_exits_with_0(daemon: Daemon, laneway: Laneway, file: Path) -> None:
    """What the store sets, and the folder that a file lay in, are no difference."""
    stored(daemon, "x-env", annotations={FOLDER: "/elsewhere"})
    done = laneway("diff", "-f", str(file), "-o", "json")
    assert (done.code, done.json) == (0, {"same": True, "objects": []})


def test_a_default_that_is_written_out_is_no_difference(
    daemon: Daemon, laneway: Laneway, tmp_path: Path
) -> None:
    """The lane header is x-lane unless said otherwise."""
    stored(daemon, "x-lane")
    file = tmp_path / "mesh.yaml"
    file.write_text("{apiVersion: laneway.dev/v1alpha1, kind: Mesh, metadata: {name: default}}")
    assert laneway("diff", "-f", str(file), "-n", "shop").code == 0


def test_an_object_that_is_new_differs_from_nothing(daemon: Daemon, laneway: Laneway, file: Path) -> None:
    """Its change is told."""
    done = laneway("diff", "-f", str(file), "-o", "json")
    assert done.code == 1
    assert [(each["kind"], each["name"], each["change"]) for each in done.json["objects"]] == [
        ("Mesh", "default", "created")
    ]
    assert done.json["objects"][0]["diff"].startswith("--- nothing\n+++ Mesh shop/default (then)")


@pytest.mark.parametrize(
    ("text", "says"), [("{kind: Mesh", "LW101"), ("{kind: Mesh, metadata: {name: a}}", "LW205")]
)
def test_diff_of_what_is_wrong_exits_with_2(
    daemon: Daemon, laneway: Laneway, tmp_path: Path, text: str, says: str
) -> None:
    """So that a script can tell it from a difference."""
    file = tmp_path / "wrong.yaml"
    file.write_text(text)
    done = laneway("diff", "-f", str(file))
    assert done.code == 2
    assert says in done.err


def test_diff_without_a_laneway_exits_with_2(laneway: Laneway, file: Path) -> None:
    """There is nothing to compare with."""
    done = laneway("diff", "-f", str(file))
    assert done.code == 2
    assert "LW601" in done.err


def test_values_of_secrets_are_not_shown() -> None:
    """Only which of them change."""

    def secret(**data: str) -> dict[str, Any]:
        return {"kind": "Secret", "metadata": {"name": "s"}, "data": data}

    ref = ("Secret", shown_key())
    (found,) = differences(
        {ref: secret(same="c2FtZQ==", key="b2xk")}, {ref: secret(same="c2FtZQ==", key="bmV3")}
    )
    assert "b2xk" not in found.text
    assert "bmV3" not in found.text
    assert "c2FtZQ" not in found.text
    assert "-  key: '*** (before)'\n+  key: '*** (after)'" in found.text


def shown_key() -> Any:
    """A key of the objects above."""
    from laneway.spec.meta import Key

    return Key("default", "s")


def test_diff_can_show_what_laneway_would_write(daemon: Daemon, laneway: Laneway) -> None:
    """All that the example becomes, where nothing was applied yet."""
    done = laneway("diff", "-f", "examples/shop", "--derived", "-o", "name")
    assert done.code == 1
    assert "app/pharmacy" in done.out.split()
    assert "virtualservice/gateway.shop.example" in done.out.split()


def test_export_prints_what_can_be_applied_again(daemon: Daemon, laneway: Laneway, tmp_path: Path) -> None:
    """Without status, what the store sets, and what Laneway derives."""
    stored(daemon, "x-env", annotations={FOLDER: "/elsewhere", "team": "ada"})
    derived = {
        "kind": "Service",
        "metadata": {"name": "s", "namespace": "shop"},
        "spec": {"ports": [{"port": 80}]},
    }
    derived["metadata"] |= {"labels": {"app.kubernetes.io/managed-by": "laneway"}}  # type: ignore[operator]
    daemon.stores(derived)
    out = laneway("export").out
    (body,) = yaml.safe_load_all(out)
    assert body["metadata"] == {"name": "default", "namespace": "shop", "annotations": {"team": "ada"}}
    file = tmp_path / "all.yaml"
    file.write_text(out)
    assert laneway("diff", "-f", str(file)).code == 0


def test_shown_objects_have_their_defaults() -> None:
    """Whether these were written or not."""
    bare = {"apiVersion": "laneway.dev/v1alpha1", "kind": "Mesh", "metadata": {"name": "default"}}
    assert shown(bare) == shown(bare | {"spec": {"lane": {"header": "x-lane"}}})
