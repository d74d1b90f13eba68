"""A service with requests of every kind, for the load that no release may break.

    python busy.py NAME VERSION

Over HTTP it answers at once, or after so many seconds at `/slow/SECONDS`, and echoes what comes over a
WebSocket at `/ws`; over gRPC it echoes a stream, or fails with the status in FAILS; over TCP it answers
lines. Where BACK and BACK_GRPC are set, host:port, each of these goes on to the service there, and its answer
says who that was; at `/lines/SECONDS` it speaks with BACK_TCP for so long. SIGTERM ends it at once, whatever
it is doing: a request that this cuts off was not drained.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator
from typing import Any

import grpc
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket
from websockets.asyncio.client import connect

from laneway.local.http1 import Connection
from laneway.local.http1 import Request as Asked
from laneway.local.http1 import Response as Answered

ECHO = "/busy.Busy/Echo"
PASSED_ON = ("x-lane", "x-laneway-cohort", "x-request-id")


def written(message: Any) -> bytes:
    """A message on the wire."""
    return json.dumps(message).encode()


class Busy(grpc.GenericRpcHandler):  # type: ignore[misc]
    """One service. back, back_grpc: address of the service behind it, empty for none."""

    def __init__(self, name: str, version: str) -> None:
        self.says = {"service": name, "version": version, "pod": os.environ.get("POD_NAME", "")}
        self.back, self.back_grpc = (os.environ.get(name, "") for name in ("BACK", "BACK_GRPC"))
        self._kept: list[Connection] = []

    async def http(self, request: Request) -> Response:
        """An answer, with that of the service behind it."""
        body = await request.body()
        answer: dict[str, Any] = self.says | {"bytes": len(body)}
        if self.back:
            context = {name: request.headers[name] for name in PASSED_ON if name in request.headers}
            got = await self._ask(Asked(self.back, request.url.path, context, body))
            if got.status != 200:
                return JSONResponse(answer | {"error": got.body.decode()}, status_code=got.status)
            answer["hops"] = [json.loads(got.body)]
        else:
            await asyncio.sleep(float(request.path_params.get("seconds", 0.05)))
        return JSONResponse(answer)

    async def _ask(self, request: Asked) -> Answered:
        """One request over a kept connection; no request is tried again."""
        connection = None
        while self._kept and not (connection := self._kept.pop()).usable:
            connection = None
        if connection is None:
            host, _, port = self.back.rpartition(":")
            connection = await Connection.open((host, int(port)))
        got = await connection.ask(request.encoded())
        self._kept.append(connection)
        return got

    async def lines(self, request: Request) -> Response:
        """A conversation with the service behind it, on one connection of TCP: a line each half second."""
        host, _, port = os.environ["BACK_TCP"].rpartition(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        for number in range(2 * int(request.path_params["seconds"])):
            writer.write(b"%d\n" % number)
            answer = json.loads(await reader.readline())
            if answer["said"] != number:
                return JSONResponse(answer, status_code=500)
            await asyncio.sleep(0.5)
        writer.close()
        return JSONResponse(self.says | {"hops": [answer]})

    async def answer_lines(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer each line of a connection, with who this is."""
        async for line in reader:
            writer.write(json.dumps(self.says | {"said": int(line)}).encode() + b"\n")
        writer.close()

    async def ready(self, request: Request) -> Response:
        """For probes."""
        return Response()

    async def websocket(self, socket: WebSocket) -> None:
        """Echo each message, by way of the service behind it."""
        await socket.accept()
        if not self.back:
            async for text in socket.iter_text():
                await socket.send_text(json.dumps(self.says | {"said": text}))
            return
        context = {name: socket.headers[name] for name in PASSED_ON if name in socket.headers}
        async with connect(f"ws://{self.back}/ws", additional_headers=context, proxy=None) as behind:
            async for text in socket.iter_text():
                await behind.send(text)
                answer = json.loads(await behind.recv())
                await socket.send_text(json.dumps(self.says | {"said": text, "hops": [answer]}))

    def service(self, handler_call_details: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler | None:
        """The method of a call."""
        if handler_call_details.method != ECHO:
            return None
        return grpc.stream_stream_rpc_method_handler(
            self.stream, request_deserializer=json.loads, response_serializer=written
        )

    async def stream(
        self, requests: AsyncIterator[Any], call: grpc.aio.ServicerContext[Any, Any]
    ) -> AsyncIterator[Any]:
        """Echo each message of a stream, by way of the service behind it."""
        if "FAILS" in os.environ:
            await call.abort(grpc.StatusCode[os.environ["FAILS"]])
        if not self.back_grpc:
            async for message in requests:
                yield self.says | {"said": message}
            return
        given = dict(call.invocation_metadata() or ())
        context = [(name, str(given[name])) for name in PASSED_ON if name in given]
        async with grpc.aio.insecure_channel(self.back_grpc) as channel:
            behind = echo_of(channel)(metadata=tuple(context))
            async for message in requests:
                await behind.write(message)
                yield self.says | {"said": message, "hops": [await behind.read()]}
            await behind.done_writing()


def echo_of(channel: grpc.aio.Channel) -> grpc.aio.StreamStreamMultiCallable[Any, Any]:
    """The method, for a client."""
    return channel.stream_stream(ECHO, request_serializer=written, response_deserializer=json.loads)


async def main() -> None:
    """Serve until killed."""
    busy = Busy(*sys.argv[1:3])
    routes = [
        Route("/ready", busy.ready),
        Route("/lines/{seconds}", busy.lines),
        Route("/slow/{seconds}", busy.http, methods=["GET", "POST"]),
        WebSocketRoute("/ws", busy.websocket),
        Route("/{rest:path}", busy.http, methods=["GET", "POST"]),
    ]
    host, port = os.environ.get("HOST", "0.0.0.0"), int(os.environ.get("PORT", "8080"))
    rpc = grpc.aio.server(handlers=(busy,))
    rpc.add_insecure_port(f"{host}:9090")
    await rpc.start()
    await asyncio.start_server(busy.answer_lines, host, 9191)
    config = uvicorn.Config(
        Starlette(routes=routes),
        host=host,
        port=port,
        log_level="error",
        timeout_keep_alive=3600,
        ws_ping_interval=None,
    )
    server = uvicorn.Server(config)
    server.install_signal_handlers = lambda: None  # type: ignore[attr-defined]
    await server.serve()


if __name__ == "__main__":
    asyncio.run(main())
