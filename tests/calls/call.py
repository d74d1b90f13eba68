"""A call, and what is expected of it: the words of the table. Must not know who makes it or reads rules."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

INGRESS = "ingress"
"""A caller from outside; every other caller is an app's version, as `desk:1`."""


@dataclass(frozen=True, slots=True)
class Call:
    """A request. port: of the Service, or of the gateway; onward: the host that whoever answers then calls.

    caller: whose proxy takes the request first; named: the Host header, where it is another one than the URL
    would have. What goes on to `onward` are the headers that every service in a mesh passes on.
    """

    host: str
    path: str = "/"
    headers: Mapping[str, str] = field(default_factory=dict)
    method: str = "GET"
    caller: str = "desk:1"
    port: int = 80
    onward: str = ""
    named: str = ""

    @property
    def authority(self) -> str:
        """The Host header. A gateway's port is not the URL's."""
        if self.named:
            return self.named
        return self.host if self.port == 80 or self.caller == INGRESS else f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True)
class To:
    """Who gets a share of a call.

    versions: as `pharmacy:1`, with a space between those of one subset, of which either answers; percent: of
    the calls; sees: headers that they get, None for one that is not there; gives: the same of the answer;
    path, host: as they get it, where that is not as it was sent; then: the outcome of the call onward.
    """

    versions: str
    percent: float = 100
    sees: Mapping[str, str | None] = field(default_factory=dict)
    gives: Mapping[str, str | None] = field(default_factory=dict)
    path: str = ""
    host: str = ""
    then: Expect | None = None

    @property
    def members(self) -> frozenset[str]:
        """Each of the versions."""
        return frozenset(self.versions.split())


@dataclass(frozen=True, slots=True)
class Expect:
    """Who gets the call; nobody where a proxy answers by itself, with this status, location and body.

    gives: headers of the proxy's own answer; copies: who gets copies, with the percentage of the calls.
    """

    to: tuple[To, ...] = ()
    status: int = 200
    location: str = ""
    body: str = ""
    gives: Mapping[str, str | None] = field(default_factory=dict)
    copies: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Row:
    """A line of the table. rule: of the design's section on routing; near: it shows what is not so.

    instead: what the embedded mesh is known to do in place of what Istio does; None where it does the same.
    """

    id: str
    rule: str
    call: Call
    expect: Expect
    near: bool = False
    instead: Expect | None = None

    @property
    def embedded(self) -> Expect:
        """What is expected of the embedded mesh."""
        return self.instead or self.expect


def of(rule: str, *rows: Row) -> tuple[Row, ...]:
    """Rows that are about a rule."""
    return tuple(replace(row, rule=rule) for row in rows)


def case(shows: str, call: Call, expect: Expect) -> Row:
    """A row that shows what a rule does."""
    return Row(shows, "", call, expect)


def near(shows: str, call: Call, expect: Expect) -> Row:
    """A row that shows what it does not."""
    return Row(shows, "", call, expect, near=True)


def differs(shows: str, call: Call, expect: Expect, instead: Expect) -> Row:
    """A row of which the embedded mesh makes something else."""
    return Row(shows, "", call, expect, instead=instead)


def to(versions: str, **more: object) -> Expect:
    """All of it goes to one."""
    return Expect((replace(To(versions), **more),))  # type: ignore[arg-type]


def ruled(versions: str, rule: str, **more: object) -> Expect:
    """The same, by a rule that leaves its name in the header `x-rule`."""
    return to(versions, sees={"x-rule": rule}, **more)


def shares(percent: Mapping[str, float], **more: object) -> Expect:
    """Each version gets its percentage."""
    return Expect(tuple(replace(To(each, share), **more) for each, share in percent.items()))  # type: ignore[arg-type]


def refused(lane: str, app: str) -> Expect:
    """A lane that refuses what it does not have."""
    return answered(503, f"lane {lane} has no version of {app} that can serve")


def at_gate(path: str = "/", port: int = 80, host: str = "shop.example", **headers: str) -> Call:
    """A request from outside. headers: with _ for -."""
    return Call(host, path, _named(headers), caller=INGRESS, port=port)


def inside(host: str, path: str = "/", caller: str = "desk:1", **headers: str) -> Call:
    """A request of a workload's. headers: with _ for -."""
    return Call(host, path, _named(headers), caller=caller)


def _named(headers: Mapping[str, str]) -> dict[str, str]:
    return {name.replace("_", "-"): value for name, value in headers.items()}


def answered(status: int, body: str = "") -> Expect:
    """A proxy answers."""
    return Expect(status=status, body=body)


def moved(location: str, status: int = 301) -> Expect:
    """A proxy answers with a redirect."""
    return Expect(status=status, location=location)
