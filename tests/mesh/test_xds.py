"""The server's socket and streams, with a plain gRPC client."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest
from tests.mesh.running_mesh import eventually

from laneway.mesh.protos import message
from laneway.mesh.resources import CDS
from laneway.mesh.wire import PROXY_ID, Request, Response
from laneway.mesh.xds import SERVICE, AdsServer, Stream

pytestmark = pytest.mark.anyio

WIRE_REQUEST = message("envoy.service.discovery.v3.DeltaDiscoveryRequest")
WIRE_RESPONSE = message("envoy.service.discovery.v3.DeltaDiscoveryResponse")


class Recorder:
    """Answers each request with an empty response, and remembers."""

    def __init__(self) -> None:
        self.requests: list[Request] = []
        self.streams: list[Stream] = []
        self.ended: list[Stream] = []

    def received(self, stream: Stream, request: Request) -> None:
        """A request."""
        self.requests.append(request)
        self.streams.append(stream)
        stream.send([Response(request.type_url, str(len(self.requests)), ())])

    def closed(self, stream: Stream) -> None:
        """An end."""
        self.ended.append(stream)


@pytest.fixture
def socket() -> Iterator[Path]:
    """A path that is short enough, where a killed server left its socket; a stopped one removes it."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "xds.sock"
        path.touch()
        yield path
        assert not path.exists()


@pytest.fixture
async def recorder(socket: Path) -> AsyncIterator[Recorder]:
    """A server at the socket."""
    recorder = Recorder()
    server = AdsServer(recorder)
    await server.start(socket)
    yield recorder
    await server.stop()


def call(channel: Any) -> Any:
    """A stream to the server."""
    return channel.stream_stream(f"/{SERVICE}/DeltaAggregatedResources")()


async def test_requests_come_in_and_responses_go_out(recorder: Recorder, socket: Path) -> None:
    """Bytes on one side, values on the other; the end of the stream is told."""
    wire = WIRE_REQUEST(type_url=CDS)
    wire.node.metadata[PROXY_ID] = "page"
    async with grpc.aio.insecure_channel(f"unix:{socket}") as channel:
        stream = call(channel)
        await stream.write(wire.SerializeToString())
        answer = WIRE_RESPONSE.FromString(await stream.read())
        assert (answer.type_url, answer.nonce) == (CDS, "1")
        assert recorder.requests == [Request(CDS, proxy_id="page")]
        stream.cancel()
    await eventually(lambda: recorder.ended == recorder.streams)


async def test_a_stream_that_is_closed_ends_well(recorder: Recorder, socket: Path) -> None:
    """The peer sees the end of the stream without an error."""
    async with grpc.aio.insecure_channel(f"unix:{socket}") as channel:
        stream = call(channel)
        await stream.write(WIRE_REQUEST(type_url=CDS).SerializeToString())
        await stream.read()
        recorder.streams[0].close()
        assert await stream.read() is grpc.aio.EOF
        assert await stream.code() is grpc.StatusCode.OK


async def test_bytes_that_are_no_request_end_only_their_stream(recorder: Recorder, socket: Path) -> None:
    """Others go on."""
    async with grpc.aio.insecure_channel(f"unix:{socket}") as channel:
        good, bad = call(channel), call(channel)
        await bad.write(b"\xff")
        assert await bad.code() is not grpc.StatusCode.OK
        await good.write(WIRE_REQUEST(type_url=CDS).SerializeToString())
        assert WIRE_RESPONSE.FromString(await good.read()).type_url == CDS


async def test_a_megabyte_is_no_limit(recorder: Recorder, socket: Path) -> None:
    """A proxy of a great mesh names many endpoints at once."""
    names = [f"outbound|80||service-{number}" for number in range(200_000)]
    async with grpc.aio.insecure_channel(f"unix:{socket}") as channel:
        stream = call(channel)
        wire = WIRE_REQUEST(type_url=CDS, resource_names_subscribe=names)
        assert wire.ByteSize() > 5_000_000
        await stream.write(wire.SerializeToString())
        async with asyncio.timeout(10):
            await stream.read()
        assert recorder.requests[0].subscribe == tuple(names)


async def test_a_folder_that_does_not_exist_is_an_error(tmp_path: Path) -> None:
    """It says where it cannot listen."""
    with pytest.raises(OSError, match="cannot listen at"):
        await AdsServer(Recorder()).start(tmp_path / "none" / "xds.sock")
