"""What replicas write, read back."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from laneway.local.logs import Line, Source, _Growing, follow_logs, log_file, prune, tail, trim
from laneway.local.process.markers import Part
from laneway.spec.meta import Key


async def lines(following: AsyncIterator[Line], count: int) -> list[str]:
    """The next lines."""
    async with asyncio.timeout(5):
        return [f"{line.name} {line.text}" for line in [await anext(following) for _ in range(count)]]


def test_each_part_of_each_pod_has_a_file(tmp_path: Path) -> None:
    """Whatever their names are."""
    files = {log_file(tmp_path, Key("a", "b-c"), part) for part in Part}
    files.add(log_file(tmp_path, Key("a-b", "c"), Part.APP))
    assert len(files) == len(Part) + 1
    assert log_file(tmp_path, Key("shop", "web-1"), Part.APP) == tmp_path / "shop_web-1_app.log"


@pytest.mark.parametrize(
    ("text", "count", "expected"),
    [
        ("", 3, []),
        ("a\nb\nc\n", 2, ["b", "c"]),
        ("a\nb\nc", 2, ["b", "c"]),
        ("a\r\nb\n", 9, ["a", "b"]),
        ("a\n", 0, []),
        ("x" * 200_000 + "\nlast\n", 1, ["last"]),
    ],
)
def test_the_last_lines_of_a_file(tmp_path: Path, text: str, count: int, expected: list[str]) -> None:
    """An unfinished line counts; only the end of a long file is read."""
    (tmp_path / "log").write_text(text, newline="")
    assert tail(tmp_path / "log", count) == expected


def test_a_file_that_is_not_there_has_no_lines(tmp_path: Path) -> None:
    """A pod that never started wrote nothing."""
    assert tail(tmp_path / "log", 5) == []


def test_bytes_that_are_no_text_are_shown(tmp_path: Path) -> None:
    """As replacement characters, in place of an error."""
    (tmp_path / "log").write_bytes(b"a\xff\n")
    assert tail(tmp_path / "log", 5) == ["a\N{REPLACEMENT CHARACTER}"]


async def test_without_following_the_last_lines_are_all(tmp_path: Path) -> None:
    """Of each source, one after the other."""
    first, second = Source("one", tmp_path / "1"), Source("two", tmp_path / "2")
    first.path.write_text("a\nb\nc")
    second.path.write_text("d\n")
    found = [line async for line in follow_logs(lambda: [first, second], 2, follow=False)]
    assert found == [Line("one", "b"), Line("one", "c"), Line("two", "d")]


async def test_following_shows_what_is_written_from_now_on(tmp_path: Path) -> None:
    """Whole lines only, and a pod that appears later from its first line."""
    first, second = Source("one", tmp_path / "1"), Source("two", tmp_path / "2")
    first.path.write_text("old\nhalf")
    sources = [first]
    following = follow_logs(lambda: sources, 10, follow=True)
    assert await lines(following, 1) == ["one old"]
    with first.path.open("a") as file:
        file.write(" whole\nnext\n")
    assert await lines(following, 2) == ["one half whole", "one next"]
    sources.append(second)
    second.path.write_text("hello\n")
    assert await lines(following, 1) == ["two hello"]
    await following.aclose()


def test_a_log_that_is_too_large_is_begun_anew_and_followed_on(tmp_path: Path) -> None:
    """Its writer appends to the emptied file; what came before is in its `.1`."""
    path = tmp_path / "a.log"
    growing = _Growing()
    with path.open("ab", buffering=0) as writer:
        writer.write(b"one\ntwo\n")
        assert not trim(path, 8)
        assert growing.read(path) == ["one", "two"]
        writer.write(b"three\n")
        assert growing.read(path) == ["three"]
        assert trim(path, 8)
        writer.write(b"four\n")
        assert growing.read(path) == ["four"]
    assert (tmp_path / "a.log.1").read_text() == "one\ntwo\nthree\n"
    assert path.read_text() == "four\n"


def test_of_pods_that_are_gone_the_newest_logs_are_kept(tmp_path: Path) -> None:
    """Those that run, and the gateways, keep theirs."""
    for age, name in enumerate(["shop_web-1_app.log", "shop_web-2_app.log", "shop_web-3_app.log.1"]):
        (tmp_path / name).touch()
        os.utime(tmp_path / name, (age, age))
    (tmp_path / "istio-system_ingress_gateway.log").touch()
    prune(tmp_path, [Key("shop", "web-1")], 1)
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "istio-system_ingress_gateway.log",
        "shop_web-1_app.log",
        "shop_web-3_app.log.1",
    ]
