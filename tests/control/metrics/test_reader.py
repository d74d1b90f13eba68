"""Sources that are asked about both versions: real servers, and what of their answers is none."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any

import pytest
from tests.control.metrics.answering import RELEASE, START, answering, compared, eventually, prometheus, web

from laneway.analysis.tick import Answer
from laneway.control.metrics.prometheus import Prometheus, Source
from laneway.control.metrics.reader import MetricReader
from laneway.control.metrics.sample import Counters, MetricId, Read
from laneway.plan.result import Asked

pytestmark = pytest.mark.anyio

FAST: dict[str, Any] = {"every_seconds": 0.02, "answer_seconds": 3.0}
DECLINED = MetricId(RELEASE, START, "declined")


@asynccontextmanager
async def reading(
    *asked: Asked, own: Callable[[], Prometheus] | None = None, **more: Any
) -> AsyncIterator[MetricReader]:
    reader = MetricReader(own, **(FAST | more))
    running = asyncio.create_task(reader.run())
    reader.set([compared(*asked)])
    try:
        yield reader
    finally:
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running


async def read_once(*asked: Asked, **more: Any) -> Read:
    """The first reading of the first metric."""
    async with reading(*asked, **more) as reader:
        await eventually(lambda: DECLINED in reader.read)
        return reader.read[DECLINED]


def vector(*series: tuple[dict[str, str], str]) -> tuple[int, Any]:
    """A Prometheus' answer."""
    result = [{"metric": labels, "value": [1, value]} for labels, value in series]
    return 200, {"status": "success", "data": {"resultType": "vector", "result": result}}


def version(path: str, query: str) -> str:
    """Of a query that names one."""
    return "old" if "old" in query else "new"


async def test_a_url_is_asked_about_each_version() -> None:
    async with answering() as answers:
        answers.of = {"new": (200, {"bad": 3, "of": 100}), "old": (200, {"bad": 10, "of": 400})}
        found = await read_once(web(answers.url))
    assert found.said.answer is Answer.DATA
    assert (found.canary, found.stable) == (Counters({"s": 3}, {"s": 100}), Counters({"s": 10}, {"s": 400}))
    assert {"/new", "/old"} <= set(answers.asked)


async def test_a_url_may_give_a_value() -> None:
    async with answering() as answers:
        answers.of = {"new": (200, {"value": 1.2}), "old": (200, {"value": 1})}
        found = await read_once(web(answers.url, gauge=True))
    assert (found.canary, found.stable) == (1.2, 1.0)


@pytest.mark.parametrize(
    ("answer", "said", "why"),
    [
        ((500, {}), Answer.SILENT, "answered 500"),
        ((302, {}), Answer.SILENT, "answered 302"),
        (None, Answer.SILENT, "no answer within 0.3 s"),
        ((404, {}), Answer.ABSENT, "answered 404"),
        ((200, b"<html>"), Answer.ABSENT, "the answer is not JSON"),
        ((200, {"value": 1.0}), Answer.ABSENT, 'the answer is not {"bad": NUMBER, "of": NUMBER}'),
        ((200, {"bad": -1, "of": 3}), Answer.ABSENT, "-1 is no count"),
        ((200, {"bad": "1", "of": "3"}), Answer.ABSENT, 'the answer is not {"bad": NUMBER'),
        ((200, b"1" * 100_000), Answer.ABSENT, "more than 64 KiB"),
    ],
)
async def test_what_a_url_says_that_is_no_reading(answer: Any, said: Answer, why: str) -> None:
    """A dead source and one without data are two things."""
    async with answering() as answers:
        answers.of = {"new": answer, "old": (200, {"bad": 1, "of": 2})}
        found = await read_once(web(answers.url), answer_seconds=3.0 if answer else 0.3)
    assert found.said.answer is said
    assert why in found.said.why
    assert found.canary is found.stable is None


@pytest.mark.parametrize("value", [0, -1.5])
async def test_a_value_that_has_no_ratio_is_told(value: float) -> None:
    async with answering() as answers:
        answers.of = {"new": (200, {"value": value}), "old": (200, {"value": 1})}
        found = await read_once(web(answers.url, gauge=True))
    assert found.said == (
        Answer.ABSENT,
        f"the canary: the value is {value:g}, and ratios are of values above 0",
    )


async def test_nobody_listens() -> None:
    found = await read_once(web("http://127.0.0.1:1"))
    assert found.said == (Answer.SILENT, "the canary: 127.0.0.1:1: ConnectError")


async def test_no_secret_of_a_url_is_told(caplog: pytest.LogCaptureFixture) -> None:
    """Neither to people nor in the log."""
    with caplog.at_level(logging.DEBUG, logger="laneway"):
        found = await read_once(web("http://me:hush@127.0.0.1:1/token=hush"))
        other = await read_once(prometheus("http://me:hush@127.0.0.1:1/hush", gauge="up"))
    assert found.said.answer is other.said.answer is Answer.SILENT
    assert "hush" not in f"{found.said.why} {other.said.why} {caplog.text}"
    assert "127.0.0.1:1" in caplog.text


