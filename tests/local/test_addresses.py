"""Blocks of loopback addresses that no two states of this machine share, and addresses within one."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest
from tests.local.eventually import eventually

from laneway.local.network.addresses import Addresses, NoAddressError, local_port, privileged_below
from laneway.local.process import procfs
from laneway.local.process.markers import Marker, Part
from laneway.spec.meta import Key

Claim = Callable[[str], Addresses]

DAEMON = """
import subprocess, sys
from laneway.local.network.addresses import Addresses
from laneway.local.process.markers import Marker, Part
from laneway.spec.meta import Key
addresses = Addresses.claim(sys.argv[1])
marker = Marker(sys.argv[1], addresses.block, Key("shop", "web-1"), Part.APP)
child = subprocess.Popen(["sleep", "60"], env=marker.environment(), stdout=subprocess.DEVNULL)
print(addresses.block, child.pid, flush=True)
sys.stdin.read()
"""


@pytest.fixture
def claim() -> Iterator[Claim]:
    """Claims blocks, and gives them back."""
    with ExitStack() as stack:

        def claim(state: str) -> Addresses:
            addresses = Addresses.claim(state)
            stack.callback(addresses.close)
            return addresses

        yield claim


def other_state(state: str, block: int) -> str:
    """A state that would like the same block."""
    numbered = (f"{state}-{number}" for number in range(100_000))
    return next(name for name in numbered if Addresses.first_choice(name) == block)


def test_a_state_keeps_its_first_choice(claim: Claim) -> None:
    """The block depends on the state, so that restarts mostly find the addresses they had."""
    first = claim("test-a")
    first.close()
    assert claim("test-a").block == first.block == Addresses.first_choice("test-a")


def test_two_states_never_share_a_block(claim: Claim) -> None:
    """While one holds its block, a state with the same first choice takes another."""
    mine = claim("test-a")
    assert claim(other_state("test-b", mine.block)).block != mine.block


def test_a_block_in_which_someone_listens_is_left_alone(claim: Claim) -> None:
    """Whoever that is: also processes of other users, which hide their markers."""
    block = Addresses.first_choice("test-a")
    with socket.create_server((f"127.{block}.9.9", 0)):
        assert claim("test-a").block != block


async def test_a_killed_daemons_block_stays_with_what_it_left(claim: Claim) -> None:
    """After kill -9 the orphan keeps the block from other states, and brings its own state back to it."""
    pipe = asyncio.subprocess.PIPE
    daemon = await asyncio.create_subprocess_exec(
        sys.executable, "-c", DAEMON, "test-k", stdin=pipe, stdout=pipe
    )
    assert daemon.stdout is not None
    block, orphan = map(int, (await daemon.stdout.readline()).split())
    daemon.kill()
    await daemon.wait()
    try:
        assert claim(other_state("test-b", block)).block != block
        again = claim("test-k")
        assert again.block == block
        again.close()
    finally:
        os.kill(orphan, signal.SIGKILL)
    await eventually(lambda: (stat := procfs.stat(orphan)) is None or stat.zombie)
    assert claim(other_state("test-b", block)).block == block


def test_its_own_processes_decide_a_states_block(claim: Claim) -> None:
    """What runs has its addresses already, whatever the first choice would be."""
    block = (Addresses.first_choice("test-a") - 64 + 1) % 191 + 64
    marker = Marker("test-a", block, Key("shop", "web-1"), Part.SIDECAR)
    with subprocess.Popen(["sleep", "60"], env=marker.environment()) as process:
        assert claim("test-a").block == block
        process.kill()


def test_a_pod_gets_two_addresses_that_nobody_has(claim: Claim) -> None:
    """One for its peers, one for its application, the latter 32 × 256 above."""
    addresses = claim("test-a")
    first, second = addresses.allocate(), addresses.allocate()
    block = addresses.block
    assert (first.pod, first.app) == (f"127.{block}.1.0", f"127.{block}.33.0")
    assert (second.pod, second.app) == (f"127.{block}.1.1", f"127.{block}.33.1")
    assert addresses.gateway(1) == f"127.{block}.0.1"
    with pytest.raises(ValueError, match="gateway 0"):
        addresses.gateway(0)


def test_a_released_address_is_not_given_to_the_next(claim: Claim) -> None:
    """Someone may still hold a connection to it, so all others come first."""
    addresses = claim("test-a")
    first = addresses.allocate()
    addresses.release(first.pod)
    assert addresses.allocate() != first


def test_recorded_addresses_are_taken_up_again(claim: Claim) -> None:
    """Once each, and only those of this block; new pods get later ones."""
    addresses = claim("test-a")
    block = addresses.block
    assert addresses.reserve(f"127.{block}.1.7")
    assert not addresses.reserve(f"127.{block}.1.7")
    assert not addresses.reserve(f"127.{block - 1}.1.8")
    assert addresses.allocate().pod == f"127.{block}.1.8"


def test_a_full_block_is_an_error(claim: Claim) -> None:
    """After the last address the first free one is given, and after all of them none."""
    addresses = claim("test-a")
    pairs = [addresses.allocate() for _ in range(31 * 256)]
    with pytest.raises(NoAddressError, match="in use"):
        addresses.allocate()
    addresses.release(pairs[5].pod)
    assert addresses.allocate() == pairs[5]


def test_links_have_addresses_of_their_own_until_there_are_none(claim: Claim) -> None:
    """Beside those of the pods, each given once and taken up again where it is on record."""
    addresses = claim("test-a")
    block = addresses.block
    assert [addresses.link(), addresses.link()] == [f"127.{block}.64.0", f"127.{block}.64.1"]
    assert not addresses.reserve(f"127.{block}.64.1")
    assert addresses.reserve(f"127.{block}.64.2")
    assert addresses.link() == f"127.{block}.64.3"
    while addresses.link():
        pass
    addresses.release(f"127.{block}.70.7")
    assert addresses.link() == f"127.{block}.70.7"
    assert addresses.allocate().pod == f"127.{block}.1.0"


@pytest.mark.parametrize(
    ("port", "below", "local"), [(80, 1024, 10080), (8080, 1024, 8080), (80, 0, 80), (1024, 1024, 1024)]
)
def test_a_port_that_needs_root_is_shifted(port: int, below: int, local: int) -> None:
    """By 10,000, so that people recognise it."""
    assert local_port(port, below) == local


def test_ports_below_the_kernels_limit_need_root() -> None:
    """Nothing is shifted for root, which may bind every port."""
    assert privileged_below() in (0, 1024) if os.geteuid() else privileged_below() == 0
