"""Random worlds: whatever people, pods, proxies and the clock do, every pass keeps every invariant.

`HYPOTHESIS_PROFILE=deep` looks for minutes instead of seconds, and makes what it finds small.
"""

from __future__ import annotations

import os
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import Phase as Stage
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule
from tests.plan.invariants import requests_stay_in_their_lane, violations
from tests.plan.world import World

from laneway.analysis.verdict import Outcome
from laneway.plan.observed import Counts
from laneway.plan.planner import plan
from laneway.spec.release import GateResult, Judged, Phase, Verb

DEEP = os.environ.get("HYPOTHESIS_PROFILE") == "deep"

APPS = {"pharmacy": "/pharmacy", "page": "/"}
LANES = ("blue", "dev", "green")
ASKED = {"preview": {"header": "x-version"}, "sticky": {"cookie": "lw"}}
IMAGES = ("1", "2", "3")
STEPS = (
    [{"weight": 20, "hold": "10s"}, {"weight": 100}],
    [{"weight": 100}],
    [{"weight": 0, "hold": "5s"}, {"weight": 100, "hold": "5s"}],
    [{"weight": 7, "hold": "5s", "limit": "1m", "onUnsure": "rollback"}, {"weight": 33.33}, {"weight": 100}],
    [{"weight": 50, "hold": "1m", "limit": "1m", "onUnsure": "pause"}, {"weight": 100}],
    [{"weight": 20, "hold": "5s", "gates": [{"command": ["a"]}, {"approval": {}}]}, {"weight": 100}],
    [{"weight": 20, "hold": "5s", "gates": [{"command": ["a"], "then": "pause"}]}, {"weight": 100}],
)

POLICIES: tuple[dict[str, Any], ...] = (
    {},
    {"onNew": "queue"},
    {"keepOld": "20s"},
    {"keepOld": "1h", "onNew": "queue"},
    {"judge": {"guardrails": [{"metric": "errors", "above": "5%", "then": "pause"}]}},
    {"judge": {"guardrails": [{"metric": "errors", "above": "1%"}]}, "keepOld": "5s"},
    {"judge": {"metrics": [{"name": "errors"}]}},
    {"judge": {"metrics": [{"name": "errors"}]}, "ramp": {"budget": "0.1%", "from": "2%"}},
)

apps = st.sampled_from(sorted(APPS))
policies = st.sampled_from(POLICIES)
images = st.sampled_from(IMAGES)
sizes = st.integers(1, 6)
proxies = st.integers(0, 2)


