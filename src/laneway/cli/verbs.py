"""`laneway release VERB APP`: a person's word on a release. Must not know what it does: that is planned."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import TYPE_CHECKING

import click

from laneway.cli import options
from laneway.cli.options import Format
from laneway.cli.release import Exit, follow, print_release, taken_up

if TYPE_CHECKING:
    from laneway.cli.places import Place

SAME: Mapping[Exit, Exit] = {}
BACK = {Exit.ROLLED_BACK: Exit.PROMOTED, Exit.PROMOTED: Exit.ERROR}
"""Exit codes with --wait of what sends traffic back: that it did is success."""


def _asks(verb: str, text: str, example: str, ends: Mapping[Exit, Exit] | None) -> click.Command:
    """A command that writes a verb.

    ends: exit codes of --wait that differ from those of `release wait`; None: there is no --wait.
    """

    def ask(
        app: str,
        reason: str,
        output: Format,
        namespace: str | None,
        place: Place,
        wait: bool = False,
        limit: timedelta = timedelta(),
    ) -> None:
        from laneway.cli import finding, places

        with places.connected(place, app) as client:
            status = client.status()
            found = finding.app(status, app, namespace)
            asked = client.request(found["namespace"], found["name"], verb, by=options.user(), reason=reason)
            if wait:
                asked, end = follow(client, asked, limit, after=status["observed"])
                code = (ends or SAME).get(end, end)
            else:
                asked, code = taken_up(client, asked, after=status["observed"]), Exit.PROMOTED
        print_release(output, asked)
        click.get_current_context().exit(code)

    ask.__doc__ = text
    waits = [] if ends is None else [options.timeout("5m"), options.wait_for_end]
    command: Callable[..., None] = ask
    for option in (options.place, options.namespace, options.output, *waits, options.reason, options.app):
        command = option(command)
    return click.command(verb, epilog=options.example(f"laneway release {example}"))(command)


pause = _asks(
    "pause",
    """Hold an app's release where it is, also between two weights.

    Its pods stay. An abort, another template and the rules for dead pods still take effect.
    """,
    "pause pharmacy --reason 'looking at the logs'",
    None,
)
resume = _asks(
    "resume",
    """Let an app's paused release go on where it was.

    With --wait the exit code is that of `release wait`.
    """,
    "resume pharmacy",
    SAME,
)
skip = _asks(
    "skip",
    """End the current step's hold and gates, and go to the next step.

    With --wait the exit code is that of `release wait`.
    """,
    "skip pharmacy --reason 'seen enough'",
    SAME,
)
approve = _asks(
    "approve",
    """Give the approval that a step of an app's release waits for, or will wait for.

    With --wait the exit code is that of `release wait`.
    """,
    "approve pharmacy --reason 'tested by hand'",
    SAME,
)
promote = _asks(
    "promote",
    """Let an app's running release go to its end, without holds and gates.

    With --wait the exit code is that of `release wait`.
    """,
    "promote pharmacy --reason 'looks right' --wait",
    SAME,
)
abort = _asks(
    "abort",
    """Return all traffic of an app to its stable version, at once.

    The refused version is not tried again. With --wait it returns when the release is rolled back. Any
    other end has the exit code of `release wait`, and a promotion that came first has 1.
    """,
    "abort pharmacy --reason 'prices are wrong'",
    BACK,
)
retry = _asks(
    "retry",
    """Try a revision again that was rolled back.

    It is that of the app's template. With --wait the exit code is that of `release wait`.
    """,
    "retry pharmacy --reason 'the database is back'",
    SAME,
)
undo = _asks(
    "undo",
    """Take the last promotion back: return all traffic of an app to the version before.

    At once where `keepOld` has kept its pods, else as they start. The undone version is not tried again.
    With --wait it returns when the traffic is back.
    """,
    "undo pharmacy --reason 'prices are wrong' --wait",
    BACK,
)

VERBS = (pause, resume, skip, approve, promote, abort, retry, undo)
