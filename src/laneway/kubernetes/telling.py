"""What of a pass is worth an Event: phases of releases, what others did to our objects. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Protocol

from laneway.control.loop import Pass
from laneway.kubernetes.events import About, Importance
from laneway.kubernetes.index import Index
from laneway.spec.meta import Key
from laneway.spec.release import Phase

WORRYING = frozenset({Phase.ABORTING, Phase.ROLLED_BACK, Phase.PAUSED})


class Teller(Protocol):
    """Who tells: `events.Events`."""

    def tell(self, about: About, reason: str, message: str, importance: Importance = "Normal") -> None:
        """Tell it soon."""


def tell(
    index: Index, teller: Teller, seen: Pass, contested: Iterable[str], restored: Mapping[Key, list[str]]
) -> None:
    """The Events of a pass, each of an App. contested: what could not be written; restored: by app."""
    for record in seen.changes.records:
        before, status = seen.spec.releases.get(record.release.key), record.release.status
        if status is None or (before and before.status and before.status.phase is status.phase):
            continue
        importance: Importance = "Warning" if status.phase in WORRYING else "Normal"
        text = f"release {record.release.key.name}: {record.reason}"
        for part in record.release.spec.apps:
            _tell(
                index,
                teller,
                Key(record.release.key.namespace, part.name),
                status.phase.value,
                text,
                importance,
            )
    for app in (each.key for each in seen.planned.apps):
        for text in contested:
            _tell(index, teller, app, "Contested", text, "Warning")
        for what in restored.get(app, ()):
            _tell(index, teller, app, "Restored", f"somebody else had changed {what}", "Warning")


def _tell(index: Index, teller: Teller, app: Key, reason: str, text: str, importance: Importance) -> None:
    if (found := index.objects["App"].get(app)) is not None:
        teller.tell(About("App", app, found.uid), reason, text, importance)
