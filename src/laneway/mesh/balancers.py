"""How a cluster picks an endpoint, and which it leaves out: a DestinationRule's balancer and its ejection.

With Istio's defaults. Must not know hosts or routes.
"""

from __future__ import annotations

from typing import Any

from laneway.spec.istio import ConsistentHash, LoadBalancer, OutlierDetection, Warmup

RING_SIZE_MIN = 1024
"""Istio's default where no algorithm is named."""

_BALANCERS = {
    "UNSPECIFIED": "LEAST_REQUEST",
    "LEAST_CONN": "LEAST_REQUEST",
    "LEAST_REQUEST": "LEAST_REQUEST",
    "ROUND_ROBIN": "ROUND_ROBIN",
    "RANDOM": "RANDOM",
}


def balance(cluster: Any, balancer: LoadBalancer | None) -> None:
    """Let a cluster pick endpoints as the balancer says."""
    if balancer is None:
        cluster.lb_policy = cluster.LEAST_REQUEST
    elif balancer.consistent_hash is not None:
        _hash(cluster, balancer.consistent_hash)
    else:
        cluster.lb_policy = cluster.LbPolicy.Value(_BALANCERS[balancer.simple])
        _warm_up(cluster, balancer)


def _hash(cluster: Any, hashed: ConsistentHash) -> None:
    if hashed.maglev is not None:
        cluster.lb_policy = cluster.MAGLEV
        cluster.maglev_lb_config.table_size.value = hashed.maglev.table_size
        return
    cluster.lb_policy = cluster.RING_HASH
    size = hashed.ring_hash.minimum_ring_size if hashed.ring_hash else hashed.minimum_ring_size
    if size or hashed.ring_hash is None:
        cluster.ring_hash_lb_config.minimum_ring_size.value = size or RING_SIZE_MIN


def _warm_up(cluster: Any, balancer: LoadBalancer) -> None:
    warmup = balancer.warmup
    if warmup is None and balancer.warmup_duration_secs is not None:
        warmup = Warmup(duration=balancer.warmup_duration_secs)
    if warmup is None:
        return
    least = cluster.lb_policy == cluster.LEAST_REQUEST
    config = cluster.least_request_lb_config if least else cluster.round_robin_lb_config
    config.slow_start_config.slow_start_window.FromTimedelta(warmup.duration)
    config.slow_start_config.min_weight_percent.value = warmup.minimum_percent
    config.slow_start_config.aggression.default_value = warmup.aggression
    # Envoy wants a key by which an operator could override the value.
    config.slow_start_config.aggression.runtime_key = f"{cluster.name}.aggression"


def eject(cluster: Any, detection: OutlierDetection | None) -> None:
    """Let a cluster leave out endpoints that fail; by counts alone, as Istio has it, never by comparison.

    What is not given is Envoy's: five errors, looked at every 10 s, out for 30 s, at most a tenth of them.
    """
    if detection is None:
        return
    found = cluster.outlier_detection
    found.enforcing_success_rate.SetInParent()
    _count(found, "consecutive_5xx", detection.consecutive_5xx_errors)
    _count(found, "consecutive_gateway_failure", detection.consecutive_gateway_errors)
    if detection.interval is not None:
        found.interval.FromTimedelta(detection.interval)
    if detection.base_ejection_time is not None:
        found.base_ejection_time.FromTimedelta(detection.base_ejection_time)
    if detection.max_ejection_percent:
        found.max_ejection_percent.value = detection.max_ejection_percent
    if detection.split_external_local_origin_errors:
        found.split_external_local_origin_errors = True
        found.enforcing_local_origin_success_rate.SetInParent()
        _count(found, "consecutive_local_origin_failure", detection.consecutive_local_origin_failures or None)
    cluster.common_lb_config.healthy_panic_threshold.value = detection.min_health_percent


def _count(found: Any, name: str, errors: int | None) -> None:
    """0 switches a count off."""
    if errors is not None:
        getattr(found, name).value = errors
        getattr(found, f"enforcing_{name}").value = 100 if errors else 0
