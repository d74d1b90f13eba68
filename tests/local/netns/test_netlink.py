"""Netlink messages as Linux lays them out, and what its answers say."""

from __future__ import annotations

import struct
from ipaddress import IPv4Address, IPv4Interface, IPv4Network

from laneway.local.netns import netlink
from laneway.local.netns.netlink import Message, attribute, errors, nested


def test_attributes_are_padded_to_four_bytes_and_say_their_own_size() -> None:
    assert attribute(3, b"lo\0") == struct.pack("=HH", 7, 3) + b"lo\0\0"
    assert nested(2, attribute(1, b"four")) == struct.pack("=HH", 12, 0x8002) + attribute(1, b"four")


def test_a_message_asks_for_its_acknowledgement_by_its_number() -> None:
    size, kind, flags, number, _ = struct.unpack("=IHHII", Message(20, b"", 0x600).packed(7))
    assert (size, kind, flags, number) == (16, 20, 0x605, 7)
    assert struct.unpack_from("=H", Message(16, b"", acknowledged=False).packed(1), 6) == (1,)


def test_an_address_is_given_without_waiting_for_duplicates() -> None:
    """Of IPv4 there is no such wait, so no flag."""
    made = netlink.address(1, IPv4Interface("10.244.1.0/32"))
    packed = IPv4Address("10.244.1.0").packed
    assert made.body == struct.pack("=BBBBI", 2, 32, 0, 0, 1) + attribute(2, packed) + attribute(1, packed)


def test_a_local_route_names_its_network_and_its_source() -> None:
    made = netlink.local_route(1, IPv4Network("128.0.0.0/1"), IPv4Address("10.244.1.0"))
    family, prefix, _, _, table, _, scope, kind, _ = struct.unpack_from("=BBBBBBBBI", made.body)
    assert (family, prefix, table, scope, kind) == (2, 1, 255, 254, 2)
    assert made.body.endswith(attribute(7, IPv4Address("10.244.1.0").packed))


def test_answers_say_what_became_of_each_request() -> None:
    def answer(number: int, code: int) -> bytes:
        return struct.pack("=IHHIIi", 20, 2, 0, number, 0, code)

    assert errors(answer(1, 0) + answer(2, -17)) == [(1, 0), (2, 17)]
