"""What the mesh's objects say together: who is a host, which rules govern it, which pods are behind it.

Owns the look-ups between objects, and which of them a change makes stale. Must not know Envoy or proxies.
Where several objects claim the same, Istio's choice is taken, and `shadowed` tells which had no effect.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping

from laneway.mesh import world
from laneway.mesh.aliases import Aliases
from laneway.mesh.hosts import Host, host_of_service, hosts_of_entry
from laneway.mesh.names import age
from laneway.mesh.policies import Policies, governed_among, makes_alike
from laneway.mesh.policy import Policy
from laneway.mesh.selection import Selection
from laneway.mesh.shadowed import Shadowed
from laneway.mesh.stale import Stale
from laneway.mesh.virtual_services import VirtualServices, destinations, governed_hosts
from laneway.mesh.visibility import Visibilities, Visibility
from laneway.mesh.world import Inbound, Pod
from laneway.spec.istio import DestinationRule, Gateway, ServiceEntry, Sidecar, VirtualService
from laneway.spec.kubernetes import Secret, Service
from laneway.spec.meta import Key
from laneway.spec.naming import full_host
from laneway.spec.protocols import Protocol

MeshObject = Service | ServiceEntry | VirtualService | DestinationRule | Gateway | Sidecar
"""The kinds that change what proxies do."""


class Registry:
    """The objects by what they are asked for. Takes only objects that were not refused."""

    def __init__(self) -> None:
        self._objects: dict[tuple[str, Key], MeshObject] = {}
        self._claims: dict[str, dict[tuple[str, Key], Host]] = defaultdict(dict)
        self._hosts: dict[str, Host] = {}
        self._aliases = Aliases()
        self._rules = VirtualServices()
        self._policies = Policies()
        self._gateways: dict[Key, Gateway] = {}
        self._secrets: dict[Key, Secret] = {}
        self._selection = Selection()
        self._visibilities = Visibilities()
        self._passthrough = False
        self._stale = Stale()

    def upsert(self, value: MeshObject) -> bool:
        """Take an object; returns whether it says anything new."""
        old = self._objects.get((value.kind, value.key))
        if old is not None and _meaning(old) == _meaning(value):
            return False
        self._replace(value.kind, value.key, value)
        return True

    def delete(self, kind: str, key: Key) -> bool:
        """Forget an object; returns whether it was known."""
        known = (kind, key) in self._objects
        if known:
            self._replace(kind, key, None)
        return known

    def set_pods(self, pods: Iterable[Pod]) -> bool:
        """Replace the pods; returns whether the endpoints of any host may have changed."""
        touched = self._selection.set_pods(pods)
        self._stale.endpoints |= touched
        return bool(touched)

    def set_secret(self, key: Key, secret: Secret | None) -> None:
        """Take a Secret, None for one that is gone: gateways may name it for their certificates."""
        old = self._secrets.pop(key, None)
        if secret is not None:
            self._secrets[key] = secret
        self._stale.gateways |= (old and old.data) != (secret and secret.data)

    def set_passthrough(self, allowed: bool) -> bool:
        """Whether callers may call what they do not see, unless a Sidecar says it; returns if that is new."""
        changed = allowed != self._passthrough
        self._passthrough = allowed
        return changed

    def take_stale(self) -> Stale:
        """What became stale since the last time."""
        stale, self._stale = self._stale, Stale()
        return stale

    # What is asked of it.

    def host(self, name: str) -> Host | None:
        """The host of this full name: of a Service before a ServiceEntry, then of the oldest."""
        return self._hosts.get(name)

    def target_of(self, name: str) -> str | None:
        """The full name that a caller in any namespace reaches as `name`: of a host, or of rules."""
        if name in self._hosts:
            return name
        return self._aliases.host(name) or (name if name in self._rules.hosts() else None)

    def short_target_of(self, namespace: str, name: str) -> str | None:
        """The full name of the Service that only callers of this namespace reach by its bare name."""
        host = self._hosts.get(full_host(name, namespace))
        return host.name if host and host.short == name else None

    def called(self, name: str, namespace: str) -> str | None:
        """The full name that a caller in this namespace reaches as `name`."""
        return self.target_of(name) or self.short_target_of(namespace, name)

    def short_names(self, namespace: str) -> list[str]:
        """The bare names that callers of a namespace may use."""
        return self._aliases.short_names(namespace)

    def rules_of(self, host: str) -> VirtualService | None:
        """The VirtualService that governs a host at the sidecars: the oldest. Istio ignores every other."""
        return self._rules.of(host)

    def policy(self, host: Host) -> Policy:
        """What the DestinationRules of its namespace say of a host."""
        return self._policies.of(host)

    def pods_of(self, host: str) -> list[Pod]:
        """The pods that a host selects, ready or not, by name."""
        return self._selection.members(host)

    def visibility(self, namespace: str, labels: Mapping[str, str]) -> Visibility | None:
        """Which hosts a caller sees; None for all of them."""
        return self._visibilities.of(namespace, labels)

    def visible(self, name: str, visibility: Visibility | None) -> bool:
        """Whether a full name, of a host or of rules, is seen. visibility: as above."""
        if visibility is None or not visibility.limited:
            return True
        rules, host = self.rules_of(name), self.host(name)
        namespace = host.namespace if host else rules.metadata.namespace if rules else None
        return namespace is not None and visibility.shows(name, namespace)

    def allows(self, visibility: Visibility | None) -> bool:
        """Whether a caller may call what it does not see. visibility: its own, as above."""
        said = visibility.allowed if visibility else None
        return self._passthrough if said is None else said

    def targets(self) -> set[str]:
        """The full names of all hosts, and of rules without a host."""
        return self._hosts.keys() | self._rules.hosts()

    def names(self) -> set[str]:
        """What callers in any namespace may call them."""
        return self.targets() | self._aliases.names()

    def reached_from(self, name: str) -> frozenset[str]:
        """A host, by full name, and the hosts that its rules send to."""
        rules = self.rules_of(name)
        return frozenset({name, *(destinations(rules) if rules else ())})

    def protocols_of(self, sidecar: world.Sidecar) -> tuple[Protocol, ...]:
        """What is spoken at each port of a sidecar's application: as the hosts say that send there.

        Of several that differ the first by name counts; HTTP where none sends there.
        """
        hosts = sorted(self._selection.hosts_of(sidecar.namespace, sidecar.labels))
        ports = [port for name in hosts for port in self._hosts[name].ports]
        return tuple(
            next((port.protocol for port in ports if port.target in _targets(inbound)), Protocol.HTTP)
            for inbound in sidecar.inbound
        )

    def pod(self, key: Key) -> Pod | None:
        """A pod by namespace and name."""
        return self._selection.pod(key)

    def gateways(self) -> list[Gateway]:
        """All Gateways, oldest first."""
        return sorted(self._gateways.values(), key=age)

    def secret(self, key: Key) -> Secret | None:
        """A Secret by namespace and name."""
        return self._secrets.get(key)

    def virtual_service(self, key: Key) -> VirtualService | None:
        """A VirtualService by namespace and name."""
        return self._rules.get(key)

    def virtual_services(self) -> list[VirtualService]:
        """All VirtualServices, oldest first."""
        return self._rules.oldest_first()

    def shadowed(self) -> list[Shadowed]:
        """Objects that another one, or their namespace, keeps from having an effect."""
        idle = self._policies.shadowed(self._hosts.values())
        return [*self._rules.shadowed(), *self._shadowed_hosts(), *idle]

    def _shadowed_hosts(self) -> Iterator[Shadowed]:
        for name, claims in self._claims.items():
            for kind, key in claims:
                owner = self._hosts[name]
                if (kind, key) != (owner.kind, owner.key):
                    yield Shadowed(kind, key, name, f"{owner.kind} {owner.key} already is this host")

    # What a change does.

    def _replace(self, kind: str, key: Key, new: MeshObject | None) -> None:
        """Withdraw the old object, enter the new one, and settle who the hosts of both are now."""
        old = self._objects.pop((kind, key), None)
        unsettled: set[str] = set()
        if old is not None:
            unsettled |= self._withdraw(old)
        if new is not None:
            self._objects[kind, key] = new
            unsettled |= self._enter(new)
        for name in unsettled:
            self._settle(name)

    def _withdraw(self, value: MeshObject) -> set[str]:
        match value:
            case Service() | ServiceEntry():
                names = {host.name for host in _hosts(value)}
                for name in names:
                    del self._claims[name][value.kind, value.key]
                    if not self._claims[name]:
                        del self._claims[name]
                return names
            case VirtualService():
                self._rules.drop(value)
                self._mark_rules(value)
            case DestinationRule():
                self._policies.drop(value)
                self._mark_policy(value)
            case Gateway():
                del self._gateways[value.key]
                self._stale.gateways = True
            case Sidecar():
                self._visibilities.drop(value)
                self._stale.sidecars = True
        return set()

    def _enter(self, value: MeshObject) -> set[str]:
        match value:
            case Service() | ServiceEntry():
                hosts = _hosts(value)
                for host in hosts:
                    self._claims[host.name][value.kind, value.key] = host
                return {host.name for host in hosts}
            case VirtualService():
                self._rules.put(value)
                self._mark_rules(value)
            case DestinationRule():
                self._policies.put(value)
                self._mark_policy(value)
            case Gateway():
                self._gateways[value.key] = value
                self._stale.gateways = True
            case Sidecar():
                self._visibilities.put(value)
                self._stale.sidecars = True
        return set()

    def _mark_rules(self, value: VirtualService) -> None:
        self._stale.rules.add(value.key)
        for name in governed_hosts(value):
            self._stale.routes.add(name)
            if name not in self._hosts:
                self._stale.names.add(name)

    def _mark_policy(self, rule: DestinationRule) -> None:
        for host in governed_among(rule, self._hosts):
            self._mark_connections(host)
            if makes_alike(rule):
                self._stale.routes.add(host)
                self._mark_referrers(host)

    def _mark_connections(self, host: str) -> None:
        self._policies.forget(host)
        self._stale.clusters.add(host)
        self._stale.endpoints.add(host)

    def _settle(self, name: str) -> None:
        """Choose the host among its claims, and mark all that depends on the choice."""
        old = self._hosts.pop(name, None)
        if claims := self._claims.get(name):
            self._hosts[name] = min(claims.values(), key=self._precedence)
        new = self._hosts.get(name)
        if old == new:
            return
        self._selection.watch(name, new.namespace if new else "", new.selector if new else None)
        if old is not None:
            self._aliases.drop(old)
            self._mark_names(old)
        if new is not None:
            self._aliases.put(new)
            self._mark_names(new)
        self._mark_connections(name)
        self._stale.routes.add(name)
        self._mark_referrers(name)

    def _mark_names(self, host: Host) -> None:
        self._stale.names.update(host.names)
        if host.short:
            self._stale.short_names.add((host.namespace, host.short))

    def _precedence(self, host: Host) -> tuple[object, ...]:
        return host.kind != "Service", *age(self._objects[host.kind, host.key])

    def _mark_referrers(self, host: str) -> None:
        """Rules follow the ports of the hosts that they route to, and what makes requests to these alike."""
        for rule in self._rules.sending_to(host):
            self._mark_rules(rule)


def _meaning(value: MeshObject) -> tuple[object, ...]:
    given = value.status if isinstance(value, ServiceEntry) else None
    return value.spec, value.metadata.creation_timestamp, given


def _hosts(value: Service | ServiceEntry) -> tuple[Host, ...]:
    return (host_of_service(value),) if isinstance(value, Service) else hosts_of_entry(value)


def _targets(inbound: Inbound) -> tuple[int | str, ...]:
    """What a host's port may call a container's port."""
    return (inbound.container_port, inbound.name) if inbound.name else (inbound.container_port,)
