"""The page of the peers' cases is true: each is there, and leads to a test that exists or to a reason."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
PAGE = ROOT / "docs" / "peers-cases.md"
WITHOUT = "does not apply: "
ROW = re.compile(r"^\| (?P<case>.+?) \| (?P<shown>.+) \|$")
TEST = re.compile(r"`(?P<file>[\w/]+\.py)::(?P<name>\w+)`")

ARGO = (
    "TestIstioHostSplit",
    "TestIstioHostSplitOnlyTls",
    "TestIstioSubsetSplit",
    "TestIstioSubsetSplitSingleRoute",
    "TestIstioSubsetSplitPingPong",
    "TestIstioPingPongUpdate",
    "TestIstioAbortUpdate",
    "TestIstioUpdateInMiddleZeroCanaryReplicas",
    "TestIstioAbortUpdateDeleteAllCanaryPods",
    "TestIstioSubsetSplitInStableDownscaleAfterCanaryAbort",
    "TestIstioHostSplitExperimentStep",
    "TestIstioSubsetSplitExperimentStep",
    "TestIstioHostHeaderRoute",
    "TestIstioHostMirrorRoute",
    "TestCanarySetCanaryScale",
    "TestRolloutScalingWhenPaused",
    "TestRolloutScalingDuringUpdate",
    "TestRolloutWithMaxSurgeScalingDuringUpdate",
    "TestReduceWeightAndHonorMaxUnavailable",
    "TestEphemeralMetadata",
    "TestCanaryProgressDeadlineExceededWithPause",
    "TestCanaryScaleDownDelayWithProgressDeadline",
    "TestCanaryScaleReportingHPAReplicas",
    "TestCanaryScaleDownDelay",
    "TestCanaryScaleDownOnAbort",
    "TestCanaryScaleDownOnAbortNoTrafficRouting",
    "TestCanaryUnScaleDownOnAbort",
    "TestCanaryWithPausedRollout",
    "TestCanaryWithSpecPause",
    "TestCanaryDynamicStableScale",
    "TestCanaryDynamicStableScaleAbortScaleDownDelay",
    "TestCanaryDynamicStableScaleRollbackToStable",
    "TestRollbackAnalysisWithinWindow",
    "TestRollbackAnalysisOutsideWindow",
    "TestRolloutAbortRetryPromote",
    "GoodToBad",
    "BadToBad",
    "BadToGood",
)
FLAGGER = (
    "canary initialization",
    "canary service custom metadata",
    "canary promotion",
    "B/G promotion",
    "A/B testing promotion",
    "delete",
    "revert",
    "skip-analysis",
    "delegation",
    "session affinity",
    "session affinity, cookie cleanup",
)


def rows() -> dict[str, str]:
    """What is said of each case."""
    found = (ROW.match(line) for line in PAGE.read_text().splitlines())
    told = {row["case"].strip("`"): row["shown"] for row in found if row}
    return {case: shown for case, shown in told.items() if case not in ("case", "---")}


def test_every_case_of_the_peers_is_told_of() -> None:
    assert [case for case in (*ARGO, *FLAGGER) if case not in rows()] == []


@pytest.mark.parametrize(("case", "shown"), rows().items())
def test_a_case_leads_to_a_test_or_to_a_reason(case: str, shown: str) -> None:
    named = TEST.findall(shown)
    assert named or len(shown) > len(WITHOUT)
    assert named or shown.startswith(WITHOUT)
    for file, name in named:
        text = (ROOT / "tests" / file).read_text()
        assert re.search(rf"^(async )?def {name}\(", text, re.MULTILINE), f"{case}: {file} has no {name}"
