"""`laneway delete`: by file, or by kind and name."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.cli.conftest import Daemon, Laneway

MESH = "{apiVersion: laneway.dev/v1alpha1, kind: Mesh, metadata: {name: default, namespace: shop}}"


def stored(daemon: Daemon, *names: str, namespace: str = "shop") -> None:
    """Lanes of these names."""
    for name in names:
        metadata = {"name": name, "namespace": namespace}
        daemon.stores(
            {"apiVersion": "laneway.dev/v1alpha1", "kind": "Lane", "metadata": metadata, "spec": {}}
        )


def test_objects_are_deleted_by_kind_and_name(daemon: Daemon, laneway: Laneway) -> None:
    """With who asked, and why; a name is looked for in every namespace."""
    stored(daemon, "green", "blue")
    done = laneway("delete", "lane", "green", "shop/blue", "--reason", "merged")
    assert done.code == 0, done.err
    (asked,) = daemon.asked("delete")
    assert [(each["kind"], each["namespace"], each["name"]) for each in asked["objects"]] == [
        ("Lane", "shop", "green"),
        ("Lane", "shop", "blue"),
    ]
    assert (asked["by"], asked["reason"]) == ("ada", "merged")
    assert laneway("get", "lane", "-o", "name").out == ""


def test_objects_of_a_file_are_deleted(daemon: Daemon, laneway: Laneway, tmp_path: Path) -> None:
    """Again without an error, where they are gone already."""
    file = tmp_path / "mesh.yaml"
    file.write_text(MESH)
    laneway("apply", "-f", str(file))
    assert laneway("delete", "-f", str(file), "-o", "name").out == "mesh/default\n"
    done = laneway("delete", "-f", str(file))
    assert done.code == 0


def test_a_name_that_is_not_there_is_an_error_unless_that_is_said(daemon: Daemon, laneway: Laneway) -> None:
    """Nothing is deleted then."""
    stored(daemon, "green")
    done = laneway("delete", "lane", "green", "gone")
    assert done.code == 1
    assert "error LW607: there is no Lane gone" in done.err
    assert daemon.asked("delete") == []
    assert laneway("delete", "lane", "green", "gone", "--ignore-not-found").code == 0


def test_a_name_in_two_namespaces_has_to_be_chosen(daemon: Daemon, laneway: Laneway) -> None:
    """By -n."""
    stored(daemon, "green")
    stored(daemon, "green", namespace="mall")
    assert "error LW608" in laneway("delete", "lane", "green").err
    assert laneway("delete", "lane", "green", "-n", "mall").code == 0


@pytest.mark.parametrize("words", [(), ("lane",), ("lane", "green", "-f", "a.yaml")])
def test_something_has_to_be_named_in_one_way(laneway: Laneway, words: tuple[str, ...]) -> None:
    """That is wrong usage."""
    assert laneway("delete", *words).code == 2