async def test_a_prometheus_is_asked_for_both_counters_at_once() -> None:
    """One question for each version, whose parts are told apart by a label."""
    async with answering(version) as answers:
        bad, of = {"laneway_asks": "bad", "pod": "a", "code": "500"}, {"laneway_asks": "of", "pod": "a"}
        answers.of = {"new": vector((bad, "3"), (of, "100")), "old": vector((of, "400"))}
        found = await read_once(prometheus(answers.url, bad='bad{v="VERSION"}', of='all{v="VERSION"} # all'))
    assert found.said.answer is Answer.DATA
    canary, stable = found.canary, found.stable
    assert isinstance(canary, Counters) and isinstance(stable, Counters)
    assert ([*canary.bad.values()], [*canary.of.values()]) == ([3], [100])
    assert ([*stable.bad.values()], [*stable.of.values()]) == ([], [400])
    assert answers.asked[0] == (
        'label_replace((\nbad{v="new"}\n), "laneway_asks", "bad", "", "") or '
        'label_replace((\nall{v="new"} # all\n), "laneway_asks", "of", "", "")'
    )


@pytest.mark.parametrize(
    ("answer", "said", "why"),
    [
        (vector(), Answer.ABSENT, "the canary: `gauge` gave nothing"),
        (vector(({"pod": "a"}, "1"), ({"pod": "b"}, "2")), Answer.ABSENT, "gave 2 series, and is one value"),
        (vector(({}, "NaN")), Answer.ABSENT, "the value is nan"),
        ((400, {"status": "error", "error": "parse error"}), Answer.SILENT, "answered 400: parse error"),
        (
            (200, {"status": "success", "data": {"resultType": "vector", "result": [{}]}}),
            Answer.SILENT,
            "form",
        ),
    ],
)
async def test_what_a_prometheus_says_that_is_no_value(answer: Any, said: Answer, why: str) -> None:
    async with answering(version) as answers:
        answers.of = {"new": answer, "old": vector(({}, "1"))}
        found = await read_once(prometheus(answers.url, gauge="avg(VERSION)"))
    assert found.said.answer is said
    assert why in found.said.why


async def test_a_version_without_series_is_known_as_empty() -> None:
    """Its pods have not been scraped yet: what they count later is news."""
    async with answering(version) as answers:
        answers.of = {"new": vector(), "old": vector(({"laneway_asks": "of"}, "5"))}
        found = await read_once(prometheus(answers.url, bad="a{VERSION}", of="b{VERSION}"))
    assert found.said == (Answer.ABSENT, "no series of the canary")
    assert found.canary == Counters({}, {})


async def test_too_many_series_are_told_with_what_to_write() -> None:
    async with answering(version) as answers:
        many = [({"laneway_asks": "of", "pod": "a", "user": str(index)}, "5") for index in range(201)]
        answers.of = {"new": vector(*many), "old": vector()}
        found = await read_once(prometheus(answers.url, bad="a{VERSION}", of="b{VERSION}"))
    assert "`of` gave 201 series, 200 are read: write sum by (pod)" in found.said.why


async def test_the_engines_own_prometheus_is_asked_where_none_is_named() -> None:
    async with answering(version) as answers:
        answers.of = {"new": vector(({}, "2")), "old": vector(({}, "1"))}
        own = lambda: Prometheus(Source(answers.url))  # noqa: E731
        assert (await read_once(prometheus(None, gauge="avg(VERSION)"), own=own)).canary == 2.0
    found = await read_once(prometheus(None, gauge="avg(VERSION)"))
    assert "the engine has no Prometheus of its own: write `url`" in found.said.why


async def test_only_the_engines_own_prometheus_is_shown_its_token(tmp_path: Any) -> None:
    """An App may name any URL."""
    (tmp_path / "token").write_text("hush")
    async with answering(version) as answers:
        answers.of = {"new": vector(({}, "2")), "old": vector(({}, "1"))}
        shown: list[str] = []

        def own() -> Prometheus:
            shown.append("token")
            return Prometheus(Source("http://127.0.0.1:1", tmp_path / "token"))

        await read_once(prometheus(answers.url, gauge="avg(VERSION)"), own=own)
    assert shown == []


async def test_a_source_that_hangs_holds_up_no_other() -> None:
    async with answering() as answers:
        answers.of = {"new": (200, {"bad": 0, "of": 1}), "old": (200, {"bad": 0, "of": 1}), "hangs": None}
        hanging = web(f"{answers.url}/hangs?", "slow")
        async with reading(hanging, web(answers.url)) as reader:
            await eventually(lambda: len([path for path in answers.asked if path == "/new"]) >= 3)
            assert reader.read[DECLINED].said.answer is Answer.DATA


async def test_each_version_is_asked_once_in_a_while() -> None:
    async with answering() as answers:
        async with reading(web(answers.url), every_seconds=60.0) as reader:
            await eventually(lambda: DECLINED in reader.read)
            reader.set([compared(web(answers.url))])  # as each pass says
            await asyncio.sleep(0.05)
        assert sorted(answers.asked) == ["/new", "/old"]


async def test_what_is_not_wanted_any_more_is_not_asked() -> None:
    async with answering() as answers, reading(web(answers.url)) as reader:
        await eventually(lambda: DECLINED in reader.read)
        reader.set([])
        assert not reader.read
        await asyncio.sleep(0.05)
        asked = len(answers.asked)
        await asyncio.sleep(0.1)
        assert len(answers.asked) == asked
