"""Commands of images."""

from __future__ import annotations

import pytest

from laneway.spec.images import command_for, load_config, unmapped
from laneway.spec.load import Source
from laneway.spec.problems import Place


@pytest.mark.parametrize(
    ("image", "words"),
    [
        ("shop/pharmacy:1.2", ["serve", "--version", "1.2", "shop/pharmacy:1.2"]),
        ("shop/pharmacy", ["serve", "--version", "latest", "shop/pharmacy"]),
        ("shop/pharmacy@sha256:ab", ["serve", "--version", "latest", "shop/pharmacy@sha256:ab"]),
        ("shop/pharmacy:2@sha256:ab", ["serve", "--version", "2", "shop/pharmacy:2@sha256:ab"]),
        ("host:5000/pharmacy:3", ["other", "two words"]),
        ("host:5000/pharmacy", ["other", "two words"]),
        ("shop/unknown:1", None),
        ("pharmacy", None),
    ],
)
def test_image_matches_without_tag_and_digest(image: str, words: list[str] | None) -> None:
    """The registry's port is not a tag, and placeholders are filled in after the words are split."""
    images = {"shop/pharmacy": "serve --version {tag} {image}", "host:5000/pharmacy": "other 'two words'"}
    assert command_for(image, images) == words


def test_placeholder_is_never_read_as_shell() -> None:
    """A tag stays within its word."""
    assert command_for("a:x y'z", {"a": "run {tag}"}) == ["run", "x y'z"]


def test_unmapped_image_prints_the_line_to_add() -> None:
    """The remedy can be copied."""
    assert str(unmapped("shop/pharmacy:1", Place("a.yaml", 3, 9))) == (
        "a.yaml:3:9: error LW501: image shop/pharmacy:1 has no command to run on this machine; "
        'add this line under `images:` in laneway.yaml: shop/pharmacy: "COMMAND --version {tag}"'
    )


def test_line_to_add_maps_the_image() -> None:
    """Added as printed, the line is right."""
    line = str(unmapped("shop/pharmacy:1", Place("a"))).rpartition("laneway.yaml: ")[2]
    config, problems = load_config(Source("laneway.yaml", f"images:\n  {line}\n"))
    assert not problems and command_for("shop/pharmacy:1", config.images) == ["COMMAND", "--version", "1"]


def test_wrong_configuration_is_reported_in_place() -> None:
    """All problems at once, as for objects."""
    text = "images:\n  a: \"x 'y\"\n  b: ''\n  c: 5\nimage: {}\n---\n- a\n"
    _, problems = load_config(Source("laneway.yaml", text))
    assert sorted(str(problem) for problem in problems) == [
        "laneway.yaml:2:3: error LW206: images.a: no closing quotation; write it as on a shell's line",
        "laneway.yaml:3:3: error LW206: images.b: the command is empty; write the program and its arguments",
        'laneway.yaml:4:3: error LW204: images.c must be text, not the number 5; write it in quotes: "5"',
        "laneway.yaml:5:1: error LW201: unknown field image; did you mean images?",
        "laneway.yaml:7:1: error LW105: laneway.yaml is not a mapping; write `images:`",
    ]


def test_empty_configuration_maps_nothing() -> None:
    """A file without content is the default."""
    config, problems = load_config(Source("laneway.yaml", "# nothing yet\n"))
    assert not problems and config.images == {}
