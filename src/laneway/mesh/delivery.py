"""Requests that reached no application: how a sidecar says so, and that another endpoint gets them then.

An application that was killed leaves a moment in which its peers still send it requests. None of these was
read by anybody, so each is sent elsewhere, whatever the rule says of retries: these are about requests that
may have been acted on. Istio loses them. Must not know rules, nor what else is retried.
"""

from __future__ import annotations

from typing import Any

from laneway.mesh.protos import message

UNDELIVERED = "x-laneway-undelivered"
"""In a sidecar's own answer: its application took no connection.

Nobody else's: sidecars remove it from answers of their applications, callers' proxies from what they pass on.
"""
CONDITIONS = "connect-failure,refused-stream,reset-before-request,retriable-headers"
"""Envoy's words for what nobody has read; the last stands for UNDELIVERED."""
ATTEMPTS = 2
"""How often a request is sent elsewhere where the rule allows no retry of others."""
PICKS_MAX = 20
"""How often an endpoint is picked in search of another one.

Of two, one that refuses every connection has no requests and so is picked with three quarters by
LEAST_REQUEST: Istio's five picks would end at it once in four times, these once in four hundred.
"""
_NOT_CONNECTED = "UF"


def tell_undelivered(manager: Any) -> None:
    """Let a sidecar mark its answer to a request that its application took no connection for."""
    mapper = manager.local_reply_config.mappers.add()
    mapper.filter.response_flag_filter.flags.append(_NOT_CONNECTED)
    mapper.headers_to_add.add(header={"key": UNDELIVERED, "value": "true"})


def send_elsewhere(policy: Any) -> None:
    """Add to a retry policy what nobody has read."""
    known = [word for word in policy.retry_on.split(",") if word]
    policy.retry_on = ",".join(dict.fromkeys([*known, *CONDITIONS.split(",")]))
    policy.retriable_headers.append(
        message("envoy.config.route.v3.HeaderMatcher")(name=UNDELIVERED, present_match=True)
    )
