"""Kubeconfig files: the cluster and the user of a context, as lightkube reads them and kubectl merges them.

Must not know what is requested.
"""

from __future__ import annotations

import ssl
from base64 import b64decode
from binascii import Error as NotBase64Error
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import yaml
from lightkube.config import models

from laneway.kubernetes.api.access import Access
from laneway.kubernetes.api.credentials import (
    AccessError,
    Credentials,
    Fixed,
    Plugin,
    PluginCredentials,
    TokenFile,
    bearer,
    load_certificate,
    password,
)

T = TypeVar("T", bound=msgspec.Struct)


class _Cluster(models.Cluster):
    tls_server_name: str | None = msgspec.field(name="tls-server-name", default=None)
    proxy_url: str | None = msgspec.field(name="proxy-url", default=None)


class _Exec(models.UserExec):
    provide_cluster_info: bool = msgspec.field(name="provideClusterInfo", default=False)


class _User(models.User):
    exec: _Exec | None = None


@dataclass(frozen=True, slots=True)
class _File:
    path: Path
    content: Mapping[str, Any]

    def relative(self, name: str) -> Path:
        """A file that this one names."""
        return self.path.parent / name


def from_files(paths: Sequence[Path], context: str | None = None) -> Access:
    """The way to the API server of a context, None for the current one. Raises AccessError.

    Of several files the first that has something counts
    (https://kubernetes.io/docs/concepts/configuration/organize-cluster-access-kubeconfig/#merging-kubeconfig-files).
    """
    files = [_read(path) for path in paths if path.exists()]
    if not files:
        raise AccessError(
            f"there is no kubeconfig: {', '.join(map(str, paths))}",
            "name one with --kubeconfig or KUBECONFIG, or run inside the cluster",
        )
    name = context or next(
        (file.content["current-context"] for file in files if file.content.get("current-context")), ""
    )
    if not name:
        raise AccessError("the kubeconfig has no current context", "name one with --context")
    _, chosen = _entry(files, "context", name, models.Context)
    cluster_file, cluster = _entry(files, "cluster", chosen.cluster, _Cluster)
    user_file, user = _entry(files, "user", chosen.user, _User) if chosen.user else (cluster_file, _User())
    try:
        tls = _tls(cluster_file, cluster, user_file, user)
    except (OSError, NotBase64Error, UnicodeDecodeError) as error:  # ssl.SSLError is an OSError
        raise AccessError(
            f"the certificates of context {name} cannot be used: {error}", "write its kubeconfig anew"
        ) from error
    return Access(
        url=cluster.server.rstrip("/"),
        context=name,
        namespace=chosen.namespace or "default",
        tls=tls,
        credentials=_credentials(user_file, user, cluster, tls),
        server_name=cluster.tls_server_name,
        proxy=cluster.proxy_url,
    )


def _read(path: Path) -> _File:
    try:
        content = yaml.load(path.read_bytes(), yaml.CSafeLoader) or {}
    except (OSError, yaml.YAMLError) as error:
        raise AccessError(f"{path} cannot be read: {error}", "let it be a kubeconfig") from error
    if not isinstance(content, dict):
        raise AccessError(f"{path} is not a kubeconfig", "name another with --kubeconfig or KUBECONFIG")
    return _File(path, content)


def _entry(files: Sequence[_File], part: str, name: str, model: type[T]) -> tuple[_File, T]:
    """The cluster, user or context of that name, and the file that has it."""
    for file in files:
        for entry in file.content.get(f"{part}s") or ():
            if entry.get("name") == name:
                try:
                    return file, msgspec.convert(entry.get(part) or {}, model)
                except msgspec.ValidationError as error:
                    raise AccessError(f"{part} {name} in {file.path}: {error}", "correct it") from error
    known = sorted(entry["name"] for file in files for entry in file.content.get(f"{part}s") or ())
    raise AccessError(
        f"the kubeconfig has no {part} {name}",
        f"it has {', '.join(known)}" if known else f"it has no {part} at all",
    )


def _tls(cluster_file: _File, cluster: _Cluster, user_file: _File, user: _User) -> ssl.SSLContext | None:
    if not cluster.server.startswith("https:"):
        return None
    authority = _pem(cluster_file, cluster.certificate_auth_data, cluster.certificate_auth)
    tls = ssl.create_default_context(cadata=authority)
    if cluster.insecure:
        tls.check_hostname = False
        tls.verify_mode = ssl.CERT_NONE
    certificate = _pem(user_file, user.client_cert_data, user.client_cert)
    key = _pem(user_file, user.client_key_data, user.client_key)
    if certificate and key:
        load_certificate(tls, certificate, key)
    return tls


def _pem(file: _File, data: str | None, name: str | None) -> str | None:
    """What is written in the kubeconfig counts before what stands in a file."""
    if data:
        return b64decode(data).decode()
    return file.relative(name).read_text() if name else None


def _credentials(file: _File, user: _User, cluster: _Cluster, tls: ssl.SSLContext | None) -> Credentials:
    if user.token_file:
        return TokenFile(file.relative(user.token_file))
    if user.token:
        return Fixed(bearer(user.token))
    if user.exec:
        return PluginCredentials(_plugin(file, user.exec, cluster), tls)
    if user.username and user.password:
        return password(user.username, user.password)
    if user.auth_provider:
        raise AccessError(
            f"the kubeconfig's auth-provider {user.auth_provider.get('name', '')} is no longer supported",
            "let the kubeconfig use an exec plugin instead, as kubectl itself needs it since 1.26",
        )
    return Fixed()


def _plugin(file: _File, asked: _Exec, cluster: _Cluster) -> Plugin:
    """A command with a slash is relative to the kubeconfig; one without is looked for in PATH."""
    program = str(file.relative(asked.command)) if "/" in asked.command else asked.command
    return Plugin(
        api_version=asked.apiVersion,
        command=(program, *(asked.args or ())),
        environment={variable.name: variable.value for variable in asked.env or ()},
        cluster=_told(cluster) if asked.provide_cluster_info else None,
        hint=asked.installHint or "",
    )


def _told(cluster: _Cluster) -> dict[str, Any]:
    """What a plugin is told of the cluster."""
    written = msgspec.to_builtins(cluster)
    return {name: value for name, value in written.items() if value is not None and name != "proxy-url"}
