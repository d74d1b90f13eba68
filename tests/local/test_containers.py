"""What an application is given."""

from __future__ import annotations

import pytest
from tests.local.samples import changed, pod

from laneway.local.container.containers import Command, application, expand
from laneway.local.container.references import CannotStartError
from laneway.local.pod.pods import Pod


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("$(A)", "1"),
        ("x$(A)y$(B)", "x1y2"),
        ("$(NONE)", "$(NONE)"),
        ("$$(A)", "$(A)"),
        ("$$$(A)", "$1"),
        ("$A $", "$A $"),
        ("$(A", "$(A"),
        ("$()", "$()"),
        ("$(A)$$", "1$"),
    ],
)
def test_references_are_filled_in_as_kubernetes_does(text: str, expected: str) -> None:
    """Unknown ones stay, and `$$` escapes."""
    assert expand(text, {"A": "1", "B": "2"}) == expected


def nothing(kind: str, name: str) -> None:
    """A namespace without ConfigMaps and Secrets."""


def run(pod: Pod, *argv: str) -> Command:
    """The command that the pod's application gets."""
    return application(pod, Command(argv), nothing)


def test_an_application_is_told_where_to_listen_and_through_whom_to_call() -> None:
    """Its own address and first port, its pod's IP, and its sidecar as HTTP proxy."""
    given = run(pod(ports={80: 10080, 9090: 9090}), "serve").env
    assert given == {
        "HOST": "127.64.33.0",
        "PORT": "10080",
        "POD_IP": "127.64.1.0",
        "POD_NAME": "web-abcde",
        "POD_NAMESPACE": "shop",
        "HTTP_PROXY": "http://127.64.1.0:15001",
        "http_proxy": "http://127.64.1.0:15001",
        "NO_PROXY": "localhost,127.0.0.1,::1",
        "no_proxy": "localhost,127.0.0.1,::1",
    }


def test_calls_to_a_services_own_address_take_no_proxy() -> None:
    """The address leads to the sidecar by itself; the template's own variables win over those of Services."""
    linked = changed(pod(env=[{"name": "B", "value": "mine"}]), links={"a": "127.64.64.0", "b": ""})
    env = application(linked, Command(["serve"]), nothing, {"A": "1", "B": "2"}).env
    assert env["NO_PROXY"] == env["no_proxy"] == "localhost,127.0.0.1,::1,127.64.64.0"
    assert (env["A"], env["B"]) == ("1", "mine")


def test_without_a_sidecar_there_is_no_proxy() -> None:
    """Nor a port where the container has none."""
    given = run(pod(annotations={"sidecar.istio.io/inject": "false"}, ports={}), "serve").env
    assert sorted(given) == ["HOST", "POD_IP", "POD_NAME", "POD_NAMESPACE"]


def test_variables_see_those_before_them() -> None:
    """As in Kubernetes: in the order of the template, with the pod's place known from the start."""
    env = [
        {"name": "URL", "value": "http://$(HOST):$(PORT)/$(LATER)"},
        {"name": "LATER", "value": "x"},
        {"name": "COPY", "value": "$(URL)!"},
    ]
    command = run(pod(env=env), "serve", "--name=$(POD_NAME)", "$(COPY)", "$(HOME)")
    assert command.env["COPY"] == "http://127.64.33.0:8080/$(LATER)!"
    assert command.argv == ["serve", "--name=web-abcde", "http://127.64.33.0:8080/$(LATER)!", "$(HOME)"]


def test_the_template_cannot_move_the_application() -> None:
    """`HOST=0.0.0.0`, right in a container, would take the port of all other replicas here."""
    command = run(pod(env=[{"name": "HOST", "value": "0.0.0.0"}, {"name": "MODE", "value": "x"}]), "serve")
    assert command.env["HOST"] == "127.64.33.0"
    assert command.env["MODE"] == "x"


@pytest.mark.parametrize("port", [15000, 15001, 15099])
def test_the_meshs_ports_are_refused_with_a_remedy(port: int) -> None:
    """The sidecar listens there."""
    with pytest.raises(CannotStartError, match=f"containerPort {port} .* use another containerPort"):
        run(pod(ports={port: port}), "serve")


def test_an_empty_command_is_refused() -> None:
    """There is nothing to start."""
    with pytest.raises(CannotStartError, match="empty"):
        run(pod())
