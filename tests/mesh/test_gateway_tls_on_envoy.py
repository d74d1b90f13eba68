"""Gateways on real Envoys: TLS that ends there, TLS that is passed on, plain connections."""

from __future__ import annotations

import asyncio
import base64
import ssl
from pathlib import Path

import pytest
import trustme
from tests.mesh.mesh_objects import parse
from tests.mesh.running_mesh import LOOPBACK, RunningMesh, free_port

from laneway.mesh.world import GatewayProxy
from laneway.spec.kubernetes import Secret
from laneway.spec.meta import Key, ObjectMeta

pytestmark = [pytest.mark.mesh, pytest.mark.anyio]

SERVICES = """
kind: Service
metadata: {name: one}
spec: {selector: {app: one}, ports: [{name: http, port: 80, targetPort: 8080}]}
---
kind: Service
metadata: {name: two}
spec: {selector: {app: two}, ports: [{name: tcp-x, port: 90, targetPort: 8080}]}
"""
RULES = """
kind: VirtualService
metadata: {name: %s}
spec: {hosts: [%s.example], gateways: [public], http: [{route: [{destination: {host: one}}]}]}
"""
SERVER = """
kind: Gateway
metadata: {name: public}
spec:
  selector: {istio: ingressgateway}
  servers: [%s]
"""


def secret(authority: trustme.CA, name: str, *hosts: str, trusts: bool = False) -> Secret:
    """A certificate for these hosts, in a Secret beside the gateway; trusts: the authority's clients."""
    issued = authority.issue_cert(*hosts)
    chain = b"".join(blob.bytes() for blob in issued.cert_chain_pems)
    data = {"tls.crt": chain, "tls.key": issued.private_key_pem.bytes()}
    if trusts:
        data["ca.crt"] = authority.cert_pem.bytes()
    encoded = {key: base64.b64encode(value).decode() for key, value in data.items()}
    meta = ObjectMeta(name=name, namespace="istio-system")
    return Secret(metadata=meta, type="kubernetes.io/tls", data=encoded)


def https(name: str, host: str, **tls: str) -> str:
    """A server of HTTPS on port 443."""
    settings = ", ".join(f"{key}: {value}" for key, value in ({"mode": "SIMPLE"} | tls).items())
    return f"{{port: {{number: 443, name: {name}, protocol: HTTPS}}, hosts: [{host}], tls: {{{settings}}}}}"


def client(authority: trustme.CA, shows: bool = False, alpn: tuple[str, ...] = ()) -> ssl.SSLContext:
    """Trusts an authority. shows: a certificate of its own."""
    context = ssl.create_default_context()
    authority.configure_trust(context)
    if shows:
        authority.issue_cert("client.example").configure_cert(context)
    if alpn:
        context.set_alpn_protocols(list(alpn))
    return context


async def get(port: int, host: str, context: ssl.SSLContext | None, sni: str = "") -> tuple[int, str, str]:
    """Status, the head in lower case, and body. sni: where it is not the host."""
    name = (sni or host) if context else None
    reader, writer = await asyncio.open_connection(LOOPBACK, port, ssl=context, server_hostname=name)
    try:
        writer.write(f"GET / HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n".encode())
        head, _, body = (await reader.read()).decode().partition("\r\n\r\n")
    finally:
        writer.close()
    if not head:
        raise ConnectionError("no answer")
    return int(head.split(" ", 2)[1]), head.lower(), body


async def gateway(mesh: RunningMesh, servers: str, *names: str) -> dict[int, int]:
    """A gateway with these servers and rules for `NAME.example`; where its ports are bound."""
    ports = {number: free_port() for number in (80, 443, 9000)}
    bound = {number: (LOOPBACK, port) for number, port in ports.items()}
    one, two = await mesh.backend("one", app="one"), await mesh.backend("two", app="two")
    for value in parse(SERVICES + "---" + SERVER % servers):
        assert mesh.plane.upsert(value) == ()
    for name in names:
        mesh.plane.upsert(parse(RULES % (name, name))[0])
    mesh.plane.set_pods([one.pod(), two.pod()])
    await mesh.start(GatewayProxy("ingress", "istio-system", {"istio": "ingressgateway"}, bound))
    return ports


