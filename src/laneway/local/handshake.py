"""The first words between a daemon and who starts it: one line each way, on its standard input and output.

The daemon imports what it needs, then waits for the word and touches nothing before it, so that it can be
started while files are still read. Then it says that it serves, or why it cannot. Must not know either side.
"""

from __future__ import annotations

import json
import os
import select
import sys
import time
from contextlib import suppress
from datetime import timedelta
from typing import IO

from laneway.spec.problems import Code, Place, Problem

_BEGIN = b"begin\n"
_LINE_BYTES_MAX = 4096


def told_to_begin() -> bool:
    """Wait for the word; False where who started the daemon thought better of it, or ended."""
    return sys.stdin.buffer.readline(_LINE_BYTES_MAX) == _BEGIN


def say(problem: Problem | None) -> None:
    """Say that the daemon serves, or what keeps it from it. Its later output goes where its errors go."""
    line = json.dumps(problem.written() if problem else {})
    with suppress(BrokenPipeError):  # who started it has ended, and it serves all the same
        os.write(sys.stdout.fileno(), line.encode() + b"\n")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())


def begin(daemon_input: IO[bytes]) -> None:
    """Let the daemon begin. Where it has ended, `answer` will tell."""
    with suppress(BrokenPipeError), daemon_input:
        daemon_input.write(_BEGIN)


def answer(daemon_output: IO[bytes], limit: timedelta) -> Problem | None:
    """What keeps the daemon from serving; None where it serves.

    Raises EOFError where it ended without a word, TimeoutError.
    """
    said, end = b"", time.monotonic() + limit.total_seconds()
    while not said.endswith(b"\n"):
        if not select.select([daemon_output], [], [], max(0.0, end - time.monotonic()))[0]:
            raise TimeoutError("the daemon does not answer")
        part = os.read(daemon_output.fileno(), _LINE_BYTES_MAX)
        if not part:
            raise EOFError("the daemon ended without a word")
        said += part
    return _problem(json.loads(said))


def _problem(written: dict[str, str]) -> Problem | None:
    if not written:
        return None
    code = next(code for code in Code if code.id == written["code"])
    return code.at(Place(written["file"]), written["text"], written["remedy"])
