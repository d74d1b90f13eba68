"""Where a command looks: this machine, or a cluster."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.cli.conftest import Daemon, Laneway

from laneway.cli.places import Cluster
from laneway.kubernetes.api.access import Access

KUBECONFIG = """
apiVersion: v1
kind: Config
current-context: stage
contexts: [{name: stage, context: {cluster: here, namespace: shop}}]
clusters: [{name: here, cluster: {server: "http://127.0.0.1:9"}}]
"""


@pytest.fixture(autouse=True)
def kubeconfig(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A cluster that does not answer."""
    (tmp_path / "config").write_text(KUBECONFIG)
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "config"))
    monkeypatch.delenv("LANEWAY_CLUSTER", raising=False)


@pytest.mark.parametrize("command", ["up", "down", "demo"])
def test_commands_of_one_machine_say_so(laneway: Laneway, command: str) -> None:
    """Before the command and after it."""
    for words in ([command, "--cluster"], ["--cluster=stage", command]):
        done = laneway(*words)
        assert done.code == 2
        assert f"`laneway {command}` is of this machine alone" in done.err


@pytest.mark.parametrize(
    "words",
    [["status", "--cluster"], ["status", "--cluster", "stage"], ["--cluster=stage", "status"]],
)
def test_a_cluster_that_does_not_answer_is_named(laneway: Laneway, words: list[str]) -> None:
    """By its context."""
    done = laneway(*words)
    assert done.code == 1
    assert "LW620" in done.err
    assert "stage" in done.err


def test_the_word_after_the_option_is_the_context(laneway: Laneway) -> None:
    """A command never acts on another cluster than the one that is named."""
    done = laneway("release", "status", "--cluster", "pharmacy")
    assert done.code == 1
    assert "no context pharmacy" in done.err


def test_a_state_or_a_cluster(laneway: Laneway, tmp_path: Path) -> None:
    """Not both; nor a namespace and all of them."""
    assert laneway("status", "--state", str(tmp_path), "--cluster").code == 2
    assert laneway("status", "--cluster", "-A", "-n", "shop").code == 2


def test_a_state_that_is_named_counts_before_the_variable(
    daemon: Daemon, laneway: Laneway, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So one machine is still reached from a shell that is about a cluster."""
    monkeypatch.setenv("LANEWAY_CLUSTER", "stage")
    assert laneway("status").code == 1
    assert laneway("status", "--state", str(daemon.state.path)).code == 0


def test_a_command_looks_in_its_namespace_and_in_those_that_are_named() -> None:
    """All of them where that was asked for."""
    way = Access("http://127.0.0.1:9", "stage")
    assert Cluster(None, way, "shop").namespaces(["market/page", "pharmacy", None]) == frozenset(
        {"shop", "market"}
    )
    assert Cluster(None, way, None).namespaces(["market/page"]) is None
