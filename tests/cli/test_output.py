"""How results and progress are printed."""

from __future__ import annotations

import json

import pytest
import yaml

from laneway.cli.options import Format
from laneway.cli.output import Progress, counted, emit, grid

DOCUMENT = {"name": "grün", "apps": ["a", "b"], "ready": True}


def test_json_is_the_document(capsys: pytest.CaptureFixture[str]) -> None:
    """Readable for people too."""
    emit(Format.JSON, DOCUMENT, table=str)
    out = capsys.readouterr().out
    assert json.loads(out) == DOCUMENT
    assert "grün" in out


def test_yaml_keeps_the_order_of_keys(capsys: pytest.CaptureFixture[str]) -> None:
    """As people write objects."""
    emit(Format.YAML, DOCUMENT, table=str)
    out = capsys.readouterr().out
    assert yaml.safe_load(out) == DOCUMENT
    assert out.startswith("name: grün\napps:")


def test_names_stand_on_lines(capsys: pytest.CaptureFixture[str]) -> None:
    """For xargs."""
    emit(Format.NAME, DOCUMENT, table=str, names=["app/a", "app/b"])
    assert capsys.readouterr().out == "app/a\napp/b\n"


def test_a_table_that_no_terminal_shows_is_not_cut(capsys: pytest.CaptureFixture[str]) -> None:
    """However long a cell is; brackets are text, not markup."""
    image = "registry/" + "x" * 300 + "[red]"
    emit(Format.TABLE, DOCUMENT, table=lambda: grid(("app", "image"), [("pharmacy", image)]))
    assert image in capsys.readouterr().out


def test_progress_says_what_lasts_once(capsys: pytest.CaptureFixture[str]) -> None:
    """Lines that come and go within a pause are not said; one that comes again is."""
    now = 0.0
    progress = Progress(clock=lambda: now)
    progress.show(["too soon"])
    now = 1.0
    progress.show(["a waits", "b waits"])
    now = 1.5
    progress.show(["too short"])
    now = 2.0
    progress.show(["b waits", "c waits"])
    now = 3.0
    progress.show(["a waits"])
    assert capsys.readouterr().err == "  a waits\n  b waits\n  c waits\n  a waits\n"


def test_things_are_counted_in_words() -> None:
    """One is singular."""
    assert [counted(number, "pod") for number in (0, 1, 2)] == ["0 pods", "1 pod", "2 pods"]
