"""The load's connection: how answers are framed, and what a broken one is."""

from __future__ import annotations

import asyncio

import pytest

from laneway.local.http1 import Connection, ExchangeError, Request, Response, parse

pytestmark = pytest.mark.anyio

LENGTH = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"
CHUNKED = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nhe\r\n3;x=y\r\nllo\r\n0\r\n\r\n"


@pytest.mark.parametrize("answer", [LENGTH, CHUNKED, b"HTTP/1.1 100 Continue\r\n\r\n" + LENGTH])
def test_an_answer_is_read_whole_however_it_is_framed(answer: bytes) -> None:
    """Nothing is an answer before its last byte."""
    assert [parse(answer[:end]) for end in range(len(answer))] == [None] * len(answer)
    response = parse(answer)
    assert response is not None
    assert (response.status, response.body, response.last) == (200, b"hello", False)


def test_a_body_without_length_ends_with_its_connection() -> None:
    """RFC 9112, section 6.3, rule 8."""
    answer = b"HTTP/1.1 200 OK\r\n\r\nhel"
    assert parse(answer) is None
    response = parse(answer, ended=True)
    assert response is not None
    assert (response.body, response.last) == (b"hel", True)


def test_an_announced_close_makes_the_answer_the_last() -> None:
    """The next request needs another connection."""
    response = parse(b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n")
    assert response is not None
    assert response.last


def test_what_is_not_http_is_refused() -> None:
    """Better than to wait for more of it."""
    with pytest.raises(ExchangeError, match="not an answer"):
        parse(b"SSH-2.0-OpenSSH\r\n\r\n")


def test_a_request_with_a_body_is_a_post_with_its_length() -> None:
    """The bytes on the wire."""
    assert Request("shop.example", "/a", {"x-lane": "green"}, b"hi").encoded() == (
        b"POST /a HTTP/1.1\r\nhost: shop.example\r\nx-lane: green\r\ncontent-length: 2\r\n\r\nhi"
    )


async def answers_with(*answers: bytes) -> tuple[asyncio.Server, tuple[str, int]]:
    """A server that gives one of the answers for each read of a connection, then closes it."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for answer in answers:
            await reader.read(4096)
            writer.write(answer)
        await reader.read(4096)
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    return server, server.sockets[0].getsockname()


async def test_a_connection_carries_one_request_after_the_other() -> None:
    """It stays usable until its peer closes it."""
    server, address = await answers_with(LENGTH, CHUNKED)
    async with server:
        connection = await Connection.open(address)
        first: Response = await connection.ask(Request("a").encoded())
        second = await connection.ask(Request("a").encoded())
        assert (first.body, second.body, connection.usable) == (b"hello", b"hello", True)
        with pytest.raises(ExchangeError, match="closed before"):
            await connection.ask(Request("a").encoded())
        assert not connection.usable


async def test_half_an_answer_is_an_error() -> None:
    """A connection that ends within the body has not answered."""
    server, address = await answers_with(LENGTH[:-2])
    async with server:
        connection = await Connection.open(address)
        asking = asyncio.create_task(connection.ask(Request("a").encoded()))
        await asyncio.sleep(0)
        connection.close()
        with pytest.raises(ExchangeError):
            await asking
