"""ConfigMaps and Secrets, without what they say: which apps read them, which copies are kept for whom.

Must not know which Apps there are.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from laneway.kubernetes.configuration import Content
from laneway.spec.meta import Key

Name = tuple[str, Key]
"""Kind and key."""


class ContentIndex:
    """For one event loop."""

    def __init__(self) -> None:
        self._contents: dict[Name, Content] = {}
        self._reads: dict[Key, frozenset[Name]] = {}
        self._read_by: dict[Name, set[Key]] = defaultdict(set)

    def take(self, kind: str, key: Key, now: Content | None) -> frozenset[Key]:
        """One as it was heard. Returns the apps whose templates name it."""
        before = self._contents.pop((kind, key), None)
        if now is not None:
            self._contents[kind, key] = now
        if before and now and before.digest == now.digest:
            return frozenset()
        return frozenset(self._read_by.get((kind, key), ()))

    def get(self, kind: str, key: Key) -> Content | None:
        """One that there is."""
        return self._contents.get((kind, key))

    def reads(self, app: Key, objects: Iterable[Name]) -> None:
        """What an app's template names, from now on."""
        now, before = frozenset(objects), self._reads.get(app, frozenset())
        for gone in before - now:
            self._read_by[gone].discard(app)
            if not self._read_by[gone]:
                del self._read_by[gone]
        for new in now - before:
            self._read_by[new].add(app)
        self._reads[app] = now

    def copies(self, apps: Iterable[Key]) -> list[tuple[str, Content]]:
        """The copies of configuration that are kept for these apps."""
        wanted = set(apps)
        return [
            (kind, each)
            for (kind, key), each in self._contents.items()
            if each.app and Key(key.namespace, each.app) in wanted
        ]
