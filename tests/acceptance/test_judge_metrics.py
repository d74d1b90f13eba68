"""A judge on real proxies that goes by more than 5xx: a metric of one's own, and codes that an App names."""

from __future__ import annotations

import json
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from tests.acceptance.running import Laneway
from tests.acceptance.systems import Service
from tests.acceptance.test_releases import ask, newest, released, serves, written

pytestmark = pytest.mark.mesh

SOLO = Service("solo", hosts=("solo.test",), replicas=2)
STEPS = ({"weight": 50, "hold": "0s", "limit": "10m"}, {"weight": 100})


@pytest.fixture(scope="module")
def solo(laneway: Laneway, folder: Path) -> Laneway:
    laneway.up(written(folder, SOLO).parent)
    return laneway


class Orders:
    """What was ordered at each version, and how much of it was declined, though answered with 200."""

    def __init__(self, declining: str) -> None:
        self.declining = declining
        self.versions: dict[str, str] = {}
        self.of: Counter[str] = Counter()
        self.bad: Counter[str] = Counter()

    def order(self, laneway: Laneway) -> None:
        """One request, counted at the version that answered it."""
        version = ask(laneway)["version"]
        self.of[version] += 1
        self.bad[version] += version == self.declining and self.of[version] % 3 == 0

    def told(self, revision: str) -> dict[str, int]:
        """Of the version with this revision."""
        version = self.versions.get(revision, SOLO.version)
        return {"bad": self.bad[version], "of": self.of[version]}


@contextmanager
def served_orders(orders: Orders) -> Iterator[str]:
    """The URL at which they are told."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            (revision,) = parse_qs(urlsplit(self.path).query)["revision"]
            body = json.dumps(orders.told(revision)).encode()
            self.send_response(200)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:
            """Nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/orders"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def judged_by(*metrics: Any) -> dict[str, Any]:
    return {"judge": {"metrics": list(metrics)}}


def test_a_version_that_declines_orders_is_rolled_back_though_no_request_fails(
    solo: Laneway, folder: Path
) -> None:
    """Killed on the way: what was counted before stays counted."""
    orders = Orders(declining="v2")
    with served_orders(orders) as url:
        declined = {"name": "declined", "web": {"url": f"{url}?revision=$revision"}}
        judge = judged_by({"name": "errors"}, declined)
        orders.versions[released(solo, folder, replace(SOLO, version="v2", steps=STEPS), **judge)] = "v2"
        solo.until_served("solo", 50)
        orders.order(solo)
        solo.kill_daemon()
        solo.up()

        def rolled_back() -> bool:
            for _ in range(10):
                orders.order(solo)
            return bool(newest(solo)["phase"] == "RolledBack")

        solo.until("it is rolled back", rolled_back, 60)
    assert newest(solo)["reason"].startswith("the canary is worse than tolerated in declined: ")
    serves(solo, {"v1": 100})


@pytest.mark.parametrize(
    ("version", "codes", "phase"), [("v3", [500], "RolledBack"), ("v4", [429], "Promoted")]
)
def test_only_the_codes_that_the_app_names_are_errors(
    solo: Laneway, folder: Path, version: str, codes: Any, phase: str
) -> None:
    """A third of all answers is 500, without retries."""
    service = replace(SOLO, version=version, steps=STEPS, fails=0.3, retries={"attempts": 0})
    errors = {"name": "errors", "codes": {"http": codes}, "refuse": {"ratio": 1.25, "plus": "10%"}}
    released(solo, folder, service, **judged_by(errors))
    solo.until_served("solo", 50)

    def ended() -> bool:
        for _ in range(20):
            ask(solo)
        return str(newest(solo)["phase"]) != "Progressing"

    solo.until("it is decided", ended, 90)
    solo.until("it is over", lambda: newest(solo)["phase"] == phase)
