"""What becomes of a call, as a walker tells it, and where that is not what the table expects.

Must not know which walker.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from tests.calls.call import Expect, To

ROUNDING = 1e-6


@dataclass(frozen=True, slots=True)
class Landing:
    """A share of a call where it ends: as `To`, with all headers."""

    versions: frozenset[str]
    percent: float
    host: str
    path: str
    headers: Mapping[str, str]
    gives: Mapping[str, str] = field(default_factory=dict)
    then: Outcome | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """As `Expect`. body, gives: None where the walker does not tell."""

    landings: tuple[Landing, ...] = ()
    status: int = 200
    location: str = ""
    body: str | None = None
    gives: Mapping[str, str] | None = None
    copies: Mapping[str, float] = field(default_factory=dict)


def differences(expect: Expect, found: Outcome) -> list[str]:
    """Every way in which an outcome is another one than expected, in words."""
    return list(_differences(expect, found))


def _differences(expect: Expect, found: Outcome) -> Iterator[str]:
    if expect.status != found.status:
        yield f"status {found.status}, not {expect.status}"
    if expect.location != found.location:
        yield f"location {found.location!r}, not {expect.location!r}"
    if found.body is not None and expect.body != found.body.strip():
        yield f"body {found.body!r}, not {expect.body!r}"
    if found.gives is not None:
        yield from headers_unlike(expect.gives, found.gives, "the answer's header")
    if dict(expect.copies) != dict(found.copies):
        yield f"copies to {dict(found.copies)}, not {dict(expect.copies)}"
    wanted = {share.members: share for share in expect.to}
    there = {landing.versions: landing for landing in found.landings}
    if wanted.keys() != there.keys():
        yield f"goes to {_named(there)}, not {_named(wanted)}"
        return
    for members, share in wanted.items():
        for text in _unlike(share, there[members]):
            yield f"{' '.join(sorted(members))}: {text}"


def _named(shares: Mapping[frozenset[str], object]) -> str:
    return ", ".join(sorted(" ".join(sorted(members)) for members in shares)) or "nobody"


def _unlike(share: To, landing: Landing) -> Iterator[str]:
    if abs(share.percent - landing.percent) > ROUNDING:
        yield f"{landing.percent} %, not {share.percent} %"
    for name, wanted, there in (("path", share.path, landing.path), ("host", share.host, landing.host)):
        if wanted and wanted != there:
            yield f"the {name} {there}, not {wanted}"
    yield from headers_unlike(share.sees, landing.headers, "header")
    yield from headers_unlike(share.gives, landing.gives, "the answer's header")
    if share.then is not None and landing.then is not None:
        for text in _differences(share.then, landing.then):
            yield f"then {text}"
    elif share.then is not None or landing.then is not None:
        yield "goes on" if landing.then else "does not go on"


def headers_unlike(wanted: Mapping[str, str | None], there: Mapping[str, str], what: str) -> Iterator[str]:
    """Every header that is not as wanted, in words."""
    for name, value in wanted.items():
        if there.get(name) != value:
            yield f"{what} {name} is {there.get(name)!r}, not {value!r}"
