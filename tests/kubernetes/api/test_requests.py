"""When a request is sent again, and how many at a time: asked of a server that answers as it is told."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager

import aiohttp
import pytest
from aiohttp import web

from laneway.kubernetes.api.access import Access
from laneway.kubernetes.api.credentials import Credentials, Fixed, bearer
from laneway.kubernetes.api.errors import ApiError, Unreachable
from laneway.kubernetes.api.requests import ATTEMPTS_MAX, IN_FLIGHT_MAX, Request, Requests, open_requests

READ = Request("get", "Pod", "GET", "/api/v1/pods")
APPLY = Request("apply", "Pod", "PATCH", "/api/v1/pods", content=b"{}")
CREATE = Request("create", "Pod", "POST", "/api/v1/pods", content=b"{}", repeatable=False)
LEASE = Request("patch", "Lease", "PATCH", "/lease", content=b"{}", urgent=True)

Answer = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]


@pytest.fixture
def anyio_backend() -> str:
    """What aiohttp needs."""
    return "asyncio"


@asynccontextmanager
async def answering(answer: Answer) -> AsyncIterator[str]:
    """The URL of a server that answers so."""
    runner = web.ServerRunner(web.Server(answer), shutdown_timeout=0)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


@asynccontextmanager
async def asking(
    url: str, waits: list[float], credentials: Credentials | None = None
) -> AsyncIterator[Requests]:
    """Requests whose waits are noted, not waited for."""

    async def wait(seconds: float) -> None:
        waits.append(seconds)

    async with aiohttp.ClientSession() as session:
        yield Requests(session, Access(url, "test", credentials=credentials or Fixed()), wait)


def in_turn(*answers: web.Response) -> Answer:
    """Each answer once; the last for ever."""
    left = list(answers)

    async def answer(_: web.BaseRequest) -> web.StreamResponse:
        given = left[0] if len(left) == 1 else left.pop(0)
        return web.Response(status=given.status, body=given.body, headers=given.headers)

    return answer


def refusal(status: int, retry_after: str | None = None) -> web.Response:
    """Without a Status, as from what stands in front of an API server."""
    headers = {} if retry_after is None else {"Retry-After": retry_after}
    return web.Response(status=status, body=b"no", headers=headers)


@pytest.mark.parametrize("request_", [READ, APPLY, CREATE], ids=lambda request: request.verb)
async def test_who_asks_too_much_waits_as_long_as_it_is_told(request_: Request) -> None:
    """429: nothing was done, so also what must not be done twice is sent again."""
    waits: list[float] = []
    answers = in_turn(refusal(429, "3"), refusal(429), refusal(429, "3600"), web.Response(body=b"done"))
    async with answering(answers) as url, asking(url, waits) as requests:
        assert await requests.send(request_) == b"done"
        assert waits == [3, 1, 10]
        assert requests.counts == {(request_.verb, "Pod"): 4}


async def test_a_passing_error_is_waited_out_where_the_request_may_be_repeated() -> None:
    """503 with Retry-After may have come when half of it was done."""
    waits: list[float] = []
    answers = in_turn(refusal(503, "2"), web.Response(body=b"done"), refusal(503, "2"))
    async with answering(answers) as url, asking(url, waits) as requests:
        assert await requests.send(APPLY) == b"done"
        assert waits == [2]
        with pytest.raises(ApiError) as refused:
            await requests.send(CREATE)
        assert refused.value.transient
        assert waits == [2]


@pytest.mark.parametrize("status", [400, 403, 404, 409, 422, 500, 503])
async def test_an_error_without_a_word_of_later_is_raised_at_once(status: int) -> None:
    """A 500 is also what an unknown field gets: again and again it would be the same."""
    waits: list[float] = []
    async with answering(in_turn(refusal(status))) as url, asking(url, waits) as requests:
        with pytest.raises(ApiError) as refused:
            await requests.send(APPLY)
        assert refused.value.status == status
        assert str(refused.value) == "no"
        assert requests.counts.total() == 1


async def test_attempts_have_an_end() -> None:
    """What goes on failing is the caller's to know."""
    waits: list[float] = []
    async with answering(in_turn(refusal(429, "1"))) as url, asking(url, waits) as requests:
        with pytest.raises(ApiError) as refused:
            await requests.send(READ)
        assert refused.value.throttled
        assert requests.counts.total() == ATTEMPTS_MAX
        assert len(waits) == ATTEMPTS_MAX - 1


