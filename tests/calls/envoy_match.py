"""Which route of a RouteConfiguration Envoy takes for a request, as its API documents it.

Source: envoy.config.route.v3. Must not know what the route then does, nor who made it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Request:
    """What a proxy is asked. headers: names in lower case."""

    authority: str
    path: str
    method: str
    headers: Mapping[str, str]

    @property
    def bare_path(self) -> str:
        """The path without its query."""
        return self.path.partition("?")[0]


def route_for(table: Any, request: Request) -> tuple[Any, Any] | None:
    """The virtual host and the route; None where there is none."""
    host = _virtual_host(table, request.authority.lower())
    if host is None:
        return None
    route = next((each for each in host.routes if _matches(each.match, request)), None)
    return None if route is None else (host, route)


def _virtual_host(table: Any, authority: str) -> Any:
    """Exact, then the longest `*.suffix`, then the longest `prefix.*`, then `*`."""
    name = authority.partition(":")[0] if table.ignore_port_in_host_matching else authority
    found = ((_rank(domain.lower(), name), host) for host in table.virtual_hosts for domain in host.domains)
    fitting = [(rank, host) for rank, host in found if rank is not None]
    return max(fitting, key=lambda each: each[0], default=(None, None))[1]


def _rank(domain: str, name: str) -> tuple[int, int] | None:
    if domain == name:
        return 3, 0
    if domain == "*":
        return 0, 0
    if domain.startswith("*") and name.endswith(domain[1:]) and len(name) >= len(domain):
        return 2, len(domain)
    if domain.endswith("*") and name.startswith(domain[:-1]) and len(name) >= len(domain):
        return 1, len(domain)
    return None


def _matches(match: Any, request: Request) -> bool:
    return (
        _path(match, request.bare_path)
        and all(_header(each, request) for each in match.headers)
        and all(_parameter(each, request) for each in match.query_parameters)
        and not match.dynamic_metadata
    )


def _path(match: Any, path: str) -> bool:
    kind = match.WhichOneof("path_specifier")
    if kind == "safe_regex":
        return re.fullmatch(match.safe_regex.regex, path, re.ASCII) is not None
    wanted: str = getattr(match, kind)
    if match.HasField("case_sensitive") and not match.case_sensitive.value:
        wanted, path = wanted.lower(), path.lower()
    match kind:
        case "path":
            return path == wanted
        case "prefix":
            return path.startswith(wanted)
        case "path_separated_prefix":
            return path == wanted or path.startswith(wanted + "/")
    raise AssertionError(kind)


def _header(matcher: Any, request: Request) -> bool:
    pseudo = {":method": request.method, ":authority": request.authority, ":scheme": "http"}
    name = matcher.name.lower()
    value = pseudo[name] if name in pseudo else request.headers.get(name)
    if value is None and matcher.treat_missing_header_as_empty:
        value = ""
    match matcher.WhichOneof("header_match_specifier"):
        case "present_match":
            return ((value is not None) is matcher.present_match) is not matcher.invert_match
        case "string_match":
            return value is not None and _text(matcher.string_match, value) is not matcher.invert_match
    raise AssertionError(matcher)


def _parameter(matcher: Any, request: Request) -> bool:
    value = parameters(request.path).get(matcher.name)
    match matcher.WhichOneof("query_parameter_match_specifier"):
        case "present_match":
            return (value is not None) is matcher.present_match
        case "string_match":
            return value is not None and _text(matcher.string_match, value)
    raise AssertionError(matcher)


def parameters(path: str) -> dict[str, str]:
    """The query's parameters; of several of one name the first."""
    found: dict[str, str] = {}
    query = path.partition("?")[2]
    for part in query.split("&") if query else ():
        name, _, value = part.partition("=")
        found.setdefault(name, value)
    return found


def _text(string: Any, value: str) -> bool:
    kind = string.WhichOneof("match_pattern")
    if kind == "safe_regex":
        return re.fullmatch(string.safe_regex.regex, value, re.ASCII) is not None
    wanted: str = getattr(string, kind)
    if string.ignore_case:
        wanted, value = wanted.lower(), value.lower()
    match kind:
        case "exact":
            return value == wanted
        case "prefix":
            return value.startswith(wanted)
        case "suffix":
            return value.endswith(wanted)
        case "contains":
            return wanted in value
    raise AssertionError(kind)


def first_of(texts: Iterable[Any], value: str) -> bool:
    """Whether any of several StringMatchers fits."""
    return any(_text(each, value) for each in texts)
