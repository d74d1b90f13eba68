"""Rules of the rules for requests: matches, timeouts, weights, and what a rule does."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from laneway.spec.istio import HTTPRoute
from laneway.spec.problems import Code
from laneway.spec.regex import regex_fault
from laneway.spec.rules.scope import Fault, Scope, matched, routed, tested
from laneway.spec.values import format_duration
from laneway.spec.yaml import Path

TIMEOUT_MIN = timedelta(milliseconds=1)
"""Istio's validation refuses less, and 0s."""


def matches_say_one_thing(scope: Scope) -> Iterator[Fault]:
    """A condition is one of exact, prefix and regex; without any, a header just has to be there."""
    for obj, path, condition, optional in tested(scope.spec):
        written = condition.model_fields_set
        if len(written) > 1 or not (written or optional):
            text = f"{' and '.join(sorted(written))} together" if written else "the condition is empty"
            yield Fault(Code.STRING_MATCH, obj, path, text)


def regexes_are_of_re2(scope: Scope) -> Iterator[Fault]:
    """A regular expression is one that Envoy can compile."""
    for obj, path, condition, _ in tested(scope.spec):
        fault = regex_fault(condition.regex) if condition.regex is not None else None
        if fault:
            yield Fault(Code.REGEX, obj, (*path, "regex"), f"{condition.regex!r}: {fault}")


def header_names_are_lowercase(scope: Scope) -> Iterator[Fault]:
    """Envoy has header names in lowercase, so another one never matches."""
    for obj, path, match in matched(scope.spec):
        for name in match.headers:
            if name != name.lower():
                text = f"the header name {name} never matches"
                yield Fault(Code.HEADER_CASE, obj, (*path, "headers", name), text, f"write {name.lower()}")


def timeouts_last(scope: Scope) -> Iterator[Fault]:
    """A timeout is at least a millisecond."""
    for obj, path, rule in routed(scope.spec):
        timeouts: dict[Path, timedelta | None] = {("timeout",): rule.timeout}
        if rule.retries:
            timeouts["retries", "perTryTimeout"] = rule.retries.per_try_timeout
        for below, timeout in timeouts.items():
            if timeout is not None and timeout < TIMEOUT_MIN:
                text = f"{below[-1]} {format_duration(timeout)} is less than Istio allows"
                yield Fault(Code.TIMEOUT, obj, (*path, *below), text)


def rules_do_one_thing(scope: Scope) -> Iterator[Fault]:
    """A rule of a VirtualService routes or answers."""
    for obj, path, rule in routed(scope.spec):
        if isinstance(rule, HTTPRoute) and bool(rule.route) == (rule.direct_response is not None):
            many = "both" if rule.route else "neither"
            text = f"the rule has {many} of `route` and `directResponse`"
            yield Fault(Code.RULE_ACTION, obj, path, text)


def weights_add_up(scope: Scope) -> Iterator[Fault]:
    """Several destinations share by weight; one alone needs none."""
    for obj, path, rule in routed(scope.spec):
        if not isinstance(rule, HTTPRoute) or len(rule.route) < 2:
            continue
        if sum(route.weight for route in rule.route) == 0:
            some = any("weight" in route.model_fields_set for route in rule.route)
            text = "the weights sum to 0" if some else f"{len(rule.route)} destinations without weights"
            yield Fault(Code.NO_WEIGHT, obj, (*path, "route"), text)
