"""The order of a push, against a proxy that answers when it likes."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import replace

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from tests.mesh.envoy_model import EnvoyModel

from laneway.mesh.push import Conversation
from laneway.mesh.resources import CDS, EDS, LDS, RDS, SRDS, TYPES, Delta, Resource
from laneway.mesh.wire import Request, Response

World = dict[str, dict[str, Resource]]


def world(
    routes: Mapping[str, tuple[str, ...]], versions: Mapping[str, str] | None = None, listens: bool = True
) -> World:
    """Resources for hosts, each with the clusters that its routes name; versions: other content by name."""
    version = versions or {}
    clusters = {cluster for names in routes.values() for cluster in names}

    def make(name: str, needs: tuple[str, ...] = ()) -> Resource:
        content = version.get(name, "1")
        return Resource(name, f"{content}{needs}", b"bad" if content == "bad" else b"", frozenset(needs))

    return {
        CDS: {name: make(name) for name in clusters},
        EDS: {name: make(name) for name in clusters if not name.startswith("static")},
        LDS: {"listener": replace(make("listener"), asks=True)} if listens else {},
        SRDS: {host: Resource(host, "1", b"") for host in routes if listens},
        RDS: {host: make(host, names) for host, names in routes.items() if listens},
    }


class Wanted:
    """The live view of a world that changes, and what became different."""

    def __init__(self, first: World) -> None:
        self.view: World = {url: dict(first[url]) for url in TYPES}
        self.generation = 1

    def become(self, new: World) -> dict[str, Delta]:
        """Replace the world; the deltas by type."""
        self.generation += 1
        deltas = {}
        for url in TYPES:
            old = dict(self.view[url])
            self.view[url].clear()
            self.view[url].update(new[url])
            deltas[url] = Delta(
                changed=frozenset(name for name, item in new[url].items() if old.get(name) != item),
                removed=frozenset(old.keys() - new[url].keys()),
            )
        return deltas


class Wire:
    """A proxy, its stream, and what is on the way in both directions."""

    def __init__(self, first: World) -> None:
        self.wanted = Wanted(first)
        self.proxy = EnvoyModel()
        self.connect()

    def connect(self) -> None:
        self.down: deque[Response] = deque()
        self.server = Conversation(self.wanted.view, self.wanted.generation)
        self.proxy.connect()

    def publish(self, new: World) -> None:
        self.server.change([self.wanted.become(new)], self.wanted.generation)
        self.down.extend(self.server.responses())

    def carry_up(self) -> None:
        self.server.receive(self.proxy.out.popleft())
        self.down.extend(self.server.responses())

    def carry_down(self) -> None:
        self.proxy.take(self.down.popleft())

    def settle(self) -> None:
        """Carry everything until both are silent."""
        for _ in range(10_000):
            if self.proxy.out:
                self.carry_up()
            elif self.down:
                self.carry_down()
            else:
                return
        raise AssertionError("they never fall silent")

    def serves(self) -> dict[str, set[str]]:
        return {url: set(self.proxy.versions[url]) for url in TYPES}


def names_of(responses: list[Response]) -> list[tuple[str, set[str], set[str]]]:
    return [(r.type_url, {item.name for item in r.changed}, set(r.removed)) for r in responses]


def settled(first: World) -> Wire:
    wire = Wire(first)
    wire.settle()
    wire.proxy.received.clear()
    return wire


def test_a_new_proxy_gets_everything_and_has_acknowledged_it() -> None:
    """From nothing, the proxy ends with the whole world."""
    wire = Wire(world({"a": ("a1",), "b": ("b1", "static")}))
    assert wire.server.acknowledged() == 0
    wire.settle()
    assert wire.serves() == {url: set(wire.wanted.view[url]) for url in TYPES}
    assert wire.server.acknowledged() == wire.wanted.generation


def test_an_empty_world_is_answered_too() -> None:
    """A wildcard subscription gets an answer with nothing in it, as the proxy waits for one."""
    wire = Wire({url: {} for url in TYPES})
    wire.settle()
    assert [r.type_url for r in wire.proxy.received] == [CDS, LDS]


def test_a_change_of_routes_to_known_clusters_goes_at_once() -> None:
    """While clusters of another host are still unanswered, routes to known clusters do not wait."""
    wire = settled(world({"a": ("a1",), "b": ("b1",)}))
    wire.publish(world({"a": ("a1",), "b": ("b1", "b2")}))
    assert names_of(list(wire.down)) == [(CDS, {"b2"}, set())]
    wire.publish(world({"a": ("a1", "b1"), "b": ("b1", "b2")}))
    assert names_of(list(wire.down))[1:] == [(RDS, {"a"}, set())]


def test_a_switch_to_a_new_cluster_adds_before_it_removes() -> None:
    """One publish that adds a cluster, moves the routes and deletes the old cluster keeps the safe order."""
    wire = settled(world({"a": ("blue",)}))
    wire.publish(world({"a": ("green",)}))
    wire.settle()
    assert names_of(wire.proxy.received) == [
        (CDS, {"green"}, set()),
        (EDS, {"green"}, set()),
        (RDS, {"a"}, set()),
        (CDS, set(), {"blue"}),
    ]


def test_endpoints_follow_a_changed_cluster_though_they_are_equal() -> None:
    """Envoy warms a changed cluster only with endpoints that come after it."""
    wire = settled(world({"a": ("a1",)}))
    changed = world({"a": ("a1",)})
    changed[CDS]["a1"] = Resource("a1", "2", b"")
    wire.publish(changed)
    wire.settle()
    assert names_of(wire.proxy.received) == [(CDS, {"a1"}, set()), (EDS, {"a1"}, set())]
    assert not wire.proxy.warming


def test_a_cut_before_the_endpoints_followed_does_not_leave_the_cluster_warming() -> None:
    """On the next stream, equal endpoints go again where their cluster changed after them."""
    wire = settled(world({"a": ("a1",)}))
    changed = world({"a": ("a1",)})
    changed[CDS]["a1"] = Resource("a1", "2", b"")
    wire.publish(changed)
    wire.carry_down()
    wire.connect()
    wire.settle()
    assert not wire.proxy.warming


def test_a_reconnected_proxy_gets_only_what_differs() -> None:
    """The proxy's versions are believed; what is gone is removed, after the routes that used it."""
    wire = settled(world({"a": ("a1",), "b": ("b1",)}))
    wire.wanted.become(world({"a": ("a1",), "b": ("b2",)}))
    wire.connect()
    wire.settle()
    assert names_of(wire.proxy.received) == [
        (CDS, {"b2"}, set()),
        (EDS, {"b2"}, set()),
        (RDS, {"b"}, set()),
        (CDS, set(), {"b1"}),
    ]


