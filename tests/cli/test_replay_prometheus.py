"""`laneway replay` over what a real Prometheus has kept of Istio's metrics."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from random import Random

import pytest
from anyio import to_thread
from tests.cli.conftest import Laneway
from tests.kubernetes.evidence.istio_metrics import REVISION, START, answered, timed
from tests.kubernetes.evidence.running_prometheus import Series, running, write_past

from laneway.analysis.sampling import binomial

pytestmark = [pytest.mark.cluster, pytest.mark.anyio]

STABLE = "00000stable"
MINUTES = 60


@pytest.fixture
def anyio_backend() -> str:
    """The lab's programs run on it."""
    return "asyncio"


def traffic(revision: str, requests: int, failing: float, seed: int) -> list[Series]:
    """An hour of a revision's requests, so many in a quarter of a minute, from the first minute on."""
    generator = Random(seed)
    good, bad, fast = {0.0: 0}, {0.0: 0}, {0.0: 0}
    for number in range(1, MINUTES * 4 + 1):
        at, before = 15.0 * number, 15.0 * (number - 1)
        failed = binomial(generator, requests, failing)
        good[at], bad[at] = good[before] + requests - failed, bad[before] + failed
        fast[at] = fast[before] + requests - binomial(generator, requests, 0.05)
    every = {at: good[at] + bad[at] for at in good}
    return [
        answered(good, revision=revision),
        answered(bad, "503", revision=revision),
        timed(every, "+Inf", revision=revision),
        timed(fast, "250", revision=revision),
    ]


async def test_a_release_of_the_past_is_judged_as_it_was(laneway: Laneway, tmp_path: Path) -> None:
    """And releases are drawn from it; without a canary from all that was served."""
    series = traffic(STABLE, 1200, 0.001, 1) + traffic(REVISION, 300, 0.02, 2)
    write_past(tmp_path, START, series)
    window = ("--from", START.isoformat(), "--to", str(START.timestamp() + MINUTES * 60))
    async with running(tmp_path) as url:
        asked = ("replay", "--prometheus", url, *window, "--app", "pharmacy", "-n", "shop", "--runs", "12")
        done = await to_thread.run_sync(partial(laneway, *asked, "--canary", REVISION, "-o", "json"))
        both = await to_thread.run_sync(partial(laneway, *asked, "-o", "json"))
        none = await to_thread.run_sync(partial(laneway, *asked, "--stable", "nobody"))
    found = done.json
    assert found["recording"]["canary"]["requests"] == 300 * MINUTES * 4
    assert found["recording"]["stable"] == {
        "requests": 1200 * MINUTES * 4, "errors": pytest.approx(288, abs=80), "timed": 1200 * MINUTES * 4,
    }  # fmt: skip
    assert found["recorded"]["outcome"] == "rollback"
    assert found["recorded"]["after"] < 120
    assert found["healthy"]["rolledBack"] == 0.0
    assert found["judge"]["metrics"][1]["edges"] == [250]
    assert both.json["recorded"] is None
    assert both.json["recording"]["stable"]["requests"] == 1500 * MINUTES * 4
    assert none.code == 1
    assert "error LW631: Prometheus has no requests to revision nobody of shop/pharmacy" in none.err
