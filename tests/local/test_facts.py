"""What one pass knows of pods and proxies."""

from __future__ import annotations

from tests.local.samples import changed, pod

from laneway.local.facts import Snapshot
from laneway.local.pod.pods import Pod, Stage
from laneway.manifests import names
from laneway.plan.observed import VersionSeen
from laneway.spec.meta import Key

FIRST = {names.APP: "web", names.REVISION: "r1"}
SECOND = {names.APP: "web", names.REVISION: "r2"}
GREEN = {names.LANE: "green", names.LANE_APP: "web"}


def replica(suffix: str, labels: dict[str, str], stage: Stage = Stage.READY) -> Pod:
    """A pod with these labels."""
    return changed(pod(suffix, labels=labels), stage=stage)


def snapshot(*pods: Pod) -> Snapshot:
    """What is known where no proxy has confirmed anything."""
    return Snapshot(pods, lambda kind, key: False, ())


def test_pods_are_counted_by_version() -> None:
    """Every pod that exists counts, and as available when it takes new requests."""
    seen = snapshot(
        replica("a", FIRST),
        replica("b", FIRST, Stage.STARTING),
        replica("c", FIRST, Stage.DRAINING),
        replica("d", SECOND),
    )
    assert seen.version("shop", FIRST) == VersionSeen(pods=3, available=1)
    assert seen.version("shop", SECOND) == VersionSeen(pods=1, available=1)


def test_pods_of_a_lane_are_not_those_of_the_app() -> None:
    """They are grouped by lane and app, whatever their revision."""
    seen = snapshot(replica("a", FIRST), replica("b", GREEN))
    assert seen.version("shop", GREEN) == VersionSeen(pods=1, available=1)
    assert seen.version("shop", FIRST) == VersionSeen(pods=1, available=1)
    assert seen.version("shop", GREEN | {names.LANE: "blue"}) == VersionSeen()


def test_other_namespaces_and_plain_deployments_are_told_apart() -> None:
    """A version without pods has none; a pod without a version is nobody's."""
    seen = snapshot(replica("a", FIRST), replica("b", {"app": "web"}))
    assert seen.version("other", FIRST) == VersionSeen()
    assert seen.version("shop", FIRST).pods == 1


def test_confirmations_are_the_proxies_word() -> None:
    """The snapshot only passes it on."""
    known = {("VirtualService", Key("shop", "web"))}
    seen = Snapshot((), lambda kind, key: (kind, key) in known, ("shop/web-1",))
    assert seen.confirmed("VirtualService", Key("shop", "web"))
    assert not seen.confirmed("DestinationRule", Key("shop", "web"))
    assert seen.laggards() == ("shop/web-1",)
