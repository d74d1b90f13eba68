"""Hosts: what can be called in the mesh, made from Services and ServiceEntries.

Owns ports, aliases and where endpoints come from. Must not know rules, proxies, or which pods run.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from laneway.spec.istio import ServiceEntry, WorkloadEntry
from laneway.spec.kubernetes import Service
from laneway.spec.meta import Key
from laneway.spec.naming import DOMAIN
from laneway.spec.protocols import Protocol, named, of_service_port


@dataclass(frozen=True, slots=True)
class HostPort:
    """A port that callers name, the container's port behind it by number or by name, and what is spoken."""

    number: int
    name: str
    target: int | str
    protocol: Protocol = Protocol.HTTP


@dataclass(frozen=True, slots=True)
class Endpoint:
    """An endpoint given in the ServiceEntry itself.

    ports: by the host's port numbers; weight: relative to that of the others.
    """

    address: str
    ports: Mapping[int, int]
    labels: Mapping[str, str] = field(default_factory=dict)
    weight: int = 1


@dataclass(frozen=True, slots=True)
class Host:
    """One host. short: what callers in its namespace may also call it; aliases: what all callers may.

    kind, key: the object it is made from; selector: labels of the pods behind it, in its namespace, None
    where endpoints are given; dns: endpoints are names that proxies resolve; round_robin: of which each new
    connection takes the first answer at that time; addresses: IP addresses that stand for it, or blocks of
    them as CIDR; subject_alt_names: what its certificates say.
    """

    name: str
    kind: str
    key: Key
    ports: tuple[HostPort, ...]
    short: str = ""
    aliases: tuple[str, ...] = ()
    selector: Mapping[str, str] | None = None
    endpoints: tuple[Endpoint, ...] = ()
    dns: bool = False
    round_robin: bool = False
    addresses: tuple[str, ...] = ()
    subject_alt_names: tuple[str, ...] = ()

    @property
    def namespace(self) -> str:
        """Where it is declared: its rules and pods are looked up there."""
        return self.key.namespace

    @property
    def names(self) -> tuple[str, ...]:
        """What a caller in any namespace may call it; its addresses, too, where they are single ones."""
        single = (address for address in self.addresses if "/" not in address and ":" not in address)
        return (self.name, *self.aliases, *single)


def host_of_service(service: Service) -> Host:
    """The host of a Kubernetes Service, under its four names and, in its namespace, its bare name."""
    name, namespace = service.metadata.name, service.metadata.namespace
    full = f"{name}.{namespace}.{DOMAIN}"
    return Host(
        name=full,
        kind=service.kind,
        key=service.key,
        ports=tuple(
            HostPort(
                port.port,
                port.name or "",
                port.target_port or port.port,
                of_service_port(port.app_protocol, port.name or "", port.port),
            )
            for port in service.spec.ports
        ),
        short=name,
        aliases=(f"{full}.", f"{name}.{namespace}.svc", f"{name}.{namespace}"),
        selector=service.spec.selector,
        addresses=(service.spec.cluster_ip,) if service.spec.cluster_ip else (),
    )


def hosts_of_entry(entry: ServiceEntry) -> tuple[Host, ...]:
    """The hosts of a ServiceEntry. With DNS resolution and no endpoints, the host itself is resolved."""
    spec = entry.spec
    ports = tuple(
        HostPort(
            port.number,
            port.name,
            port.target_port or port.number,
            named(port.protocol) or Protocol.HTTP,
        )
        for port in spec.ports
    )
    dns = spec.resolution != "STATIC"
    selector = spec.workload_selector.labels if spec.workload_selector else None
    return tuple(
        Host(
            name=name.lower(),
            kind=entry.kind,
            key=entry.key,
            ports=ports,
            aliases=(f"{name.lower()}.",),
            selector=selector,
            endpoints=_endpoints(entry, name),
            dns=dns,
            round_robin=spec.resolution == "DNS_ROUND_ROBIN",
            addresses=tuple(spec.addresses) or _given_addresses(entry, name),
            subject_alt_names=tuple(spec.subject_alt_names),
        )
        for name in dict.fromkeys(spec.hosts)
    )


def _endpoints(entry: ServiceEntry, name: str) -> tuple[Endpoint, ...]:
    spec = entry.spec
    given = spec.endpoints
    if not given and spec.resolution != "STATIC":
        given = [WorkloadEntry(address=name.lower())]
    return tuple(
        Endpoint(
            workload.address,
            {
                port.number: workload.ports.get(port.name, port.target_port or port.number)
                for port in spec.ports
            },
            workload.labels,
            workload.weight or 1,
        )
        for workload in given
    )


def _given_addresses(entry: ServiceEntry, host: str) -> tuple[str, ...]:
    """What a host was given where the entry says no addresses."""
    listed = entry.status.addresses if entry.status else []
    return tuple(each.value for each in listed if each.host.lower() == host.lower())
