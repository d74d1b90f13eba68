"""The Envoy API's classes come from a pool of our own."""

from __future__ import annotations

import pytest
from google.protobuf import descriptor_pool

from laneway.mesh.protos import any_of, message, serialise


def test_classes_are_found_by_full_name_and_cached() -> None:
    """The same name gives the same class."""
    route = message("envoy.config.route.v3.Route")
    assert route is message("envoy.config.route.v3.Route")
    assert route(name="default").name == "default"


def test_unknown_names_are_key_errors() -> None:
    """A misspelt name is not mistaken for an empty message."""
    with pytest.raises(KeyError):
        message("envoy.config.route.v3.Rout")


def test_the_pool_is_private() -> None:
    """Other packages' generated Envoy classes cannot collide with ours."""
    message("envoy.config.route.v3.Route")
    with pytest.raises(KeyError):
        descriptor_pool.Default().FindMessageTypeByName("envoy.config.route.v3.Route")


def test_equal_messages_serialise_to_equal_bytes() -> None:
    """Map entries do not keep the order in which they were set."""
    metadata = message("envoy.config.core.v3.Metadata")
    first, second = metadata(), metadata()
    for key in ("a", "b", "c"):
        first.filter_metadata[key].SetInParent()
    for key in ("c", "a", "b"):
        second.filter_metadata[key].SetInParent()
    assert serialise(first) == serialise(second)


def test_any_carries_type_url_and_value() -> None:
    """What is wrapped can be read back."""
    router = message("envoy.extensions.filters.http.router.v3.Router")(suppress_envoy_headers=True)
    wrapped = any_of(router)
    assert wrapped.type_url == "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router"
    assert router == type(router).FromString(wrapped.value)
