"""What a state was started with: chosen, kept, refused."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from laneway.local.settings import PortTakenError, autoscaler_sync, ingress_port
from laneway.local.state import State
from laneway.local.store import Store


@pytest.fixture
def store(state: State) -> Iterator[Store]:
    """An empty store."""
    opened = Store(state.database, lambda: datetime.now(UTC))
    yield opened
    opened.close()


@pytest.fixture
def taken() -> Iterator[socket.socket]:
    """A port that another program listens at, and lets others share, as Envoy does."""
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield listener


def number(of: socket.socket) -> int:
    """The port of a socket."""
    port: int = of.getsockname()[1]
    return port


def test_a_free_port_is_chosen_and_kept(store: Store) -> None:
    """So that a resumed state has the URL that it had."""
    first = ingress_port(store, None, held=False)
    assert 1024 <= first < 65536
    assert ingress_port(store, None, held=False) == first


def test_the_port_asked_for_replaces_the_kept_one(store: Store) -> None:
    """For this start and those to come."""
    first, other = ingress_port(store, None, held=False), ingress_port(store, None, held=False) + 1
    assert first != other
    assert ingress_port(store, other, held=False) == other
    assert ingress_port(store, None, held=False) == other


def test_a_port_that_someone_listens_at_is_refused_and_not_kept(store: Store, taken: socket.socket) -> None:
    """Two Envoys of one user would take turns there."""
    before = ingress_port(store, None, held=False)
    with pytest.raises(PortTakenError, match=f"port {number(taken)} of 127.0.0.1 .* address already in use"):
        ingress_port(store, number(taken), held=False)
    assert ingress_port(store, None, held=False) == before


def test_the_port_of_an_ingress_that_still_runs_is_its_own(store: Store, taken: socket.socket) -> None:
    """After a crash it serves on; any other port must be free."""
    port = number(taken)
    taken.close()
    assert ingress_port(store, port, held=False) == port
    with socket.create_server(("127.0.0.1", port)), socket.create_server(("127.0.0.1", 0)) as other:
        assert ingress_port(store, None, held=True) == port
        with pytest.raises(PortTakenError):
            ingress_port(store, None, held=False)
        with pytest.raises(PortTakenError):
            ingress_port(store, number(other), held=True)


def test_connections_that_linger_do_not_take_the_port(store: Store) -> None:
    """After `laneway up` was stopped with Ctrl-C, it can be started again at once."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = number(listener)
        with socket.create_connection(("127.0.0.1", port)) as client:
            served, _ = listener.accept()
            served.close()  # this side is first: its end lingers
            assert client.recv(1) == b""
    assert ingress_port(store, port, held=False) == port


def test_the_pace_of_the_autoscalers_is_kept_until_another_is_asked_for(store: Store) -> None:
    """A resumed state scales as it did."""
    assert autoscaler_sync(store, None) == timedelta(seconds=15)
    assert autoscaler_sync(store, timedelta(seconds=1.5)) == timedelta(seconds=1.5)
    assert autoscaler_sync(store, None) == timedelta(seconds=1.5)
    assert ingress_port(store, None, held=False), "what else is kept stays"
    assert autoscaler_sync(store, None) == timedelta(seconds=1.5)
