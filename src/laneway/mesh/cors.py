"""Cross-origin policies as Envoy's filter has them, and what it does with a request. Must not know rules.

A preflight (an OPTIONS that names a method) of an allowed origin is answered by the proxy. Source: Envoy's
CORS filter.
"""

from __future__ import annotations

from typing import Any

from laneway.mesh.conditions import op_of
from laneway.mesh.matching import Request, compares
from laneway.mesh.protos import any_of, message
from laneway.mesh.route_match import compare_text
from laneway.spec.istio import CorsPolicy

CORS = "envoy.filters.http.cors"
"""Name of the filter."""


def cors_of(policy: CorsPolicy) -> Any:
    """The filter's configuration for a route, as an Any."""
    value = message("envoy.extensions.filters.http.cors.v3.CorsPolicy")(
        allow_methods=",".join(policy.allow_methods),
        allow_headers=",".join(policy.allow_headers),
        expose_headers=",".join(policy.expose_headers),
    )
    for origin in policy.origins:
        compare_text(value.allow_origin_string_match.add(), *op_of(origin))
    value.filter_enabled.default_value.numerator = 100
    value.forward_not_matching_preflights.value = policy.unmatched_preflights != "IGNORE"
    if policy.max_age is not None:
        value.max_age = str(int(policy.max_age.total_seconds()))
    if policy.allow_credentials is not None:
        value.allow_credentials.value = policy.allow_credentials
    return any_of(value)


def preflight_answered(policy: CorsPolicy | None, request: Request) -> bool:
    """Whether the proxy answers a request by itself, with a 200."""
    origin = request.headers.get("origin")
    asked = request.method == "OPTIONS" and request.headers.get("access-control-request-method")
    if policy is None or not origin or not asked:
        return False
    return policy.unmatched_preflights == "IGNORE" or allows(policy, origin)


def allows(policy: CorsPolicy, origin: str) -> bool:
    """Whether pages of an origin may read the answers; a policy for `*` allows every one."""
    return any(
        compares(*op_of(allowed), "*") or compares(*op_of(allowed), origin) for allowed in policy.origins
    )
