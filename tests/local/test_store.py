"""The object store: what differs is written with its reason, survives a kill, and is told."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from laneway.history.subject import event_about
from laneway.local.store import Change, Changed, Store
from laneway.spec.meta import Key

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)
WEB = Key("shop", "web")


def service(name: str = "web", port: int = 80, **metadata: Any) -> dict[str, Any]:
    """A Service as people write it."""
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": name, "namespace": "shop", **metadata},
        "spec": {"ports": [{"port": port}]},
    }


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """A new store."""
    store = Store(tmp_path / "db", lambda: NOW)
    yield store
    store.close()


def found(store: Store) -> dict[str, Any]:
    """The service in the store."""
    obj = store.get("Service", WEB)
    assert obj is not None
    return obj


def test_a_new_object_gets_what_the_server_sets(store: Store) -> None:
    """uid, creation, generation and version are the store's, everything else the writer's."""
    assert store.put(service(), "wanted", "me") is Change.CREATED
    metadata = found(store)["metadata"]
    assert metadata["creationTimestamp"] == "2026-01-01T12:00:00Z"
    assert (metadata["generation"], metadata["resourceVersion"]) == (1, "1")
    assert metadata["uid"]
    assert found(store)["spec"] == service()["spec"]


def test_the_same_object_is_written_once(store: Store) -> None:
    """No version, no event and no call for a put that changes nothing, also of what the store returned."""
    store.put(service(), "wanted", "me")
    told: list[Changed] = []
    store.subscribe(told.append)
    assert store.put(service(), "again", "me") is Change.UNCHANGED
    assert store.put(found(store), "as it was read", "me") is Change.UNCHANGED
    assert store.resource_version() == 1
    assert len(store.events()) == 1
    assert told == []


def test_a_change_keeps_identity_and_status(store: Store) -> None:
    """A put replaces what the writer says and nothing else; generation counts changes of the spec only."""
    store.put(service(), "wanted", "me")
    store.put_status("Service", WEB, {"seen": True})
    before = found(store)
    assert store.put(service(port=81) | {"status": {"seen": False}}, "moved", "me") is Change.CONFIGURED
    after = found(store)
    assert after["status"] == {"seen": True}
    assert after["metadata"]["uid"] == before["metadata"]["uid"]
    assert (after["metadata"]["generation"], after["metadata"]["resourceVersion"]) == (2, "3")
    store.put(service(port=81, labels={"a": "b"}), "labelled", "me")
    assert found(store)["metadata"]["generation"] == 2


def test_every_mutation_is_recorded_with_reason_and_author(store: Store) -> None:
    """The event says what changed, from what to what, why and by whom."""
    store.put(service(), "wanted", "me")
    store.put(service(port=81), "moved", "you")
    store.delete("Service", WEB, "not needed", "me")
    assert [(e.change, e.reason, e.by, e.message) for e in store.events()] == [
        ("created", "wanted", "me", ""),
        ("configured", "moved", "you", "spec.ports[0].port: 80 → 81"),
        ("deleted", "not needed", "me", ""),
    ]


def test_a_status_is_recorded_only_where_it_differs(store: Store) -> None:
    """The event given with an unchanged status is not recorded; an object that is not there is an error."""
    store.put(service(), "wanted", "me")
    event = event_about(found(store), NOW, "ready", "it answers")
    assert store.put_status("Service", WEB, {"ready": True}, event) is Change.CONFIGURED
    assert store.put_status("Service", WEB, {"ready": True}, event) is Change.UNCHANGED
    assert [e.change for e in store.events()] == ["created", "ready"]
    with pytest.raises(KeyError, match="shop/none"):
        store.put_status("Service", Key("shop", "none"), {})


def test_objects_are_found_by_namespace_and_labels(store: Store) -> None:
    """A list is ordered by namespace and name, whatever the order of writing."""
    for name, labels in (("b", {"tier": "x"}), ("a", {"tier": "x", "more": "y"}), ("c", {})):
        store.put(service(name, labels=labels), "wanted", "me")
    store.put(service("a") | {"metadata": {"name": "a", "namespace": "other"}}, "wanted", "me")

    def names(**condition: Any) -> list[str]:
        return [
            f"{o['metadata']['namespace']}/{o['metadata']['name']}"
            for o in store.list("Service", **condition)
        ]

    assert names() == ["other/a", "shop/a", "shop/b", "shop/c"]
    assert names(namespace="shop", labels={"tier": "x"}) == ["shop/a", "shop/b"]
    assert store.list("Gateway") == []
    assert store.kinds() == ["Service"]


def test_a_failing_apply_changes_nothing(store: Store, tmp_path: Path) -> None:
    """All or none, in memory as on disk, and nobody is told."""
    store.put(service(), "wanted", "me")
    told: list[Changed] = []
    store.subscribe(told.append)
    with pytest.raises(TypeError):
        store.apply([service(port=81), service("new"), {**service("bad"), "spec": object()}], "all", "me")
    assert found(store)["spec"]["ports"][0]["port"] == 80
    assert store.get("Service", Key("shop", "new")) is None
    assert (store.resource_version(), told, len(store.events())) == (1, [], 1)
    again = Store(tmp_path / "db", lambda: NOW)
    assert again.list("Service") == store.list("Service")
    again.close()


def test_subscribers_hear_of_a_transaction_after_its_commit(store: Store) -> None:
    """In order, each with the new body; none once they have unsubscribed."""
    told: list[tuple[str, str, bool]] = []
    end = store.subscribe(lambda c: told.append((c.change, c.key.name, c.obj is None)))
    with store.transaction():
        store.put(service("a"), "wanted", "me")
        store.delete("Service", Key("shop", "a"), "not wanted", "me")
        assert told == []
    assert told == [("created", "a", False), ("deleted", "a", True)]
    end()
    store.put(service("b"), "wanted", "me")
    assert len(told) == 2


def test_a_subscriber_may_write(store: Store) -> None:
    """What it writes is told in turn."""

    def follow(changed: Changed) -> None:
        if changed.key.name == "a":
            store.put(service("b"), "follows a", "me")

    store.subscribe(follow)
    store.put(service("a"), "wanted", "me")
    assert store.get("Service", Key("shop", "b")) is not None


def test_a_reopened_store_is_the_same(store: Store, tmp_path: Path) -> None:
    """Objects, versions, and the version of a deletion, too."""
    store.apply([service("a"), service("b")], "wanted", "me")
    store.delete("Service", Key("shop", "b"), "not wanted", "me")
    before, version = store.list("Service"), store.resource_version()
    store.close()
    again = Store(tmp_path / "db", lambda: NOW)
    assert again.list("Service") == before
    assert again.resource_version() == version == 3
    assert again.put(service("a"), "again", "me") is Change.UNCHANGED
    again.close()


def test_the_writers_object_is_not_the_stores(store: Store) -> None:
    """What the writer changes later in its own dict does not reach the store."""
    mine = service()
    store.put(mine, "wanted", "me")
    mine["spec"]["ports"][0]["port"] = 99
    assert found(store)["spec"]["ports"][0]["port"] == 80
    assert store.put(mine, "moved", "me") is Change.CONFIGURED


WRITER = """
import itertools, sys
from datetime import UTC, datetime
from pathlib import Path
from laneway.local.store import Store
store = Store(Path(sys.argv[1]), lambda: datetime.now(UTC))
for n in itertools.count(1):
    metadata = {"name": f"s{n % 7}", "namespace": "shop"}
    obj = {"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": {"n": n}}
    store.put(obj, f"write {n}", "writer")
    print(n, flush=True)
"""


def test_a_killed_writer_loses_no_acknowledged_write(tmp_path: Path) -> None:
    """SIGKILL amid a loop of writes: the file is whole, objects and events agree, and nothing is missing."""
    file = tmp_path / "db"
    with subprocess.Popen(
        [sys.executable, "-c", WRITER, str(file)], stdout=subprocess.PIPE, text=True
    ) as writer:
        assert writer.stdout is not None
        acknowledged = [int(writer.stdout.readline()) for _ in range(150)]
        writer.kill()
        acknowledged += [int(line) for line in writer.stdout if line.endswith("\n")]
    with sqlite3.connect(file) as raw:
        assert raw.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        bodies = [json.loads(body)["spec"]["n"] for (body,) in raw.execute("SELECT body FROM objects")]
    raw.close()
    store = Store(file, lambda: NOW)
    last = store.resource_version()
    assert last in (acknowledged[-1], acknowledged[-1] + 1)
    assert [e.reason for e in store.events(limit=10**6)] == [f"write {n}" for n in range(1, last + 1)]
    assert sorted(bodies) == list(range(last - 6, last + 1))
    store.close()
