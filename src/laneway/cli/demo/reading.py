"""What the demo reads out of answers, samples and the status. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from laneway.cli.demo import numbers
from laneway.control.status import AppStatus
from laneway.local.load import Answer, Counts, Load


def hops(answer: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """An answer and all that it carries, in the order of the calls."""
    yield answer
    for called in answer.get("hops", ()):
        yield from hops(called)


def astray(answer: Mapping[str, Any], versions: Mapping[str, str]) -> bool:
    """Whether a service was missing on the way, or answered in another version."""
    went = {hop["service"]: hop["version"] for hop in hops(answer)}
    return any(went.get(service) != version for service, version in versions.items())


def price_is_wrong(answer: Answer) -> bool:
    """Nobody is paid for buying."""
    return float(answer.get("price", 0)) < 0


def image_of(app: str, tag: str) -> str:
    """The image of an app of the shop."""
    return f"registry.example/shop/{app}:{tag}"


def tag_of(image: str) -> str:
    """The version that an image is of."""
    return image.rpartition(":")[2]


def move_of(app: AppStatus, at_s: float, share: float) -> numbers.Move:
    """The app at one moment, without versions that are gone."""
    there = [seen for seen in app["versions"] if seen["weight"] or seen["replicas"]["pods"]]
    return numbers.Move(
        at_s=at_s,
        weights={tag_of(seen["image"]): seen["weight"] for seen in there},
        served={tag_of(seen["image"]): seen["served"] for seen in there},
        pods={tag_of(seen["image"]): seen["replicas"]["pods"] for seen in there},
        share=share,
    )


def canary_of(
    version: str, weight: int, seconds: float, moves: Sequence[numbers.Move], at_first: Counts
) -> numbers.Canary:
    """A release that went through, from its moves and the counts while it held its first weight."""
    return numbers.Canary(
        version=version,
        seconds=round(seconds, 2),
        weight=weight,
        share=round(at_first.share(version), 4),
        share_requests=at_first.requests,
        pods_max=max(sum(move.pods.values()) for move in moves),
        moves=list(moves),
    )


def between(load: Load, since_s: float, until_s: float) -> Counts:
    """Counts of the requests due in a time, both ends included."""
    return Counts.of([sample for sample in load.samples if since_s <= sample.due_s <= until_s])
