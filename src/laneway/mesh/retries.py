"""Retries as Envoy's policies, with Istio's defaults; what nobody has read is sent again in any case.

Must not know rules, nor where a policy stands.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from laneway.mesh.delivery import ATTEMPTS, PICKS_MAX, send_elsewhere
from laneway.mesh.protos import any_of, message
from laneway.spec.istio import HTTPRetry

RETRY_ON = "connect-failure,refused-stream,unavailable,cancelled,retriable-status-codes"
"""Istio's default conditions for a retry."""
RETRIES = 2
"""Istio's default number of retries."""
PRIORITIES_EVERY = 2
"""Attempts after which endpoints of other localities are tried, where a rule allows these: Istio's number."""


def retries_of(retries: HTTPRetry) -> Any:
    """A retry policy of a rule's own. Integers among the conditions are statuses.

    Without attempts, no request that somebody may have read is sent again.
    """
    if not retries.attempts:
        return _policy("", ATTEMPTS)
    policy = _policy(RETRY_ON, retries.attempts)
    if retries.per_try_timeout is not None:
        policy.per_try_timeout.FromTimedelta(retries.per_try_timeout)
    if retries.retry_on:
        policy.ClearField("retriable_headers")
        _retry_on(policy, retries.retry_on)
        send_elsewhere(policy)
    if retries.retry_ignore_previous_hosts is False:
        policy.ClearField("retry_host_predicate")
    if retries.retry_remote_localities:
        name = "envoy.extensions.retry.priority.previous_priorities.v3.PreviousPrioritiesConfig"
        policy.retry_priority.name = "envoy.retry_priorities.previous_priorities"
        config = any_of(message(name)(update_frequency=PRIORITIES_EVERY))
        policy.retry_priority.typed_config.CopyFrom(config)
    if retries.backoff is not None:
        policy.retry_back_off.base_interval.FromTimedelta(retries.backoff)
    return policy


def _retry_on(policy: Any, text: str) -> None:
    conditions = [part.strip() for part in text.split(",")]
    statuses = [int(part) for part in conditions if part.isdigit()]
    named = [part for part in conditions if not part.isdigit()]
    policy.retriable_status_codes.extend(statuses)
    policy.retry_on = ",".join([*named, *(["retriable-status-codes"] if statuses else [])])


@cache
def default_retries() -> Any:
    """Istio's default for a rule that says nothing: two retries, each at another endpoint where there is one.

    It stands on virtual hosts, which costs a change of rules less than a copy in each route.
    """
    return _policy(RETRY_ON, RETRIES)


def _policy(retry_on: str, attempts: int) -> Any:
    previous = message("envoy.extensions.retry.host.previous_hosts.v3.PreviousHostsPredicate")()
    policy = message("envoy.config.route.v3.RetryPolicy")(
        retry_on=retry_on,
        num_retries={"value": attempts},
        host_selection_retry_max_attempts=PICKS_MAX,
        retry_host_predicate=[
            {"name": "envoy.retry_host_predicates.previous_hosts", "typed_config": any_of(previous)}
        ],
    )
    send_elsewhere(policy)
    return policy
