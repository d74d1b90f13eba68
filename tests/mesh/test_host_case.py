"""Host names have no case, although Envoy's scopes do."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.mesh.mesh_objects import parse, registry, rules
from tests.mesh.static_envoy import answer, connection_manager, running

from laneway.mesh.host_case import lower_case_filter
from laneway.mesh.matching import Request
from laneway.mesh.protos import message, serialise
from laneway.mesh.resources import Resource
from laneway.mesh.tables import mesh_table, mesh_table_name, scope

SERVICE = "kind: Service\nmetadata: {name: pharmacy}\nspec: {selector: {a: b}, ports: [{port: 80}]}"
NAME = "pharmacy.shop.svc.cluster.local"


def write(path: Path, resource: Resource) -> str:
    """Write a file from which Envoy reads this one resource."""
    response = message("envoy.service.discovery.v3.DiscoveryResponse")(version_info="1")
    response.resources.add().ParseFromString(resource.body)
    path.write_bytes(serialise(response))
    return str(path)


@pytest.mark.mesh
def test_a_name_in_upper_case_finds_the_table_of_the_lower_case_name(tmp_path: Path) -> None:
    """The scope is found anew after the filter; other names stay unknown."""
    found = registry([*parse(SERVICE), rules({"directResponse": {"status": 200, "body": {"string": "yes"}}})])
    table = mesh_table(NAME, found)
    assert table is not None
    manager = connection_manager(lower_case_filter())
    scoped = manager.scoped_routes
    scoped.name = "hosts"
    extractor = scoped.scope_key_builder.fragments.add().header_value_extractor
    extractor.name, extractor.element_separator, extractor.index = ":authority", ":", 0
    scoped.rds_config_source.path_config_source.path = write(tmp_path / "routes.pb", table)
    scopes = write(tmp_path / "scopes.pb", scope("pharmacy", mesh_table_name(NAME)))
    scoped.scoped_rds.scoped_rds_config_source.path_config_source.path = scopes
    with running(tmp_path, manager) as connection:
        for name in ("pharmacy", "Pharmacy", "PHARMACY"):
            assert answer(connection, Request(name)) == (200, "yes")
        assert answer(connection, Request("Bakery"))[0] == 404
