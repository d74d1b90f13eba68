"""Whether this machine lets this user make networks: the real steps, tried in a fresh process that then ends.

Settings of the kernel are only hints, and differ between distributions; the steps themselves do not.
Standard library only.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from functools import partial
from ipaddress import IPv4Address

from laneway.local.netns import linux, ownership, pod_network

_ADDRESS = IPv4Address("10.244.0.1")


def steps() -> Iterator[tuple[str, Callable[[], object]]]:
    """What has to be done, in order and by name; each is to be done before the next is taken."""
    uid, gid = os.getuid(), os.getgid()
    apart = not ownership.privileged()
    if apart:
        yield "make a user namespace", partial(ownership.new_user, uid, gid)
    yield "make a network namespace", partial(linux.unshare, linux.NEW_NETWORK)
    yield "enter another network namespace", _elsewhere
    yield "set addresses and routes", partial(pod_network.set_up_links, _ADDRESS)
    yield "redirect connections with nftables", partial(pod_network.set_up_captures, _ADDRESS)
    yield "open ports below 1024", pod_network.open_all_ports
    yield "make a mount namespace", partial(linux.unshare, linux.NEW_MOUNTS | linux.NEW_HOSTNAME)
    yield "mount files of a pod's own", _mount
    if apart:
        yield "make a user namespace inside another", partial(_back, uid, gid)


def failed() -> tuple[str, OSError] | None:
    """The step that this process may not do, and why; None where it has done all of them."""
    for name, step in steps():
        try:
            step()
        except OSError as error:
            return name, error
    return None


def main() -> None:
    """Print `{}`, or the step that failed with its errno."""
    found = failed()
    print(json.dumps({} if found is None else {"step": found[0], "errno": found[1].errno}))


def _elsewhere() -> None:
    made = linux.new_network()
    with linux.inside(made):
        os.close(made)


def _mount() -> None:
    linux.mount("none", "/", flags=linux.RECURSIVE | linux.SLAVE)
    linux.mount("laneway", "/tmp", "tmpfs", linux.NO_SUID | linux.NO_DEVICES, "size=4k")
    linux.mount("/etc/hosts", "/etc/hosts", flags=linux.BIND)


def _back(uid: int, gid: int) -> None:
    linux.unshare(linux.NEW_USER)
    linux.map_user((uid, gid), (0, 0))
