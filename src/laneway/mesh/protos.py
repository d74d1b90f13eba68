"""The Envoy API as protobuf classes, from a descriptor pool of our own.

Owns where the classes come from: the package data `xds.binpb.z`, a compressed FileDescriptorSet. The pool is
private because the generated modules of xds-protos overwrite files of other packages when both are installed.
Nothing is loaded before the first class is asked for. Must not know what the messages are used for.
"""

from __future__ import annotations

import zlib
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

if TYPE_CHECKING:
    from google.protobuf.message import Message

TYPE_PREFIX = "type.googleapis.com/"
"""What precedes a message's full name in the type URL of an Any."""


@cache
def _pool() -> descriptor_pool.DescriptorPool:
    """The pool with every file of the descriptor set, dependencies first. 5 ms."""
    data = resources.files("laneway.mesh").joinpath("xds.binpb.z").read_bytes()
    files = descriptor_pb2.FileDescriptorSet.FromString(zlib.decompress(data))
    pool = descriptor_pool.DescriptorPool()
    for file in files.file:
        pool.Add(file)
    return pool


@cache
def message(name: str) -> type[Any]:
    """The class of the message with this full name, like `envoy.config.route.v3.Route`.

    Typed as Any, as the fields are known at run time only. Raises KeyError for a name that the set lacks.
    """
    return message_factory.GetMessageClass(_pool().FindMessageTypeByName(name))


def serialise(value: Message) -> bytes:
    """The wire form; equal messages give equal bytes (map entries sorted by key)."""
    return value.SerializeToString(deterministic=True)


def type_url(name: str) -> str:
    """The type URL of a message's full name."""
    return TYPE_PREFIX + name


def any_of(value: Message) -> Any:
    """The message wrapped as a google.protobuf.Any of the same pool, for a `typed_config` field."""
    return message("google.protobuf.Any")(
        type_url=type_url(value.DESCRIPTOR.full_name), value=serialise(value)
    )


def enum(name: str, value: str) -> int:
    """The number of an enum's value, like `envoy.config.core.v3.ApiVersion`, `V3`. Raises KeyError."""
    return int(_pool().FindEnumTypeByName(name).values_by_name[value].number)
