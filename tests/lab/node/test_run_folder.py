"""The folder of a node's sockets, and what is left of one that was killed."""

from __future__ import annotations

from pathlib import Path

from tests.lab.node.run_folder import run_folder


def test_it_is_gone_with_its_node(tmp_path: Path) -> None:
    with run_folder(tmp_path) as folder:
        (folder / "something").touch()
    assert not folder.exists()


def test_a_folder_that_a_killed_node_left_is_gone_when_the_next_starts(tmp_path: Path) -> None:
    left = tmp_path / "laneway-lab-node-left"
    left.mkdir()
    (left / "lock").touch()
    with run_folder(tmp_path):
        assert not left.exists()


def test_the_folder_of_a_node_that_runs_stays(tmp_path: Path) -> None:
    with run_folder(tmp_path) as first, run_folder(tmp_path):
        assert first.exists()
