"""The rules by which connections to one address go to one of several others. Pure; standard library only."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from ipaddress import IPv4Address

from tests.lab.node.nft import Hook, Is, Rule, destination, from_here, one_in, port, send_to, table, tcp

from laneway.local.netns.netlink import Message

Place = tuple[str, int]
"""Address and port."""


def forwarding(forwards: Iterable[tuple[Place, Sequence[Place]]]) -> list[Message]:
    """One table, in place of the one before; each connection takes one of the ways by chance."""
    arriving = (rule for place, ways in forwards for rule in _rules(place, ways))
    return table("services", [(Hook.ARRIVING, arriving), (Hook.LEAVING, [from_here()])])


def _rules(place: Place, ways: Sequence[Place]) -> Iterator[Rule]:
    address, number = place
    met = [*tcp(), *destination(Is.EQUAL, IPv4Address(address).packed), *port(Is.EQUAL, number)]
    for passed, (to, there) in enumerate(ways):
        yield [*met, *one_in(len(ways) - passed), *send_to(IPv4Address(to).packed, there)]