async def test_a_connection_that_ends_before_the_answer_is_tried_again_where_that_is_harmless() -> None:
    """A kept connection may be closed by the other side at any time."""
    dropped = 0

    async def answer(request: web.BaseRequest) -> web.StreamResponse:
        nonlocal dropped
        if dropped < 1:
            dropped += 1
            assert request.transport is not None
            request.transport.close()
        return web.Response(body=b"done")

    async with answering(answer) as url, asking(url, []) as requests:
        assert await requests.send(APPLY) == b"done"
        dropped = 0
        with pytest.raises(Unreachable):
            await requests.send(CREATE)


async def test_requests_in_flight_have_a_limit_that_does_not_hold_back_a_lease() -> None:
    """Sixteen wait for slow answers, more wait for them; a Lease is renewed meanwhile."""
    release = asyncio.Event()
    most = now = 0

    async def answer(request: web.BaseRequest) -> web.StreamResponse:
        nonlocal most, now
        if request.path == "/lease":
            return web.Response(body=b"renewed")
        now += 1
        most = max(most, now)
        await release.wait()
        now -= 1
        return web.Response(body=b"done")

    async with answering(answer) as url, asking(url, []) as requests:
        waiting = [asyncio.create_task(requests.send(READ)) for _ in range(50)]
        async with asyncio.timeout(10):
            while now < IN_FLIGHT_MAX:
                assert await requests.send(LEASE) == b"renewed"
        release.set()
        assert await asyncio.gather(*waiting) == [b"done"] * 50
        assert most == IN_FLIGHT_MAX


async def test_a_throttled_request_holds_back_no_other() -> None:
    """While it waits, another has its place."""
    answers = in_turn(refusal(429, "1"), web.Response(body=b"done"))
    turns: list[str] = []

    async def answer(request: web.BaseRequest) -> web.StreamResponse:
        turns.append(request.path)
        return await answers(request)

    async def wait(_: float) -> None:
        turns.append("waits")
        assert await requests.send(LEASE) == b"done"
        assert await asyncio.gather(*(requests.send(READ) for _ in range(IN_FLIGHT_MAX)))

    async with answering(answer) as url, aiohttp.ClientSession() as session:
        requests = Requests(session, Access(url, "test"), wait)
        assert await requests.send(APPLY) == b"done"
        assert turns[1] == "waits"


class Renewable:
    """Credentials that are good from the second on."""

    def __init__(self) -> None:
        self.tokens = ["expired", "fresh"]

    async def headers(self) -> Mapping[str, str]:
        """The first that is left."""
        return bearer(self.tokens[0])

    async def renew(self) -> bool:
        """The next one, if there is one."""
        if len(self.tokens) == 1:
            return False
        self.tokens.pop(0)
        return True


async def test_credentials_that_are_not_taken_are_renewed_once() -> None:
    """A token that expired between two requests costs nobody an error."""

    async def answer(request: web.BaseRequest) -> web.StreamResponse:
        good = request.headers["Authorization"] == "Bearer fresh"
        return web.Response(body=b"done") if good else refusal(401)

    async with answering(answer) as url, asking(url, [], Renewable()) as requests:
        assert await requests.send(CREATE) == b"done"
        assert requests.counts.total() == 2
    async with answering(in_turn(refusal(401))) as url, asking(url, [], Renewable()) as requests:
        with pytest.raises(ApiError) as refused:
            await requests.send(READ)
        assert refused.value.forbidden
        assert requests.counts.total() == 2


async def test_a_stream_ends_when_nothing_comes_for_too_long() -> None:
    """Also when the answer has begun."""
    over = asyncio.Event()

    async def answer(request: web.BaseRequest) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(b"first\n")
        await over.wait()
        return response

    async with answering(answer) as url, asking(url, []) as requests:
        heard = b""
        with pytest.raises(Unreachable):
            async with requests.stream(READ, idle_seconds=0.2) as pieces:
                async for piece in pieces:
                    heard += piece
        assert heard == b"first\n"
        over.set()


async def test_the_api_server_is_told_who_asks() -> None:
    """In its audit log, and where it names who owns a field."""
    agents = []

    async def answer(request: web.BaseRequest) -> web.StreamResponse:
        agents.append(request.headers["User-Agent"])
        return web.Response(body=b"done")

    async with answering(answer) as url, open_requests(Access(url, "test")) as requests:
        await requests.send(READ)
    assert agents[0].startswith("laneway/")
