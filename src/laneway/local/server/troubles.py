"""What the engine met beside the planner's Report, as lines of the same report. Pure.

Must not know how any of it came about.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Literal

from laneway.control.status import Finding
from laneway.local.pod.pods import Pod
from laneway.mesh.refusals import Refusal
from laneway.mesh.shadowed import Shadowed
from laneway.spec.meta import Key


def _finding(code: str, severity: Literal["warning", "error"], about: Key, text: str) -> Finding:
    return Finding(code=code, severity=severity, namespace=about.namespace, name=about.name, text=text)


def unwritten(texts: Iterable[str]) -> Iterator[Finding]:
    """What the store could not take."""
    for text in texts:
        yield _finding("NotWritten", "error", Key("", ""), text)


def refused(refusals: Iterable[tuple[Key, Refusal]]) -> Iterator[Finding]:
    """Objects that the mesh refuses."""
    for key, refusal in refusals:
        yield _finding("Refused", "error", key, f"{refusal.kind} {key}: {refusal.field}: {refusal.text}")


def closed(gateways: Iterable[tuple[Key, str]]) -> Iterator[Finding]:
    """Gateways of which a server has no certificate."""
    for key, why in gateways:
        yield _finding("NoCertificate", "error", key, f"Gateway {key}: {why}")


def rejected(rejections: Iterable[tuple[str, str]]) -> Iterator[Finding]:
    """Proxies that reject what they are told."""
    for proxy, text in rejections:
        yield _finding("ProxyRejects", "error", Key("", proxy), text)


def shadowed(objects: Iterable[Shadowed]) -> Iterator[Finding]:
    """Objects that another one, or their namespace, keeps from having an effect on a host."""
    for each in objects:
        text = f"{each.kind} {each.key} has no effect on {each.host}: {each.why}"
        yield _finding("Shadowed", "warning", each.key, text)


def failing(pods: Iterable[Pod]) -> Iterator[Finding]:
    """Pods that are not ready, and pods that Services have no address for."""
    for pod in pods:
        if pod.reason:
            text = f"pod {pod.key.name}: {pod.message or pod.reason}"
            yield _finding(pod.reason, "warning", pod.key, text)
        if missing := [name for name, address in pod.links.items() if not address]:
            text = (
                f"pod {pod.key.name}: no loopback address was left for Services {', '.join(missing)}: their "
                "variables are unset; write `enableServiceLinks: false` where they are not used"
            )
            yield _finding("NoAddress", "warning", pod.key, text)
