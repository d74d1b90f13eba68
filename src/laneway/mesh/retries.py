"""Retries as Envoy's policies, with Istio's defaults. Must not know rules, nor where a policy stands."""

from __future__ import annotations

from functools import cache
from typing import Any

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

    Without attempts it has no condition, and so keeps the virtual host's default away.
    """
    policy = message("envoy.config.route.v3.RetryPolicy")()
    policy.num_retries.value = retries.attempts
    if not retries.attempts:
        return policy
    policy.MergeFrom(default_retries())
    policy.num_retries.value = retries.attempts
    if retries.per_try_timeout is not None:
        policy.per_try_timeout.FromTimedelta(retries.per_try_timeout)
    if retries.retry_on:
        _retry_on(policy, retries.retry_on)
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
    previous = message("envoy.extensions.retry.host.previous_hosts.v3.PreviousHostsPredicate")()
    return message("envoy.config.route.v3.RetryPolicy")(
        retry_on=RETRY_ON,
        num_retries={"value": RETRIES},
        host_selection_retry_max_attempts=5,
        retry_host_predicate=[
            {"name": "envoy.retry_host_predicates.previous_hosts", "typed_config": any_of(previous)}
        ],
    )
