"""HTTP/2, gRPC and WebSocket through real Envoys: from a caller's sidecar or gateway to an application's."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import grpc
import httpx2
import pytest
from tests.mesh.mesh_objects import parse
from tests.mesh.running_mesh import LOOPBACK, RunningMesh, free_port
from websockets.asyncio.client import connect
from websockets.asyncio.server import ServerConnection, serve
from websockets.http11 import Request, Response

from laneway.mesh.world import GatewayProxy, Inbound, Pod, Sidecar

pytestmark = [pytest.mark.mesh, pytest.mark.anyio]

OBJECTS = """
kind: Service
metadata: {name: orders}
spec: {selector: {app: orders}, ports: [{name: %s, port: 80, targetPort: web}]}
---
kind: Gateway
metadata: {name: public}
spec:
  selector: {istio: ingressgateway}
  servers: [{port: {number: 80, name: http, protocol: HTTP}, hosts: [shop.example]}]
---
kind: VirtualService
metadata: {name: public}
spec: {hosts: [shop.example], gateways: [public], http: [{route: [{destination: {host: orders}}]}]}
"""
ORDERS, PUBLIC = "orders.shop.svc.cluster.local:80", "shop.example"


class Application:
    """Orders, with a sidecar; the sidecar of a caller, and an ingress gateway, all of them confirmed."""

    def __init__(self, mesh: RunningMesh) -> None:
        self.port = free_port()
        self.ingress = (LOOPBACK, free_port())
        self.outbound = (LOOPBACK, free_port())
        self._listen = (LOOPBACK, free_port())
        self._mesh = mesh

    async def meshed(self, port_name: str, *more: str) -> None:
        """The mesh has them. more: other objects."""
        labels = {"app": "orders"}
        inbound = Inbound(8080, self._listen, (LOOPBACK, self.port), "web")
        await self._mesh.start(Sidecar("shop/orders", "shop", labels, (LOOPBACK, free_port()), (inbound,)))
        await self._mesh.start(Sidecar("shop/page", "shop", {"app": "page"}, self.outbound, ()))
        gateway = {80: self.ingress}
        labels_of_gateway = {"istio": "ingressgateway"}
        await self._mesh.start(GatewayProxy("istio-system/in", "istio-system", labels_of_gateway, gateway))
        ports, names = {8080: self._listen[1]}, {"web": 8080}
        self._mesh.plane.set_pods([Pod("shop", "orders", labels, LOOPBACK, ports, names, ready=True)])
        for text in (OBJECTS % port_name, *more):
            for value in parse(text):
                assert self._mesh.plane.upsert(value) == ()
        await self._mesh.publish()

    async def without_sidecar(self) -> None:
        """From now on the application itself is dialled."""
        pod = Pod("shop", "orders", {"app": "orders"}, LOOPBACK, {8080: self.port}, {"web": 8080}, ready=True)
        self._mesh.plane.set_pods([pod])
        await self._mesh.publish()

    def ways(self) -> list[tuple[tuple[str, int], str]]:
        """Where a caller connects, and whom it names: through its sidecar, and through the gateway."""
        return [(self.outbound, ORDERS), (self.ingress, PUBLIC)]


class Echo(grpc.GenericRpcHandler):  # type: ignore[misc]
    """A gRPC service of bytes: Say and Chat answer what they are told, Refuse fails with what it is told.

    Fail fails with the status whose name it is told.
    """

    def service(self, call: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler | None:
        """The handler of a method."""
        match call.method:
            case "/echo.Echo/Say":
                return grpc.unary_unary_rpc_method_handler(self._say)
            case "/echo.Echo/Refuse":
                return grpc.unary_unary_rpc_method_handler(self._refuse)
            case "/echo.Echo/Fail":
                return grpc.unary_unary_rpc_method_handler(self._fail)
            case "/echo.Echo/Chat":
                return grpc.stream_stream_rpc_method_handler(self._chat)
        return None

    async def _say(self, said: bytes, context: grpc.aio.ServicerContext) -> bytes:
        context.set_trailing_metadata((("x-last", "yes"),))
        return said

    async def _refuse(self, said: bytes, context: grpc.aio.ServicerContext) -> bytes:
        await context.abort(grpc.StatusCode.FAILED_PRECONDITION, said.decode(), (("x-last", "no"),))
        raise AssertionError

    async def _fail(self, status: bytes, context: grpc.aio.ServicerContext) -> bytes:
        await context.abort(grpc.StatusCode[status.decode()])
        raise AssertionError

    async def _chat(
        self, said: AsyncIterator[bytes], context: grpc.aio.ServicerContext
    ) -> AsyncIterator[bytes]:
        async for each in said:
            yield each


@asynccontextmanager
async def grpc_server(port: int) -> AsyncIterator[None]:
    """An Echo that speaks HTTP/2 alone, as gRPC servers do."""
    server = grpc.aio.server()
    server.add_generic_rpc_handlers((Echo(),))
    server.add_insecure_port(f"{LOOPBACK}:{port}")
    await server.start()
    try:
        yield
    finally:
        await server.stop(None)


def channel(address: tuple[str, int], authority: str) -> grpc.aio.Channel:
    """A client that connects there directly and names the authority: HTTP/2 with prior knowledge."""
    options = (("grpc.default_authority", authority), ("grpc.enable_http_proxy", 0))
    return grpc.aio.insecure_channel(f"{address[0]}:{address[1]}", options)


async def test_grpc_passes_with_trailers_statuses_and_streams(mesh: RunningMesh) -> None:
    """A call, a refusal, and a conversation in which each answer is awaited before the next word."""
    app = Application(mesh)
    async with grpc_server(app.port):
        await app.meshed("grpc")
        for address, authority in app.ways():
            async with channel(address, authority) as client:
                call = client.unary_unary("/echo.Echo/Say")(b"hello", wait_for_ready=True)
                assert await call == b"hello"
                assert ("x-last", "yes") in tuple(await call.trailing_metadata())

                with pytest.raises(grpc.aio.AioRpcError) as refused:
                    await client.unary_unary("/echo.Echo/Refuse")(b"no stock")
                assert refused.value.code() is grpc.StatusCode.FAILED_PRECONDITION
                assert refused.value.details() == "no stock"
                assert ("x-last", "no") in tuple(refused.value.trailing_metadata())

                chat = client.stream_stream("/echo.Echo/Chat")()
                for word in (b"one", b"two", b"three"):
                    await chat.write(word)
                    assert await chat.read() == word
                await chat.done_writing()
                assert await chat.read() is grpc.aio.EOF
                assert await chat.code() is grpc.StatusCode.OK


async def test_a_host_that_nobody_has_is_a_grpc_status(mesh: RunningMesh) -> None:
    """Not an answer that a gRPC client cannot read."""
    app = Application(mesh)
    await app.meshed("grpc")
    async with channel(app.outbound, "nobody:80") as client:
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await client.unary_unary("/echo.Echo/Say")(b"hello", wait_for_ready=True)
    assert refused.value.code() is grpc.StatusCode.UNAVAILABLE


async def test_grpc_web_becomes_grpc_at_the_applications_sidecar(mesh: RunningMesh) -> None:
    """A browser's call by HTTP/1.1: a message, and the trailers as the last part of the body."""
    app = Application(mesh)
    message, web = b"\0\0\0\0\5hello", {"content-type": "application/grpc-web+proto"}
    async with grpc_server(app.port), httpx2.AsyncClient(trust_env=False) as client:
        await app.meshed("grpc-web")
        for (host, port), authority in app.ways():
            url, headers = f"http://{host}:{port}/echo.Echo/Say", web | {"host": authority}
            answer = await client.post(url, content=message, headers=headers)
            assert answer.headers["content-type"] == "application/grpc-web+proto"
            assert answer.content.startswith(message + b"\x80")
            assert b"grpc-status:0" in answer.content


