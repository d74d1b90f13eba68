"""Decides requests from route configurations alone, as Envoy documents it, to compare the walker with."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from laneway.mesh.matching import Request
from laneway.mesh.protos import message


def route_for(table: Any, request: Request) -> Any:
    """The route that Envoy takes; None where no virtual host has the authority or no route matches."""
    for host in table.virtual_hosts:
        if any(domain.lower() == request.authority.lower() or domain == "*" for domain in host.domains):
            return (
                _in_matcher(host.matcher, request)
                if host.HasField("matcher")
                else _first(host.routes, request)
            )
    return None


def _in_matcher(matcher: Any, request: Request) -> Any:
    tree = matcher.matcher_tree
    header = _unpacked(tree.input.typed_config).header_name
    value = request.headers.get(header)
    entries = tree.exact_match_map.map
    chosen = entries[value] if value is not None and value in entries else matcher.on_no_match
    action = _unpacked(chosen.action.typed_config)
    routes = action.routes if action.DESCRIPTOR.name == "RouteList" else [action]
    return _first(routes, request)


def _unpacked(wrapped: Any) -> Any:
    return message(wrapped.type_url.rpartition("/")[2]).FromString(wrapped.value)


def _first(routes: Iterable[Any], request: Request) -> Any:
    return next((route for route in routes if _matches(route.match, request)), None)


def _matches(match: Any, request: Request) -> bool:
    return (
        _path(match, request.path.partition("?")[0])
        and all(_header(header, request) for header in match.headers)
        and all(_parameter(parameter, request) for parameter in match.query_parameters)
    )


def _path(match: Any, path: str) -> bool:
    wanted: str = match.path or match.prefix
    if match.HasField("case_sensitive") and not match.case_sensitive.value:
        wanted, lowered = wanted.lower(), path.lower()
    else:
        lowered = path
    match match.WhichOneof("path_specifier"):
        case "path":
            return lowered == wanted
        case "prefix":
            return lowered.startswith(wanted)
        case _:
            return re.fullmatch(match.safe_regex.regex, path) is not None


def _parameter(matcher: Any, request: Request) -> bool:
    given: dict[str, str] = {}
    for part in request.path.partition("?")[2].split("&"):
        name, _, value = part.partition("=")
        given.setdefault(name, value)
    if matcher.name not in given:
        return False
    present = matcher.WhichOneof("query_parameter_match_specifier") == "present_match"
    return present or _text(matcher.string_match, given[matcher.name])


def _header(matcher: Any, request: Request) -> bool:
    pseudo = {":method": request.method, ":authority": request.authority, ":scheme": request.scheme}
    value = pseudo.get(matcher.name, request.headers.get(matcher.name))
    if value is None and matcher.treat_missing_header_as_empty:
        value = ""
    if matcher.WhichOneof("header_match_specifier") == "present_match":
        return (value is not None) is not matcher.invert_match
    return value is not None and _text(matcher.string_match, value) is not matcher.invert_match


def _text(string: Any, value: str) -> bool:
    match string.WhichOneof("match_pattern"):
        case "exact":
            return value == str(string.exact)
        case "prefix":
            return value.startswith(string.prefix)
        case _:
            return re.fullmatch(string.safe_regex.regex, value) is not None
