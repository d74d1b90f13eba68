"""Containers that a killed daemon has left: a fake engine, whose containers outlive its program."""

from __future__ import annotations

from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from laneway.local.container.engines import Runtime
from laneway.local.container.leftovers import ContainersLeftError, end_containers
from laneway.local.settings import runtime_of
from laneway.local.state import State
from laneway.local.store import Store

FAKE = """#!/bin/sh
# A fake of docker: each file in `containers` is one, and holds its label; it knows ps and rm.
cd {folder}/containers || exit 1
case $1 in
ps) for last; do :; done; grep -lxF -- "${{last#label=}}" * || true;;
rm) shift 2; rm -- "$@";;
esac
"""


@pytest.fixture
def docker(tmp_path: Path, state: State, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of the fake's containers: two of this state's, one of another's."""
    containers = tmp_path / "containers"
    containers.mkdir()
    for name, owner in (("a1", state.id), ("b2", state.id), ("c3", "other")):
        (containers / name).write_text(f"laneway.dev/state={owner}\n")
    program = tmp_path / "docker"
    program.write_text(FAKE.format(folder=tmp_path))
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    return containers


def started(state: State, runtime: Runtime) -> None:
    """As a daemon leaves it."""
    with closing(Store(state.database, lambda: datetime.now(UTC))) as store:
        runtime_of(store, runtime)


def left(docker: Path) -> list[str]:
    """The containers that there are."""
    return sorted(each.name for each in docker.iterdir())


def test_the_states_containers_are_removed_and_no_others(state: State, docker: Path) -> None:
    """Twice is no error."""
    started(state, Runtime.DOCKER)
    end_containers(state)
    end_containers(state)
    assert left(docker) == ["c3"]


def test_an_engine_is_not_asked_where_none_was_used(state: State, docker: Path) -> None:
    """Nor where nothing was ever started."""
    end_containers(state)
    started(state, Runtime.PROCESS)
    end_containers(state)
    assert left(docker) == ["a1", "b2", "c3"]


def test_an_engine_that_does_not_answer_is_named(state: State, docker: Path) -> None:
    """So that the state, by which its containers are found, is not removed."""
    started(state, Runtime.DOCKER)
    (docker.parent / "docker").write_text("#!/bin/sh\necho the engine sleeps >&2; exit 1\n")
    with pytest.raises(ContainersLeftError, match="may be left: docker ps: the engine sleeps"):
        end_containers(state)
