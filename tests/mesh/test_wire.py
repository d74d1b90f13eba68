"""Requests and responses as bytes."""

from __future__ import annotations

from laneway.mesh.protos import message
from laneway.mesh.resources import CDS, resource
from laneway.mesh.wire import PROXY_ID, Request, Response, decode, encode

WIRE_REQUEST = message("envoy.service.discovery.v3.DeltaDiscoveryRequest")
WIRE_RESPONSE = message("envoy.service.discovery.v3.DeltaDiscoveryResponse")


def test_the_first_request_names_the_proxy_and_what_it_has() -> None:
    """Node, subscriptions and versions of an earlier stream."""
    wire = WIRE_REQUEST(
        type_url=CDS,
        resource_names_subscribe=["*", "a"],
        resource_names_unsubscribe=["b"],
        initial_resource_versions={"a": "1"},
    )
    wire.node.metadata[PROXY_ID] = "shop/page-1"
    assert decode(wire.SerializeToString()) == Request(
        CDS, proxy_id="shop/page-1", subscribe=("*", "a"), unsubscribe=("b",), held={"a": "1"}
    )


def test_a_node_without_a_name_is_nobody() -> None:
    """A stranger's Envoy is no error."""
    wire = WIRE_REQUEST(type_url=CDS)
    wire.node.id = "other"
    assert decode(wire.SerializeToString()).proxy_id == ""


def test_a_refusal_without_text_is_still_a_refusal() -> None:
    """The presence of the error counts, not its text."""
    wire = WIRE_REQUEST(type_url=CDS, response_nonce="7")
    assert decode(wire.SerializeToString()).error == ""
    wire.error_detail.SetInParent()
    assert decode(wire.SerializeToString()).error


def test_a_response_carries_the_resources_as_they_are() -> None:
    """The bytes of a resource are not changed on their way."""
    cluster = message("envoy.config.cluster.v3.Cluster")(name="a")
    item = resource("a", cluster)
    wire = WIRE_RESPONSE.FromString(encode(Response(CDS, "3", (item,), ("gone",))))
    assert (wire.type_url, wire.nonce, list(wire.removed_resources)) == (CDS, "3", ["gone"])
    (sent,) = wire.resources
    assert (sent.name, sent.version, sent.resource.SerializeToString()) == ("a", item.version, item.body)
    assert message("envoy.config.cluster.v3.Cluster").FromString(sent.resource.value) == cluster