POOL = """
kind: DestinationRule
metadata: {name: orders}
spec: {host: orders, trafficPolicy: {connectionPool: {http: {%s}}}}
"""


async def test_proxies_upgrade_among_themselves(mesh: RunningMesh) -> None:
    """By `h2UpgradePolicy` a caller's proxy speaks HTTP/2; the application's still speaks HTTP/1.1 to it."""
    app = Application(mesh)
    await app.meshed("http", POOL % "h2UpgradePolicy: UPGRADE")
    async with serve(_repeat, LOOPBACK, app.port, process_request=_greet):
        assert await greeting(app) == "hello"
    await app.without_sidecar()
    async with grpc_server(app.port), channel(app.outbound, ORDERS) as client:
        assert await client.unary_unary("/echo.Echo/Say")(b"hello", wait_for_ready=True) == b"hello"


async def test_a_client_chooses_where_it_may(mesh: RunningMesh) -> None:
    """With `useClientProtocol` each request is passed on as it came."""
    app = Application(mesh)
    await app.meshed("http", POOL % "useClientProtocol: true")
    await app.without_sidecar()
    async with grpc_server(app.port), channel(app.outbound, ORDERS) as client:
        assert await client.unary_unary("/echo.Echo/Say")(b"hello", wait_for_ready=True) == b"hello"
    async with serve(_repeat, LOOPBACK, app.port, process_request=_greet):
        assert await greeting(app) == "hello"


async def greeting(app: Application) -> str:
    """What a client of HTTP/1.1 is told through the caller's sidecar."""
    async with httpx2.AsyncClient(trust_env=False) as client:
        host, port = app.outbound
        return (await client.get(f"http://{host}:{port}/", headers={"host": ORDERS})).text


def _greet(connection: ServerConnection, request: Request) -> Response:
    return connection.respond(200, "hello")


async def _repeat(socket: ServerConnection) -> None:
    async for said in socket:
        await socket.send(said)


@pytest.mark.parametrize("port_name", ["http", "web"])
async def test_web_sockets_pass(mesh: RunningMesh, port_name: str) -> None:
    """Words both ways for as long as it is open, through sidecars and the gateway."""
    app = Application(mesh)
    async with serve(_repeat, LOOPBACK, app.port), AsyncExitStack() as sockets:
        await app.meshed(port_name)
        for (host, port), authority in app.ways():
            uri = f"ws://{authority}/"
            socket = await sockets.enter_async_context(connect(uri, host=host, port=port, proxy=None))
            for said in ("one", b"\x00\x01", "x" * 100_000):
                await socket.send(said)
                assert await socket.recv() == said
