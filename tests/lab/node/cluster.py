"""The control plane as a node needs it. `tests.lab.control_plane.ControlPlane` is one."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol


class Istiod(Protocol):
    """One istiod."""

    @property
    def grpc(self) -> str:
        """Its plaintext address, as `address:port`."""


class Cluster(Protocol):
    """The control plane whose pods are run."""

    @property
    def folder(self) -> Path:
        """For what is written about it."""

    @property
    def istiods(self) -> Sequence[Istiod]:
        """They share the Envoys."""

    @property
    def server(self) -> str:
        """The API server's URL."""

    @property
    def authority(self) -> Path:
        """The certificate that vouches for it."""

    def token(self) -> str:
        """Of a user who may do everything."""
