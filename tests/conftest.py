"""What holds for all tests: when they are over, nothing of theirs is left on the machine.

Where CI runs them, a skipped test is a failure: what cannot be tested there is not proven.
"""

from __future__ import annotations

import os
from collections.abc import Generator, Iterator

import pytest
from tests.left_behind import left_behind


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
