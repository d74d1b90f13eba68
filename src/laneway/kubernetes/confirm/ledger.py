"""What is awaited, and what was found: a confirmation stays until something else is wanted. Pure.

Must not know how istiods are asked.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from dataclasses import replace
from itertools import islice

from laneway.kubernetes.confirm.decide import (
    Sees,
    Verdict,
    View,
    Want,
    World,
    cluster_want,
    rules_want,
    served,
    verdict,
)
from laneway.kubernetes.confirm.wanted import Rules, Selector
from laneway.spec.meta import Key

Wanted = Key | str
"""A VirtualService's key, or a cluster's name."""

HIDDEN_SECONDS = 3.0
"""After this long rules that were written and are not shown may be kept from us."""
CONCERNED_MAX = 5
"""Of how many proxies it is asked, one after another, whether they are told."""

log = logging.getLogger(__name__)


class Ledger:
    """Of one mesh. sees: which namespaces are told of which hosts."""

    def __init__(self, sees: Sees) -> None:
        self._sees = sees
        self._rules: Mapping[Key, Rules] = {}
        self.clusters: frozenset[str] = frozenset()
        """The clusters that are wanted."""
        self._wants: dict[Wanted, tuple[Want, float]] = {}
        self._confirmed: dict[Wanted, str] = {}
        self._verdicts: dict[Wanted, Verdict] = {}

    @property
    def selectors(self) -> frozenset[Selector]:
        """The labels of gateways whose rules are wanted."""
        return frozenset(one for rules in self._rules.values() for one in rules.gateways)

    @property
    def awaited(self) -> frozenset[Wanted]:
        """What is wanted, and not confirmed."""
        return frozenset(self._wants.keys() - self._confirmed.keys())

    def watch(self, rules: Mapping[Key, Rules], clusters: Iterable[str], world: World) -> None:
        """What is wanted from now on, as a whole."""
        names = frozenset(clusters)
        for key, wanted in rules.items():
            if self._rules.get(key) != wanted:
                self._await(key, self._rules_want(key, wanted, world), world.now)
        for name in names - self.clusters:
            self._await(name, cluster_want(name, self._sees), world.now)
        for gone in (self._rules.keys() - rules.keys()) | (self.clusters - names):
            self._forget(gone)
        self._rules, self.clusters = dict(rules), names

    def look(self, world: World) -> None:
        """Find what is confirmed by now."""
        self._lose_clusters(world)
        for wanted in self.awaited:
            want, since = self._wants[wanted]
            before = self._verdicts.get(wanted, Verdict())
            found = verdict(want, world, since, before.proven)
            self._verdicts[wanted] = found
            if found.confirmed:
                self._confirm(wanted, found)

    def served(self, world: World) -> frozenset[Wanted]:
        """What is awaited and served by every istiod: only its proxies are to be asked about."""
        return frozenset(wanted for wanted in self.awaited if served(self._wants[wanted][0], world))

    def hidden(self, view: View, now: float) -> Mapping[str, tuple[Key, ...]]:
        """Markers of rules that an istiod should show by now and does not, and who may be told them."""
        return {
            self._rules[key].marker: _concerned(want, view)
            for key, (want, since) in self._wants.items()
            if isinstance(key, Key)
            and self._confirmed.get(key) is None
            and now - since >= HIDDEN_SECONDS
            and not _shown(want, view, now)
        }

    def confirmed(self, wanted: Wanted) -> str | None:
        """The marker at which rules are confirmed, "" of a cluster that is; None if not."""
        return self._confirmed.get(wanted)

    def unserved(self, wanted: Wanted) -> tuple[str, ...]:
        """Istiods that do not serve it yet, or of whose proxies nothing is known."""
        found = self._verdicts.get(wanted)
        return found.unserved if found else ()

    def laggards(self) -> dict[str, str]:
        """Proxies that do not have something awaited though istiod serves it, and why."""
        found = {str(pod): why for one in self._verdicts.values() for pod, why in one.laggards.items()}
        return dict(sorted(found.items()))

    def state(self) -> object:
        """Equal as long as nothing here is answered otherwise."""
        return dict(self._confirmed), {of: (one.unserved, one.laggards) for of, one in self._verdicts.items()}

    def _rules_want(self, key: Key, wanted: Rules, world: World) -> Want:
        want = rules_want(wanted, self._sees)
        before = self._rules.get(key)
        if before is None or before.marker == wanted.marker:
            return want
        shown = any(want.since(view, world.now) for view in world.views)
        return rules_want(wanted, self._sees, returned=world.now) if shown else want

    def _await(self, wanted: Wanted, want: Want, now: float) -> None:
        self._forget(wanted)
        self._wants[wanted] = want, now

    def _forget(self, wanted: Wanted) -> None:
        for kept in (self._wants, self._confirmed, self._verdicts):
            kept.pop(wanted, None)

    def _confirm(self, wanted: Wanted, found: Verdict) -> None:
        self._confirmed[wanted] = "" if isinstance(wanted, str) else self._rules[wanted].marker
        del self._verdicts[wanted]
        if found.assumed:
            log.warning("%s: nothing is known of its proxies; taken as confirmed after a time", wanted)

    def _lose_clusters(self, world: World) -> None:
        """A cluster that an istiod serves no longer is awaited anew."""
        for name in self.clusters & self._confirmed.keys():
            if any(name not in view.clusters for view in world.views):
                self._await(name, self._wants[name][0], world.now)


def _shown(want: Want, view: View, now: float) -> bool:
    return want.since(replace(view, hidden={}), now) is not None


def _concerned(want: Want, view: View) -> tuple[Key, ...]:
    proxies = view.snapshot.proxies if view.snapshot else ()
    found = (proxy.key for proxy in proxies if want.concern(proxy.key.namespace, proxy.kind))
    return tuple(islice(found, CONCERNED_MAX))
