"""Rules of the rules for requests: matches, timeouts, weights, and what a rule does."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from laneway.spec.istio import HTTPMatchRequest, HTTPRoute
from laneway.spec.istio.validation import contradictions
from laneway.spec.naming import MESH
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
        if condition.regex is not None and (fault := regex_fault(condition.regex)):
            yield Fault(Code.REGEX, obj, (*path, "regex"), f"{condition.regex!r}: {fault}")
    for obj, path, rule in routed(scope.spec):
        rewrite = rule.rewrite.uri_regex_rewrite if rule.rewrite else None
        if rewrite and (fault := regex_fault(rewrite.match)):
            place = (*path, "rewrite", "uriRegexRewrite", "match")
            yield Fault(Code.REGEX, obj, place, f"{rewrite.match!r}: {fault}")


def header_names_are_lowercase(scope: Scope) -> Iterator[Fault]:
    """Envoy has header names in lowercase, so another one never matches."""
    for obj, path, match in matched(scope.spec):
        names = [("headers", name) for name in match.headers]
        for field, name in [*names, *(("withoutHeaders", name) for name in match.without_headers)]:
            if name != name.lower():
                text = f"the header name {name} never matches"
                yield Fault(Code.HEADER_CASE, obj, (*path, field, name), text, f"write {name.lower()}")


def timeouts_last(scope: Scope) -> Iterator[Fault]:
    """A time is at least a millisecond."""
    for obj, path, rule in routed(scope.spec):
        times: dict[Path, timedelta | None] = {("timeout",): rule.timeout}
        if rule.retries:
            times["retries", "perTryTimeout"] = rule.retries.per_try_timeout
            times["retries", "backoff"] = rule.retries.backoff
        if rule.fault and rule.fault.delay:
            times["fault", "delay", "fixedDelay"] = rule.fault.delay.fixed_delay
        for below, time in times.items():
            if time is not None and time < TIMEOUT_MIN:
                text = f"{below[-1]} {format_duration(time)} is less than Istio allows"
                yield Fault(Code.TIMEOUT, obj, (*path, *below), text)


def rules_do_one_thing(scope: Scope) -> Iterator[Fault]:
    """A rule routes, redirects or answers; one of an App routes unless it says otherwise."""
    for obj, path, rule in routed(scope.spec):
        routes = isinstance(rule, HTTPRoute) and bool(rule.route)
        given = {
            "`route`": routes,
            "`redirect`": rule.redirect is not None,
            "`directResponse`": rule.direct_response is not None,
        }
        actions = [name for name, there in given.items() if there]
        if len(actions) > 1:
            yield Fault(Code.RULE_ACTION, obj, path, f"the rule has {' and '.join(actions)}")
        elif isinstance(rule, HTTPRoute) and not actions:
            yield Fault(Code.RULE_ACTION, obj, path, f"the rule has none of {', '.join(given)}")


def rules_are_whole(scope: Scope) -> Iterator[Fault]:
    """The parts of a rule agree with each other, as Istio's validation wants it."""
    for obj, path, rule in routed(scope.spec):
        for below, text, remedy in contradictions(rule):
            yield Fault(Code.RULE_PARTS, obj, (*path, *below), text, remedy)


def apps_get_requests(scope: Scope) -> Iterator[Fault]:
    """Some rule of an App at the mesh sends requests to its pods: weights stand there, and nowhere else."""
    for app in scope.spec.apps.values():
        here = [rule for rule in app.spec.routing.http if not rule.match or any(map(_at_mesh, rule.match))]
        if here and all(rule.answers for rule in here):
            text = "every rule at the mesh answers by itself, so the app never gets a request"
            yield Fault(Code.NO_ROUTE, app, ("spec", "routing", "http"), text)


def _at_mesh(match: HTTPMatchRequest) -> bool:
    return not match.gateways or MESH in match.gateways


def weights_add_up(scope: Scope) -> Iterator[Fault]:
    """Several destinations share by weight; one alone needs none."""
    for obj, path, rule in routed(scope.spec):
        if not isinstance(rule, HTTPRoute) or len(rule.route) < 2:
            continue
        if sum(route.weight for route in rule.route) == 0:
            some = any("weight" in route.model_fields_set for route in rule.route)
            text = "the weights sum to 0" if some else f"{len(rule.route)} destinations without weights"
            yield Fault(Code.NO_WEIGHT, obj, (*path, "route"), text)
