"""The command line as a whole: help, documentation, start-up, and how it ends."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from tests.cli.conftest import Daemon, Laneway, until

from laneway.cli import main

PAGE = Path(__file__).parents[2] / "docs" / "commands.md"
PROGRAM = Path(sysconfig.get_path("scripts")) / "laneway"
HEAVY = ("httpx2", "pydantic", "rich", "starlette", "uvicorn", "sqlalchemy", "grpc", "yaml", "asyncio")
COMMON = {"output", "namespace", "everywhere", "cluster", "state"}


def commands(
    group: click.Group = main.laneway, path: tuple[str, ...] = ()
) -> Iterator[tuple[str, click.Command]]:
    """Every command with the words that call it."""
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from commands(command, (*path, name))
        else:
            yield " ".join((*path, name)), command


COMMANDS = dict(commands())


def sections() -> dict[str, str]:
    """The page's text by heading."""
    _, *parts = re.split(r"^## (.+)\n", PAGE.read_text(), flags=re.MULTILINE)
    return dict(zip(parts[::2], parts[1::2], strict=True))


def own_options(command: click.Command) -> list[str]:
    """The spellings of a command's options, common ones aside."""
    given = [
        param for param in command.params if isinstance(param, click.Option) and param.name not in COMMON
    ]
    return [spelling for option in given for spelling in option.opts]


@pytest.mark.parametrize("words", COMMANDS)
def test_help_has_a_sentence_and_an_example(laneway: Laneway, words: str) -> None:
    """Short, and of this command."""
    done = laneway(*words.split(), "--help")
    assert done.code == 0
    assert re.search(rf"Example:\n    .*laneway {words}\b", done.out)
    assert all(len(line) <= 110 for line in done.out.splitlines())


@pytest.mark.parametrize("words", COMMANDS)
def test_every_parameter_says_what_it_is(words: str) -> None:
    """Arguments too; phrases end with a full stop."""
    for param in COMMANDS[words].params:
        assert isinstance(param, click.Option | click.Argument)
        assert param.help
        assert param.help.endswith(".")


def test_the_page_has_a_section_for_each_command() -> None:
    """And for no other."""
    documented = [heading for heading in sections() if heading.startswith("laneway ")]
    assert sorted(documented) == sorted(f"laneway {words}" for words in COMMANDS)


@pytest.mark.parametrize("words", COMMANDS)
def test_the_page_lists_each_option_of_a_command(words: str) -> None:
    """And no other."""
    text = sections()[f"laneway {words}"]
    rows = re.findall(r"^\| (`-.*?) \|", text, flags=re.MULTILINE)
    documented = [
        spelling for row in rows for spelling in re.findall(r"(?<![\w-])-{1,2}[a-zA-Z][a-z-]*", row)
    ]
    assert sorted(documented) == sorted(own_options(COMMANDS[words]))


def test_the_page_lists_the_common_options() -> None:
    """They stand before a command and after it."""
    text = sections()["Common options"]
    for param in main.laneway.params:
        assert all(f"`{spelling}" in text for spelling in param.opts)


@pytest.mark.parametrize(
    "arguments", [["version"], ["--help"], ["up", "--help"], ["release", "wait", "--help"]]
)
def test_a_word_of_help_loads_nothing_heavy(arguments: list[str], tmp_path: Path) -> None:
    """So that it answers at once: what a command needs is imported when it runs."""
    program = f"""
import sys
from laneway.cli.main import run
assert run({arguments!r}) == 0
print(*(set(sys.modules) & set({HEAVY!r})), file=sys.stderr)
"""
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        check=True,
        env=os.environ | {"LANEWAY_STATE": str(tmp_path)},
    )
    assert done.stderr.split() == []


def test_options_may_stand_before_the_command(daemon: Daemon, laneway: Laneway) -> None:
    """After the command they win."""
    assert laneway("-o", "json", "status").json["ingress"]
    assert laneway("-o", "json", "status", "-o", "name").out == "app/pharmacy\n"
    assert laneway("--state", str(daemon.state.path), "-n", "mall", "-o", "json", "status").json["apps"] == []


def test_an_unknown_command_is_wrong_usage(laneway: Laneway) -> None:
    """Exit code 2, and nothing on standard output."""
    done = laneway("relase")
    assert (done.code, done.out) == (2, "")
    assert "No such command 'relase'" in done.err


def test_a_daemon_that_ends_meanwhile_is_an_error(own_daemon: Daemon, laneway: Laneway) -> None:
    """With its code and the end of its log."""
    own_daemon.state.daemon_log.write_text("out of memory\n")
    (own_daemon.state.run / "api.sock").unlink()
    done = laneway("status")
    assert done.code == 1
    assert "error LW604: no daemon answers" in done.err
    assert "out of memory" in done.err


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_command_that_is_interrupted_leaves_quietly(
    daemon: Daemon, number: signal.Signals, code: int
) -> None:
    """Ctrl-C and SIGTERM are no errors of the program: no traceback."""
    command = [str(PROGRAM), "logs", "pharmacy", "-f", "--tail", "1"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "pharmacy-1  line 0\n"
        process.send_signal(number)
        out, err = process.communicate(timeout=10)
    assert (process.returncode, out.strip(), err.strip()) == (code, "", "")
    until(lambda: daemon.process.poll() is None)
