"""What makes a network a pod's, as the kernel takes it."""

from __future__ import annotations

from ipaddress import IPv4Address

from laneway.local.netns import pod_network
from laneway.local.netns.nftables import IPV4, TCP, Redirect, redirects
from laneway.mesh import bootstrap

POD = IPv4Address("10.244.1.0")


def test_a_table_is_made_as_a_whole() -> None:
    """Between the begin and the end of a batch, which alone are not acknowledged."""
    batch = redirects(IPV4, "laneway", [Redirect(TCP, 15001)])
    assert [message.acknowledged for message in batch] == [False, True, True, True, False]


def test_without_ipv6_there_is_nothing_of_it() -> None:
    """A kernel that knows none refuses to be told of any."""
    assert len(pod_network.captures(POD, ipv6=False)) == 1
    assert len(pod_network.captures(POD, ipv6=True)) == 2
    assert len(pod_network.links(POD, ipv6=False)) < len(pod_network.links(POD, ipv6=True))


def test_the_network_knows_the_sidecars_connections_by_the_mark_that_the_mesh_sets() -> None:
    assert pod_network.OWN_PRIORITY == bootstrap.OWN_PRIORITY
