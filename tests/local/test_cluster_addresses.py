"""Services and ServiceEntries' hosts have an address of their own, and keep it."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from laneway.control.changes import same
from laneway.local.network.cluster_addresses import addressed, cluster_ip, host_addresses
from laneway.local.store import Change, Store
from laneway.spec.meta import Key

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def service(name: str, **spec: Any) -> dict[str, Any]:
    ports = {"ports": [{"port": 80}]}
    meta = {"name": name, "namespace": "shop"}
    return {"apiVersion": "v1", "kind": "Service", "metadata": meta, "spec": ports | spec}


def entry(name: str, *hosts: str) -> dict[str, Any]:
    meta = {"name": name, "namespace": "shop"}
    spec = {"hosts": list(hosts), "ports": [{"number": 80, "name": "http", "protocol": "HTTP"}]}
    version = "networking.istio.io/v1"
    return {"apiVersion": version, "kind": "ServiceEntry", "metadata": meta, "spec": spec}


def ip(store: Store, name: str) -> str:
    found = store.get("Service", Key("shop", name))
    assert found
    return cluster_ip(found)


def hosts(store: Store, name: str) -> dict[str, str]:
    found = store.get("ServiceEntry", Key("shop", name))
    assert found
    return host_addresses(found)


def test_each_service_gets_an_address_and_keeps_it_over_writes_and_restarts(tmp_path: Path) -> None:
    store = Store(tmp_path / "db", lambda: NOW, addressed)
    store.apply([service("a"), service("b")], "a test", "ann")
    assert (ip(store, "a"), ip(store, "b")) == ("10.96.0.11", "10.96.0.12")
    store.close()
    again = Store(tmp_path / "db", lambda: NOW, addressed)
    assert again.put(service("b"), "again", "ann") is Change.UNCHANGED
    assert again.put(service("b", selector={"app": "b"}), "changed", "ann") is Change.CONFIGURED
    assert ip(again, "b") == "10.96.0.12"
    again.close()


def test_an_address_that_is_written_is_kept_and_given_to_no_other(tmp_path: Path) -> None:
    store = Store(tmp_path / "db", lambda: NOW, addressed)
    store.apply([service("a", clusterIP="10.96.0.11"), service("b")], "a test", "ann")
    assert (ip(store, "a"), ip(store, "b")) == ("10.96.0.11", "10.96.0.12")
    store.close()


def test_each_host_of_an_entry_gets_an_address_except_wildcards(tmp_path: Path) -> None:
    store = Store(tmp_path / "db", lambda: NOW, addressed)
    store.put(entry("out", "b.example", "*.c.example"), "a test", "ann")
    assert hosts(store, "out") == {"b.example": "240.240.0.11"}
    store.put(entry("out", "A.example", "b.example"), "changed", "ann")
    assert hosts(store, "out") == {"a.example": "240.240.0.12", "b.example": "240.240.0.11"}
    store.close()


def test_what_the_plan_says_of_a_service_is_true_whatever_its_address(tmp_path: Path) -> None:
    store = Store(tmp_path / "db", lambda: NOW, addressed)
    store.put(service("a"), "a test", "ann")
    stored = store.get("Service", Key("shop", "a"))
    assert same(stored, service("a"))
    assert not same(stored, service("a", clusterIP="10.96.9.9"))
    store.close()
