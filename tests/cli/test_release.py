"""`laneway release`: exit codes, what is said while waiting, and a person's word."""

from __future__ import annotations

import pytest
from tests.cli.conftest import Daemon, Laneway
from tests.cli.statuses import app, finding, release, status, version

from laneway.cli.release import ENDS
from laneway.spec.release import Phase, Verb


@pytest.mark.parametrize(
    ("phase", "code"), [("Promoted", 0), ("RolledBack", 3), ("Paused", 5), ("Superseded", 6)]
)
def test_wait_ends_with_the_code_of_the_releases_end(
    daemon: Daemon, laneway: Laneway, phase: str, code: int
) -> None:
    """Scripts tell the ends apart by the exit code, and read the record on standard output."""
    daemon.says(status(releases=[release(phase=phase, reason="so it is")]))
    done = laneway("release", "wait", "pharmacy", "--timeout", "1s", "-o", "json")
    assert done.code == code
    assert done.json["name"] == "pharmacy-1"
    assert done.json["phase"] == phase


def test_every_phase_in_which_nothing_moves_has_an_exit_code() -> None:
    """And no other has one."""
    resting = {phase.value for phase in Phase if phase.over or phase is Phase.PAUSED}
    assert set(ENDS) == resting


def test_wait_ends_with_4_when_the_time_is_over(daemon: Daemon, laneway: Laneway) -> None:
    """The release goes on, and the record says where it is."""
    daemon.says(status(releases=[release()]))
    done = laneway("release", "wait", "pharmacy", "--timeout", "50ms", "-o", "json")
    assert done.code == 4
    assert done.json["phase"] == "Progressing"
    assert "release pharmacy-1 goes on" in done.err


def test_wait_says_why_the_release_stays_where_it_is(daemon: Daemon, laneway: Laneway) -> None:
    """The report's lines of this app stand on standard error, those of others do not."""
    seen = app(versions=[version("r1", 80), version("r2", 20)], release="pharmacy-1")
    held, other = finding("pharmacy holds 20 % for 2m"), finding("page stays", name="page")
    daemon.says(status(apps=[seen], releases=[release()], findings=[held, other]))
    done = laneway("release", "wait", "pharmacy", "--timeout", "1200ms")
    assert "shop/pharmacy r2: Progressing, step 1 of 2 to 20%; 20% now" in done.err
    assert "pharmacy holds 20 % for 2m" in done.err
    assert "page stays" not in done.err


def test_wait_follows_the_newest_release(daemon: Daemon, laneway: Laneway) -> None:
    """An older release that was rolled back does not count."""
    old = release("pharmacy-1", phase="RolledBack")
    daemon.says(status(releases=[old, release("pharmacy-2", revision="r3", phase="Promoted")]))
    assert laneway("release", "wait", "pharmacy").code == 0


def test_wait_follows_the_release_to_a_revision(daemon: Daemon, laneway: Laneway) -> None:
    """The revision's first digits are enough."""
    old = release("pharmacy-1", revision="7d9f4c11aa", phase="Superseded")
    daemon.says(status(releases=[old, release("pharmacy-2", phase="Promoted")]))
    assert laneway("release", "wait", "pharmacy", "--revision", "7d9f4c").code == 6


def test_wait_for_a_revision_that_no_release_goes_to_is_an_error(daemon: Daemon, laneway: Laneway) -> None:
    """It says which revisions there are."""
    daemon.says(status(releases=[release()]))
    done = laneway("release", "wait", "pharmacy", "--revision", "ffff")
    assert done.code == 1
    assert "no release of shop/pharmacy goes to ffff" in done.err
    assert "its releases go to: r2" in done.err


def test_wait_for_an_app_that_never_needed_a_release_ends_when_it_serves(
    daemon: Daemon, laneway: Laneway
) -> None:
    """A pipeline's first deployment is no error."""
    done = laneway("release", "wait", "pharmacy")
    assert done.code == 0
    assert "shop/pharmacy serves r1, to which no release was needed" in done.err


def test_wait_for_a_first_revision_that_does_not_serve_is_over_with_4(
    daemon: Daemon, laneway: Laneway
) -> None:
    """Not ready is not promoted."""
    daemon.says(status(apps=[app(ready=False, versions=[version(ready=0)])]))
    assert laneway("release", "wait", "pharmacy", "--timeout", "50ms").code == 4


def test_wait_for_an_unknown_app_names_those_there_are(daemon: Daemon, laneway: Laneway) -> None:
    """Exit code 1, and what to write instead."""
    done = laneway("release", "wait", "pharmcy")
    assert done.code == 1
    assert "there is no app pharmcy" in done.err
    assert "shop/pharmacy" in done.err


