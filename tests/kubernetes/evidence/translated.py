"""Envoy's own statistics under the names of Istio's, as a Prometheus reads them.

Istio builds a filter into its Envoy that counts `istio_requests_total`; Envoy as its project ships it, which
the tests run, has none. So the counters of each cluster are renamed when they are read: a cluster's name,
`outbound|80|r-REVISION|HOST`, says what Istio has in labels. What is counted, by real proxies of real
requests, is the same, but for requests that reach no pod: Istio counts those under no revision.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

_NAMES = {
    "upstream_rq": "istio_requests_total",
    "upstream_rq_time_bucket": "istio_request_duration_milliseconds_bucket",
}


def job(targets: Iterable[str], every: str, path: str = "/stats/prometheus") -> dict[str, Any]:
    """A job of Prometheus that reads proxies. targets: `host:port` of each."""
    return {
        "job_name": "envoys",
        "scrape_interval": every,
        "scrape_timeout": every,
        "metrics_path": path,
        "static_configs": [{"targets": list(targets)}],
        "metric_relabel_configs": RELABELLED,
    }


def _rename(source: str, regex: str, target: str, to: str) -> dict[str, Any]:
    return {"source_labels": [source], "regex": regex, "target_label": target, "replacement": to}


_COUNTER = r"envoy_cluster_([a-z0-9]+)_svc_cluster_local_"
"""What Envoy makes of a cluster's name goes on into the statistic's: its rest, the namespace, stands here."""
_CLUSTER = r"outbound\|\d+\|r-(.*)\|(.*)"
RELABELLED: list[dict[str, Any]] = [
    {"source_labels": ["__name__"], "regex": f"{_COUNTER}({'|'.join(_NAMES)})", "action": "keep"},
    {"source_labels": ["envoy_cluster_name"], "regex": _CLUSTER, "action": "keep"},
    _rename("envoy_cluster_name", _CLUSTER, "destination_canonical_revision", "$1"),
    {
        "source_labels": ["__name__", "envoy_cluster_name"],
        "regex": f"{_COUNTER}.*;{_CLUSTER}",
        "target_label": "destination_service",
        "replacement": "$3.$1.svc.cluster.local",
    },
    _rename("envoy_response_code", "(.+)", "response_code", "$1"),
    {"target_label": "reporter", "replacement": "source"},
    *(_rename("__name__", _COUNTER + ours, "__name__", istios) for ours, istios in _NAMES.items()),
    {"regex": "envoy_.*", "action": "labeldrop"},
]
