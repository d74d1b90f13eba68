"""Where the API server is, and how we prove who we are there.

Owns which of the possible answers counts. Must not know what is requested.
"""

from __future__ import annotations

import os
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from laneway.kubernetes.api.credentials import AccessError, Credentials, Fixed, TokenFile

__all__ = ["Access", "AccessError", "access"]

SERVICE_ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")


@dataclass(frozen=True, slots=True)
class Access:
    """The way to an API server. context: its name for people; namespace: the one meant where none is given.

    tls: None for plain HTTP; server_name: whom its certificate must name, where that is not the URL's host.
    """

    url: str
    context: str
    namespace: str = "default"
    tls: ssl.SSLContext | None = None
    credentials: Credentials = field(default_factory=Fixed)
    server_name: str | None = None
    proxy: str | None = None


def access(context: str | None = None, kubeconfig: Path | None = None) -> Access:
    """The way to the API server. Raises AccessError.

    What is named counts before `$KUBECONFIG`, that before the cluster in which we run, that before
    `~/.kube/config`. context: None for the current one.
    """
    files = [kubeconfig] if kubeconfig else _files(os.environ)
    if not files and context is None and inside(os.environ):
        return in_cluster(os.environ)
    from laneway.kubernetes.api.kubeconfig import (
        from_files,
    )  # a fifth of a second, which a pod need not wait for

    return from_files(files or [Path.home() / ".kube" / "config"], context)


def inside(environment: Mapping[str, str], account: Path = SERVICE_ACCOUNT) -> bool:
    """Whether we run in a pod with a service account."""
    return "KUBERNETES_SERVICE_HOST" in environment and (account / "token").exists()


def in_cluster(environment: Mapping[str, str], account: Path = SERVICE_ACCOUNT) -> Access:
    """The cluster in which we run, as the pod's service account."""
    host, port = environment["KUBERNETES_SERVICE_HOST"], environment.get("KUBERNETES_SERVICE_PORT", "443")
    try:
        return Access(
            url=f"https://[{host}]:{port}" if ":" in host else f"https://{host}:{port}",
            context="in-cluster",
            namespace=(account / "namespace").read_text().strip(),
            tls=ssl.create_default_context(cafile=str(account / "ca.crt")),
            credentials=TokenFile(account / "token"),
        )
    except OSError as error:  # ssl.SSLError is one
        raise AccessError(
            f"the service account in {account} cannot be used: {error}",
            "let the pod have one (automountServiceAccountToken), or name a kubeconfig",
        ) from error


def _files(environment: Mapping[str, str]) -> list[Path]:
    return [Path(part) for part in environment.get("KUBECONFIG", "").split(os.pathsep) if part]
