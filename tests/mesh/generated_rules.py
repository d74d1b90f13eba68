"""Rules and requests over a small alphabet, so that they often meet; lanes more often than anything else."""

from __future__ import annotations

from random import Random
from typing import Any

from laneway.mesh.matching import Request

LANES = ("green", "blue", "red", "")
PATHS = ("/", "/a", "/a/b", "/A", "/b?q=1", "/b?p=2&q=a%31&q=1", "/a?q", "/?q=")
METHODS = ("GET", "POST")


def http(random: Random, rules: int, *, direct: bool = False) -> list[dict[str, Any]]:
    """Rules named r0, r1, …; direct: each answers by itself with its name."""
    return [_rule(random, index, direct) for index in range(rules)]


def request(random: Random, host: str) -> Request:
    """A request to a host on one of two ports."""
    headers = {}
    if random.random() < 0.7:
        headers["x-lane"] = random.choice((*LANES, "violet"))
    if random.random() < 0.4:
        headers["x-user"] = random.choice(("ann", "bob"))
    return Request(host, random.choice((80, 8080)), random.choice(PATHS), random.choice(METHODS), headers)


def _rule(random: Random, index: int, direct: bool) -> dict[str, Any]:
    rule: dict[str, Any] = {
        "name": f"r{index}",
        "match": [_match(random) for _ in range(random.choice((0, 1, 1, 1, 2)))],
    }
    if direct:
        return rule | {"directResponse": {"status": 200, "body": {"string": f"r{index}"}}}
    shares = [
        {"destination": {"host": f"to-{part}"}, "weight": random.randint(1, 9)}
        for part in range(random.choice((1, 1, 2)))
    ]
    return rule | {"route": shares}


def _match(random: Random) -> dict[str, Any]:
    match: dict[str, Any] = {}
    if random.random() < 0.7:
        match["headers"] = {"x-lane": {"exact": random.choice(LANES)}}
    elif random.random() < 0.4:
        match["headers"] = {"x-lane": random.choice(({}, {"prefix": "gr"}, {"regex": "b.*|red"}))}
    if random.random() < 0.2:
        match.setdefault("headers", {})["X-User"] = {"exact": random.choice(("ann", "bob"))}
    if random.random() < 0.4:
        match["uri"] = random.choice(
            ({"prefix": "/"}, {"prefix": "/a"}, {"exact": "/a/b"}, {"regex": "/[a-z]"})
        )
        match["ignoreUriCase"] = random.random() < 0.3 and "regex" not in match["uri"]
    if random.random() < 0.1:
        match["method"] = {"exact": random.choice(METHODS)}
    if random.random() < 0.1:
        match["port"] = random.choice((80, 8080))
    if random.random() < 0.1:
        match["gateways"] = [random.choice(("mesh", "public"))]
    if random.random() < 0.15:
        name = random.choice(("x-user", "x-lane"))
        match["withoutHeaders"] = {
            name: random.choice(({}, {"exact": "ann"}, {"exact": "green"}, {"prefix": "b"}))
        }
    if random.random() < 0.15:
        match["queryParams"] = {"q": random.choice(({}, {"exact": "1"}, {"prefix": "a"}, {"regex": "[0-9]"}))}
    if random.random() < 0.1:
        match["sourceLabels"] = {"app": random.choice(("page", "other"))}
    if random.random() < 0.1:
        match["sourceNamespace"] = random.choice(("shop", "other"))
    if random.random() < 0.05:
        match["scheme"] = {"exact": random.choice(("http", "https"))}
    if random.random() < 0.1:
        match["authority"] = {"prefix": "pharmacy"}
    return match
