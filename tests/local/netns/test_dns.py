"""What the mesh answers to questions of names."""

from __future__ import annotations

import struct

import pytest

from laneway.local.netns.dns import answer, failure, nameservers, question

NAMES = {"back.shop.svc.cluster.local": "10.96.0.11", "labs.example": "240.240.0.11"}
A, AAAA = 1, 28


def asked(name: str, kind: int = A) -> bytes:
    labels = b"".join(bytes([len(label)]) + label.encode() for label in name.split("."))
    return struct.pack(">HHHHHH", 77, 0x0100, 1, 0, 0, 0) + labels + b"\0" + struct.pack(">HH", kind, 1)


def told(reply: bytes | None) -> tuple[int, int, bytes]:
    """Number, code and addresses of an answer."""
    assert reply is not None
    number, flags, _, count, _, _ = struct.unpack_from(">HHHHHH", reply)
    return number, flags & 0xF, reply[-4:] if count else b""


def test_a_known_name_has_its_address_whatever_its_case() -> None:
    address = bytes([10, 96, 0, 11])
    assert told(answer(asked("Back.shop.svc.cluster.LOCAL"), NAMES)) == (77, 0, address)


def test_a_known_name_has_no_record_of_another_kind() -> None:
    """An empty answer, so that callers go on with IPv4."""
    assert told(answer(asked("labs.example", AAAA), NAMES)) == (77, 0, b"")


def test_an_unknown_name_of_the_mesh_does_not_exist_and_others_are_not_its_to_answer() -> None:
    assert told(answer(asked("nobody.shop.svc.cluster.local"), NAMES)) == (77, 3, b"")
    assert answer(asked("elsewhere.example"), NAMES) is None


def test_without_a_resolver_no_other_name_exists_and_a_silent_one_is_a_failure() -> None:
    assert told(failure(asked("elsewhere.example"), resolvers=0)) == (77, 3, b"")
    assert told(failure(asked("elsewhere.example"), resolvers=1)) == (77, 2, b"")


@pytest.mark.parametrize("packet", [b"", b"\0" * 11, asked("back")[:-3], asked("back")[:14]])
def test_what_is_no_question_is_refused(packet: bytes) -> None:
    with pytest.raises(ValueError, match="not a question"):
        question(packet)


def test_resolvers_are_read_in_order() -> None:
    text = "# nameserver 1.1.1.1\nsearch lan\nnameserver 10.0.0.1\nnameserver ::1\nnameserver\n"
    assert nameservers(text) == ["10.0.0.1", "::1"]
