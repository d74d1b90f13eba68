"""Where the API server is, by kubeconfig files and by the cluster in which we run."""

from __future__ import annotations

import os
import ssl
from base64 import b64encode
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import trustme
import yaml

from laneway.kubernetes.api.access import Access, AccessError, access, in_cluster, inside
from laneway.kubernetes.api.kubeconfig import from_files

TLS = {"server": "https://x"}


@pytest.fixture
def anyio_backend() -> str:
    """Plugins are asyncio's processes."""
    return "asyncio"


@pytest.fixture(autouse=True)
def elsewhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Neither this machine's kubeconfig nor a cluster around it."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("KUBECONFIG", raising=False)
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)


def kubeconfig(
    path: Path,
    name: str = "lab",
    user: dict[str, Any] | None = None,
    cluster: Mapping[str, Any] | None = None,
) -> Path:
    """A file with one context, which is the current one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    content = {
        "current-context": name,
        "contexts": [{"name": name, "context": {"cluster": name, "user": name, "namespace": "shop"}}],
        "clusters": [
            {"name": name, "cluster": {"server": f"http://{name}.example:8080"} | dict(cluster or {})}
        ],
        "users": [{"name": name, "user": user or {"token": f"token-of-{name}"}}],
    }
    path.write_text(yaml.safe_dump(content))
    return path


async def token(found: Access) -> str:
    """What is sent to say who we are."""
    return (await found.credentials.headers()).get("Authorization", "")


async def test_a_kubeconfig_says_where_and_who(tmp_path: Path) -> None:
    """Its current context counts where none is named."""
    found = access(kubeconfig=kubeconfig(tmp_path / "config"))
    assert (found.url, found.context, found.namespace) == ("http://lab.example:8080", "lab", "shop")
    assert found.tls is None
    assert await token(found) == "Bearer token-of-lab"


async def test_the_file_in_the_home_folder_is_the_last_choice(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """One that KUBECONFIG names comes before it, one that is given before both."""
    kubeconfig(tmp_path / ".kube" / "config", "home")
    assert access().context == "home"
    monkeypatch.setenv("KUBECONFIG", str(kubeconfig(tmp_path / "other", "named")))
    assert access().context == "named"
    assert access(kubeconfig=kubeconfig(tmp_path / "third", "given")).context == "given"


async def test_several_files_are_one_in_which_the_first_counts(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """As for kubectl; files that are not there are left out."""
    first, second = kubeconfig(tmp_path / "1", "one"), kubeconfig(tmp_path / "2", "two")
    monkeypatch.setenv("KUBECONFIG", os.pathsep.join(map(str, (tmp_path / "none", first, second))))
    assert access().context == "one"
    assert access("two").url == "http://two.example:8080"
    assert await token(access("two")) == "Bearer token-of-two"


def test_what_is_missing_is_told_with_what_there_is(tmp_path: Path) -> None:
    """So that nobody has to open the file."""
    path = kubeconfig(tmp_path / "config")
    with pytest.raises(AccessError, match="no context prod; it has lab"):
        access("prod", path)
    with pytest.raises(AccessError, match=r"there is no kubeconfig.*--kubeconfig or KUBECONFIG"):
        access()
    path.write_text(path.read_text().replace("current-context: lab", ""))
    with pytest.raises(AccessError, match="no current context; name one with --context"):
        access(kubeconfig=path)


@pytest.mark.parametrize(
    "content", ["[", "text", "contexts: [{name: lab, context: {cluster: 3}}]\ncurrent-context: lab"]
)
def test_a_file_that_is_no_kubeconfig_is_named(tmp_path: Path, content: str) -> None:
    """Whatever is wrong with it."""
    path = tmp_path / "config"
    path.write_text(content)
    with pytest.raises(AccessError, match=str(path)):
        access(kubeconfig=path)


def test_certificates_may_be_files_beside_the_kubeconfig_or_in_it(tmp_path: Path) -> None:
    """A path is relative to the file that has it, wherever we are."""
    authority = trustme.CA()
    pem = authority.cert_pem.bytes()
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "ca.crt").write_bytes(pem)
    by_file = kubeconfig(tmp_path / "sub" / "config", cluster=TLS | {"certificate-authority": "ca.crt"})
    by_data = kubeconfig(
        tmp_path / "config", cluster=TLS | {"certificate-authority-data": b64encode(pem).decode()}
    )
    for path in (by_file, by_data):
        found = access(kubeconfig=path)
        assert found.tls is not None
        assert found.tls.verify_mode is ssl.CERT_REQUIRED
        assert len(found.tls.get_ca_certs()) == 1, "no other authority is trusted"


def test_a_client_certificate_is_read_and_left_nowhere(tmp_path: Path) -> None:
    """One that does not fit its key is told with the context."""
    authority = trustme.CA()
    certificate, other = authority.issue_cert("laneway"), authority.issue_cert("other")
    pem = b64encode(certificate.cert_chain_pems[0].bytes()).decode()
    for key, fits in ((certificate.private_key_pem, True), (other.private_key_pem, False)):
        user = {"client-certificate-data": pem, "client-key-data": b64encode(key.bytes()).decode()}
        path = kubeconfig(tmp_path / "config", user=user, cluster=TLS)
        if fits:
            assert access(kubeconfig=path).tls is not None
        else:
            with pytest.raises(AccessError, match="certificates of context lab cannot be used"):
                access(kubeconfig=path)


def test_what_else_a_cluster_may_say_is_heard(tmp_path: Path) -> None:
    """The name in the certificate, a proxy, no check at all."""
    path = kubeconfig(
        tmp_path / "config",
        cluster={
            "server": "https://x/",
            "tls-server-name": "kubernetes",
            "proxy-url": "http://proxy:3128",
            "insecure-skip-tls-verify": True,
        },
    )
    found = access(kubeconfig=path)
    assert (found.url, found.server_name, found.proxy) == ("https://x", "kubernetes", "http://proxy:3128")
    assert found.tls is not None and found.tls.verify_mode is ssl.CERT_NONE


async def test_every_kind_of_user_is_known(tmp_path: Path) -> None:
    """A token's file counts before a token, as for kubectl; what kubectl dropped is told."""
    (tmp_path / "token").write_text("from-file\n")
    users: list[tuple[dict[str, Any], str]] = [
        ({"token": "plain"}, "Bearer plain"),
        ({"token": "old", "tokenFile": "token"}, "Bearer from-file"),
        ({"username": "me", "password": "secret"}, "Basic bWU6c2VjcmV0"),
        ({"client-certificate": "x"}, ""),
    ]
    for user, expected in users:
        found = from_files([kubeconfig(tmp_path / "config", user=user)])
        assert await token(found) == expected
    with pytest.raises(AccessError, match="auth-provider gcp"):
        from_files([kubeconfig(tmp_path / "config", user={"auth-provider": {"name": "gcp"}})])


