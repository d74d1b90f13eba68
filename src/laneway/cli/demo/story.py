"""The demo's story: what is done, expected and measured. Must not know how it is drawn."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from typing import Any

import httpx2
from rich.console import Console

from laneway.cli.client import ApiError, NotRunningError
from laneway.cli.demo import numbers
from laneway.cli.demo.reading import (
    astray,
    between,
    canary_of,
    hops,
    image_of,
    move_of,
    price_is_wrong,
    tag_of,
)
from laneway.cli.demo.screen import Screen, styled
from laneway.cli.demo.stage import HOST, NAMESPACE, CommandFailedError, Stage, shop, shown, stage, typed
from laneway.local.http1 import Request
from laneway.local.load import Counts, Load, Profile, in_background
from laneway.spec.release import Phase

APP = "pharmacy"
LANE = "green"
LANE_APPS = ("pharmacy", "inventory")
SYSTEM = ("page", "consultation", "appointment", "pharmacy", "inventory")
BASE, NEXT, BAD = "blue", "2.0", "3.0-bad"
ASKED = 20
"""Requests of each kind that show that nothing strays."""
FIRST_WEIGHT = 20
PODS_MAX = 5
"""The pharmacy's four, and a surge of 25 %."""
OBSERVED_S, OBSERVED_FAST_S = 2.5, 1.0
"""How long the load has to show what a share is."""
SHARE_S = 1.0
"""Over how long a share that moves is measured."""
CHANGE_SECONDS_MAX = 60.0


class UnmetError(Exception):
    """Something did not go as it should. The message says what was expected, and what was seen."""


def expect(met: bool, text: str) -> None:
    """Raise UnmetError unless met."""
    if not met:
        raise UnmetError(text)


def tell(*, as_json: bool = False, rate: float = 50.0, fast: bool = False) -> int:
    """Tell the story; returns the exit code: 0, or 1 where an expectation was not met.

    as_json: the numbers as one document on stdout, the story on stderr; rate: requests per second of the
    background load; fast: no pauses for the reader, and the hold cut short by `release promote`.
    """
    screen = Screen(Console(stderr=as_json))
    seen = numbers.Numbers()
    began_s = time.monotonic()
    try:
        with stage() as here:
            Story(here, screen, seen, rate, fast).play()
    except (UnmetError, CommandFailedError, ApiError, NotRunningError, httpx2.HTTPError) as failure:
        seen.failure = str(failure)
        screen.failed(seen.failure)
    seen.seconds = round(time.monotonic() - began_s, 1)
    if as_json:
        print(json.dumps(asdict(seen), indent=2))
    if not seen.failure:
        screen.chapter(f"Done in {seen.seconds:.0f} s, everything taken down. Try next")
        screen.suggest(suggestions(typed(), shown(shop())))
    return 1 if seen.failure else 0


def suggestions(laneway: str, folder: str) -> list[str]:
    """What to try next, as one types it; `laneway` is the command, `folder` the example's."""
    return [
        f"{laneway} up -f {folder} --port 8080 --detach",
        f"{laneway} lane up {LANE} --app {APP}={image_of(APP, LANE)} --wait",
        f"curl -s -H 'Host: {HOST}' -H 'x-lane: {LANE}' http://127.0.0.1:8080/",
        f"{laneway} apply -f {folder}/releases/{APP}-{NEXT}.yaml && {laneway} release wait {APP}",
        f"{laneway} down",
    ]