def test_a_reconnected_proxy_with_everything_gets_nothing() -> None:
    """Equal versions are an acknowledgement."""
    wire = settled(world({"a": ("a1",)}))
    wire.connect()
    assert wire.server.acknowledged() == 0
    wire.settle()
    assert wire.proxy.received == []
    assert wire.server.acknowledged() == wire.wanted.generation


def test_changes_during_a_push_are_coalesced_to_the_newest() -> None:
    """While routes are unanswered later ones wait; only the last one goes, and then its generation counts."""
    wire = settled(world({"a": ("a1",)}))
    for version in ("2", "3", "4"):
        wire.publish(world({"a": ("a1",)}, {"a": version}))
    before = wire.server.acknowledged()
    wire.settle()
    routes = [item.version for r in wire.proxy.received if r.type_url == RDS for item in r.changed]
    assert [version[0] for version in routes] == ["2", "4"]
    assert (before, wire.server.acknowledged()) == (1, 4)


def test_a_bad_resource_does_not_hold_back_the_others() -> None:
    """A refused response goes again in halves; only the bad resource stays refused, with the proxy's text."""
    hosts = {f"h{i}": ("a1",) for i in range(20)}
    wire = settled(world(hosts))
    wire.publish(world(hosts, {f"h{i}": "2" for i in range(20)} | {"h7": "bad"}))
    wire.settle()
    assert {name for name, version in wire.proxy.versions[RDS].items() if version[0] == "1"} == {"h7"}
    assert wire.server.rejection() == "h7: bad h7"
    assert wire.server.acknowledged() == 1