async def test_a_gateway_ends_tls_with_the_certificate_of_the_name(mesh: RunningMesh) -> None:
    """Each server its own; HTTP/2 by ALPN; a certificate comes, changes and goes with its Secret."""
    a, b, later = trustme.CA(), trustme.CA(), trustme.CA()
    servers = https("a", "a.example", credentialName="a") + "," + https("b", "b.example", credentialName="b")
    ports = await gateway(mesh, servers, "a", "b")
    mesh.plane.upsert(secret(a, "a", "a.example"))
    await mesh.publish()
    with pytest.raises(OSError, match=r".*"):
        await get(ports[443], "b.example", client(b))
    mesh.plane.upsert(secret(b, "b", "b.example"))
    await mesh.publish()
    assert (await get(ports[443], "a.example", client(a)))[::2] == (200, "one")
    assert (await get(ports[443], "b.example", client(b)))[::2] == (200, "one")
    context = client(a, alpn=("h2", "http/1.1"))
    _, writer = await asyncio.open_connection(LOOPBACK, ports[443], ssl=context, server_hostname="a.example")
    assert writer.get_extra_info("ssl_object").selected_alpn_protocol() == "h2"
    writer.close()
    mesh.plane.upsert(secret(later, "a", "a.example"))
    await mesh.publish()
    assert (await get(ports[443], "a.example", client(later)))[0] == 200
    mesh.plane.delete("Secret", Key("istio-system", "b"))
    await mesh.publish()
    with pytest.raises(OSError, match=r".*"):
        await get(ports[443], "b.example", client(b))


async def test_mutual_tls_asks_for_a_certificate_and_no_other_name_gets_around_it(mesh: RunningMesh) -> None:
    """A client of another server cannot ask there for this one's host."""
    authority = trustme.CA()
    servers = ",".join(
        [
            https("a", "a.example", mode="MUTUAL", credentialName="a"),
            https("b", "b.example", credentialName="b"),
        ]
    )
    ports = await gateway(mesh, servers, "a", "b")
    mesh.plane.upsert(secret(authority, "a", "a.example", trusts=True))
    mesh.plane.upsert(secret(authority, "b", "b.example"))
    await mesh.publish()
    assert (await get(ports[443], "a.example", client(authority, shows=True)))[0] == 200
    with pytest.raises(OSError, match=r".*"):
        await get(ports[443], "a.example", client(authority))
    assert (await get(ports[443], "a.example", client(authority), sni="b.example"))[0] == 404


async def test_certificates_may_be_files_and_versions_limited(mesh: RunningMesh, tmp_path: Path) -> None:
    """A client of an older version is refused."""
    authority = trustme.CA()
    issued = authority.issue_cert("a.example")
    chain, key = tmp_path / "chain.pem", tmp_path / "key.pem"
    issued.cert_chain_pems[0].write_to_path(chain)
    issued.private_key_pem.write_to_path(key)
    files = {"serverCertificate": str(chain), "privateKey": str(key), "minProtocolVersion": "TLSV1_3"}
    ports = await gateway(mesh, https("a", "a.example", **files), "a")
    await mesh.publish()
    context = client(authority)
    assert (await get(ports[443], "a.example", context))[0] == 200
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    with pytest.raises(OSError, match=r".*"):
        await get(ports[443], "a.example", context)


async def test_clients_of_http_are_sent_on_to_https(mesh: RunningMesh) -> None:
    """Those of the server that says so, whether the host has rules or not."""
    plain = "{port: {number: 80, name: http, protocol: HTTP}, hosts: ['*'], tls: {httpsRedirect: true}}"
    ports = await gateway(mesh, plain, "a")
    await mesh.publish()
    for host in ("a.example", "none.example"):
        status, head, _ = await get(ports[80], host, None)
        assert (status, f"location: https://{host}/" in head) == (301, True)


