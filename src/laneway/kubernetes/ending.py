"""Apps that are being deleted, and wait for what `spec.deletion` says.

Owns that nothing is taken from what serves before something else serves. Must not plan an App.
"""

from __future__ import annotations

from collections.abc import Callable

from laneway.control.changes import DERIVED_KINDS, Changes, Removal, Write
from laneway.kubernetes.confirm.markers import marker_of
from laneway.kubernetes.deletion import (
    HAND_BACK,
    HandedBack,
    finalizers,
    hand_back,
    policy,
    released_from_us,
    without,
)
from laneway.kubernetes.dialect import formed
from laneway.kubernetes.facts import Confirmed, rules_wanted
from laneway.kubernetes.index import Index
from laneway.kubernetes.interest import Interest
from laneway.kubernetes.parsing import plain
from laneway.kubernetes.writing import Writer
from laneway.spec.meta import Key, key_of

KEPT_BY_PEOPLE = frozenset({"Service", "VirtualService"})
"""What serves on after traffic was handed back, and is Laneway's no longer."""


class Ending:
    """Of one cluster."""

    def __init__(self, index: Index, writer: Writer, confirmed: Confirmed) -> None:
        self._index = index
        self._writer = writer
        self._confirmed = confirmed

    async def hold(self, app: Key) -> None:
        """Have the finalizer where the App's deletion needs us, and not where it does not."""
        body = self._index.objects["App"][app].body()
        wanted = finalizers(body)
        if wanted is not None:
            await self._finalizers(app, wanted, f"its deletion is to {policy(body)}")

    async def hand_back(
        self, app: Key, alone: bool, interested: Callable[[tuple[Key, ...], Interest], None]
    ) -> str:
        """The next step of a hand-back. Returns why it waits, empty where it does not.

        alone: no App shares its hosts.
        """
        if not alone:
            return "its hosts are shared: delete the Apps beside it first, or take its hosts out of it"
        derived = self._index.derived([app])
        rules = tuple(plain(each) for each in derived.get("VirtualService", ()))
        interested((app,), Interest({key_of(each): rules_wanted(each, {}) for each in rules}))
        source, service = self._index.template(app), self._index.objects["Service"].get(app)
        step = hand_back(
            HandedBack(
                app=app,
                template=plain(source) if source else None,
                service=plain(service) if service else None,
                rules=rules,
                available=_available(source.body()) if source else 0,
                confirmed=all(self._confirmed.rules(key_of(r), marker_of(r["spec"])) for r in rules),
            )
        )
        for kind, key, patch in step.patches:
            await self._writer.patch(kind, key, patch, f"App {app.name} is handed back")
        changed = [Write(formed(_wanted(each)), "the Service in place of versions") for each in step.rules]
        await self._writer.execute(Changes((), tuple(changed), ()))
        if step.over:
            await self._let_go(app)
        return step.why

    async def _let_go(self, app: Key) -> None:
        """Traffic is with the Service: what is Laneway's goes, what serves stays."""
        derived = self._index.derived([app])
        for kind in KEPT_BY_PEOPLE:
            for seen in derived.get(kind, ()):
                await self._writer.patch(kind, seen.key, released_from_us(seen.body()), "handed back")
        await self._remove(app, HAND_BACK)
        await self.done(app)

    async def _remove(self, app: Key, reason: str) -> None:
        derived = self._index.derived([app])
        gone = [
            Removal(kind, seen.key, f"App {app.name} is deleted: {reason}")
            for kind in DERIVED_KINDS
            for seen in derived.get(kind, ())
        ]
        await self._writer.execute(Changes((), (), tuple(gone)))

    async def done(self, app: Key) -> None:
        """Let the App go, once nothing of it is left."""
        if any(self._index.derived([app]).values()):
            return
        for kind, content in self._index.contents.copies([app]):
            await self._writer.remove(Removal(kind, content.key, f"App {app.name} is deleted"))
        body = self._index.objects["App"][app].body()
        await self._finalizers(app, without(body), "nothing of it is left to Laneway")

    async def _finalizers(self, app: Key, wanted: list[str], reason: str) -> None:
        version = self._index.objects["App"][app].resource_version
        patch = {"metadata": {"finalizers": wanted, "resourceVersion": version}}
        await self._writer.patch("App", app, patch, reason)


def _available(deployment: dict[str, object]) -> int:
    status = deployment.get("status")
    available = status.get("availableReplicas", 0) if isinstance(status, dict) else 0
    return int(available)


def _wanted(rules: dict[str, object]) -> dict[str, object]:
    """A stored object as a manifest."""
    metadata = rules["metadata"]
    assert isinstance(metadata, dict)
    kept = {name: metadata[name] for name in ("name", "namespace", "labels") if name in metadata}
    return {name: rules[name] for name in ("apiVersion", "kind", "spec")} | {"metadata": kept}