def test_a_refused_resource_is_sent_again_only_when_it_changes() -> None:
    """No loop on a refusal; new content clears it."""
    wire = settled(world({"a": ("a1",), "b": ("a1",)}))
    wire.publish(world({"a": ("a1",), "b": ("a1",)}, {"a": "bad"}))
    wire.settle()
    wire.publish(world({"a": ("a1",), "b": ("a1",)}, {"a": "bad", "b": "2"}))
    wire.settle()
    assert names_of(wire.proxy.received) == [(RDS, {"a"}, set()), (RDS, {"b"}, set())]
    wire.publish(world({"a": ("a1",), "b": ("a1",)}, {"a": "3", "b": "2"}))
    wire.settle()
    assert (wire.server.rejection(), wire.server.acknowledged()) == ("", wire.wanted.generation)


def test_routes_to_a_refused_cluster_wait_while_older_ones_serve() -> None:
    """The proxy keeps its routes as they are, and the cluster that they use."""
    wire = settled(world({"a": ("blue",)}))
    wire.publish(world({"a": ("green",)}, {"green": "bad"}))
    wire.settle()
    assert wire.proxy.needs["a"] == {"blue"}
    assert not wire.proxy.broken()


def test_routes_to_a_refused_cluster_serve_where_there_were_none() -> None:
    """A proxy without any routes for the host is answered, so that it starts."""
    wire = Wire(world({"a": ("good", "worse")}, {"worse": "bad"}))
    wire.settle()
    assert wire.proxy.broken() == {"worse"}


def test_an_unknown_name_is_answered_with_nothing_in_it() -> None:
    """Unknown routes or endpoints that a proxy asks for are empty, as it would wait for them for ever."""
    wire = settled(world({"a": ("a1",)}))
    for url in (RDS, EDS):
        wire.server.receive(Request(url, subscribe=("unknown",)))
        (response,) = wire.server.responses()
        (item,) = response.changed
        assert (item.name, item.needs, response.removed) == ("unknown", frozenset(), ())


def test_a_name_that_is_asked_for_again_is_answered_again() -> None:
    """A new subscription gets an answer, also where the content is the same."""
    wire = settled(world({"a": ("a1",)}))
    wire.server.receive(Request(RDS, unsubscribe=("a",)))
    wire.server.receive(Request(RDS, subscribe=("a",)))
    assert names_of(wire.server.responses()) == [(RDS, {"a"}, set())]


def test_a_cluster_that_goes_before_its_endpoints_came_does_not_hang_the_start() -> None:
    """The proxy waits for endpoints of a cluster that is gone meanwhile: it gets none, and goes on."""
    wire = Wire(world({"a": ("a1",)}))
    wire.carry_up()
    wire.carry_down()
    wire.publish(world({}))
    wire.settle()
    assert wire.serves() == {url: set(wire.wanted.view[url]) for url in TYPES}


def test_endpoints_go_though_their_cluster_is_to_change_again() -> None:
    """The next change of the cluster waits for an answer that Envoy gives only with endpoints."""
    wire = settled(world({"a": ("a1",)}))
    moved = world({"a": ("a1",)})
    moved[EDS]["a1"] = Resource("a1", "moved", b"")
    wire.publish(moved)
    for version in ("2", "3"):
        wire.publish(world({"a": ("a1",)}, {"a1": version}))
    wire.settle()
    assert wire.proxy.active == {"a1": wire.wanted.view[CDS]["a1"].version}


