"""What istiod is shown, and how it is known: a token for it, and the mesh's root certificate, kept fresh.

Owns where they come from: files that the kubelet keeps, else the API server. Must not know what istiod is
asked.
"""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path
from typing import Any

import orjson

from laneway.kubernetes.api.errors import ApiError, Unreachable
from laneway.kubernetes.api.kinds import RESOURCES
from laneway.kubernetes.api.requests import Request, Requests
from laneway.kubernetes.confirm.access import Access
from laneway.kubernetes.places import ACCOUNT, AUDIENCE
from laneway.spec.meta import Key

log = logging.getLogger(__name__)

Json = dict[str, Any]

TOKEN_SECONDS = 43_200
REFRESH_SECONDS = 600.0
"""Much sooner than a token expires, and soon enough for a certificate that is about to be replaced."""
RETRY_SECONDS = 10.0
ROOT_CONFIG_MAP, ROOT_FIELD = "istio-ca-root-cert", "root-cert.pem"
"""Where istiod publishes the root certificate, in every namespace."""


class NotTrustedError(Exception):
    """There is neither a token nor a way to one, or no root certificate. The message says which."""


class Trust:
    """Of one mesh. namespace: Istio's own; token, certificate: files, which may not be there."""

    def __init__(self, requests: Requests, namespace: str, token: Path, certificate: Path) -> None:
        self._requests = requests
        self._namespace = namespace
        self._token_file = token
        self._certificate_file = certificate
        self._token = ""
        self._certificate = b""

    @property
    def access(self) -> Access:
        """The way to any istiod of the mesh."""
        return Access(root=self._root, token=self._shown, namespace=self._namespace)

    async def refresh(self) -> None:
        """Ask for what is in no file. Raises NotTrustedError, Unreachable."""
        if not self._certificate_file.exists():
            self._certificate = await self._published()
        if not self._token_file.exists():
            self._token = await self._requested()

    async def run(self) -> None:
        """Keep them fresh, until cancelled."""
        wait = REFRESH_SECONDS
        while True:
            await asyncio.sleep(wait)
            try:
                await self.refresh()
            except (NotTrustedError, Unreachable) as error:
                log.warning("what istiod is shown could not be renewed: %s", error)
                wait = RETRY_SECONDS
            else:
                wait = REFRESH_SECONDS

    def _root(self) -> bytes:
        return self._certificate or self._certificate_file.read_bytes()

    def _shown(self) -> str:
        return self._token or self._token_file.read_text().strip()

    async def _published(self) -> bytes:
        key = Key(self._namespace, ROOT_CONFIG_MAP)
        path = RESOURCES["ConfigMap"].path(*key)
        try:
            found: Json = orjson.loads(await self._requests.send(Request("get", "ConfigMap", "GET", path)))
            return str(found["data"][ROOT_FIELD]).encode()
        except (ApiError, KeyError) as error:
            raise NotTrustedError(
                f"the mesh's root certificate is neither in {self._certificate_file} nor in ConfigMap {key}: "
                f"{error}"
            ) from error

    async def _requested(self) -> str:
        """A token of our account, where the kubelet gives us none. Whoever asks needs the right to."""
        path = RESOURCES["ServiceAccount"].path(self._namespace, ACCOUNT, "token")
        spec = {"audiences": [AUDIENCE], "expirationSeconds": TOKEN_SECONDS}
        body = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": spec}
        request = Request("create", "TokenRequest", "POST", path, content=orjson.dumps(body))
        try:
            answer: Json = orjson.loads(await self._requests.send(request))
        except ApiError as error:
            raise NotTrustedError(
                f"there is no token for istiod in {self._token_file}, and none is given for ServiceAccount "
                f"{self._namespace}/{ACCOUNT}: {error}"
            ) from error
        return str(answer["status"]["token"])
