"""TLS from a proxy to endpoints outside of the mesh: whose certificate is taken, and which is shown."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
import trustme
from tests.mesh.mesh_objects import parse
from tests.mesh.running_mesh import LOOPBACK, RunningMesh

from laneway.mesh.files import unreadable

pytestmark = [pytest.mark.mesh, pytest.mark.anyio]

ENTRY = """
kind: ServiceEntry
metadata: {name: partner}
spec:
  hosts: [partner.example]
  ports: [{number: 80, name: http, protocol: %s}]
  resolution: STATIC
  endpoints: [{address: 127.0.0.1, ports: {http: %d}}]
"""
RULE = """
kind: DestinationRule
metadata: {name: partner}
spec: {host: partner.example, trafficPolicy: {tls: {%s}}}
"""


@dataclass
class Partner:
    """A server of TLS that says by which name it was called, and who called; and files for its callers."""

    port: int
    ca: Path
    certificate: Path
    key: Path


@asynccontextmanager
async def partner(folder: Path, name: str, asks: bool = False) -> AsyncIterator[Partner]:
    """A partner whose certificate has this name. asks: for a client's certificate."""
    authority = trustme.CA()
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert(name).configure_cert(context)
    authority.configure_trust(context)
    context.verify_mode = ssl.CERT_REQUIRED if asks else ssl.CERT_NONE
    called: dict[ssl.SSLObject | ssl.SSLSocket, str | None] = {}
    context.sni_callback = lambda connection, name, _: called.__setitem__(connection, name)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while await reader.readuntil(b"\r\n\r\n"):
                found = writer.get_extra_info("ssl_object")
                shown = found.getpeercert() or {}
                names = [value for _, value in shown.get("subjectAltName", ())]
                body = f"{called.get(found)} {','.join(names)}".encode()
                writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%s" % (len(body), body))
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    issued = authority.issue_cert("caller.example")
    files = [folder / "ca.pem", folder / "caller.pem", folder / "caller.key"]
    authority.cert_pem.write_to_path(str(files[0]))
    issued.cert_chain_pems[0].write_to_path(str(files[1]))
    issued.private_key_pem.write_to_path(str(files[2]))
    server = await asyncio.start_server(serve, LOOPBACK, 0, ssl=context)
    async with server:
        yield Partner(server.sockets[0].getsockname()[1], *files)


async def answer(mesh: RunningMesh, port: int, tls: str, names: str = "") -> tuple[int, str]:
    """What a caller in the mesh is told by its partner. names: of its certificate, as its entry says."""
    caller = await mesh.caller(await mesh.sidecar())
    entry = ENTRY % ("HTTP", port) + (f"  subjectAltNames: [{names}]" if names else "")
    for text in (entry, RULE % tls):
        for value in parse(text):
            assert mesh.plane.upsert(value) == ()
    await mesh.publish()
    assert mesh.plane.rejections() == {}
    return await caller.get("partner.example")


@pytest.mark.parametrize(
    ("name", "tls", "status", "told"),
    [
        ("partner.example", "mode: SIMPLE, caCertificates: FILE", 200, "partner.example "),
        ("other.example", "mode: SIMPLE, caCertificates: FILE", 503, ""),
        ("other.example", "mode: SIMPLE, caCertificates: FILE, subjectAltNames: [other.example]", 200, ""),
        ("partner.example", "mode: SIMPLE, caCertificates: FILE, sni: front.example", 200, "front.example "),
        ("partner.example", "mode: SIMPLE", 503, ""),
        ("other.example", "mode: SIMPLE, insecureSkipVerify: true", 200, "partner.example "),
    ],
)
async def test_who_is_called_and_whose_certificate_is_taken(
    mesh: RunningMesh, tmp_path: Path, name: str, tls: str, status: int, told: str
) -> None:
    """The host of the request, by its own authority or the system's, unless the rule says otherwise."""
    async with partner(tmp_path, name) as there:
        found = await answer(mesh, there.port, tls.replace("FILE", str(there.ca)))
        assert found[0] == status
        assert found[1].startswith(told)


async def test_a_certificate_is_shown_where_the_rule_has_one(mesh: RunningMesh, tmp_path: Path) -> None:
    """MUTUAL."""
    async with partner(tmp_path, "partner.example", asks=True) as there:
        files = f"clientCertificate: {there.certificate}, privateKey: {there.key}, caCertificates: {there.ca}"
        assert await answer(mesh, there.port, f"mode: MUTUAL, {files}") == (
            200,
            "partner.example caller.example",
        )


@pytest.mark.parametrize(
    ("name", "tls", "status"),
    [
        ("other.example", "", 200),
        ("partner.example", "", 503),
        ("third.example", ", subjectAltNames: [third.example]", 200),
        ("other.example", ", subjectAltNames: [third.example]", 503),
    ],
)
async def test_an_entry_says_whose_certificate_is_taken(
    mesh: RunningMesh, tmp_path: Path, name: str, tls: str, status: int
) -> None:
    """Unless the rule says it."""
    async with partner(tmp_path, name) as there:
        tls = f"mode: SIMPLE, caCertificates: {there.ca}{tls}"
        assert (await answer(mesh, there.port, tls, "other.example"))[0] == status


def test_files_that_are_not_there_are_told(tmp_path: Path) -> None:
    """Before a proxy refuses the whole cluster; each by its field."""
    files = "clientCertificate: /no/cert.pem, privateKey: /no/key.pem, caCertificates: /no/ca.pem"
    (rule,) = parse(RULE % f"mode: MUTUAL, {files}")
    assert {refusal.field: refusal.text for refusal in unreadable(rule)} == {
        f"spec.trafficPolicy.tls.{name}": f"/no/{file}.pem cannot be read on this machine; "
        "name a PEM file that can"
        for name, file in (("clientCertificate", "cert"), ("privateKey", "key"), ("caCertificates", "ca"))
    }
    (tmp_path / "ca.pem").write_text("")
    assert not unreadable(parse(RULE % f"mode: SIMPLE, caCertificates: {tmp_path}/ca.pem")[0])
    assert not unreadable(parse(RULE % "mode: DISABLE, caCertificates: /no/ca.pem")[0])


def test_files_of_a_gateway_that_are_not_there_are_told() -> None:
    """By server and field."""
    tls = "mode: SIMPLE, serverCertificate: /no/cert.pem, privateKey: /no/key.pem"
    server = f"{{port: {{number: 443, name: a, protocol: HTTPS}}, hosts: ['*'], tls: {{{tls}}}}}"
    spec = f"{{selector: {{a: b}}, servers: [{server}]}}"
    (gateway,) = parse(f"kind: Gateway\nmetadata: {{name: a}}\nspec: {spec}")
    assert {refusal.field: refusal.text for refusal in unreadable(gateway)} == {
        f"spec.servers[0].tls.{name}": f"/no/{file}.pem cannot be read on this machine; "
        "name a PEM file that can"
        for name, file in (("serverCertificate", "cert"), ("privateKey", "key"))
    }


async def test_the_control_plane_refuses_what_names_them(mesh: RunningMesh) -> None:
    """And goes on with what it had."""
    (refusal,) = mesh.plane.upsert(parse(RULE % "mode: SIMPLE, caCertificates: /no/ca.pem")[0])
    assert refusal.field == "spec.trafficPolicy.tls.caCertificates"