async def test_a_plugin_is_asked_as_the_kubeconfig_says(tmp_path: Path) -> None:
    """Beside the file, with its arguments and variables, told of the cluster where it wants that."""
    plugin = tmp_path / "plugin"
    plugin.write_text(
        '#!/bin/sh\necho "$KUBERNETES_EXEC_INFO" > "$SEEN"\n'
        'echo "{\\"status\\": {\\"token\\": \\"$1-$REGION\\"}}"\n'
    )
    plugin.chmod(0o755)
    asked = {
        "apiVersion": "client.authentication.k8s.io/v1",
        "command": "./plugin",
        "args": ["shop"],
        "env": [{"name": "REGION", "value": "asia"}, {"name": "SEEN", "value": str(tmp_path / "seen")}],
        "provideClusterInfo": True,
        "interactiveMode": "Never",
    }
    found = from_files([kubeconfig(tmp_path / "config", user={"exec": asked})])
    assert await token(found) == "Bearer shop-asia"
    told = yaml.safe_load((tmp_path / "seen").read_text())
    assert told["apiVersion"] == "client.authentication.k8s.io/v1"
    assert told["spec"]["cluster"]["server"] == "http://lab.example:8080"


async def test_in_a_pod_the_service_account_says_where_and_who(tmp_path: Path) -> None:
    """IPv6 addresses too."""
    (tmp_path / "token").write_text("of-the-pod\n")
    (tmp_path / "namespace").write_text("laneway-system")
    (tmp_path / "ca.crt").write_bytes(trustme.CA().cert_pem.bytes())
    environment = {"KUBERNETES_SERVICE_HOST": "fd00::1", "KUBERNETES_SERVICE_PORT": "6443"}
    assert inside(environment, tmp_path)
    assert not inside({}, tmp_path)
    found = in_cluster(environment, tmp_path)
    assert (found.url, found.namespace) == ("https://[fd00::1]:6443", "laneway-system")
    assert await token(found) == "Bearer of-the-pod"
    (tmp_path / "ca.crt").unlink()
    with pytest.raises(AccessError, match="automountServiceAccountToken"):
        in_cluster(environment, tmp_path)