def test_a_cluster_whose_removal_is_under_way_is_not_there() -> None:
    """Routes that name it again wait until it is back."""
    wire = settled(world({"a": ("a1", "static"), "b": ("a1",)}))
    wire.publish(world({"a": ("a1",), "b": ("a1",)}))
    wire.carry_down()
    wire.carry_up()
    assert names_of(list(wire.down)) == [(CDS, set(), {"static"})]
    wire.publish(world({"a": ("a1",), "b": ("a1", "static")}))
    while wire.down or wire.proxy.out:
        wire.carry_down() if wire.down else wire.carry_up()
        assert not wire.proxy.broken()
    assert wire.proxy.needs["b"] == {"a1", "static"}


def test_a_cluster_stays_while_routes_to_it_are_under_way() -> None:
    """What is sent and not acknowledged may be served any moment."""
    wire = settled(world({"a": ("a1",), "b": ("b1",)}))
    wire.publish(world({"a": ("b1",)}))
    wire.carry_down()
    wire.carry_up()
    wire.carry_up()
    assert names_of(list(wire.down)) == [(RDS, {"a"}, set())]
    wire.publish(world({"a": ("a1",)}))
    while wire.down or wire.proxy.out:
        wire.carry_down() if wire.down else wire.carry_up()
        assert not wire.proxy.broken()
    assert wire.proxy.active.keys() == {"a1"}


def test_routes_of_a_host_that_goes_are_not_emptied_first() -> None:
    """The host goes; nobody asks for its routes then."""
    wire = settled(world({"a": ("a1",), "b": ("b1",)}))
    wire.publish(world({"b": ("b1",)}))
    wire.settle()
    assert names_of(wire.proxy.received) == [(SRDS, set(), {"a"}), (CDS, set(), {"a1"})]


def test_routes_that_were_under_way_when_their_host_went_are_not_waited_for() -> None:
    """The proxy no longer asks for them."""
    wire = settled(world({"a": ("a1",)}))
    wire.publish(world({}))
    wire.publish(world({"a": ("a1",)}))
    wire.carry_down()
    wire.carry_up()
    wire.publish(world({}))
    wire.settle()
    assert wire.server.acknowledged() == wire.wanted.generation


def test_after_a_cut_a_proxy_that_warms_gets_endpoints_though_it_has_them() -> None:
    """It says nothing about clusters until then, and brings along the right endpoints' version."""
    wire = settled(world({"a": ("a1",)}))
    wire.publish(world({"a": ("a1",)}, {"a1": "2"}))
    wire.carry_down()
    wire.wanted.become(world({"a": ("a1",)}))
    wire.connect()
    assert wire.proxy.out[0].type_url == EDS
    wire.settle()
    assert not wire.proxy.warming
    assert wire.proxy.active == {"a1": wire.wanted.view[CDS]["a1"].version}


def test_after_a_cut_clusters_stay_until_the_proxy_has_told_its_routes() -> None:
    """A cluster that nothing names any more may still be named by routes of the earlier stream."""
    wire = settled(world({"a": ("a1",), "b": ("b1",)}))
    wire.wanted.become(world({"b": ("b1",)}))
    wire.connect()
    while wire.proxy.out[0].type_url != RDS:
        wire.carry_up()
    assert wire.server.acknowledged() == 0
    assert (CDS, set(), {"a1"}) not in names_of(list(wire.down))
    wire.settle()
    assert wire.proxy.active.keys() == {"b1"}


def test_a_listener_that_asks_for_no_routes_is_acknowledged_without_any() -> None:
    """Also after a cut; one that does ask is not."""
    bytes_only = {"bytes": Resource("bytes", "1", b"")}
    wire = settled(world({}) | {LDS: bytes_only})
    assert wire.server.acknowledged() == wire.wanted.generation
    wire.connect()
    wire.settle()
    assert wire.server.acknowledged() == wire.wanted.generation


