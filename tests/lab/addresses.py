"""Addresses of one running lab: a block of its own, for its parts have the usual ports.

Kubernetes refuses loopback addresses as endpoints, so what is found through it has an address of 10.243/16 on
the loopback device; what only the lab asks has the one of 127.243/16 that ends alike. Owns taking a block and
giving it back. Must not know what listens there.
"""

from __future__ import annotations

import fcntl
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from tests.lab import cache

_BLOCKS = 256
API_SERVER = 1
FIRST_ISTIOD = 11
ISTIODS_MAX = 200


class NoAddresses(Exception):  # noqa: N818 - it is read as a sentence
    """The lab cannot have addresses on this machine."""


@dataclass(frozen=True)
class Block:
    """The addresses of one lab, told apart by their last number."""

    number: int

    def public(self, last: int) -> str:
        """An address that an object of Kubernetes may hold."""
        return f"10.243.{self.number}.{last}"

    def private(self, last: int) -> str:
        """A loopback address: who comes from there is trusted by programs that trust localhost."""
        return f"127.243.{self.number}.{last}"

    def add(self, last: int) -> None:
        """Give the loopback device this public address.

        Raises:
            NoAddresses: this user may not.
        """
        _ip("address", "replace", f"{self.public(last)}/32", "dev", "lo")

    def clear(self) -> None:
        """Take all of the block's addresses from the loopback device."""
        _ip("address", "flush", "dev", "lo", "to", f"10.243.{self.number}.0/24")


@contextmanager
def block() -> Iterator[Block]:
    """A block that no other lab has. One whose lab was killed is free again, and is cleared first."""
    places = cache.root() / "addresses"
    places.mkdir(parents=True, exist_ok=True)
    for number in range(_BLOCKS):
        with (places / f"{number}.lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                continue
            taken = Block(number)
            taken.clear()
            try:
                yield taken
            finally:
                taken.clear()
            return
    raise NoAddresses(f"all {_BLOCKS} blocks of addresses are taken by other labs")


def _ip(*arguments: str) -> None:
    done = subprocess.run(["ip", *arguments], capture_output=True, text=True, check=False)
    if done.returncode:
        raise NoAddresses(f"the lab needs root, for `ip {' '.join(arguments)}`: {done.stderr.strip()}")
