"""Who pods are to each other: a certificate for each service account, all by one authority of the node's own.

Source: SPIFFE names as Istio writes them. Must not know how an Envoy gets its certificate.
"""

from __future__ import annotations

import datetime

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from tests.lab.certificates import Pair, pem

TRUST_DOMAIN = "cluster.local"
_VALID = datetime.timedelta(days=2)


class Identities:
    """An authority, and the certificates that it has given."""

    def __init__(self) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.ORGANIZATION_NAME, TRUST_DOMAIN)])
        built = _dated(self._name, self._name, self._key).add_extension(
            x509.BasicConstraints(ca=True, path_length=None), critical=True
        )
        self.authority = _pem(built.sign(self._key, hashes.SHA256()))
        """What everybody trusts, as PEM."""
        self._given: dict[str, Pair] = {}

    def of(self, namespace: str, account: str) -> Pair:
        """The certificate and key of a service account."""
        name = f"spiffe://{TRUST_DOMAIN}/ns/{namespace}/sa/{account}"
        if name not in self._given:
            self._given[name] = self._made(name)
        return self._given[name]

    def _made(self, name: str) -> Pair:
        key = ec.generate_private_key(ec.SECP256R1())
        usages = [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]
        built = (
            _dated(x509.Name([]), self._name, key)
            .add_extension(x509.SubjectAlternativeName([x509.UniformResourceIdentifier(name)]), critical=True)
            .add_extension(x509.ExtendedKeyUsage(usages), critical=False)
        )
        return Pair(_pem(built.sign(self._key, hashes.SHA256())), pem(key))


def _dated(subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey) -> x509.CertificateBuilder:
    began = datetime.datetime.now(datetime.UTC) - datetime.timedelta(hours=1)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(began)
        .not_valid_after(began + _VALID)
    )


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)