async def test_tls_is_passed_on_by_name_and_tcp_by_port(mesh: RunningMesh) -> None:
    """TLS ends at the application; weights count for connections; a changed rule counts at once."""
    authority = trustme.CA()
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("a.example").configure_cert(context)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\n\r\nencrypted")
        writer.close()

    server = await asyncio.start_server(serve, LOOPBACK, 0, ssl=context)
    port = server.sockets[0].getsockname()[1]
    servers = (
        "{port: {number: 443, name: tls, protocol: TLS}, hosts: [a.example], tls: {mode: PASSTHROUGH}},"
        "{port: {number: 9000, name: tcp, protocol: TCP}, hosts: ['*']}"
    )
    ports = await gateway(mesh, servers)
    rules = f"""
kind: ServiceEntry
metadata: {{name: inside}}
spec:
  hosts: [inside.example]
  ports: [{{number: 443, name: tls, protocol: TLS}}]
  resolution: STATIC
  endpoints: [{{address: 127.0.0.1, ports: {{tls: {port}}}}}]
---
kind: VirtualService
metadata: {{name: tls}}
spec:
  hosts: [a.example]
  gateways: [public]
  tls:
  - match: [{{port: 443, sniHosts: [a.example]}}]
    route: [{{destination: {{host: inside.example, port: {{number: 443}}}}}}]
---
kind: VirtualService
metadata: {{name: tcp}}
spec:
  hosts: ['*']
  gateways: [public]
  tcp:
  - match: [{{port: 9000}}]
    route:
    - {{destination: {{host: one, port: {{number: 80}}}}, weight: 100}}
    - {{destination: {{host: two}}, weight: 0}}
"""
    for value in parse(rules):
        assert mesh.plane.upsert(value) == ()
    await mesh.publish()
    reader, writer = await asyncio.open_connection(
        LOOPBACK, ports[443], ssl=client(authority), server_hostname="a.example"
    )
    writer.write(b"GET / HTTP/1.1\r\n\r\n")
    assert (await reader.read()).endswith(b"encrypted")
    assert {(await one_shot(ports[9000])) for _ in range(4)} == {"one"}
    swapped = rules.replace("weight: 100", "weight: 1").replace("weight: 0", "weight: 100000")
    mesh.plane.upsert(parse(swapped.replace("weight: 1}", "weight: 0}"))[2])
    await mesh.publish()
    assert {(await one_shot(ports[9000])) for _ in range(4)} == {"two"}
    server.close()


async def one_shot(port: int) -> str:
    """What a server says on a connection of its own."""
    reader, writer = await asyncio.open_connection(LOOPBACK, port)
    writer.write(b"GET / HTTP/1.1\r\nhost: any\r\n\r\n")
    head = await reader.readuntil(b"\r\n\r\n")
    length = int(head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0])
    body = await reader.readexactly(length)
    writer.close()
    return body.decode()


async def test_clients_may_show_a_certificate_and_ciphers_are_chosen(mesh: RunningMesh) -> None:
    """OPTIONAL_MUTUAL takes clients without one, and refuses those with another authority's."""
    authority, other = trustme.CA(), trustme.CA()
    settings = {
        "mode": "OPTIONAL_MUTUAL",
        "credentialName": "a",
        "cipherSuites": "[ECDHE-ECDSA-AES256-GCM-SHA384]",
    }
    ports = await gateway(mesh, https("a", "a.example", **settings), "a")
    mesh.plane.upsert(secret(authority, "a", "a.example", trusts=True))
    await mesh.publish()
    for shows in (False, True):
        assert (await get(ports[443], "a.example", client(authority, shows=shows)))[0] == 200
    stranger = client(authority)
    other.issue_cert("client.example").configure_cert(stranger)
    with pytest.raises(OSError, match=r".*"):
        await get(ports[443], "a.example", stranger)
    older = client(authority)
    older.maximum_version = ssl.TLSVersion.TLSv1_2
    assert await cipher(ports[443], older) == "ECDHE-ECDSA-AES256-GCM-SHA384"
    older.set_ciphers("ECDHE-ECDSA-AES128-GCM-SHA256")
    with pytest.raises(OSError, match=r".*"):
        await cipher(ports[443], older)


async def cipher(port: int, context: ssl.SSLContext) -> str:
    """What a connection to a.example is encrypted with."""
    _, writer = await asyncio.open_connection(LOOPBACK, port, ssl=context, server_hostname="a.example")
    found: str = writer.get_extra_info("cipher")[0]
    writer.close()
    return found


async def test_a_changed_certificate_leaves_open_connections_alone(mesh: RunningMesh) -> None:
    """Those of other servers go on as if nothing were; those of its own are asked to leave, and served."""
    authority = trustme.CA()
    servers = https("a", "a.example", credentialName="a") + "," + https("b", "b.example", credentialName="b")
    ports = await gateway(mesh, servers, "a", "b")
    for name in ("a", "b"):
        mesh.plane.upsert(secret(authority, name, f"{name}.example"))
    await mesh.publish()
    streams = {
        name: await asyncio.open_connection(
            LOOPBACK, ports[443], ssl=client(authority), server_hostname=f"{name}.example"
        )
        for name in ("a", "b")
    }
    told = {}
    for renewed in (False, True):
        if renewed:
            mesh.plane.upsert(secret(authority, "a", "a.example"))
            await mesh.publish()
        for name, (reader, writer) in streams.items():
            writer.write(f"GET / HTTP/1.1\r\nhost: {name}.example\r\n\r\n".encode())
            head = await reader.readuntil(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 200")
            assert await reader.readexactly(len("one")) == b"one"
            told[name, renewed] = b"connection: close" in head.lower()
    for _, writer in streams.values():
        writer.close()
    print(told)
    assert not (told["a", False] or told["b", False] or told["b", True])
