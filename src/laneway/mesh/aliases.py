"""The other names of hosts: those that callers in any namespace may use, and those for one namespace alone.

Must not know how a host came by its names.
"""

from __future__ import annotations

from collections import defaultdict

from laneway.mesh.hosts import Host


class Aliases:
    """The names, kept up to date host by host."""

    def __init__(self) -> None:
        self._hosts: dict[str, str] = {}
        self._short_names: dict[str, dict[str, None]] = defaultdict(dict)

    def put(self, host: Host) -> None:
        """Take a host's names. A name that another host has already stays with that."""
        for alias in host.names[1:]:
            self._hosts.setdefault(alias, host.name)
        if host.short:
            self._short_names[host.namespace][host.short] = None

    def drop(self, host: Host) -> None:
        """Let a host's names go."""
        for alias in host.names[1:]:
            if self._hosts.get(alias) == host.name:
                del self._hosts[alias]
        if host.short:
            self._short_names[host.namespace].pop(host.short, None)

    def host(self, alias: str) -> str | None:
        """The full name of the host that callers in any namespace reach by another name."""
        return self._hosts.get(alias)

    def names(self) -> set[str]:
        """The names that callers in any namespace may use beside the full ones."""
        return set(self._hosts)

    def short_names(self, namespace: str) -> list[str]:
        """The bare names that callers of a namespace may use."""
        return list(self._short_names[namespace])
