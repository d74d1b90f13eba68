"""Finding the processes of a state by what is marked on them."""

from __future__ import annotations

import os
import subprocess
import sys
from uuid import uuid4

from laneway.local.process.markers import Identity, Marked, Marker, Part, find, parts
from laneway.spec.meta import Key

WEB = Key("shop", "web-1")
FORKS = "import os, sys, time; os.fork(); print(flush=True); time.sleep(60)"


def test_processes_and_their_children_are_found_by_state() -> None:
    """Both carry the marker; only the part leads its session."""
    state = uuid4().hex
    marker = Marker(state, 64, WEB, Part.APP)
    command = [sys.executable, "-S", "-c", FORKS]
    with subprocess.Popen(
        command, env=marker.environment(), start_new_session=True, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stdout.read(2) == b"\n\n"
        found = find(state)
        os.killpg(process.pid, 9)
    assert [(marked.marker, marked.leader) for marked in found] == [(marker, True), (marker, False)]
    assert found[0].identity.pid == process.pid
    assert find(state) == []


def test_the_oldest_leader_is_the_part() -> None:
    """A child that opened a session of its own is not mistaken for its parent."""
    marker = Marker("s", 64, WEB, Part.APP)
    found = [
        Marked(Identity(1, 10), marker, 1),
        Marked(Identity(2, 11), marker, 1),
        Marked(Identity(3, 12), marker, 3),
    ]
    assert parts(found) == {(WEB, Part.APP): Identity(1, 10)}
    assert parts(found[1:2]) == {}
