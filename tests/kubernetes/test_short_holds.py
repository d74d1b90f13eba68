"""A hold that is over within seconds is known, and written only where its end does not lead on."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from laneway.control.changes import Changes, Record
from laneway.control.loop import Pass
from laneway.kubernetes.short_holds import SHORT, ShortHolds
from laneway.plan.observed import Observed
from laneway.plan.records import status_of, with_status
from laneway.plan.result import Plan, Report
from laneway.spec.app import App
from laneway.spec.meta import Key, ObjectMeta
from laneway.spec.release import Release, ReleaseApp, ReleaseSpec, ReleaseStatus
from laneway.spec.world import Spec

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
END = NOON + timedelta(seconds=1)
PAGE = Key("shop", "page")
BEGUN = Release(
    metadata=ObjectMeta(name="page-b", namespace="shop"),
    spec=ReleaseSpec(apps=[ReleaseApp(name="page", revision="b")]),
    status=ReleaseStatus(stable="a", started_at=NOON, step_started_at=NOON),
)
HELD = with_status(BEGUN, held_since=NOON)
NEXT = with_status(BEGUN, step=1, step_started_at=END)


def spec(*releases: Release) -> Spec:
    said = {
        "workload": {"deployment": "page"},
        "service": {"ports": [{"port": 80}]},
    }
    app = App.model_validate({"metadata": {"name": "page", "namespace": "shop"}, "spec": said})
    return Spec(apps={PAGE: app}, releases={each.key: each for each in releases})


def decided(known: Spec, *records: Release, wake: datetime | None = END) -> Pass:
    changes = Changes(tuple(Record(each, "") for each in records), (), ())
    return Pass(known, Observed(), Plan(wake=wake), Report(), changes)


def written(seen: Pass) -> list[Release]:
    return [each.release for each in seen.changes.records]


def test_a_short_hold_is_known_and_not_written() -> None:
    holds = ShortHolds()
    assert not written(holds.kept_back(decided(holds.known(spec(BEGUN)), HELD), NOON))
    assert holds.known(spec(BEGUN)).releases[BEGUN.key] == HELD


def test_a_longer_hold_is_written() -> None:
    holds = ShortHolds()
    long = NOON + SHORT + timedelta(seconds=1)
    assert written(holds.kept_back(decided(spec(BEGUN), HELD, wake=long), NOON)) == [HELD]
    assert written(holds.kept_back(decided(spec(BEGUN), HELD, wake=None), NOON)) == [HELD]
    assert holds.known(spec(BEGUN)).releases[BEGUN.key] == BEGUN


def test_what_is_more_than_a_hold_is_written() -> None:
    holds = ShortHolds()
    for more in (NEXT, with_status(HELD, reason="looked at")):
        assert written(holds.kept_back(decided(spec(BEGUN), more), NOON)) == [more]


def test_its_end_leads_on_by_one_record() -> None:
    holds = ShortHolds()
    holds.kept_back(decided(spec(BEGUN), HELD), NOON)
    assert written(holds.kept_back(decided(holds.known(spec(BEGUN)), NEXT, wake=None), END)) == [NEXT]
    assert holds.known(spec(NEXT)).releases[BEGUN.key] == NEXT


def test_a_hold_whose_end_does_not_lead_on_is_written_then() -> None:
    holds = ShortHolds()
    holds.kept_back(decided(spec(BEGUN), HELD), NOON)
    assert not written(holds.kept_back(decided(holds.known(spec(BEGUN))), NOON + timedelta(seconds=0.5)))
    assert written(holds.kept_back(decided(holds.known(spec(BEGUN)), wake=None), END)) == [HELD]
    assert holds.known(spec(HELD)).releases[BEGUN.key] == HELD


def test_what_somebody_else_has_written_since_counts() -> None:
    holds = ShortHolds()
    holds.kept_back(decided(spec(BEGUN), HELD), NOON)
    theirs = with_status(BEGUN, reason="theirs")
    assert holds.known(spec(theirs)).releases[BEGUN.key] == theirs
    assert status_of(holds.known(spec(BEGUN)).releases[BEGUN.key]).held_since is None, "it begins anew"


def test_what_a_person_asks_of_the_release_meanwhile_is_known() -> None:
    holds = ShortHolds()
    holds.kept_back(decided(spec(BEGUN), HELD), NOON)
    asked = BEGUN.model_copy(
        update={"metadata": ObjectMeta(name="page-b", namespace="shop", labels={"a": "b"})}
    )
    found = holds.known(spec(asked)).releases[BEGUN.key]
    assert (found.metadata, found.status) == (asked.metadata, HELD.status)


def test_the_hold_of_a_release_that_is_gone_is_forgotten() -> None:
    holds = ShortHolds()
    holds.kept_back(decided(spec(BEGUN), HELD), NOON)
    holds.known(spec())
    assert holds.known(spec(BEGUN)).releases[BEGUN.key] == BEGUN
