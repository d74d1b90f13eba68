"""What is kept of the cluster, whatever happens between it and us."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.kubernetes.api.running_server import RunningServer, Wire, config_map, define, namespace

from laneway.kubernetes.api.reflector import Reflector
from laneway.kubernetes.api.seen import Seen, seen
from laneway.kubernetes.api.server import Server
from laneway.spec.meta import Key

pytestmark = pytest.mark.cluster


class Kept:
    """A reflector and all that it has told."""

    def __init__(self, server: Server, kind: str = "ConfigMap", **options: Any) -> None:
        self.told: list[tuple[str, str]] = []
        self.reflector: Reflector[Seen] = Reflector(server, kind, seen, self._changed, **options)
        self._changes = asyncio.Event()

    def _changed(self, key: Key, before: Seen | None, now: Seen | None) -> None:
        what = "deleted" if now is None else "made" if before is None else "changed"
        assert (before or now) is not None
        self.told.append((what, key.name))
        self._changes.set()

    @property
    def names(self) -> list[str]:
        """Of all objects."""
        return sorted(key.name for key in self.reflector.objects)

    async def until(self, condition: Callable[[], bool], within: float = 30.0) -> None:
        """Return when a change has made it true."""
        async with asyncio.timeout(within):
            while not condition():
                self._changes.clear()
                await self._changes.wait()


async def eventually(condition: Callable[[], object], meanwhile: Callable[[], None] = lambda: None) -> None:
    """Return as soon as the condition holds, of which nothing tells."""
    async with asyncio.timeout(30):
        while not condition():
            meanwhile()
            await asyncio.sleep(0.02)


def rights(account: Key, plural: str) -> list[dict[str, Any]]:
    """What lets a service account read these objects in its namespace."""
    group = "rbac.authorization.k8s.io"
    named = {"apiVersion": f"{group}/v1", "metadata": account._asdict()}
    rules = [{"apiGroups": [""], "resources": [plural], "verbs": ["list", "watch"]}]
    reference = {"apiGroup": group, "kind": "Role", "name": account.name}
    subjects = [{"kind": "ServiceAccount", **account._asdict()}]
    return [
        {**named, "kind": "Role", "rules": rules},
        {**named, "kind": "RoleBinding", "roleRef": reference, "subjects": subjects},
    ]


@asynccontextmanager
async def running_reflector(kept: Kept) -> AsyncIterator[Kept]:
    """Inside, it follows the cluster; it is synced at the start."""
    task = asyncio.create_task(kept.reflector.run())
    try:
        async with asyncio.timeout(30):
            await kept.reflector.synced()
        yield kept
    finally:
        task.cancel()
        await asyncio.wait({task})
    assert task.cancelled(), "it never ends by itself"


@asynccontextmanager
async def wired(running: RunningServer) -> AsyncIterator[tuple[Server, Wire]]:
    """A client behind a wire."""
    async with (
        Wire(running.address) as wire,
        Server.open(replace(running.access(), url=wire.url)) as server,
    ):
        yield server, wire


async def test_what_is_there_is_told_and_then_what_changes(server: Server) -> None:
    """With one request for all of it: the list is the beginning of the watch."""
    name = await namespace(server, "changes")
    await server.create(config_map(Key(name, "ledger")))
    async with running_reflector(Kept(server, namespace=name)) as kept:
        assert kept.names == ["ledger"]
        await server.create(config_map(Key(name, "pharmacy")))
        await server.apply(config_map(Key(name, "pharmacy"), {"version": "2"}, labels={"app": "pharmacy"}))
        await server.delete("ConfigMap", Key(name, "ledger"))
        await kept.until(lambda: kept.names == ["pharmacy"])
        assert kept.told == [
            ("made", "ledger"),
            ("made", "pharmacy"),
            ("changed", "pharmacy"),
            ("deleted", "ledger"),
        ]
        found = kept.reflector.objects[Key(name, "pharmacy")]
        assert found.labels == {"app": "pharmacy"}
        assert found.body()["data"] == {"version": "2"}
        assert found.body()["kind"] == "ConfigMap"
        assert server.requests["watch", "ConfigMap"] == 1
        assert server.requests["list", "ConfigMap"] == 0


async def test_a_selector_decides_what_is_told(server: Server) -> None:
    """What no longer has the label is not there any more."""
    name = await namespace(server, "selected")
    await server.create(config_map(Key(name, "pharmacy"), labels={"app": "pharmacy"}))
    await server.create(config_map(Key(name, "other")))
    async with running_reflector(Kept(server, namespace=name, labels="app")) as kept:
        assert kept.names == ["pharmacy"]
        await server.patch("ConfigMap", Key(name, "pharmacy"), {"metadata": {"labels": {"app": None}}})
        await kept.until(lambda: kept.names == [])


async def test_objects_of_a_megabyte_are_told(server: Server) -> None:
    """One line each."""
    name = await namespace(server, "large")
    data = {"file": "x" * 1_000_000}
    await server.create(config_map(Key(name, "listed"), data))
    async with running_reflector(Kept(server, namespace=name)) as kept:
        for number in range(3):
            await server.create(config_map(Key(name, f"watched-{number}"), data))
        await kept.until(lambda: len(kept.names) == 4)
        assert all(found.body()["data"] == data for found in kept.reflector.objects.values())


async def test_a_watch_that_is_cut_goes_on_where_it_was(running: RunningServer, server: Server) -> None:
    """What changed in between is told once, what did not is not told again."""
    name = await namespace(server, "cut")
    for each in ("stays", "goes", "changes"):
        await server.create(config_map(Key(name, each)))
    async with wired(running) as (behind, wire), running_reflector(Kept(behind, namespace=name)) as kept:
        kept.told.clear()
        wire.accepts = False
        wire.cut()
        await server.delete("ConfigMap", Key(name, "goes"))
        await server.apply(config_map(Key(name, "changes"), {"version": "2"}))
        await server.create(config_map(Key(name, "comes")))
        wire.accepts = True
        await kept.until(lambda: kept.names == ["changes", "comes", "stays"])
        assert sorted(kept.told) == [("changed", "changes"), ("deleted", "goes"), ("made", "comes")]
        assert kept.reflector.trouble is None


async def test_a_watch_that_falls_silent_is_begun_anew(running: RunningServer, server: Server) -> None:
    """The connection is there, and nothing comes on it: no error tells of that, only time."""
    name = await namespace(server, "silent")
    async with (
        wired(running) as (behind, wire),
        running_reflector(Kept(behind, namespace=name, idle_seconds=0.5)) as kept,
    ):
        wire.silence()
        await server.create(config_map(Key(name, "pharmacy")))
        await kept.until(lambda: kept.names == ["pharmacy"])


async def test_after_a_gap_that_is_too_long_everything_is_read_anew(
    running: RunningServer, server: Server
) -> None:
    """A restarted API server knows nothing of before: 410. What was deleted meanwhile is told as deleted.

    A watch that went on from where it was would tell of `made-anew` twice: as deleted, and as made.
    """
    name = await namespace(server, "gap")
    for each in ("stays", "goes", "made-anew"):
        await server.create(config_map(Key(name, each)))
    async with wired(running) as (behind, wire), running_reflector(Kept(behind, namespace=name)) as kept:
        old = kept.reflector.objects[Key(name, "made-anew")]
        kept.told.clear()
        wire.accepts = False
        wire.cut()
        await server.delete("ConfigMap", Key(name, "goes"))
        await server.delete("ConfigMap", Key(name, "made-anew"))
        await server.create(config_map(Key(name, "made-anew")))
        for number in range(5):  # the versions between must be gone
            await server.create(config_map(Key(name, f"comes-{number}")))
        await running.stop()
        await running.start()
        wire.accepts = True
        await kept.until(lambda: len(kept.names) == 7)
        comes = [("made", f"comes-{number}") for number in range(5)]
        assert sorted(kept.told) == sorted([("deleted", "goes"), ("changed", "made-anew"), *comes])
        assert kept.reflector.objects[Key(name, "made-anew")].uid != old.uid


async def test_an_api_server_that_is_restarted_is_followed_again(
    running: RunningServer, server: Server
) -> None:
    """While it is away there is a trouble to tell of, and what was seen stays."""
    name = await namespace(server, "restart")
    await server.create(config_map(Key(name, "pharmacy")))
    async with running_reflector(Kept(server, namespace=name)) as kept:
        await running.stop()
        assert kept.names == ["pharmacy"]
        await running.start()
        await server.create(config_map(Key(name, "ledger")))
        kept.reflector.retry_now()
        await kept.until(lambda: kept.names == ["ledger", "pharmacy"])
        assert ("deleted", "pharmacy") not in kept.told


async def test_a_kind_that_is_not_defined_is_missing_until_it_is(server: Server) -> None:
    """That is a state, not an error; and when its definition goes, its objects are gone."""
    name = await namespace(server, "defined")
    app = {
        "apiVersion": "laneway.dev/v1alpha1",
        "kind": "App",
        "metadata": {"namespace": name, "name": "pharmacy"},
    }
    async with running_reflector(Kept(server, "App")) as kept:
        assert kept.reflector.missing
        assert kept.names == []
        await define(server, "App", "apps")
        await eventually(lambda: not kept.reflector.missing, meanwhile=kept.reflector.retry_now)
        await server.apply(app)
        await kept.until(lambda: kept.names == ["pharmacy"])
        await server.delete("CustomResourceDefinition", Key("", "apps.laneway.dev"))
        await kept.until(lambda: kept.names == [])


async def test_what_we_may_not_see_is_a_trouble_until_we_may(running: RunningServer, server: Server) -> None:
    """Rights are granted later than a start, sometimes."""
    name = await namespace(server, "rights")
    account = {
        "apiVersion": "v1",
        "kind": "ServiceAccount",
        "metadata": {"namespace": name, "name": "controller"},
    }
    await server.apply(account)
    async with running.other() as api:
        path = f"/api/v1/namespaces/{name}/serviceaccounts/controller/token"
        token = (await api.request("POST", path, {"spec": {}}))["status"]["token"]
    async with Server.open(running.access("controller", token)) as poor:
        kept = Kept(poor, namespace=name)
        task = asyncio.create_task(kept.reflector.run())
        await eventually(lambda: kept.reflector.trouble)
        assert "forbidden" in str(kept.reflector.trouble)
        assert "controller" in str(kept.reflector.trouble)
        for right in rights(Key(name, "controller"), "configmaps"):
            await server.apply(right)
        await eventually(lambda: kept.reflector.trouble is None, meanwhile=kept.reflector.retry_now)
        await kept.reflector.synced()
        task.cancel()


async def test_an_api_server_without_streamed_lists_is_listed_and_watched(tmp_path: Path) -> None:
    """Its refusal is heard once."""
    async with (
        RunningServer(tmp_path, ("--feature-gates=WatchList=false",)) as old,
        Server.open(old.access()) as server,
    ):
        for number in range(3):
            await server.create(config_map(Key("default", f"pharmacy-{number}")))
        async with running_reflector(Kept(server, namespace="default")) as kept:
            assert len(kept.names) == 3
            await server.delete("ConfigMap", Key("default", "pharmacy-0"))
            await kept.until(lambda: len(kept.names) == 2)
            found = kept.reflector.objects[Key("default", "pharmacy-1")]
            assert found.body()["apiVersion"] == "v1"
        assert server.requests["list", "ConfigMap"] == 1
        assert server.requests["watch", "ConfigMap"] == 2
