"""What holds for all tests: when they are over, nothing of theirs is left on the machine.

Of two workers one alone has the tests under load, since two loads at once are more than two cores carry; any
other file is of one worker, as its mesh or its cluster is. Where CI runs them, a skipped test is a failure:
what cannot be tested there is not proven.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Generator, Iterator

import pytest
from tests.left_behind import left_behind
from xdist.scheduler import LoadScopeScheduling


def pytest_configure() -> None:
    """What a shell has started in the background ignores Ctrl-C, and so would all that tests start."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session", autouse=True)
def tidy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Fails the run where a test has left a process or a folder; looks after everything else has ended."""
    yield
    assert left_behind(tmp_path_factory.getbasetemp()) == []


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """A skipped test fails where CI runs it."""
    report = yield
    if report.skipped and os.environ.get("CI"):
        report.outcome = "failed"
        report.longrepr = f"skipped, which CI does not allow: {report.longrepr}"
    return report


class LoadsApart(LoadScopeScheduling):  # type: ignore[misc]
    """Which tests are of one worker."""

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        return "under load" if "/acceptance/" in file else file


def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> LoadsApart:
    """How workers share the tests."""
    return LoadsApart(config, log)
