"""Paths are read as Envoy reads them."""

from __future__ import annotations

from collections.abc import Iterator
from http.client import HTTPConnection

import pytest
from tests.mesh.mesh_objects import SHOP, registry
from tests.mesh.static_envoy import connection_manager, exchange, running

from laneway.mesh.matching import Request
from laneway.mesh.paths import normalised
from laneway.mesh.protos import message
from laneway.mesh.walk import AtSidecar, walk

PATHS = [
    "/", "/a", "/a/", "/a/.", "/a/..", "/a/../b", "/a/./b", "/../a", "/a/b/../../../c", "/a//b", "/a//../b",
    "/a/%2e%2E/b", "/a/.%2e/b", "/a/%2e", "/%61", "/%41%7a", "/%2d%2E%5f%7E", "/%30", "/%2f", "/%20", "/%zz",
    "/%", "/%4", "/%25", "/%2561", "/a/%252e%252e/b", "/a\\..\\b", "/a%5c..%5cb", '/a"b<c>d`e{f}g|h^i',
    "/a[b]'!$&()*+,;=:@c", "/%c3%A9", "/...", "/a/..b", "/a;x/../b", "/a/..;x/b", "/a;x/b",
    "/a/.;x", "/a/..;x;y/../b", "/a/%2e%2e;x/b", "/a/..,x/b", "/a;..;x/b", "/a/..;x\\b", "/.;x?y;z",
    "/a?b/../%61", "/a/..?x=/./y", "/a%3Fb%23c", "/a%2Fb/../c", "/%7B%80%7f",
]  # fmt: skip


@pytest.fixture(scope="module")
def envoy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HTTPConnection]:
    """One that redirects every request to another host, at its path."""
    routes = message("envoy.config.route.v3.RouteConfiguration")(name="all")
    host = routes.virtual_hosts.add(name="all", domains=["*"])
    host.routes.add(match={"prefix": "/"}, redirect={"host_redirect": "there"})
    manager = connection_manager(route_config=routes, normalize_path={"value": True})
    with running(tmp_path_factory.mktemp("envoy"), manager) as connection:
        yield connection


@pytest.mark.mesh
@pytest.mark.parametrize("path", PATHS)
def test_a_path_is_read_as_envoy_reads_it(envoy: HTTPConnection, path: str) -> None:
    """Detours, escapes, and what looks like either."""
    _, headers, _ = exchange(envoy, Request("here", path=path))
    assert headers["location"] == f"http://there{normalised(path)}"


@pytest.mark.parametrize("path", ["*", "", "here:80"])
def test_what_is_no_path_stays(path: str) -> None:
    """As of OPTIONS and CONNECT."""
    assert normalised(path) == path


def test_the_walker_reads_paths_as_proxies_do() -> None:
    """So that what is explained is what is done."""
    request = Request("pharmacy", path="/%61/../b?c=/../d")
    (hop,) = walk(registry(SHOP), AtSidecar("shop", "page"), request).hops
    assert hop.request.path == "/b?c=/../d"
