"""The first words between a daemon and who starts it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import IO

import pytest

from laneway.local import handshake
from laneway.spec.problems import Code, Place, Problem

SOON = timedelta(seconds=10)
TAKEN = Code.PORT_TAKEN.at(Place("/state"), "port 80 is taken", "choose another")

DAEMON = """
import sys
from laneway.local import handshake
from laneway.spec.problems import Code, Place
if not handshake.told_to_begin():
    sys.exit(7)
taken = Code.PORT_TAKEN.at(Place("/state"), "port 80 is taken", "choose another")
{}
print("later words")
"""


@contextmanager
def daemon(then: str) -> Iterator[tuple[subprocess.Popen[bytes], IO[bytes], IO[bytes]]]:
    """A process that does this when it is told to begin, with its input and output."""
    command = [sys.executable, "-c", DAEMON.format(then)]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe) as process:
        assert process.stdin and process.stdout
        try:
            yield process, process.stdin, process.stdout
        finally:
            process.kill()


def outcome(then: str) -> Problem | None:
    """What a daemon answers that does this."""
    with daemon(then) as (_, words, answers):
        handshake.begin(words)
        return handshake.answer(answers, SOON)


def test_a_daemon_says_that_it_serves() -> None:
    """Then nothing keeps it from it."""
    assert outcome("handshake.say(None)") is None


def test_a_daemon_says_why_it_cannot() -> None:
    """With code and remedy, for a person to read."""
    assert outcome("handshake.say(taken)") == TAKEN


def test_a_daemon_that_is_never_told_to_begin_ends_by_itself() -> None:
    """Its starter found the files wrong, or was killed."""
    with daemon("handshake.say(None)") as (process, words, _):
        words.close()
        assert process.wait(timeout=10) == 7


def test_an_end_without_a_word_is_told_from_an_answer() -> None:
    """It crashed; its log says why."""
    with pytest.raises(EOFError):
        outcome("sys.exit(1)")


def test_the_answer_is_waited_for_no_longer_than_said() -> None:
    """A daemon that hangs does not hang who started it."""
    with daemon("sys.stdin.read()") as (_, _, answers), pytest.raises(TimeoutError):
        handshake.answer(answers, timedelta(milliseconds=20))


def test_later_output_goes_where_errors_go() -> None:
    """Nobody reads the pipe any more."""
    with daemon("handshake.say(None)") as (process, words, answers):
        handshake.begin(words)
        assert handshake.answer(answers, SOON) is None
        assert process.stderr is not None
        assert process.stderr.read() == b"later words\n"
        assert answers.read() == b""


def test_a_daemon_serves_on_where_its_starter_ended_meanwhile() -> None:
    """`laneway up --detach` may be killed at any moment."""
    with daemon("sys.stdin.read(); handshake.say(None)") as (process, words, answers):
        words.write(b"begin\n")
        answers.close()
        words.close()
        assert process.wait(timeout=10) == 0
