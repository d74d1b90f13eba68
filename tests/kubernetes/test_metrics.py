"""Numbers in Prometheus' text format."""

from __future__ import annotations

from laneway.kubernetes.metrics import Metric, text


def test_a_metric_has_its_help_its_kind_and_a_line_for_each_value() -> None:
    """In the order of the labels' values."""
    sent = Metric(
        "sent_total", "counter", "Sent.", ("verb", "kind"), {("get", "Pod"): 2, ("apply", "App"): 1}
    )
    assert text([sent]).splitlines() == [
        "# HELP sent_total Sent.",
        "# TYPE sent_total counter",
        'sent_total{verb="apply",kind="App"} 1',
        'sent_total{verb="get",kind="Pod"} 2',
    ]


def test_a_metric_without_labels_has_none() -> None:
    """A single number."""
    assert text([Metric("leads", "gauge", "Whether.", (), {(): 1})]).endswith("\nleads 1\n")


def test_what_would_end_a_value_is_escaped() -> None:
    """Quotes, backslashes, ends of lines."""
    odd = Metric("odd", "gauge", "Odd.", ("name",), {('a"b\\c\nd',): 1})
    assert text([odd]).splitlines()[-1] == r'odd{name="a\"b\\c\nd"} 1'
