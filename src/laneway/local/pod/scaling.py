"""Which pods a Deployment needs: how many to start, and which to drain. Pure.

A change of the template, or a restart that was asked for, rolls as a Kubernetes Deployment does by default:
at most a quarter more pods than asked for, and never fewer ready ones, as long as there are that many.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from laneway.local.pod.pods import Pod, Stage


@dataclass(frozen=True, slots=True)
class Step:
    """What to do now. create: pods of the current template; drain: pods that are to go."""

    create: int
    drain: tuple[Pod, ...]


def step(desired: int, template: str, pods: Iterable[Pod]) -> Step:
    """The next step towards `desired` pods of this template, and none of another."""
    staying = [pod for pod in pods if pod.stage is not Stage.DRAINING]
    fresh = [pod for pod in staying if pod.template == template and not pod.renew]
    old = [pod for pod in staying if pod not in fresh]
    surge = max(1, -(-desired // 4)) if old else 0
    create = min(desired - len(fresh), desired + surge - len(staying))
    surplus = victims(fresh, len(fresh) - desired)
    serving = sum(pod.ready for pod in staying) - sum(pod.ready for pod in surplus)
    waiting = [pod for pod in old if not pod.ready]
    spare = victims([pod for pod in old if pod.ready], serving - desired)
    return Step(max(0, create), (*surplus, *waiting, *spare))


def victims(pods: Sequence[Pod], count: int) -> tuple[Pod, ...]:
    """Which of them go first: those that are not ready, then the newest."""
    newest_first = sorted(pods, key=lambda pod: (pod.created, pod.key), reverse=True)
    return tuple(sorted(newest_first, key=lambda pod: pod.ready)[: max(0, count)])
