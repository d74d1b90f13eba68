"""Which files `-f` means."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from laneway.cli.failure import Failure
from laneway.cli.sources import project, read
from laneway.spec.problems import Code


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """YAML in a folder, and in one inside it."""
    (tmp_path / "below").mkdir()
    for name in ("b.yaml", "a.yml", "laneway.yaml", "notes.txt", "below/c.yaml"):
        (tmp_path / name).write_text(f"# {name}\n")
    return tmp_path


def test_a_folder_means_its_yaml_by_name(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """laneway.yaml is configuration; what lies deeper is left out, and that is said."""
    found = read([str(folder)], recursive=False)
    assert [given.source.text for given in found] == ["# a.yml\n", "# b.yaml\n"]
    assert f"left out: {folder}/below" in capsys.readouterr().err


def test_recursive_means_the_folders_inside_too(folder: Path) -> None:
    """Each file knows its own folder."""
    found = read([str(folder)], recursive=True)
    assert [given.source.text for given in found] == ["# a.yml\n", "# b.yaml\n", "# below/c.yaml\n"]
    assert found[2].folder == folder / "below"


def test_a_file_given_twice_is_read_once(folder: Path) -> None:
    """As itself and in its folder."""
    assert len(read([str(folder / "b.yaml"), str(folder)], recursive=False)) == 2


def test_a_file_that_is_named_is_read_whatever_its_suffix(folder: Path) -> None:
    """Only in folders the suffix chooses."""
    assert read([str(folder / "notes.txt")], recursive=False)[0].source.text == "# notes.txt\n"


@pytest.mark.parametrize("path", ["missing.yaml", "empty"])
def test_a_path_without_yaml_is_refused(tmp_path: Path, path: str) -> None:
    """Missing, or a folder that holds none."""
    (tmp_path / "empty").mkdir()
    with pytest.raises(Failure) as caught:
        read([str(tmp_path / path)], recursive=False)
    assert caught.value.code is Code.NO_FILE


def test_a_folder_with_yaml_only_below_says_how_to_include_it(folder: Path) -> None:
    """The remedy is the option."""
    (folder / "top").mkdir()
    (folder / "below").rename(folder / "top" / "below")
    with pytest.raises(Failure) as caught:
        read([str(folder / "top")], recursive=False)
    assert caught.value.remedy == "1 lie in folders inside it: add -R"


def test_a_file_that_is_no_text_is_refused(tmp_path: Path) -> None:
    """It is named."""
    (tmp_path / "a.yaml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(Failure, match=r"a\.yaml cannot be read"):
        read([str(tmp_path / "a.yaml")], recursive=False)


def test_commands_run_where_the_nearest_configuration_is(folder: Path) -> None:
    """Upwards from the file; without one, in the file's own folder."""
    assert project(folder / "below") == folder
    (folder / "laneway.yaml").unlink()
    outside = os.fspath(folder)
    assert project(folder / "below") == Path(outside) / "below"
