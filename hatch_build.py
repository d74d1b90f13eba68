"""Build hook: extracts the Envoy API's descriptors from xds-protos into `laneway/mesh/xds.binpb.z`.

xds-protos is a dependency of the build alone: installed beside others at run time, it overwrites their files.
"""

from __future__ import annotations

import importlib
import zlib
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

ROOTS = (
    "envoy/service/discovery/v3/ads",
    "envoy/service/discovery/v3/discovery",
    "envoy/config/bootstrap/v3/bootstrap",
    "envoy/config/cluster/v3/cluster",
    "envoy/config/endpoint/v3/endpoint",
    "envoy/config/listener/v3/listener",
    "envoy/config/route/v3/route",
    "envoy/config/route/v3/scoped_route",
    "envoy/extensions/access_loggers/file/v3/file",
    "envoy/extensions/clusters/dynamic_forward_proxy/v3/cluster",
    "envoy/extensions/common/matching/v3/extension_matcher",
    "envoy/extensions/filters/common/matcher/action/v3/skip_action",
    "envoy/extensions/filters/http/cors/v3/cors",
    "envoy/extensions/filters/http/dynamic_forward_proxy/v3/dynamic_forward_proxy",
    "envoy/extensions/filters/http/fault/v3/fault",
    "envoy/extensions/filters/http/grpc_stats/v3/config",
    "envoy/extensions/filters/http/grpc_web/v3/grpc_web",
    "envoy/extensions/filters/http/lua/v3/lua",
    "envoy/extensions/filters/http/router/v3/router",
    "envoy/extensions/filters/listener/original_dst/v3/original_dst",
    "envoy/extensions/filters/listener/tls_inspector/v3/tls_inspector",
    "envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager",
    "envoy/extensions/filters/network/tcp_proxy/v3/tcp_proxy",
    "envoy/extensions/retry/host/previous_hosts/v3/previous_hosts",
    "envoy/extensions/retry/priority/previous_priorities/v3/previous_priorities_config",
    "envoy/extensions/transport_sockets/tls/v3/tls",
    "envoy/extensions/upstreams/http/v3/http_protocol_options",
    "envoy/type/matcher/v3/http_inputs",
    "xds/type/matcher/v3/matcher",
)
TARGET = Path("src/laneway/mesh/xds.binpb.z")


def descriptor_set() -> bytes:
    """A serialised FileDescriptorSet: the root files and all that they import, dependencies first."""
    from google.protobuf import descriptor_pb2

    files: dict[str, Any] = {}

    def add(descriptor: Any) -> None:
        if descriptor.name in files:
            return
        files[descriptor.name] = None
        for dependency in descriptor.dependencies:
            add(dependency)
        del files[descriptor.name]
        proto = descriptor_pb2.FileDescriptorProto()
        descriptor.CopyToProto(proto)
        files[descriptor.name] = proto

    for root in ROOTS:
        add(importlib.import_module(root.replace("/", ".") + "_pb2").DESCRIPTOR)
    return bytes(descriptor_pb2.FileDescriptorSet(file=files.values()).SerializeToString(deterministic=True))


class EnvoyDescriptors(BuildHookInterface):  # type: ignore[type-arg]
    """Runs before each wheel, editable ones included."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Write the descriptor set and add it to the wheel."""
        target = Path(self.root) / TARGET
        target.write_bytes(zlib.compress(descriptor_set(), 9))
        build_data["artifacts"].append(f"/{TARGET}")
