"""Questions of the domain name system, and the mesh's answers to them. Pure; standard library only.

Must not know how questions arrive. Source: RFC 1035, sections 4.1 and 3.2.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import IPv4Address

ZONE = "cluster.local"
"""All names under it are the mesh's: those that it does not know do not exist."""

_HEADER = struct.Struct(">HHHHHH")
_A, _INTERNET = 1, 1
_RESPONSE, _AUTHORITATIVE, _RECURSION_DESIRED, _RECURSION_AVAILABLE = 0x8000, 0x0400, 0x0100, 0x0080
_SERVER_FAILURE, _NO_SUCH_NAME = 2, 3
_TTL_SECONDS = 5
"""As Kubernetes' DNS (CoreDNS, plugin kubernetes)."""

_THE_QUESTIONS_NAME = 0xC000 | _HEADER.size


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked. name: lower case, without the last dot; end: of the question in its packet."""

    name: str
    kind: int
    end: int


def question(packet: bytes) -> Question:
    """The first question of a packet. Raises ValueError for what is none."""
    try:
        labels, offset = [], _HEADER.size
        while size := packet[offset]:
            labels.append(packet[offset + 1 : offset + 1 + size].decode("ascii"))
            offset += 1 + size
            if size > 63:
                raise ValueError("a question's name is not compressed")
        kind, _ = struct.unpack_from(">HH", packet, offset + 1)
    except (IndexError, struct.error, UnicodeDecodeError):
        raise ValueError("not a question") from None
    return Question(".".join(labels).lower(), kind, offset + 5)


def answer(packet: bytes, names: Mapping[str, str]) -> bytes | None:
    """The mesh's answer, None where the name is not the mesh's. names: IPv4 addresses by name.

    A known name has one A record, and no record of any other kind. Raises ValueError for what is no question.
    """
    asked = question(packet)
    address = names.get(asked.name)
    if address is None:
        known = asked.name != ZONE and not asked.name.endswith(f".{ZONE}")
        return None if known else _reply(packet, asked, _NO_SUCH_NAME)
    records = [IPv4Address(address).packed] if asked.kind == _A else []
    return _reply(packet, asked, 0, records)


def failure(packet: bytes, resolvers: int) -> bytes:
    """What to say where nobody answers. resolvers: how many were asked; without any, no other name exists."""
    return _reply(packet, question(packet), _SERVER_FAILURE if resolvers else _NO_SUCH_NAME)


def nameservers(resolv_conf: str) -> list[str]:
    """The resolvers that this machine asks, from the text of resolv.conf(5)."""
    lines = (line.split() for line in resolv_conf.splitlines())
    return [words[1] for words in lines if len(words) > 1 and words[0] == "nameserver"]


def _reply(packet: bytes, asked: Question, code: int, records: list[bytes] | None = None) -> bytes:
    number, flags = struct.unpack_from(">HH", packet)
    flags = _RESPONSE | _AUTHORITATIVE | (flags & _RECURSION_DESIRED) | _RECURSION_AVAILABLE | code
    found = records or []
    head = _HEADER.pack(number, flags, 1, len(found), 0, 0)
    body = b"".join(
        struct.pack(">HHHIH", _THE_QUESTIONS_NAME, _A, _INTERNET, _TTL_SECONDS, len(data)) + data
        for data in found
    )
    return head + packet[_HEADER.size : asked.end] + body
