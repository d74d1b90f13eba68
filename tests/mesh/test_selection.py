"""Pods by selector, in both directions."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.mesh.mesh_objects import pod

from laneway.mesh.selection import Selection, selects
from laneway.mesh.world import Pod

LABELS = st.dictionaries(st.sampled_from("abc"), st.sampled_from("xy"), max_size=3)
PODS = st.lists(
    st.builds(pod, st.sampled_from("1234"), LABELS),
    unique_by=lambda found: found.name,
)
WATCHED = st.dictionaries(st.sampled_from(["h1", "h2", "h3"]), LABELS)


def test_a_changed_pod_touches_the_hosts_that_select_it() -> None:
    """And no other."""
    selection = Selection()
    selection.watch("a", "shop", {"app": "a"})
    selection.watch("b", "shop", {"app": "b"})
    one = pod("one", {"app": "a"})
    assert selection.set_pods([one]) == {"a"}
    assert selection.set_pods([one]) == set()
    assert selection.set_pods([replace(one, ready=False)]) == {"a"}
    assert selection.set_pods([replace(one, labels={"app": "b"})]) == {"a", "b"}
    assert selection.set_pods([]) == {"b"}


def test_pods_of_other_namespaces_are_not_selected() -> None:
    """Whatever their labels."""
    selection = Selection()
    selection.watch("a", "shop", {"app": "a"})
    assert selection.set_pods([pod("one", {"app": "a"}, namespace="other")]) == set()
    assert selection.members("a") == []


@settings(max_examples=50, deadline=None)
@given(rounds=st.lists(st.tuples(WATCHED, PODS), min_size=1, max_size=4))
def test_increments_end_where_a_fresh_start_does(
    rounds: list[tuple[dict[str, dict[str, str]], list[Pod]]],
) -> None:
    """Whatever was watched and given before."""
    selection = Selection()
    for watched, pods in rounds:
        for host in ("h1", "h2", "h3"):
            selection.watch(host, "shop", watched.get(host))
        selection.set_pods(pods)
        for host in ("h1", "h2", "h3"):
            labels = watched.get(host)
            expected = [found.name for found in pods if labels and selects(labels, found.labels)]
            assert [found.name for found in selection.members(host)] == sorted(expected)
        for found in pods:
            expected = [host for host, labels in watched.items() if labels and selects(labels, found.labels)]
            assert selection.hosts_of(found.namespace, found.labels) == set(expected)
