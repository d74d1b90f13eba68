"""Markers: written into rules' names, found again in what is served."""

from __future__ import annotations

from typing import Any

import orjson

from laneway.kubernetes.confirm.markers import marked, marker_of, scan
from laneway.spec.meta import Key

KEY = Key("shop", "pharmacy")
SPEC: dict[str, Any] = {"hosts": ["pharmacy"], "http": [{"name": "default", "timeout": "3s"}, {"route": []}]}


def test_every_http_rule_bears_the_marker_at_the_end_of_its_name() -> None:
    spec, marker = marked(KEY, SPEC)
    assert [rule["name"] for rule in spec["http"]] == [f"default{marker}", marker]
    assert spec["http"][0]["timeout"] == "3s"
    assert SPEC["http"][0]["name"] == "default", "what is given is left as it is"


def test_the_same_rules_have_the_same_marker_and_others_another_one() -> None:
    _, marker = marked(KEY, SPEC)
    assert marked(KEY, dict(reversed(SPEC.items())))[1] == marker
    assert marked(Key("shop", "inventory"), SPEC)[1] != marker
    assert marked(KEY, SPEC | {"hosts": ["other"]})[1] != marker


def test_marking_again_changes_nothing() -> None:
    once = marked(KEY, SPEC)
    assert marked(KEY, once[0]) == once


def test_a_written_spec_tells_its_marker() -> None:
    spec, marker = marked(KEY, SPEC)
    assert marker_of(spec) == marker
    assert marker_of(SPEC) == ""


def test_rules_without_http_have_no_marker() -> None:
    assert marked(KEY, {"hosts": ["db"], "tcp": [{}]}) == ({"hosts": ["db"], "tcp": [{}]}, "")


def test_markers_are_found_in_bytes_wherever_they_stand() -> None:
    spec, marker = marked(KEY, SPEC)
    other = marked(Key("shop", "inventory"), SPEC)[1]
    served = b"\x72\x11" + orjson.dumps(spec) + f"root{other}.first".encode() + b"~nothing"
    assert scan(served) == {marker, other}
