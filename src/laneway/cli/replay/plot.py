"""A replay as a drawing: SVG in light and in dark, as one prefers. Must not know what is judged."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape
from itertools import pairwise
from math import log

from laneway.analysis import words
from laneway.analysis.configuration import Kind
from laneway.analysis.replay import Course
from laneway.cli.replay.report import Report, size

PANEL, RATE, GAP, LEFT, TOP, HEIGHT, FOOT = 350.0, 150.0, 74.0, 64.0, 78.0, 230.0, 92.0
"""Of the drawing, in pixels: panels of metrics, the panel of the rate, what lies between and around them."""

TIMES = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1_200, 1_800, 3_600, 7_200, 14_400, 43_200, 86_400)
"""Seconds that an axis may name."""

_STYLE = """
text { font: 12px system-ui, sans-serif; fill: #3d444d }
.page { fill: #ffffff }
.title { font-size: 15px; font-weight: 600; fill: #1f2328 }
.head { font-size: 13px; font-weight: 600; fill: #1f2328 }
.faint { fill: #59636e }
.end { text-anchor: end }
.middle { text-anchor: middle }
.grid { stroke: #e4e8ec }
.axis { stroke: #8c959f }
.line { stroke: #0969da; stroke-width: 2 }
.reach { stroke: #0969da; stroke-opacity: .35; stroke-width: 7; stroke-linecap: round }
.dot { fill: #0969da; stroke: #ffffff; stroke-width: 1.5 }
.limit { stroke: #cf222e; stroke-width: 1.5; stroke-dasharray: 5 4 }
.warn { fill: #cf222e }
@media (prefers-color-scheme: dark) {
  text { fill: #c3cad2 }
  .page { fill: #0d1117 }
  .title, .head { fill: #f0f6fc }
  .faint { fill: #9198a1 }
  .grid { stroke: #262c36 }
  .axis { stroke: #656c76 }
  .line, .reach { stroke: #4493f8 }
  .dot { fill: #4493f8; stroke: #0d1117 }
  .limit { stroke: #f85149 }
  .warn { fill: #f85149 }
}
"""


@dataclass(frozen=True, slots=True)
class _Scale:
    """Where a value lies between bottom and top; log: by its logarithm."""

    low: float
    high: float
    log: bool = False

    def y(self, value: float) -> float:
        low, high, at = (log(x) if self.log else x for x in (self.low, self.high, value))
        return TOP + HEIGHT * (1 - (at - low) / (high - low))


def svg(report: Report) -> str:
    """The whole drawing: how soon each metric's regressions are found, and healthy releases rolled back."""
    metrics = list(dict.fromkeys(course.metric for course in report.found.regressions))
    scale, ticks = _times(report)
    width = LEFT + len(metrics) * (PANEL + GAP) + RATE + 24
    body: list[str] = []
    for number, name in enumerate(metrics):
        courses = [course for course in report.found.regressions if course.metric == name]
        left = LEFT + number * (PANEL + GAP)
        body += _panel(report, name, courses, left, scale, ticks)
    body += _rate(report, LEFT + len(metrics) * (PANEL + GAP))
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {TOP + HEIGHT + FOOT:g}" '
            f'width="{width:g}" height="{TOP + HEIGHT + FOOT:g}" role="img">',
            f"<title>{escape(_title(report))}</title>",
            f"<style>{_STYLE}</style>",
            '<rect class="page" width="100%" height="100%"/>',
            _text(16, 26, _title(report), "title"),
            *body,
            "</svg>\n",
        ]
    )


def _title(report: Report) -> str:
    releases = report.releases
    weight = f", canary at {words.percent(releases.weight)}" if releases.weight is not None else ""
    return f"The judge on {report.source}{weight}"


def _times(report: Report) -> tuple[_Scale, list[int]]:
    """One scale of times for all panels, and what it names."""
    spreads = [course.rollback_after for course in report.found.regressions if course.rollback_after]
    known = [max(1.0, value) for spread in spreads for value in spread] or [60.0]
    above = [time for time in TIMES if time >= max(known)]
    below = [time for time in TIMES if time <= min(known)]
    low, high = max(below), min(above, default=round(max(known)))
    if low == high:
        low, high = max(1, low // 2), high * 2
    return _Scale(low, high, log=True), [time for time in TIMES if low <= time <= high]


def _panel(
    report: Report, name: str, courses: Sequence[Course], left: float, scale: _Scale, ticks: Sequence[int]
) -> Iterator[str]:
    """Delay against size, and beneath it how many were found."""
    slower = report.metric(name).kind is Kind.LATENCY
    yield _text(left, 56, f"{name}: time until a worse canary is rolled back", "head")
    for time in ticks:
        yield _line(left, scale.y(time), left + PANEL, scale.y(time), "grid")
        yield _text(left - 8, scale.y(time) + 4, words.duration(time), "end faint")
    yield _line(left, TOP + HEIGHT, left + PANEL, TOP + HEIGHT, "axis")
    step = PANEL / len(courses)
    places = [(left + (number + 0.5) * step, course) for number, course in enumerate(courses)]
    found = [(x, scale.y(max(1.0, c.rollback_after.median))) for x, c in places if c.rollback_after]
    for x, course in places:
        yield from _found(x, course, scale)
    for (x, y), (next_x, next_y) in pairwise(found):
        yield _line(x, y, next_x, next_y, "line")
    yield from (_dot(x, y) for x, y in found)
    unit = "are slower by one edge of the histogram" if slower else "fail that would not have"
    yield _text(left, TOP + HEIGHT + 60, f"+ of the canary's requests {unit}", "faint")
    below = "beneath: releases rolled back; dot: median, bar: 90th percentile"
    yield _text(left, TOP + HEIGHT + 78, below, "faint")


def _found(x: float, course: Course, scale: _Scale) -> Iterator[str]:
    if spread := course.rollback_after:
        low, high = (scale.y(max(1.0, value)) for value in spread)
        yield _line(x, low, x, high, "reach")
    yield _text(x, TOP + HEIGHT + 18, f"+{size(course.excess)}", "middle")
    yield _text(x, TOP + HEIGHT + 36, words.percent(course.rolled_back), "middle faint")


def _rate(report: Report, left: float) -> Iterator[str]:
    """False rollbacks, their interval, and the limit."""
    healthy, limit = report.found.healthy, report.configuration.false_rollback
    low, high = healthy.rollback_interval
    scale = _Scale(0.0, 1.25 * max(high, limit))
    middle = left + RATE / 3
    yield _text(left, 56, "healthy, rolled back", "head")
    yield _line(left, TOP + HEIGHT, left + RATE, TOP + HEIGHT, "axis")
    for value in (0.0, max(high, limit)):
        yield _text(left - 8, scale.y(value) + 4, words.percent(value), "end faint")
    yield _line(left, scale.y(limit), left + RATE, scale.y(limit), "limit")
    yield _text(left + RATE, scale.y(limit) - 6, f"limit {size(limit)}", "end warn")
    yield _line(middle, scale.y(low), middle, scale.y(high), "reach")
    yield _dot(middle, scale.y(healthy.rolled_back))
    count = round(healthy.rolled_back * healthy.runs)
    yield _text(left, TOP + HEIGHT + 18, f"{count:,} of {healthy.runs:,}")
    yield _text(left, TOP + HEIGHT + 36, "bar: 95 % confidence", "faint")


def _line(x1: float, y1: float, x2: float, y2: float, kind: str) -> str:
    return f'<line class="{kind}" x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}"/>'


def _dot(x: float, y: float) -> str:
    return f'<circle class="dot" cx="{x:.1f}" cy="{y:.1f}" r="5"/>'


def _text(x: float, y: float, text: str, kind: str = "plain") -> str:
    return f'<text class="{kind}" x="{x:.1f}" y="{y:.1f}">{escape(text)}</text>'
