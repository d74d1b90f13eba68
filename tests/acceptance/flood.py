"""Many requests as fast as the system answers them: for counting who answered, not for timing."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator, Sequence
from typing import Any

from laneway.local.http1 import Address, Connection, Request

Answer = dict[str, Any]


def flood(address: Address, requests: Sequence[Request], connections: int = 16) -> list[Answer]:
    """The JSON of each answer, in the order of the requests, with its `status`."""
    return asyncio.run(_flood(address, requests, connections))


async def _flood(address: Address, requests: Sequence[Request], connections: int) -> list[Answer]:
    answers: list[Answer] = [{}] * len(requests)
    left = iter(range(len(requests)))
    async with asyncio.TaskGroup() as group:
        for _ in range(min(connections, len(requests))):
            group.create_task(_ask(address, requests, left, answers))
    return answers


async def _ask(
    address: Address, requests: Sequence[Request], left: Iterator[int], answers: list[Answer]
) -> None:
    connection = await Connection.open(address)
    for index in left:
        if not connection.usable:
            connection = await Connection.open(address)
        response = await connection.ask(requests[index].encoded())
        body = json.loads(response.body) if response.body[:1] == b"{" else {"error": response.body.decode()}
        answers[index] = body | {"status": response.status}
    connection.close()


def hops(answer: Answer) -> Iterator[Answer]:
    """An answer and all that it carries, in the order of the calls."""
    yield answer
    for called in answer.get("hops", ()):
        yield from hops(called)


def versions(answer: Answer) -> dict[str, str]:
    """Who answered on the way, and in which version."""
    return {hop["service"]: hop["version"] for hop in hops(answer)}