class Story:
    """The chapters, in order. Each measures what it shows; UnmetError where that is not as promised."""

    def __init__(self, here: Stage, screen: Screen, seen: numbers.Numbers, rate: float, fast: bool) -> None:
        self.stage, self.screen, self.seen = here, screen, seen
        self.rate, self.fast = rate, fast
        self.observed_s = OBSERVED_FAST_S if fast else OBSERVED_S

    def play(self) -> None:
        """All chapters; the load runs from the second to the last."""
        self.bring_up()
        profile = Profile(Request(HOST, "/pharmacy"), self.rate)
        with in_background(Load(self.stage.address, profile, wrong=price_is_wrong)) as load:
            self.show_a_request()
            self.open_a_lane()
            self.release(load)
            self.abort(load)
        self.count(load.counts())

    def bring_up(self) -> None:
        """Five services, their sidecars and two gateways."""
        self.screen.chapter("A health shop of five services comes up, each replica beside a real Envoy")
        began_s = time.monotonic()
        with self.screen.waiting():
            self.stage.ingress = self._run("up", "-f", shown(shop()), "--detach")["ingress"]
        seconds = time.monotonic() - began_s
        status = self.stage.status()
        pods = sum(version["replicas"]["ready"] for app in status["apps"] for version in app["versions"])
        pods += sum(workload["replicas"]["ready"] for workload in status["workloads"])
        self.seen.up = numbers.Up(round(seconds, 2), pods, status["proxies"]["total"])
        for app in status["apps"]:
            expect(app["ready"], f"every app is ready after `up`, but {app['name']} is not")
            self.screen.done(f"{app['name']:<13}{styled(tag_of(app['versions'][0]['image']))}")
        self.screen.say(f"{pods} pods and {status['proxies']['total']} Envoys in {seconds:.1f} s")

    def show_a_request(self) -> None:
        """The way of one request through all of it."""
        self.screen.chapter("One request, hop by hop")
        self._ask_and_check("/", "", dict.fromkeys(SYSTEM, BASE))
        self._pause(1.5)

    def open_a_lane(self) -> None:
        """The same request with the lane's header, and without."""
        self.screen.chapter("A lane: the green pharmacy and inventory, for who asks for them")
        began_s = time.monotonic()
        apps = [word for app in LANE_APPS for word in ("--app", f"{app}={image_of(app, LANE)}")]
        with self.screen.waiting():
            opened = self._run("lane", "up", LANE, *apps, "--wait")
        seconds = time.monotonic() - began_s
        versions = dict.fromkeys(SYSTEM, BASE) | dict.fromkeys(LANE_APPS, LANE)
        in_lane = self._ask_and_check("/", LANE, versions)
        self._ask_and_check("/", "", dict.fromkeys(SYSTEM, BASE))
        strays = self._strays(LANE, versions) + self._strays("", dict.fromkeys(SYSTEM, BASE))
        expect(strays == 0, f"no request leaves its lane, but {strays} of {2 * ASKED} did")
        path = [f"{hop['service']}={hop['version']}" for hop in hops(in_lane)]
        self.seen.lane = numbers.Lane(LANE, opened["header"], round(seconds, 2), ASKED, ASKED, strays, path)
        self.screen.done(f"{ASKED} requests in the lane and {ASKED} outside of it: none strayed")
        self._pause(1.5)

    def release(self, load: Load) -> None:
        """A good version: 20 %, its hold, then the rest in sub-shifts, its pods following its weight."""
        self.screen.chapter(f"A release: {APP} {NEXT} takes 20 %, holds, then takes the rest")
        began_s, held, hurried = load.elapsed_s, list[float](), False
        moves = list[numbers.Move]()
        with self._ride(load, NEXT) as moments:
            for move, phase in moments:
                if not moves or (moves[-1].weights, moves[-1].pods) != (move.weights, move.pods):
                    moves.append(move)
                if move.served.get(NEXT) == FIRST_WEIGHT:
                    held.append(move.at_s)
                if self.fast and not hurried and held and move.at_s - held[0] > self.observed_s:
                    self._run("release", "promote", APP)
                    hurried = True
                if phase == Phase.PROMOTED and set(move.pods) == {NEXT} and move.share == 1:
                    break
        at_first = between(load, min(held, default=math.inf), max(held, default=0))
        self.seen.release = canary_of(NEXT, FIRST_WEIGHT, load.elapsed_s - began_s, moves, at_first)
        self._check_release(self.seen.release)
        self._ask_and_check("/pharmacy", LANE, dict.fromkeys(LANE_APPS, LANE), show=False)
        seconds = self.seen.release.seconds
        self.screen.done(f"{NEXT} serves everything after {seconds:.0f} s; the lane still answers {LANE}")
        self._pause(1.0)

    def _check_release(self, seen: numbers.Canary) -> None:
        requests = seen.share_requests
        expect(requests > 0, "requests are measured while the canary has 20 %, but there were none")
        off = 5 * math.sqrt(0.2 * 0.8 / requests)
        expect(
            abs(seen.share - 0.2) <= off,
            f"20 % of {requests} answers are of {NEXT}, but {seen.share:.1%} were",
        )
        expect(
            seen.pods_max <= PODS_MAX, f"at most {PODS_MAX} pods at any time, but there were {seen.pods_max}"
        )

    def abort(self, load: Load) -> None:
        """A bad version that no status code betrays, and the way back."""
        self.screen.chapter(f"A bad release: {APP} {BAD} answers every request, with a negative price")
        held, typed_s, over_s = list[float](), math.inf, math.inf
        with self._ride(load, BAD) as moments:
            for move, phase in moments:
                if move.served.get(BAD) == FIRST_WEIGHT:
                    held.append(move.at_s)
                if typed_s == math.inf and held and move.at_s - held[0] > self.observed_s:
                    typed_s = load.elapsed_s
                    self._run("release", "abort", APP)
                if phase == Phase.ROLLED_BACK and set(move.pods) == {NEXT}:
                    over_s = min(over_s, move.at_s)
                if move.at_s > over_s + self.observed_s:
                    break
        bad = between(load, min(held, default=typed_s), typed_s)
        wrong = [sample.due_s + sample.latency_s for sample in load.samples if sample.wrong]
        after = between(load, over_s, math.inf)
        self.seen.abort = numbers.Abort(
            version=BAD,
            wrong_share=round(bad.wrong / max(1, bad.requests), 4),
            wrong_requests=len(wrong),
            right_after_s=round(max(0.0, max(wrong, default=0.0) - typed_s), 2),
            right_since=after.requests - after.wrong,
        )
        self.screen.say(
            f"{bad.wrong} of {bad.requests} answers were wrong, and none failed: a person had to say it"
        )
        expect(bad.wrong > 0, f"some answers of {BAD} are wrong, but none was")
        expect(after.requests > 0, "requests come after the abort, but none did")
        expect(after.wrong == 0, f"all answers are right after the abort, but {after.wrong} were not")
        self.screen.done(
            f"all answers are right again {self.seen.abort.right_after_s:.1f} s after the command"
        )

    def count(self, counts: Counts) -> None:
        """What became of every request of the load."""
        self.seen.load = numbers.Load(
            rate=self.rate,
            requests=counts.requests,
            failed=counts.failed,
            errors=dict(counts.errors),
            p50_ms=round(counts.p50_ms, 1),
            p99_ms=round(counts.p99_ms, 1),
            max_ms=round(counts.max_ms, 1),
        )
        self.screen.chapter("All the while")
        self.screen.say(
            f"{counts.requests} requests at {self.rate:g}/s, half of them within {counts.p50_ms:.0f} ms"
        )
        expect(counts.failed == 0, f"no request fails, but {counts.failed} did: {dict(counts.errors)}")
        self.screen.done("failed: 0")

    def _run(self, *arguments: str) -> Any:
        """Run a command as a user would, and show it."""
        inside = () if arguments[0] == "up" else ("-n", NAMESPACE)
        self.screen.command(" ".join(["laneway", *arguments, *inside]))
        return self.stage.run(*arguments, *inside)

    @contextmanager
    def _ride(self, load: Load, version: str) -> Iterator[Iterator[tuple[numbers.Move, str]]]:
        """Start a release; the app's moves, each drawn, with the phase that the release is in."""
        applied = self._run("apply", "-f", shown(shop() / "releases" / f"{APP}-{version}.yaml"))
        expect(
            len(applied["releases"]) == 1,
            f"a new template starts a release, but it started {applied['releases']}",
        )
        with self.screen.moving():
            yield self._moves(load, version, applied["releases"][0]["revision"])

    def _moves(self, load: Load, version: str, revision: str) -> Iterator[tuple[numbers.Move, str]]:
        deadline_s = time.monotonic() + CHANGE_SECONDS_MAX
        for app, release in self.stage.watch(APP, revision):
            counts = load.counts(last_s=SHARE_S)
            move = move_of(app, round(load.elapsed_s, 2), round(counts.share(version), 4))
            self.screen.weights(
                move.weights, {label: counts.share(label) for label in counts.labels}, move.pods
            )
            yield move, release["phase"]
            expect(time.monotonic() < deadline_s, f"the release of {version} moves on, but is at {release}")

    def _ask_and_check(
        self, path: str, lane: str, versions: Mapping[str, str], show: bool = True
    ) -> dict[str, Any]:
        answer = self.stage.ask(path, lane)[0]
        tag = f" with x-lane: {lane}" if lane else ""
        if show:
            self.screen.hops(f"GET http://{HOST}{path}{tag}", answer)
            self.seen.requests[lane or "untagged"] = answer
        expect(not astray(answer, versions), f"a request{tag} reaches {dict(versions)}, but it went {answer}")
        return answer

    def _strays(self, lane: str, versions: Mapping[str, str]) -> int:
        return sum(astray(answer, versions) for answer in self.stage.ask("/", lane, ASKED))

    def _pause(self, seconds: float) -> None:
        if not self.fast:
            time.sleep(seconds)
