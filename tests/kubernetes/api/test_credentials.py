"""When what proves who we are is asked for anew."""

from __future__ import annotations

import ssl
from datetime import UTC, datetime
from pathlib import Path

import orjson
import pytest
import trustme

from laneway.kubernetes.api.credentials import (
    TOKEN_SECONDS_MAX,
    AccessError,
    Plugin,
    PluginCredentials,
    TokenFile,
)

V1 = "client.authentication.k8s.io/v1"


@pytest.fixture
def anyio_backend() -> str:
    """Plugins are asyncio's processes."""
    return "asyncio"


class Clock:
    """Seconds, as they are set."""

    def __init__(self, now: float = 0.0) -> None:
        self.now = now

    def __call__(self) -> float:
        """Now."""
        return self.now


def plugin(folder: Path, answer: object, code: int = 0) -> Plugin:
    """One that answers so; how often it was asked is the length of `asked`."""
    (folder / "answer").write_bytes(answer if isinstance(answer, bytes) else orjson.dumps(answer))
    script = f"printf x >> {folder}/asked; cat {folder}/answer; echo complaint >&2; exit {code}"
    return Plugin(V1, ("/bin/sh", "-c", script), hint="install it from example.com")


def times_asked(folder: Path) -> int:
    """How often the plugin was."""
    return len((folder / "asked").read_text())


async def test_a_tokens_file_is_read_again_every_minute(tmp_path: Path) -> None:
    """The kubelet writes a new one long before the old one expires."""
    clock, path = Clock(), tmp_path / "token"
    path.write_text("first")
    credentials = TokenFile(path, clock)
    assert await credentials.headers() == {"Authorization": "Bearer first"}
    path.write_text("second")
    clock.now = TOKEN_SECONDS_MAX - 1
    assert await credentials.headers() == {"Authorization": "Bearer first"}
    clock.now = TOKEN_SECONDS_MAX
    assert await credentials.headers() == {"Authorization": "Bearer second"}


async def test_a_token_that_is_not_taken_is_tried_again_only_if_the_file_has_another(tmp_path: Path) -> None:
    """A request with the same token would fail the same way."""
    path = tmp_path / "token"
    path.write_text("first")
    credentials = TokenFile(path, Clock())
    await credentials.headers()
    assert not await credentials.renew()
    path.write_text("second")
    assert await credentials.renew()
    assert await credentials.headers() == {"Authorization": "Bearer second"}


async def test_a_tokens_file_that_is_away_for_an_instant_costs_nothing(tmp_path: Path) -> None:
    """At the start it must be there."""
    clock, path = Clock(), tmp_path / "token"
    credentials = TokenFile(path, clock)
    with pytest.raises(AccessError, match="token cannot be read"):
        await credentials.headers()
    path.write_text("first")
    await credentials.headers()
    path.unlink()
    clock.now = TOKEN_SECONDS_MAX
    assert await credentials.headers() == {"Authorization": "Bearer first"}


async def test_a_plugin_is_asked_again_when_what_it_gave_expires(tmp_path: Path) -> None:
    """A little before that: a request takes time to arrive."""
    expires = datetime(2026, 11, 28, 12, 0, tzinfo=UTC)
    answer = {"status": {"token": "t", "expirationTimestamp": "2026-11-28T12:00:00Z"}}
    clock = Clock(expires.timestamp() - 3600)
    credentials = PluginCredentials(plugin(tmp_path, answer), None, clock)
    for _ in range(3):
        assert await credentials.headers() == {"Authorization": "Bearer t"}
    assert times_asked(tmp_path) == 1
    clock.now = expires.timestamp() - 5
    await credentials.headers()
    assert times_asked(tmp_path) == 2


async def test_a_plugin_is_asked_again_when_its_token_is_not_taken(tmp_path: Path) -> None:
    """What it gave may have been revoked."""
    credentials = PluginCredentials(plugin(tmp_path, {"status": {"token": "t"}}), None)
    await credentials.headers()
    assert await credentials.renew()
    await credentials.headers()
    assert times_asked(tmp_path) == 2


async def test_a_plugin_may_give_a_certificate(tmp_path: Path) -> None:
    """New connections show it; there is no token then."""
    certificate = trustme.CA().issue_cert("laneway")
    status = {
        "clientCertificateData": certificate.cert_chain_pems[0].bytes().decode(),
        "clientKeyData": certificate.private_key_pem.bytes().decode(),
    }
    tls = ssl.create_default_context()
    assert await PluginCredentials(plugin(tmp_path, {"status": status}), tls).headers() == {}
    status["clientKeyData"] = trustme.CA().issue_cert("other").private_key_pem.bytes().decode()
    with pytest.raises(AccessError, match="certificate"):
        await PluginCredentials(plugin(tmp_path, {"status": status}), tls).headers()


async def test_what_goes_wrong_with_a_plugin_is_told_with_how_to_get_it(tmp_path: Path) -> None:
    """It is not there, it fails, it says nothing that we understand."""
    missing = Plugin(V1, (str(tmp_path / "none"),), hint="install it from example.com")
    with pytest.raises(AccessError, match=r"does not start.*install it from example.com"):
        await PluginCredentials(missing, None).headers()
    with pytest.raises(AccessError, match=r"failed: complaint.*install it"):
        await PluginCredentials(plugin(tmp_path, {}, code=3), None).headers()
    answers: list[object] = [b"text", {}, {"status": None}, {"status": {}}]
    for answer in answers:
        with pytest.raises(AccessError, match="gave no ExecCredential"):
            await PluginCredentials(plugin(tmp_path, answer), None).headers()
