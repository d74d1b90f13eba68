"""What this engine refuses of a spec that is right."""

from __future__ import annotations

from laneway.local.limits import beyond
from laneway.spec.load import Source, load

APP = """\
apiVersion: laneway.dev/v1alpha1
kind: App
metadata: {name: pharmacy, namespace: shop}
spec:
  workload: {deployment: pharmacy}
  service: {ports: [{port: 80}]}
  scale: {min: 1, max: 4, metrics: %s}
"""


def test_metrics_are_refused_where_they_are_written() -> None:
    """An autoscaler that never acts would be worse than none."""
    loaded = load([Source("pharmacy.yaml", APP % "[{type: Resource}]")])
    (found,) = beyond(loaded.objects, loaded.place)
    assert str(found) == (
        "pharmacy.yaml:7:27: error LW504: App shop/pharmacy wants an autoscaler, and there is none on this "
        "machine yet; leave `metrics` out, or write `replicas`"
    )


def test_bounds_without_metrics_are_a_size() -> None:
    """No metrics, no autoscaler."""
    assert not list(beyond(load([Source("pharmacy.yaml", APP % "[]")]).objects))
