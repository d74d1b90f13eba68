"""The shop's service: what its answers carry, and how it ends."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import pytest

SERVICE = Path(__file__).parents[2] / "examples" / "shop" / "service.py"
Start = Callable[..., "Running"]


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


class Running:
    """A service as a process, and its address."""

    def __init__(self, name: str, version: str, calls: str, port: int | None) -> None:
        self.port = port or free_port()
        variables = {"HOST": "127.0.0.1", "PORT": str(self.port), "CALLS": calls, "POD_NAME": f"{name}-0"}
        self.process = subprocess.Popen(
            [sys.executable, str(SERVICE), name, "--version", version],
            env=os.environ | variables,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdout
        self.process.stdout.readline()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/"

    def ask(self, headers: dict[str, str] | None = None) -> tuple[int, dict[str, Any]]:
        connection = HTTPConnection("127.0.0.1", self.port, timeout=5)
        connection.request("GET", "/", headers=headers or {})
        response = connection.getresponse()
        answer = response.status, json.loads(response.read())
        connection.close()
        return answer


@pytest.fixture
def start() -> Iterator[Start]:
    started: list[Running] = []

    def begin(name: str, version: str = "blue", calls: str = "", port: int | None = None) -> Running:
        started.append(Running(name, version, calls, port))
        return started[-1]

    yield begin
    for service in started:
        service.process.kill()
        service.process.communicate()


def test_an_answer_names_service_version_and_pod_and_nests_what_was_called(start: Start) -> None:
    """One request shows the way through the whole system."""
    inventory = start("inventory", "green")
    status, answer = start("pharmacy", "blue", inventory.url).ask()
    assert status == 200
    assert (answer["service"], answer["version"], answer["pod"]) == ("pharmacy", "blue", "pharmacy-0")
    assert [(hop["service"], hop["version"]) for hop in answer["hops"]] == [("inventory", "green")]


def test_the_lane_goes_along_with_every_call(start: Start) -> None:
    """The called service sees the header that the caller got."""
    _, answer = start("pharmacy", calls=start("inventory").url).ask({"x-lane": "green"})
    assert answer["lane"] == "green"
    assert answer["hops"][0]["lane"] == "green"


def test_an_untagged_request_stays_untagged(start: Start) -> None:
    """Connections are kept from one request to the next; their headers are not."""
    pharmacy = start("pharmacy", calls=start("inventory").url)
    pharmacy.ask({"x-lane": "green"})
    _, answer = pharmacy.ask()
    assert (answer["lane"], answer["hops"][0]["lane"]) == (None, None)


def test_a_failed_call_fails_the_answer_and_says_which(start: Start) -> None:
    """Nobody takes half an answer for a whole one."""
    inventory = start("inventory")
    inventory.process.kill()
    status, answer = start("pharmacy", calls=inventory.url).ask()
    assert status == 502
    assert inventory.url in answer["hops"][0]["error"]


def test_a_called_service_may_restart_between_requests(start: Start) -> None:
    """A kept connection that its peer has closed is not used again."""
    inventory = start("inventory")
    pharmacy = start("pharmacy", calls=inventory.url)
    kept = HTTPConnection("127.0.0.1", pharmacy.port, timeout=5)
    kept.request("GET", "/")
    kept.getresponse().read()
    inventory.process.terminate()
    inventory.process.wait(5)
    start("inventory", port=inventory.port)
    kept.request("GET", "/")
    assert kept.getresponse().status == 200
    kept.close()


def test_the_bad_version_answers_wrongly_but_does_not_fail(start: Start) -> None:
    """Only a look at the answer tells."""
    status, answer = start("pharmacy", "3.0-bad").ask()
    assert status == 200
    assert answer["price"] < 0


def test_sigterm_finishes_the_open_request_and_ends_with_zero(start: Start) -> None:
    """A request that has begun is answered; the idle connection beside it does not hold the end up."""
    bad = start("pharmacy", "3.0-bad")
    idle = socket.create_connection(("127.0.0.1", bad.port))
    working = HTTPConnection("127.0.0.1", bad.port, timeout=5)
    working.request("GET", "/")
    _wait_until_read(bad.port)
    bad.process.send_signal(signal.SIGTERM)
    response = working.getresponse()
    assert (response.status, json.loads(response.read())["version"]) == (200, "3.0-bad")
    assert bad.process.wait(5) == 0
    idle.close()


def _wait_until_read(port: int) -> None:
    """Waits until no byte is left unread in the server's sockets, so that its request has begun."""
    deadline = time.monotonic() + 5
    local = f":{port:04X}"
    while time.monotonic() < deadline:
        sockets = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
        open_ones = [row for row in sockets if row[1].endswith(local) and row[3] == "01"]
        if len(open_ones) == 2 and all(row[4].endswith(":00000000") for row in open_ones):
            return
    raise AssertionError("the service does not read its request")
