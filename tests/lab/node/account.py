"""What a program in a pod needs to ask the API server as its service account: files, and where the server is.

Source: Kubernetes, plugin/pkg/admission/serviceaccount. Must not know what is asked.
"""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit

from tests.lab.api import Api, Object

TARGET = "/var/run/secrets/kubernetes.io/serviceaccount"
_VALID_SECONDS = 86_400


def wanted(pod: Object) -> bool:
    """Whether a pod names an account whose token it shall see."""
    spec = pod["spec"]
    return bool(spec.get("serviceAccountName")) and spec.get("automountServiceAccountToken") is not False


def server(url: str) -> dict[str, str]:
    """The variables by which every program finds the API server; it has no other address than its own."""
    found = urlsplit(url)
    return {
        "KUBERNETES_SERVICE_HOST": found.hostname or "",
        "KUBERNETES_SERVICE_PORT": str(found.port),
        "KUBERNETES_SERVICE_PORT_HTTPS": str(found.port),
    }


async def write(pod: Object, folder: Path, api: Api, authority: Path) -> None:
    """Write the files. authority: vouches for the API server. Raises ApiError without the account."""
    namespace = pod["metadata"]["namespace"]
    path = f"/api/v1/namespaces/{namespace}/serviceaccounts/{pod['spec']['serviceAccountName']}/token"
    made = await api.request("POST", path, {"spec": {"expirationSeconds": _VALID_SECONDS}})
    _write(folder, authority, {"token": made["status"]["token"], "namespace": namespace})


def written(folder: Path) -> bool:
    """Whether the files are there."""
    return folder.exists()


def _write(folder: Path, authority: Path, files: dict[str, str]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (folder / name).write_text(text)
    (folder / "ca.crt").write_bytes(authority.read_bytes())
