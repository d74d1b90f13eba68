"""Which pods a host selects, kept up to date in both directions.

A changed pod costs one look-up for each distinct set of selector keys in its namespace. Must not know ports.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping

from laneway.mesh.world import Pod
from laneway.spec.meta import Key

_Selector = tuple[str, tuple[str, ...], tuple[str, ...]]  # namespace, label keys, label values


def selects(selector: Mapping[str, str], labels: Mapping[str, str]) -> bool:
    """Whether the labels carry all of the selector's pairs."""
    return all(labels.get(key) == value for key, value in selector.items())


def _normal(namespace: str, selector: Mapping[str, str]) -> _Selector:
    keys = tuple(sorted(selector))
    return namespace, keys, tuple(selector[key] for key in keys)


class Selection:
    """Pods and the hosts that select them."""

    def __init__(self) -> None:
        self._pods: dict[Key, Pod] = {}
        self._labelled: dict[tuple[str, str, str], set[Key]] = defaultdict(set)
        self._selectors: dict[str, _Selector] = {}
        self._hosts: dict[_Selector, set[str]] = defaultdict(set)
        self._keys: dict[str, dict[tuple[str, ...], int]] = defaultdict(dict)

    def watch(self, host: str, namespace: str, selector: Mapping[str, str] | None) -> None:
        """Select pods for a host from now on; None: it selects none any more."""
        if old := self._selectors.pop(host, None):
            self._forget(host, old)
        if selector:
            new = self._selectors[host] = _normal(namespace, selector)
            self._hosts[new].add(host)
            counts = self._keys[namespace]
            counts[new[1]] = counts.get(new[1], 0) + 1

    def _forget(self, host: str, selector: _Selector) -> None:
        namespace, keys, _ = selector
        self._hosts[selector].discard(host)
        if not self._hosts[selector]:
            del self._hosts[selector]
        self._keys[namespace][keys] -= 1
        if not self._keys[namespace][keys]:
            del self._keys[namespace][keys]

    def set_pods(self, pods: Iterable[Pod]) -> set[str]:
        """Replace the pods; returns the hosts that select one that came, went or changed."""
        new = {Key(pod.namespace, pod.name): pod for pod in pods}
        touched: set[str] = set()
        for key in self._pods.keys() - new.keys():
            touched |= self._drop(key)
        for key, pod in new.items():
            old = self._pods.get(key)
            if old is not pod and old != pod:
                touched |= self._drop(key) if old else set()
                touched |= self._put(key, pod)
        return touched

    def _put(self, key: Key, pod: Pod) -> set[str]:
        self._pods[key] = pod
        for label, value in pod.labels.items():
            self._labelled[pod.namespace, label, value].add(key)
        return self.hosts_of(pod.namespace, pod.labels)

    def _drop(self, key: Key) -> set[str]:
        pod = self._pods.pop(key)
        for label, value in pod.labels.items():
            self._labelled[pod.namespace, label, value].discard(key)
        return self.hosts_of(pod.namespace, pod.labels)

    def hosts_of(self, namespace: str, labels: Mapping[str, str]) -> set[str]:
        """The hosts that select a pod with these labels."""
        found: set[str] = set()
        for keys in self._keys.get(namespace, ()):
            if all(key in labels for key in keys):
                values = tuple(labels[key] for key in keys)
                found |= self._hosts.get((namespace, keys, values), set())
        return found

    def members(self, host: str) -> list[Pod]:
        """The pods that a host selects, ready or not, by name."""
        if host not in self._selectors:
            return []
        namespace, keys, values = self._selectors[host]
        sets = [self._labelled.get((namespace, *pair), set()) for pair in zip(keys, values, strict=True)]
        smallest = min(sets, key=len)
        return [self._pods[key] for key in sorted(smallest) if all(key in others for others in sets)]

    def pod(self, key: Key) -> Pod | None:
        """A pod by namespace and name."""
        return self._pods.get(key)
