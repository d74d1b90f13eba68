"""The certificates of a Gateway's server in a Secret: under which keys, and what of them is not there.

Keys: those of type kubernetes.io/tls, and of Istio's generic form; what clients are verified with may stand
in a Secret of its own, whose name ends with -cacert.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from laneway.spec.istio import ServerTLSSettings
from laneway.spec.kubernetes import Secret
from laneway.spec.meta import Key

_CHAIN, _KEY, _CA = ("tls.crt", "cert"), ("tls.key", "key"), ("ca.crt", "cacert")


@dataclass(frozen=True, slots=True)
class Credentials:
    """A certificate with its chain and its key, as PEM. ca: what clients are verified with, None for none."""

    chain: bytes
    key: bytes = field(repr=False)
    ca: bytes | None = None


@dataclass(frozen=True, slots=True)
class Lack:
    """What is not there. secret: the Secret; name: the key that it lacks, empty where there is none."""

    secret: Key
    name: str = ""

    def __str__(self) -> str:
        return (
            f"Secret {self.secret} has no key {self.name}"
            if self.name
            else f"there is no Secret {self.secret}"
        )


def verifies_clients(settings: ServerTLSSettings) -> bool:
    """Whether clients may or have to show a certificate."""
    return settings.mode in {"MUTUAL", "OPTIONAL_MUTUAL"}


def credentials_of(
    settings: ServerTLSSettings, namespace: str, secret: Callable[[Key], Secret | None]
) -> Credentials | Lack:
    """What `credentialName` stands for, or the first thing that is not there.

    namespace: of the gateway's pods; secret: one by its key.
    """
    name = Key(namespace, settings.credential_name)
    found = secret(name)
    if found is None:
        return Lack(name)
    chain, key = _value(found, _CHAIN), _value(found, _KEY)
    if chain is None or key is None:
        return Lack(name, (_KEY if key is None and chain is not None else _CHAIN)[0])
    if not verifies_clients(settings):
        return Credentials(chain, key)
    beside = secret(Key(namespace, f"{name.name}-cacert"))
    ca = (_value(beside, _CA) if beside else None) or _value(found, _CA)
    return Lack(name, _CA[0]) if ca is None else Credentials(chain, key, ca)


def _value(secret: Secret, keys: tuple[str, ...]) -> bytes | None:
    return next((secret.values[key] for key in keys if key in secret.values), None)
