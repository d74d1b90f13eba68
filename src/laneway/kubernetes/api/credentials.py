"""How we prove who we are: a header that lasts, a token in a file, a program that is asked.

Owns when what we have is asked for anew. Must not know what is requested with it.
"""

from __future__ import annotations

import asyncio
import os
import ssl
import tempfile
import time
from base64 import b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

import msgspec
import orjson

TOKEN_SECONDS_MAX = 60.0
"""A token's file is read again after so long; the kubelet writes it anew long before the token expires."""
PLUGIN_SECONDS_MAX = 60.0
EXPIRY_MARGIN_SECONDS = 10.0
BY_HAND = "run it by hand to see why"
NO_HEADERS: Mapping[str, str] = {}


class AccessError(Exception):
    """The API server cannot be asked: what is wrong. remedy: what to do about it, as a sentence."""

    def __init__(self, wrong: str, remedy: str) -> None:
        super().__init__(f"{wrong}; {remedy}")
        self.wrong = wrong
        self.remedy = remedy


class Credentials(Protocol):
    """What is asked before every request."""

    async def headers(self) -> Mapping[str, str]:
        """What to send. Raises AccessError."""

    async def renew(self) -> bool:
        """Told that the API server does not take them. Whether other ones may be there now."""


@dataclass(frozen=True, slots=True)
class Fixed:
    """Headers that never change; none where a client certificate says who we are."""

    fixed: Mapping[str, str] = field(default_factory=dict)

    async def headers(self) -> Mapping[str, str]:
        """Those given."""
        return self.fixed

    async def renew(self) -> bool:
        """There is nothing else to try."""
        return False


def password(username: str, word: str) -> Fixed:
    """HTTP basic authentication."""
    return Fixed({"Authorization": "Basic " + b64encode(f"{username}:{word}".encode()).decode()})


def bearer(token: str) -> Mapping[str, str]:
    """The header that carries a token."""
    return {"Authorization": f"Bearer {token}"}


class TokenFile:
    """A token that somebody else keeps fresh in a file."""

    def __init__(self, path: Path, clock: Callable[[], float] = time.monotonic) -> None:
        self._path = path
        self._clock = clock
        self._headers = NO_HEADERS
        self._stale_at = -float("inf")

    async def headers(self) -> Mapping[str, str]:
        """The token, as the file had it within the last minute."""
        if self._clock() >= self._stale_at:
            self._headers = self._read()
            self._stale_at = self._clock() + TOKEN_SECONDS_MAX
        return self._headers

    async def renew(self) -> bool:
        """Whether the file has another token by now."""
        before, self._stale_at = self._headers, -float("inf")
        return await self.headers() != before

    def _read(self) -> Mapping[str, str]:
        try:
            return bearer(self._path.read_text().strip())  # of a few bytes, in memory
        except OSError as error:
            if self._headers:  # being replaced; what we have may still be taken
                return self._headers
            raise AccessError(
                f"the token cannot be read: {error}", "let the file be readable, or name another kubeconfig"
            ) from error


@dataclass(frozen=True, slots=True)
class Plugin:
    """A program that gives credentials. cluster: told to it, where it wants that; hint: how to install it."""

    api_version: str
    command: tuple[str, ...]
    environment: Mapping[str, str] = field(default_factory=dict)
    cluster: Mapping[str, Any] | None = None
    hint: str = ""


class _Status(msgspec.Struct, rename="camel"):
    """What a plugin gives: a token, a certificate with its key, or both."""

    token: str = ""
    client_certificate_data: str = ""
    client_key_data: str = ""
    expiration_timestamp: datetime | None = None


class _Given(msgspec.Struct):
    status: _Status


class PluginCredentials:
    """What a plugin gave, until it expires. Client certificates are put into `tls`.

    https://kubernetes.io/docs/reference/access-authn-authz/authentication/#client-go-credential-plugins
    """

    def __init__(
        self, plugin: Plugin, tls: ssl.SSLContext | None, clock: Callable[[], float] = time.time
    ) -> None:
        """clock: seconds since 1970, to be compared with the plugin's `expirationTimestamp`."""
        self._plugin = plugin
        self._tls = tls
        self._clock = clock
        self._headers: Mapping[str, str] | None = None
        self._expires_at = float("inf")
        self._asking = asyncio.Lock()

    async def headers(self) -> Mapping[str, str]:
        """The token that it gave, or nothing where it gave a certificate."""
        async with self._asking:
            if self._headers is None or self._clock() >= self._expires_at:
                self._headers = self._taken(await _ask(self._plugin))
            return self._headers

    async def renew(self) -> bool:
        """The plugin is asked again."""
        self._headers = None
        return True

    def _taken(self, given: _Status) -> Mapping[str, str]:
        expires = given.expiration_timestamp
        self._expires_at = expires.timestamp() - EXPIRY_MARGIN_SECONDS if expires else float("inf")
        if self._tls is not None and given.client_certificate_data:
            try:
                load_certificate(self._tls, given.client_certificate_data, given.client_key_data)
            except ssl.SSLError as error:
                wrong = f"the certificate of {self._plugin.command[0]} cannot be used: {error}"
                raise AccessError(wrong, BY_HAND) from error
        return bearer(given.token) if given.token else NO_HEADERS


def load_certificate(tls: ssl.SSLContext, certificate: str, key: str) -> None:
    """Show this certificate on new connections. Both as PEM; they are on the disk only for an instant."""
    with tempfile.NamedTemporaryFile("w") as file:
        file.write(f"{certificate}\n{key}\n")
        file.flush()
        tls.load_cert_chain(file.name)


async def _ask(plugin: Plugin) -> _Status:
    """What the plugin prints. Raises AccessError."""
    spec = {"interactive": False} | ({"cluster": plugin.cluster} if plugin.cluster else {})
    asked = {"apiVersion": plugin.api_version, "kind": "ExecCredential", "spec": spec}
    environment = (
        os.environ | dict(plugin.environment) | {"KUBERNETES_EXEC_INFO": orjson.dumps(asked).decode()}
    )
    output = await _output(plugin, environment)
    try:
        given = msgspec.json.decode(output, type=_Given).status
    except msgspec.DecodeError as error:
        raise AccessError(f"{plugin.command[0]} gave no ExecCredential: {error}", BY_HAND) from error
    if not (given.token or given.client_certificate_data):
        raise AccessError(f"{plugin.command[0]} gave no ExecCredential: it is empty", BY_HAND)
    return given


async def _output(plugin: Plugin, environment: Mapping[str, str]) -> bytes:
    program, remedy = plugin.command[0], plugin.hint.strip() or BY_HAND
    try:
        process = await asyncio.create_subprocess_exec(
            *plugin.command,
            env=environment,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
    except OSError as error:
        raise AccessError(
            f"{program}, which gives the credentials, does not start: {error}", remedy
        ) from error
    try:
        async with asyncio.timeout(PLUGIN_SECONDS_MAX):
            output, complaint = await process.communicate()
    except TimeoutError as error:
        raise AccessError(f"{program}, which gives the credentials, does not end", remedy) from error
    finally:
        if process.returncode is None:
            process.kill()
    if process.returncode != 0:
        said = complaint.decode(errors="replace").strip()
        raise AccessError(f"{program}, which gives the credentials, failed: {said}", remedy)
    return output
