"""How a command fails: what a person reads, and the exit code. Must not know any command."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, cast

import click

from laneway.cli.output import counted
from laneway.spec.problems import Code

if TYPE_CHECKING:
    from laneway.control.status import Problem as ProblemDocument
    from laneway.spec.problems import Problem


class Failure(Exception):  # noqa: N818 - how a command ends, not a fault of the program
    """A command ends without success. The message says what happened; remedy: what to do next."""

    def __init__(self, code: Code, text: str, remedy: str | None = None, *, exit_code: int = 1) -> None:
        super().__init__(text)
        self.code = code
        self.remedy = remedy or code.remedy
        self.exit_code = exit_code

    def show(self) -> None:
        """Print it on standard error."""
        click.secho(f"error {self.code.id}: {self}", fg="red", err=True)
        click.echo(f"  {self.remedy}", err=True)


class ProblemsFailure(Exception):  # noqa: N818 - as above
    """What was given is wrong. problems: all of them, warnings too; then: what comes of it."""

    exit_code = 1

    def __init__(self, problems: Sequence[ProblemDocument], then: str = "nothing was applied") -> None:
        super().__init__(f"{len(problems)} problems")
        self.problems = problems
        self.then = then

    def show(self) -> None:
        """Print each on a line of its own, and how many there are, on standard error."""
        for problem in self.problems:
            click.echo(problem_line(problem), err=True)
        click.secho(f"{count_errors(self.problems)}; {self.then}", fg="red", err=True)


def count_errors(problems: Sequence[ProblemDocument]) -> str:
    """How many errors there are, in words."""
    errors = sum(problem["severity"] == "error" for problem in problems)
    return counted(errors, "error")


def problem_line(problem: ProblemDocument) -> str:
    """A problem as `file:line:column: severity code: text; remedy`."""
    place = problem["file"]
    if problem["line"]:
        place = f"{place}:{problem['line']}:{problem['column']}"
    return f"{place}: {problem['severity']} {problem['code']}: {problem['text']}; {problem['remedy']}"


def document_of(problem: Problem) -> ProblemDocument:
    """A problem as JSON values."""
    return cast("ProblemDocument", problem.written())
