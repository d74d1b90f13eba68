"""Conditions as Envoy's match of a route. Must not know what the route does."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from laneway.mesh.conditions import PATH, Condition, Op
from laneway.mesh.protos import message


def match_of(conditions: Iterable[Condition]) -> Any:
    """The match for requests that fulfil all conditions."""
    match = message("envoy.config.route.v3.RouteMatch")()
    for condition in conditions:
        if condition.subject == PATH:
            _match_path(match, condition)
        elif condition.parameter:
            match.query_parameters.append(_parameter_matcher(condition))
        else:
            match.headers.append(_header_matcher(condition))
    if match.WhichOneof("path_specifier") is None:
        match.prefix = "/"
    return match


def _match_path(match: Any, condition: Condition) -> None:
    match.case_sensitive.value = not condition.ignore_case
    if condition.op is Op.EXACT:
        match.path = condition.value
    elif condition.op is Op.PREFIX:
        match.prefix = condition.value
    else:
        match.safe_regex.regex = condition.value


def _header_matcher(condition: Condition) -> Any:
    matcher = message("envoy.config.route.v3.HeaderMatcher")(
        name=condition.subject, invert_match=condition.inverted
    )
    if condition.op is Op.PRESENT:
        matcher.present_match = True
    else:
        compare_text(matcher.string_match, condition.op, condition.value)
        matcher.treat_missing_header_as_empty = condition.inverted
    return matcher


def _parameter_matcher(condition: Condition) -> Any:
    matcher = message("envoy.config.route.v3.QueryParameterMatcher")(name=condition.parameter)
    if condition.op is Op.PRESENT:
        matcher.present_match = True
    else:
        compare_text(matcher.string_match, condition.op, condition.value)
    return matcher


def compare_text(matcher: Any, op: Op, value: str) -> None:
    """Fill a StringMatcher in."""
    if op is Op.EXACT:
        matcher.exact = value
    elif op is Op.PREFIX:
        matcher.prefix = value
    else:
        matcher.safe_regex.regex = value
