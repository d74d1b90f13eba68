"""Marks in the names of a VirtualService's HTTP rules, by which what a proxy is served tells its origin.

istiod puts a rule's name into the route that it makes of it, so one scan of a route configuration's bytes
finds every VirtualService in it, each as it was when written. Owns what a marker looks like. Must not know
who writes, nor who looks.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from hashlib import sha256
from typing import Any

import orjson

from laneway.spec.meta import Key

_DIGITS = 10
_MARKER = re.compile(rb"~[0-9a-f]{%d}" % _DIGITS)
_OF_A_NAME = re.compile(rf"~[0-9a-f]{{{_DIGITS}}}$")


def marked(key: Key, spec: Mapping[str, Any]) -> tuple[dict[str, Any], str]:
    """The spec with a marker at the name of each HTTP rule, and the marker; earlier markers are replaced.

    The same key and spec give the same marker, another name or spec another one. It is "" where the spec has
    no HTTP rule: then nothing that is served can tell.
    """
    rules = [_named(rule, _OF_A_NAME.sub("", rule.get("name", ""))) for rule in spec.get("http", ())]
    if not rules:
        return dict(spec), ""
    plain = dict(spec) | {"http": rules}
    written = orjson.dumps([*key, plain], option=orjson.OPT_SORT_KEYS)
    marker = "~" + sha256(written).hexdigest()[:_DIGITS]
    return plain | {"http": [_named(rule, rule.get("name", "") + marker) for rule in rules]}, marker


def marker_of(spec: Mapping[str, Any]) -> str:
    """The marker that a written spec bears; "" for one that Laneway has not marked."""
    for rule in spec.get("http", ()):
        if found := _OF_A_NAME.search(rule.get("name", "")):
            return found.group()
    return ""


def scan(data: bytes) -> frozenset[str]:
    """The markers in a serialised message. 1 ms for a megabyte."""
    return frozenset(found.decode() for found in set(_MARKER.findall(data)))


def _named(rule: Mapping[str, Any], name: str) -> dict[str, Any]:
    rest = {field: value for field, value in rule.items() if field != "name"}
    return {"name": name, **rest} if name else rest
