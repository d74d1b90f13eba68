"""Listeners read requests as Istio's do."""

from __future__ import annotations

from typing import Any

from tests.mesh.mesh_objects import decoded, ingress, sidecar

from laneway.mesh.access_log import ACCESS_LOG
from laneway.mesh.listeners import gateway_listener, inbound_listener, outbound_listener
from laneway.mesh.openings import Opening
from laneway.mesh.protos import message
from laneway.mesh.resources import Resource
from laneway.spec.protocols import Protocol

LOG = "/var/log/access"


def manager_of(resource: Resource) -> Any:
    """The HTTP connection manager of a listener."""
    (chain,) = decoded(resource).filter_chains
    name = "envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager"
    return message(name).FromString(chain.filters[0].typed_config.value)


def test_outbound_is_an_http_proxy_that_finds_tables_by_host() -> None:
    """An unknown host is a 502, as with REGISTRY_ONLY."""
    resource = outbound_listener(sidecar(), LOG, ())
    manager = manager_of(resource)
    assert resource.name == "127.1.0.9_15001"
    (fragment,) = manager.scoped_routes.scope_key_builder.fragments
    extractor = fragment.header_value_extractor
    assert (extractor.name, extractor.element_separator, extractor.index) == (":authority", ":", 0)
    (mapper,) = manager.local_reply_config.mappers
    assert (list(mapper.filter.response_flag_filter.flags), mapper.status_code.value) == (["NR"], 502)
    assert manager.use_remote_address.value is False


def test_inbound_sends_everything_to_the_application() -> None:
    """Without limit of time; what it has not read may be sent again."""
    resource = inbound_listener(sidecar().inbound[0], Protocol.HTTP, LOG)
    assert resource.name == "127.1.0.9_8080"
    assert resource.needs == {"inbound|8080||"}
    (route,) = manager_of(resource).route_config.virtual_hosts[0].routes
    assert route.route.cluster == "inbound|8080||"
    assert route.route.HasField("timeout")
    assert route.route.timeout.ToTimedelta().total_seconds() == 0
    retries = route.route.retry_policy
    assert (retries.retry_on, retries.num_retries.value) == ("reset-before-request", 2)


def test_a_gateway_has_one_table_or_one_for_each_host() -> None:
    """As it is told."""
    address = ingress().ports[80]
    by_host, single = (
        manager_of(gateway_listener(address, [Opening(80, table=table)], LOG)) for table in (None, "http.80")
    )
    assert by_host.HasField("scoped_routes")
    assert single.rds.route_config_name == "http.80"
    assert by_host.use_remote_address.value is True
    assert by_host.server_name == "istio-envoy"


def test_all_listeners_share_istios_settings() -> None:
    """Paths normalised, silent streams kept, access logged, the router last."""
    for resource in (
        outbound_listener(sidecar(), LOG, ()),
        gateway_listener(("127.0.0.1", 8000), [Opening(80, table="http.80")], LOG),
    ):
        manager = manager_of(resource)
        assert manager.normalize_path.value
        assert manager.HasField("stream_idle_timeout")
        assert manager.stream_idle_timeout.seconds == 0
        assert manager.http_filters[-1].name == "envoy.filters.http.router"
        log = message("envoy.extensions.access_loggers.file.v3.FileAccessLog").FromString(
            manager.access_log[0].typed_config.value
        )
        assert (log.path, log.log_format.text_format_source.inline_string) == (LOG, ACCESS_LOG)


def test_access_logs_can_be_left_out() -> None:
    """For measurements."""
    assert not manager_of(outbound_listener(sidecar(), None, ())).access_log