def test_scopes_go_again_for_a_listener_that_comes_after_the_last_one_went() -> None:
    """Envoy does not ask for them a second time."""
    wire = settled(world({"a": ("a1",)}))
    for listeners in ({}, world({})[LDS]):
        wire.publish(world({"a": ("a1",)}) | {LDS: listeners})
        wire.settle()
    assert wire.proxy.scopes == {"a"}
    assert wire.server.acknowledged() == wire.wanted.generation


def test_scopes_go_again_where_a_cut_hid_that_the_listener_went() -> None:
    """The proxy still brings their versions along, though it has forgotten them."""
    wire = settled(world({"a": ("a1",)}))
    wire.publish(world({}, listens=False))
    wire.carry_down()
    wire.wanted.become(world({"a": ("a1",)}))
    wire.connect()
    wire.settle()
    assert wire.proxy.scopes == {"a"}


def test_a_proxy_that_has_not_told_all_that_it_has_has_acknowledged_nothing() -> None:
    """It may hold what is gone."""
    wire = settled(world({"a": ("static",)}))
    wire.wanted.become(world({}))
    wire.wanted.become({url: {} for url in TYPES})
    wire.connect()
    while wire.proxy.out[0].type_url != RDS:
        assert wire.server.acknowledged() == 0
        wire.carry_up()
    assert wire.server.acknowledged() == 0
    wire.settle()
    assert wire.server.acknowledged() == wire.wanted.generation


def test_an_old_nonce_acknowledges_nothing() -> None:
    """An answer to a response that is not the outstanding one is ignored."""
    wire = settled(world({"a": ("a1",)}))
    wire.publish(world({"a": ("a1",)}, {"a": "2"}))
    wire.server.receive(Request(RDS, nonce="0"))
    assert wire.server.acknowledged() == 1


clusters = st.sets(st.sampled_from(["c1", "c2", "c3", "c4", "static"]), min_size=1, max_size=3).map(
    lambda names: tuple(sorted(names))
)
worlds = st.builds(
    world,
    st.dictionaries(st.sampled_from(["a", "b", "c"]), clusters, max_size=3),
    st.dictionaries(st.sampled_from(["a", "b", "c1", "c2", "listener"]), st.sampled_from("123")),
    st.sampled_from([True, True, True, False]),
)


class Interleavings(RuleBasedStateMachine):
    """Any order of publishes, deliveries and cuts."""

    @initialize(first=worlds)
    def start(self, first: World) -> None:
        self.wire = Wire(first)

    @rule(new=worlds)
    def publish(self, new: World) -> None:
        self.wire.publish(new)

    @precondition(lambda self: self.wire.proxy.out)
    @rule()
    def up(self) -> None:
        self.wire.carry_up()

    @precondition(lambda self: self.wire.down)
    @rule()
    def down(self) -> None:
        self.wire.carry_down()

    @rule()
    def cut(self) -> None:
        self.wire.connect()

    @rule()
    def settle(self) -> None:
        self.wire.settle()
        assert self.wire.serves() == {url: set(self.wire.wanted.view[url]) for url in TYPES}
        assert self.wire.proxy.scopes == set(self.wire.wanted.view[SRDS])
        assert self.wire.server.acknowledged() == self.wire.wanted.generation

    @invariant()
    def no_route_to_a_missing_cluster(self) -> None:
        assert not self.wire.proxy.broken()

    @invariant()
    def an_acknowledged_generation_is_served(self) -> None:
        wanted = self.wire.wanted
        if self.wire.server.acknowledged() == wanted.generation:
            versions = {url: {name: item.version for name, item in wanted.view[url].items()} for url in TYPES}
            assert self.wire.proxy.active == versions[CDS]
            assert self.wire.proxy.versions[RDS] == versions[RDS]


Interleavings.TestCase.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)
TestInterleavings = Interleavings.TestCase