class Worlds(RuleBasedStateMachine):
    """Two Apps that share a public host, three lanes, three proxies."""

    @initialize(
        steps=st.sampled_from(STEPS),
        surge=st.sampled_from(["25%", "50%", "100%"]),
        size=sizes,
        policy=policies,
    )
    def start(self, steps: list[Any], surge: str, size: int, policy: dict[str, Any]) -> None:
        self.world = World(proxies=3)
        self.together = 0
        self.images = dict.fromkeys(APPS, "1")
        self.sizes = dict.fromkeys(APPS, size)
        self.steps = dict.fromkeys(APPS, (steps, surge))
        self.policy = policy
        for app in APPS:
            self._write(app)
        self.world.settle()

    def _write(self, app: str) -> None:
        steps, surge = self.steps[app]
        match = [{"uri": {"prefix": APPS[app]}, "gateways": ["shop/public"]}] if APPS[app] != "/" else []
        routing = {"gateways": ["shop/public"], "hosts": ["shop.example"], "order": len(match) * -1}
        routing |= {"http": [{"match": match, "timeout": "5s"}]} if match else {}
        self.world.app(
            app,
            self.images[app],
            self.sizes[app],
            routing=routing,
            scale={"replicas": self.sizes[app], "surge": surge},
            release={"steps": steps, **ASKED} | self.policy,
        )

    # what people do

    @rule(app=apps, image=images)
    def apply_a_template(self, app: str, image: str) -> None:
        self.images[app] = image
        self._write(app)

    @rule(image=images)
    def apply_both_together(self, image: str) -> None:
        for app in APPS:
            self.images[app] = image
            self._write(app)
        self.together += 1
        self.world.together(f"both-{self.together}", **dict.fromkeys(APPS, image))

    @rule(image=images)
    def a_release_of_both_gets_under_way(self, image: str) -> None:
        self.apply_both_together(image)
        for _ in range(20):
            if any(len(self.world.weights(app)) > 1 for app in APPS):
                break
            self.all_goes_well(1, 2)

    @rule(app=apps, size=sizes)
    def scale(self, app: str, size: int) -> None:
        self.sizes[app] = size
        self._write(app)

    @rule(app=apps, steps=st.sampled_from(STEPS), surge=st.sampled_from(["25%", "100%"]))
    def change_steps(self, app: str, steps: list[Any], surge: str) -> None:
        self.steps[app] = steps, surge
        self._write(app)

    @rule(policy=policies)
    def change_the_policy(self, policy: dict[str, Any]) -> None:
        self.policy = policy
        for app in APPS:
            self._write(app)

    @rule(app=apps, verb=st.sampled_from(sorted(Verb)))
    def ask(self, app: str, verb: Verb) -> None:
        self.world.ask(verb, app)

    @rule(
        name=st.sampled_from(LANES),
        deployed=st.lists(apps, unique=True),
        through=st.lists(st.sampled_from(LANES), unique=True, max_size=2),
        otherwise=st.sampled_from(["baseline", "refuse"]),
        ttl=st.sampled_from([None, "30s", "1h"]),
    )
    def write_a_lane(
        self, name: str, deployed: list[str], through: list[str], otherwise: str, ttl: str | None
    ) -> None:
        fallback = {"through": [lane for lane in through if lane != name], "else": otherwise}
        self.world.lane(name, *deployed, fallback=fallback, **({"ttl": ttl} if ttl else {}))

    @rule(name=st.sampled_from(LANES))
    def delete_a_lane(self, name: str) -> None:
        self.world.remove("Lane", name)

    @rule(app=apps)
    def delete_the_template(self, app: str) -> None:
        self.world.remove("Deployment", app)

    # what happens

    @rule(passed=st.booleans())
    def gates_answer(self, passed: bool) -> None:
        self._answer(passed)

    def _answer(self, passed: bool) -> None:
        for run in self.world.reconcile().plan.gates:
            self.world.results[run.id] = GateResult(
                step=run.id.step, gate=run.id.gate, passed=passed, at=self.world.now
            )

    @rule(
        outcome=st.sampled_from(Outcome),
        excess=st.sampled_from([None, 0.0, 0.001, 0.004, 0.02, 0.5]),
    )
    def a_judge_says(self, outcome: Outcome, excess: float | None) -> None:
        self._says(outcome, excess)

    def _says(self, outcome: Outcome, excess: float | None) -> None:
        for release in self.world.releases():
            judged = Judged(at=self.world.now, outcome=outcome, words="said", state="{}", excess=excess)
            self.world.judged[release.key] = judged

    @rule(errors=st.sampled_from([0, 4, 40]))
    def requests_are_counted(self, errors: int) -> None:
        for watch in self.world.reconcile().plan.watches:
            self.world.counts[watch.id] = Counts(requests=100, errors=errors)

    @rule(data=st.data(), count=st.integers(1, 6))
    def kill_pods(self, data: st.DataObject, count: int) -> None:
        if self.world.pods:
            pod = data.draw(st.sampled_from(self.world.pods))
            self.world.kill(list(pod.labels.values())[-1], count)

    @rule(data=st.data())
    def delete_a_derived_deployment(self, data: st.DataObject) -> None:
        derived = [
            key.name for kind, key in self.world.store if kind == "Deployment" and key.name not in APPS
        ]
        if derived:
            self.world.remove("Deployment", data.draw(st.sampled_from(derived)))

    @rule(data=st.data(), fails=st.booleans())
    def pods_of_a_revision_fail_to_start(self, data: st.DataObject, fails: bool) -> None:
        labels = [pod.labels.get("laneway.dev/revision", "") for pod in self.world.pods]
        if fails and labels:
            self.world.starting_fails.add(data.draw(st.sampled_from(labels)))
        else:
            self.world.starting_fails.clear()

    @rule(data=st.data(), busy=st.booleans())
    def requests_stay_open(self, data: st.DataObject, busy: bool) -> None:
        labels = [list(pod.labels.values())[-1] for pod in self.world.pods]
        if busy and labels:
            self.world.busy.add(data.draw(st.sampled_from(labels)))
        else:
            self.world.busy.clear()

    @rule(proxy=proxies)
    def freeze_a_proxy(self, proxy: int) -> None:
        self.world.proxies[proxy].frozen = True

    @rule(proxy=proxies, subsets_only=st.booleans())
    def one_proxy_confirms(self, proxy: int, subsets_only: bool) -> None:
        self.world.proxies[proxy].frozen = False
        self.world.sync(proxy, subsets_only=subsets_only)

    @rule(passes=st.integers(1, 12), seconds=st.sampled_from([1, 6]))
    def all_goes_well(self, passes: int, seconds: int) -> None:
        for _ in range(passes):
            self.world.sync()
            self.world.tick(seconds)
            self._pass()

    @rule(app=apps, image=images)
    def a_release_gets_under_way(self, app: str, image: str) -> None:
        self.apply_a_template(app, image)
        for _ in range(12):
            if len(self.world.weights(app)) > 1:
                break
            self.all_goes_well(1, 2)

    @rule(app=apps, which=st.integers(0, 1))
    def every_pod_of_a_version_dies(self, app: str, which: int) -> None:
        revisions = sorted(self.world.weights(app))
        if len(revisions) > which:
            self.world.kill(revisions[which])

    @rule(seconds=st.sampled_from([1, 6, 40, 4000]))
    def time_goes_by(self, seconds: int) -> None:
        self.world.tick(seconds)

    @rule()
    def restart(self) -> None:
        self.world.restart()

    @rule(after=st.integers(0, 8))
    def killed_in_the_middle_of_a_pass(self, after: int) -> None:
        self._pass(after)
        self.world.restart()

    @rule()
    def reconcile(self) -> None:
        self._pass()

    def _pass(self, stop_after: int | None = None) -> None:
        made = self.world.reconcile(stop_after)
        assert violations(self.world, made) == []
        assert plan(made.spec, made.seen, self.world.now, self.world.gates) == (made.plan, made.report)
        if stop_after is None:
            assert list(requests_stay_in_their_lane(self.world, APPS)) == []

    def teardown(self) -> None:
        """From here, with healthy pods and proxies, each release ends: promoted, or refused for good."""
        if not hasattr(self, "world"):
            return
        world = self.world
        world.starting_fails.clear()
        world.busy.clear()
        for proxy in world.proxies:
            proxy.frozen = False
        for app in APPS:
            self._write(app)
        for _ in range(600):
            if self._is_at_rest():
                break
            self._says(Outcome.PROMOTE, 0.0)
            self.all_goes_well(1, 6)
        assert self._is_at_rest(), [finding.text for finding in world.reconcile().report.findings]
        for app in APPS:
            self._ended_well(app)
        world.tick(1)
        settled = world.reconcile()
        assert not settled.changes

    def _is_at_rest(self) -> bool:
        self._answer(passed=True)
        for app in APPS:
            running = self.world.running(app)
            if running and running.status and running.status.phase is Phase.PAUSED:
                self.world.ask(Verb.PROMOTE, app)
            elif running:
                self.world.ask(Verb.APPROVE, app)
        made = self.world.reconcile()
        whole = all(pod.ready for pod in self.world.pods)
        return not made.changes and not self.world.anything_running and self.world.in_sync and whole

    def _ended_well(self, app: str) -> None:
        made = self.world.reconcile()
        planned = next(each for each in made.plan.apps if each.key.name == app)
        last = self.world.releases(app)[-1:]
        assert planned.weights == {planned.stable: 10_000}
        assert self.world.replicas(f"{app}-{planned.stable}") == self.sizes[app]
        image = next(v.template for v in planned.versions if v.revision == planned.stable).image
        refused = "RevisionRefused" in {f.code for f in made.report.findings if f.subject.name == app}
        assert (image == self.images[app]) != refused, (last, made.report)


TestWorlds = Worlds.TestCase
TestWorlds.settings = settings(
    max_examples=2_000 if DEEP else 100,
    stateful_step_count=60 if DEEP else 30,
    derandomize=not DEEP,
    phases=tuple(Stage) if DEEP else (Stage.generate,),
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
