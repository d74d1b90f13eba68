"""One table of calls and what is expected of them, for every way to run or to read a system."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from tests.acceptance.flood import flood, versions
from tests.acceptance.running import Laneway

from laneway.cli.client import Client
from laneway.local.http1 import Request
from laneway.local.state import State


@dataclass(frozen=True, slots=True)
class Call:
    """A request to the ingress."""

    host: str
    path: str = "/"
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Expect:
    """Who answers on the way: nobody else, whatever the path.

    versions: by service; several for one that is drawn, each of which is seen; NOBODY: also on no way at all.
    """

    versions: Mapping[str, str | frozenset[str]] = field(default_factory=dict)
    status: int = 200

    def but(self, **versions: str | frozenset[str]) -> Expect:
        """The same, but for these services."""
        return Expect({**self.versions, **versions}, self.status)


Row = tuple[str, Call, Expect]
"""What it shows, and the call with what is expected."""

NOBODY = ""

REPEATS = 24
"""Each call is made so often: one that goes astray now and then is found, and each drawn version is."""


def misses(laneway: Laneway, table: Iterable[Row]) -> list[str]:
    """Every row of the table that does not hold, in words."""
    found = []
    for shows, call, expect in table:
        answers = flood(
            laneway.address, [Request(call.host, call.path, call.headers)] * REPEATS, connections=4
        )
        wrong = [why for answer in answers if (why := _miss(answer["status"], versions_of(answer), expect))]
        unseen = _unseen([versions_of(answer) for answer in answers], expect)
        found += [f"{shows}: {why}" for why in dict.fromkeys([*wrong, *unseen])]
    return found


def misread(laneway: Laneway, table: Iterable[Row]) -> list[str]:
    """Every row whose first hop `laneway explain` tells otherwise, in words: its versions, or its status."""
    with Client(State.at(laneway.state).api) as client:
        images = {
            pod["metadata"]["name"]: pod["spec"]["containers"][0]["image"].rpartition(":")[2]
            for pod in client.objects("Pod")
        }
        found = []
        for shows, call, expect in table:
            told = client.explain(f"http://{call.host}{call.path}", headers=call.headers.items())
            targets = told["hops"][-1]["targets"] if told["hops"] else []
            went = {images[pod] for target in targets if target["weight"] for pod in target["ready"]}
            first = next(iter(expect.versions.values()), frozenset[str]())
            right = (told["status"] or 200) == expect.status and went == _allowed(first)
            found += [] if right else [f"{shows}: {told['outcome']}; {sorted(went)}"]
        return found


def versions_of(answer: dict[str, object]) -> dict[str, str]:
    """Who answered on the way; nobody where a proxy did."""
    return versions(answer) if "service" in answer else {}


def _miss(status: int, went: Mapping[str, str], expect: Expect) -> str:
    if status != expect.status:
        return f"status {status}, not {expect.status}"
    right = went.keys() <= expect.versions.keys() and all(
        went.get(name, NOBODY) in _allowed(wanted) for name, wanted in expect.versions.items()
    )
    return "" if right else f"went {dict(went)}, not {dict(expect.versions)}"


def _allowed(wanted: str | frozenset[str]) -> frozenset[str]:
    return wanted if isinstance(wanted, frozenset) else frozenset({wanted})


def _unseen(went: Sequence[Mapping[str, str]], expect: Expect) -> list[str]:
    """Versions that one of them should have gone to."""
    return [
        f"none of {len(went)} calls reached {name} {version or NOBODY!r}"
        for name, wanted in expect.versions.items()
        if isinstance(wanted, frozenset)
        for version in sorted(wanted)
        if not any(way.get(name, NOBODY) == version for way in went)
    ]
