"""Who may ask the API server of a lab, and how programs are told: tokens, certificates, kubeconfig files.

Owns the files in the lab's folder. Must not start what reads them.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from pathlib import Path

import yaml
from tests.lab.certificates import Authority, signing_key

ADMIN = "admin"
CONTROLLERS = "system:kube-controller-manager"
ISTIOD = "istiod"
KWOK = "kwok"
_SUPERUSERS = (ADMIN, ISTIOD, KWOK)
_GROUPS = {**dict.fromkeys(_SUPERUSERS, "system:masters"), CONTROLLERS: "system:masters"}
"""The parts of a lab are not what is tested: they may do everything. What is tested has a service account."""


@dataclass(frozen=True)
class Credentials:
    """The files, all in one folder."""

    folder: Path
    server: str
    tokens: dict[str, str]

    @property
    def authority(self) -> Path:
        """Who vouches for the API server."""
        return self.folder / "ca.crt"

    @property
    def certificate(self) -> Path:
        """The API server's certificate."""
        return self.folder / "apiserver.crt"

    @property
    def key(self) -> Path:
        """Its key."""
        return self.folder / "apiserver.key"

    @property
    def accounts_key(self) -> Path:
        """What tokens of service accounts are signed with."""
        return self.folder / "accounts.key"

    @property
    def token_file(self) -> Path:
        """The users that the API server knows by a fixed token."""
        return self.folder / "tokens.csv"

    def kubeconfig(self, user: str, token: str | None = None) -> Path:
        """A kubeconfig file for a user: one with a fixed token, or one whose token is given."""
        path = self.folder / f"{user.replace(':', '-').replace('/', '-')}.kubeconfig"
        told = token or self.tokens[user]
        cluster = {"server": self.server, "certificate-authority": str(self.authority)}
        content = {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "lab", "cluster": cluster}],
            "users": [{"name": user, "user": {"token": told}}],
            "contexts": [{"name": "lab", "context": {"cluster": "lab", "user": user}}],
            "current-context": "lab",
        }
        _write(path, yaml.safe_dump(content))
        return path


def written(folder: Path, server: str, names: list[str]) -> Credentials:
    """Make all credentials of a lab whose API server has these names."""
    folder.mkdir(parents=True, exist_ok=True)
    made = Credentials(folder, server, {user: secrets.token_hex(16) for user in _GROUPS})
    authority = Authority("kubernetes")
    served = authority.server(names)
    made.authority.write_bytes(authority.pair.certificate)
    made.certificate.write_bytes(served.certificate)
    made.key.write_bytes(served.key)
    made.accounts_key.write_bytes(signing_key())
    lines = [f'{made.tokens[user]},{user},{user},"{group}"\n' for user, group in _GROUPS.items()]
    made.token_file.write_text("".join(lines))
    return made


def _write(path: Path, text: str) -> None:
    """In one step: somebody may be reading what was there."""
    unfinished = path.with_suffix(".unfinished")
    unfinished.write_text(text)
    unfinished.chmod(0o600)
    unfinished.rename(path)
