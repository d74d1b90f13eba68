"""`laneway replay` over recordings: what it prints, draws and refuses."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path
from random import Random
from typing import Any
from xml.etree import ElementTree

import pytest
from tests.cli.conftest import Laneway

from laneway.analysis.sampling import binomial
from laneway.cli.replay.progress import Progress

NOON = 1769860800
SVG = "{http://www.w3.org/2000/svg}"
APP = """
apiVersion: laneway.dev/v1alpha1
kind: App
metadata: {name: pharmacy, namespace: shop}
spec:
  workload: {deployment: pharmacy}
  service: {ports: [{name: http, port: 80, targetPort: 8080}]}
  release:
    steps: [{weight: 0}, {weight: 25, hold: 6m, limit: 20m}, {weight: 100}]
    judge:
      falseRollback: 2
      metrics: [{name: errors, tolerate: {ratio: 1.5, plus: 0.1}, refuse: {ratio: 2, plus: 0.5}}]
"""


def arm(generator: Random, requests: int, failing: float) -> dict[str, Any]:
    """A quarter of a minute, in which half are slower than 50 ms and a hundredth than 250."""
    slow = binomial(generator, requests, 0.5)
    within = {"50": requests - slow, "250": requests - binomial(generator, slow, 0.02)}
    return {"requests": requests, "errors": binomial(generator, requests, failing), "within": within}


def record(path: Path, *, canary: float | None = None, ticks: int = 80, header: Any = None) -> str:
    """A recording at 100 requests a second, of which one in a thousand fails. canary: its failing share."""
    generator = Random(1)
    lines = [header] if header else []
    for number in range(ticks):
        line: dict[str, Any] = {"at": NOON + 15 * number, "stable": arm(generator, 1200, 0.001)}
        if canary is not None:
            line["canary"] = arm(generator, 300, canary)
        lines.append(line)
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return str(path)


@pytest.fixture
def file(tmp_path: Path) -> str:
    """Twenty minutes of ordinary traffic."""
    return record(tmp_path / "traffic.jsonl")


def test_ordinary_traffic_tells_error_rate_delays_and_requests(laneway: Laneway, file: str) -> None:
    """A canary is drawn from it; larger regressions are found sooner, and cost less."""
    done = laneway("replay", file, "--runs", "40", "--metrics", "errors", "-o", "json")
    assert (done.code, done.err) == (0, "")
    found = done.json
    assert found["recorded"] is None
    assert found["recording"]["canary"] is None
    assert found["recording"]["stable"]["requests"] == 96_000
    assert found["recording"]["from"] == "2026-01-31T11:59:45Z"
    assert found["releases"] == {"runs": 40, "seed": 1, "weight": 0.2, "limit": 1800.0, "hold": 0.0}
    healthy = found["healthy"]
    assert (healthy["runs"], healthy["rolledBack"], healthy["promoted"]) == (40, 0.0, 1.0)
    assert 0.08 < healthy["rolledBackBetween"][1] < 0.1
    assert healthy["promotion"]["after"]["median"] <= healthy["promotion"]["after"]["p90"]
    assert healthy["promotion"]["requests"]["median"] > 1000
    sizes = {course["excess"]: course for course in found["regressions"]}
    assert list(sizes) == [0.001, 0.0025, 0.005, 0.01, 0.05]
    assert sizes[0.05]["rolledBack"] == 1.0
    assert sizes[0.05]["rollback"]["after"]["median"] < sizes[0.005]["rollback"]["after"]["median"]
    assert 5 < sizes[0.05]["spent"] < 100


def test_people_are_told_the_same_in_a_table(laneway: Laneway, file: str) -> None:
    """With the seed, the interval and what the columns mean."""
    done = laneway("replay", file, "--runs", "20", "--weight", "10%", "--for", "10m", "--seed", "7")
    assert done.code == 0
    assert "the canary at 10 %, 10 min for a verdict; seed 7" in done.out
    assert "no canary: it is drawn from these" in done.out
    assert "not judged: it has no canary" in done.out
    assert (
        "False rollbacks: 0 % of 20 healthy releases, with 95 % confidence between 0 % and 17 %" in done.out
    )
    rows = [line.split("  ")[0].rstrip() for line in done.out.splitlines()]
    assert "+0.25 % errors" in rows
    assert "+30 % slower" in rows


def test_the_same_seed_prints_the_same(laneway: Laneway, file: str) -> None:
    """Another one does not."""
    one, same, other = (
        laneway("replay", file, "--runs", "8", "--seed", seed).out for seed in ("1", "1", "2")
    )
    assert one == same != other


@pytest.mark.parametrize(("failing", "outcome"), [(0.001, "promote"), (0.05, "rollback")])
def test_what_the_judge_says_of_the_recording(
    laneway: Laneway, tmp_path: Path, failing: float, outcome: str
) -> None:
    """In a word, and in words; the releases drawn from a bad one are healthy all the same."""
    path = record(tmp_path / "release.jsonl", canary=failing, header={"weight": 20})
    arguments = ("replay", path, "--runs", "8", "--metrics", "errors")
    assert laneway(*arguments, "-o", "name").out == f"{outcome}\n"
    found = laneway(*arguments, "-o", "json").json
    assert found["recorded"]["outcome"] == outcome
    assert found["recorded"]["requests"] <= found["recording"]["canary"]["requests"] == 24_000
    assert "requests failed" in found["recorded"]["reason"]
    assert found["healthy"]["rolledBack"] == 0.0
    assert found["releases"]["weight"] is None


def test_a_recording_with_bursts_warns_that_drawn_releases_are_calmer(
    laneway: Laneway, tmp_path: Path
) -> None:
    """Bad requests that came five at once, on one arm; not of one without."""
    path = tmp_path / "bursts.jsonl"
    generator = Random(1)
    with path.open("w") as file:
        for number in range(200):
            arms = {
                name: {"requests": requests, "errors": 5 * binomial(generator, requests // 5, 0.02)}
                for name, requests in (("canary", 300), ("stable", 1200))
            }
            file.write(json.dumps({"at": NOON + 15 * number, **arms}) + "\n")
    arguments = ("--runs", "4", "--metrics", "errors", "--false-rollback", "1")
    assert "The recorded errors scatter " in laneway("replay", str(path), *arguments).out
    bursts = laneway("replay", str(path), *arguments, "-o", "json").json["recorded"]
    assert bursts["scatter"]["errors"] == pytest.approx(5, rel=0.3)
    calm = record(tmp_path / "calm.jsonl", canary=0.001)
    assert "scatter" not in laneway("replay", calm, *arguments).out
    assert laneway("replay", calm, *arguments, "-o", "json").json["recorded"]["scatter"]["errors"] < 1.5


def test_a_recording_that_is_too_short_leaves_it_undecided(laneway: Laneway, tmp_path: Path) -> None:
    """And says what is missing."""
    path = record(tmp_path / "release.jsonl", canary=0.001, ticks=2)
    done = laneway("replay", path, "--runs", "4", "--metrics", "errors", "--refuse-plus", "0.1")
    assert "undecided at its end, after 30 s and 600 requests" in done.out
    assert "more of its requests decide" in done.out


def test_an_app_says_on_which_terms(laneway: Laneway, tmp_path: Path, file: str) -> None:
    """Its judge, and the first step at which both versions have requests; options win."""
    app = tmp_path / "pharmacy.yaml"
    app.write_text(APP)
    arguments = ("replay", file, "-f", str(app), "--app", "pharmacy", "--runs", "8", "-o", "json")
    found = laneway(*arguments).json
    assert found["judge"] == {
        "falseRollback": 0.02,
        "falsePromote": 0.05,
        "metrics": [
            {
                "name": "errors",
                "tolerate": {"ratio": 1.5, "plus": 0.001},
                "refuse": {"ratio": 2.0, "plus": 0.005},
            }
        ],
    }
    releases = found["releases"]
    assert (releases["weight"], releases["limit"], releases["hold"]) == (0.25, 1200.0, 360.0)
    assert found["healthy"]["promotion"]["after"]["median"] >= 360
    changed = laneway(*arguments, "--refuse-plus", "1%", "--false-rollback", "1", "--weight", "50").json
    assert changed["judge"]["metrics"][0]["refuse"] == {"ratio": 2.0, "plus": 0.01}
    assert (changed["judge"]["falseRollback"], changed["releases"]["weight"]) == (0.01, 0.5)


def test_margins_may_be_written_for_a_metric_by_its_defaults(laneway: Laneway, file: str) -> None:
    """What no option says stays."""
    done = laneway(
        "replay", file, "--metrics", "latency", "--tolerate-ratio", "1.2", "--runs", "4", "-o", "json"
    )
    (metric,) = done.json["judge"]["metrics"]
    assert (metric["tolerate"], metric["refuse"]) == (
        {"ratio": 1.2, "plus": 0.001}, {"ratio": 1.25, "plus": 0.01},
    )  # fmt: skip
    assert metric["edges"] == [50, 250]


def test_what_was_not_recorded_is_not_judged_and_told(laneway: Laneway, tmp_path: Path) -> None:
    """On standard error, so that the result stays one."""
    path = tmp_path / "errors.jsonl"
    path.write_text('{"since": 0}\n{"at": 15, "stable": {"requests": 1000, "errors": 1}}\n')
    done = laneway("replay", str(path), "--runs", "4", "-o", "json")
    assert [metric["name"] for metric in done.json["judge"]["metrics"]] == ["errors"]
    assert done.err.startswith("latency: not recorded at 1, 5, 10")


def test_a_drawing_is_an_svg_of_both_schemes(laneway: Laneway, tmp_path: Path, file: str) -> None:
    """With a panel for each metric, and every size in it."""
    drawn = tmp_path / "judge.svg"
    done = laneway("replay", file, "--runs", "8", "--plot", str(drawn))
    assert (done.code, done.err) == (0, f"drawn: {drawn}\n")
    root = ElementTree.fromstring(drawn.read_text())
    assert "prefers-color-scheme: dark" in (root.findtext(f"{SVG}style") or "")
    texts = [each.text or "" for each in root.iter(f"{SVG}text")]
    assert {"+0.25 %", "+30 %", "0 of 8", "limit 1 %"} <= set(texts)
    assert [text.split(":")[0] for text in texts if "rolled back" in text and "time" in text] == [
        "errors", "latency",
    ]  # fmt: skip


def test_a_drawing_that_cannot_be_written_is_an_error(laneway: Laneway, tmp_path: Path, file: str) -> None:
    """With the reason."""
    done = laneway("replay", file, "--runs", "1", "--plot", str(tmp_path / "none" / "judge.svg"))
    assert done.code == 1
    assert "error LW606" in done.err


def test_everything_wrong_in_a_file_is_told_with_its_line(laneway: Laneway, tmp_path: Path) -> None:
    """And what to write instead."""
    path = tmp_path / "bad.jsonl"
    path.write_text('{"at": 15, "stable": {"requests": 5, "errors": 9}}\n{"at": 30, "stabel": 1}\n{\n')
    done = laneway("replay", str(path))
    assert (done.code, done.out) == (1, "")
    first, second, third, summary = done.err.splitlines()
    assert first == (f"{path}:1:1: error LW206: stable: 9 errors of 5 requests; write at most as many")
    assert second.startswith(f"{path}:2:1: error LW201: unknown field stabel; did you mean stable?")
    assert third.startswith(f"{path}:3:")
    assert "error LW630: not JSON" in third
    assert summary == "3 errors; nothing was replayed"


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "LW631"),
        ('{"since": 0}\n{"at": 15, "canary": {"requests": 5, "errors": 0}}\n', "LW631"),
        ('{"since": 0}\n{"at": 15, "stable": {"requests": 0, "errors": 0}}\n', "LW631"),
    ],
)
def test_nothing_to_replay_is_an_error(laneway: Laneway, tmp_path: Path, text: str, code: str) -> None:
    """Neither a pass nor a failure of the judge."""
    path = tmp_path / "empty.jsonl"
    path.write_text(text)
    done = laneway("replay", str(path))
    assert (done.code, done.out) == (1, "")
    assert f"error {code}: {path} has no interval in which stable had requests" in done.err


def test_terms_of_which_nothing_is_recorded_are_an_error(laneway: Laneway, tmp_path: Path) -> None:
    """The judge would have nothing to say."""
    path = tmp_path / "errors.jsonl"
    path.write_text('{"since": 0}\n{"at": 15, "stable": {"requests": 1000, "errors": 1}}\n')
    done = laneway("replay", str(path), "--metrics", "latency")
    assert done.code == 1
    assert "error LW631" in done.err


def test_an_app_without_a_judge_is_told_what_to_add(laneway: Laneway, tmp_path: Path, file: str) -> None:
    """Or what to try without one."""
    app = tmp_path / "pharmacy.yaml"
    app.write_text(APP.partition("    judge:")[0])
    done = laneway("replay", file, "-f", str(app))
    assert done.code == 1
    assert "add `metrics: [{name: errors}, {name: latency}]` there" in done.err
    assert laneway("replay", file, "-f", str(app), "--metrics", "errors", "--runs", "1").code == 0
    other = laneway("replay", file, "-f", str(app), "--app", "page")
    assert "there is no App page in the files" in other.err
    assert "the Apps there: shop/pharmacy" in other.err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "write either FILE or --prometheus URL"),
        (["FILE", "--prometheus", "http://x"], "write either FILE or --prometheus URL"),
        (["FILE", "--canary", "abc"], "--canary is of --prometheus"),
        (["FILE", "--from", "6h"], "--from is of --prometheus"),
        (["FILE", "--metrics", "errors,latencies"], "write some of errors, latency"),
        (["FILE", "--metrics", "errors,errors"], "each once"),
        (["FILE", "--weight", "100"], "write a share between 0 and 100"),
        (["FILE", "--false-rollback", "0"], "write a share between 0 and 100"),
        (["FILE", "--false-promote", "0.001"], "is not a percentage"),
        (["FILE", "--for", "0s"], "write a time above 0"),
        (["FILE", "--tolerate-ratio", "2", "--refuse-ratio", "1.5"], "refuses less than it tolerates"),
        (["--prometheus", "http://x"], "say since when: --from 6h"),
        (["--prometheus", "http://x", "--from", "6h"], "say which app: --app NAME"),
        (["--prometheus", "http://x", "--from", "1h", "--to", "2h", "--app", "x"], "a time before --to"),
        (
            ["--prometheus", "http://x", "--from", "yesterday"],
            "is not a time; write it like 2026-01-31T12:00",
        ),
        (["--prometheus", "http://x", "--from", "100d", "--app", "x"], "more than 100,000 intervals"),
        (
            ["--prometheus", "http://x", "--from", "1h", "--every", "1500ms", "--app", "x"],
            "write whole seconds",
        ),
    ],
)
def test_wrong_usage_says_what_to_write(laneway: Laneway, file: str, arguments: list[str], said: str) -> None:
    """Before anything is read."""
    done = laneway("replay", *(file if each == "FILE" else each for each in arguments))
    assert (done.code, done.out) == (2, "")
    assert said in " ".join(done.err.split())


def test_a_file_that_is_not_there_is_an_error(laneway: Laneway, tmp_path: Path) -> None:
    """With its name."""
    done = laneway("replay", str(tmp_path / "none.jsonl"))
    assert done.code == 1
    assert "error LW606" in done.err
    assert "No such file" in done.err


def test_a_prometheus_that_is_not_there_is_an_error(laneway: Laneway) -> None:
    """With its URL."""
    done = laneway("replay", "--prometheus", "http://127.0.0.1:1", "--from", "1h", "--app", "pharmacy")
    assert (done.code, done.out) == (1, "")
    assert "error LW632: http://127.0.0.1:1 gives no counts" in done.err


def test_an_interrupted_replay_leaves_quietly(file: str) -> None:
    """However far it is: no traceback, and no half of a result."""
    command = [sys.executable, "-c", "from laneway.cli.main import main; main()", "replay", file]
    with subprocess.Popen(
        [*command, "--runs", "100000"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stderr is not None
        assert process.stderr.readline().startswith("  ")
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=10)
    assert (process.returncode, out) == (130, "")
    assert "Traceback" not in err


def test_progress_is_told_now_and_then(capsys: pytest.CaptureFixture[str]) -> None:
    """Not of what is soon done, nor at the end."""
    now = 0.0
    progress = Progress("releases", 2000, lambda: now)
    for done in range(1, 2001):
        now = done / 100
        progress.show(done)
    assert capsys.readouterr().err.splitlines() == [
        "  200 of 2,000 releases", "  700 of 2,000 releases", "  1,200 of 2,000 releases",
        "  1,700 of 2,000 releases",
    ]  # fmt: skip