def test_wait_for_a_name_in_two_namespaces_asks_which(daemon: Daemon, laneway: Laneway) -> None:
    """The namespace can be given in two ways."""
    daemon.says(status(apps=[app(), app(namespace="mall")], releases=[release(phase="Promoted")]))
    assert "more than one app pharmacy" in laneway("release", "wait", "pharmacy").err
    assert laneway("release", "wait", "shop/pharmacy").code == 0
    assert laneway("release", "wait", "pharmacy", "-n", "shop").code == 0


def test_promote_writes_the_request_with_its_author(daemon: Daemon, laneway: Laneway) -> None:
    """The history can say who asked, and why."""
    daemon.says(status(releases=[release()]))
    with daemon.answering("request", status(observed=2, releases=[release()])):
        done = laneway("release", "promote", "pharmacy", "--reason", "looks right", "-o", "json")
    assert done.code == 0
    assert done.json["name"] == "pharmacy-1"
    (asked,) = daemon.asked("request")
    assert (asked["verb"], asked["app"], asked["by"]) == ("promote", "shop/pharmacy", "ada")
    assert asked["reason"] == "looks right"


def test_abort_without_a_running_release_says_what_the_last_one_was(daemon: Daemon, laneway: Laneway) -> None:
    """Nothing is asked."""
    done = laneway("release", "abort", "pharmacy")
    assert done.code == 1
    assert "error LW609: no release of shop/pharmacy is running; the last one is Promoted" in done.err
    assert daemon.asked("request") == []


def test_promote_with_wait_is_not_fooled_by_the_pause_that_it_ends(daemon: Daemon, laneway: Laneway) -> None:
    """A status from before the request says nothing about what came of it."""
    daemon.says(status(observed=7, releases=[release(phase="Paused")]))
    assert laneway("release", "promote", "pharmacy", "--wait", "--timeout", "50ms").code == 4


@pytest.mark.parametrize(("phase", "code"), [("RolledBack", 0), ("Promoted", 1), ("Superseded", 6)])
def test_abort_with_wait_succeeds_when_the_release_is_rolled_back(
    daemon: Daemon, laneway: Laneway, phase: str, code: int
) -> None:
    """That is what was asked for; any other end is not."""
    daemon.says(status(releases=[release()]))
    with daemon.answering("request", status(observed=2, releases=[release(phase=phase)])):
        assert laneway("release", "abort", "pharmacy", "--wait", "--timeout", "5s").code == code


def test_release_status_lists_the_newest_of_each_app(daemon: Daemon, laneway: Laneway) -> None:
    """Of one app it lists all."""
    daemon.says(status(releases=[release("pharmacy-1", phase="RolledBack"), release("pharmacy-2")]))
    assert laneway("release", "status", "-o", "name").out.split() == ["release/pharmacy-2"]
    both = laneway("release", "status", "pharmacy", "-o", "name").out.split()
    assert both == ["release/pharmacy-1", "release/pharmacy-2"]


def test_release_status_says_why_a_release_stays(daemon: Daemon, laneway: Laneway) -> None:
    """The report's lines stand below the table."""
    daemon.says(status(releases=[release()], findings=[finding("pharmacy holds 20 % for 2m")]))
    out = laneway("release", "status").out
    assert "Progressing" in out
    assert "pharmacy holds 20 % for 2m" in out


@pytest.mark.parametrize("verb", [verb for verb in Verb if verb not in {Verb.PROMOTE, Verb.ABORT}])
def test_every_verb_writes_its_request_with_who_and_why(daemon: Daemon, laneway: Laneway, verb: Verb) -> None:
    """There is a command for each word that the engine understands."""
    daemon.says(status(releases=[release()]))
    with daemon.answering("request", status(observed=2, releases=[release()])):
        done = laneway("release", verb.value, "pharmacy", "--reason", "because", "-o", "json")
    assert done.code == 0, done.err
    (asked,) = daemon.asked("request")
    assert (asked["verb"], asked["by"], asked["reason"]) == (verb.value, "ada", "because")


def test_a_verb_prints_what_came_of_it(daemon: Daemon, laneway: Laneway) -> None:
    """Not the release as it was when it was asked."""
    daemon.says(status(releases=[release()]))
    with daemon.answering("request", status(observed=2, releases=[release(phase="Paused")])):
        assert "shop/pharmacy: Paused" in laneway("release", "pause", "pharmacy").out


def test_where_there_is_no_release_status_says_how_one_starts(daemon: Daemon, laneway: Laneway) -> None:
    """No table without rows."""
    assert laneway("release", "status").out == "no release; a changed template starts one\n"
