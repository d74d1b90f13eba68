"""What a route of Envoy's does with a request: its own answers, and what it changes on the way.

Source: envoy.config.route.v3 and RouteEntryImpl of Envoy 1.40. Must not know how the route was found.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from tests.calls.envoy_match import Request, first_of
from tests.calls.outcome import Outcome

from laneway.mesh.protos import message

REDIRECT_CODES = (301, 302, 303, 307, 308)
"""By the number of envoy.config.route.v3.RedirectAction.RedirectResponseCode."""

WHOLE = {0: 100, 1: 10_000, 2: 1_000_000}
"""By the number of envoy.type.v3.FractionalPercent.DenominatorType."""

FAULT, CORS = "envoy.filters.http.fault", "envoy.filters.http.cors"


@dataclass(frozen=True, slots=True)
class Share:
    """One cluster's part of a route. weight: of its sum; parts: what says which headers change, in order."""

    cluster: str
    weight: float
    parts: tuple[Any, ...]
    host: str = ""


def unwrapped(value: Any) -> Any:
    """The message in a google.protobuf.Any."""
    return message(value.type_url.rpartition("/")[2]).FromString(value.value)


def answer(route: Any, request: Request) -> Outcome | None:
    """What the proxy certainly answers by itself: a fault, a preflight, a redirect, a direct response."""
    if FAULT in route.typed_per_filter_config:
        abort = unwrapped(route.typed_per_filter_config[FAULT]).abort
        if abort.http_status and percent(abort.percentage) == 100:
            return Outcome(status=abort.http_status, body="fault filter abort")
    if CORS in route.typed_per_filter_config:
        gives = _preflight(unwrapped(route.typed_per_filter_config[CORS]), request)
        if gives is not None:
            return Outcome(gives=gives)
    match route.WhichOneof("action"):
        case "redirect":
            return Outcome(
                status=REDIRECT_CODES[route.redirect.response_code],
                location=_location(route.redirect, request),
            )
        case "direct_response":
            return Outcome(status=route.direct_response.status, body=_body(route.direct_response))
    return None


def percent(fraction: Any) -> float:
    """A FractionalPercent."""
    return 100 * float(fraction.numerator) / WHOLE[fraction.denominator]


def _body(response: Any) -> str:
    given = response.body.inline_bytes or response.body.inline_string.encode()
    return bytes(given).decode()


def _preflight(policy: Any, request: Request) -> dict[str, str] | None:
    """The headers of the answer to a preflight of an origin that may ask."""
    headers = request.headers
    asks = request.method == "OPTIONS" and "access-control-request-method" in headers
    if not asks or not first_of(policy.allow_origin_string_match, headers.get("origin", "")):
        return None
    given = {"access-control-allow-origin": headers["origin"], "access-control-max-age": policy.max_age}
    return {name: value for name, value in given.items() if value}


def _location(redirect: Any, request: Request) -> str:
    host, _, port = request.authority.partition(":")
    host = redirect.host_redirect or host
    scheme = redirect.scheme_redirect or ("https" if redirect.https_redirect else "http")
    port = str(redirect.port_redirect) if redirect.port_redirect else port
    bare, mark, query = request.path.partition("?")
    path = redirect.path_redirect or bare
    tail = "" if "?" in path else mark + query
    return f"{scheme}://{host}{':' + port if port else ''}{path}{tail}"


def shares(host: Any, route: Any) -> tuple[Share, ...]:
    """Where the requests of a route go. Raises AssertionError for an action that is none of Istio's."""
    action = route.route
    match action.WhichOneof("cluster_specifier"):
        case "cluster":
            return (Share(action.cluster, 1, (route, host)),)
        case "weighted_clusters":
            found = action.weighted_clusters.clusters
            return tuple(
                Share(each.name, each.weight.value, (each, route, host), each.host_rewrite_literal)
                for each in found
                if each.weight.value
            )
    raise AssertionError(route)


def sent(request: Request, route: Any, share: Share) -> Request:
    """The request as it is sent to a share."""
    headers: dict[str, str] = dict(request.headers)
    for part in share.parts:
        headers = _changed(headers, part.request_headers_to_add, part.request_headers_to_remove)
    authority = share.host or route.route.host_rewrite_literal or request.authority
    return replace(request, authority=authority, path=_rewritten(route, request), headers=headers)


def given(share: Share) -> dict[str, str]:
    """What a share does to the headers of an answer that has none."""
    headers: dict[str, str] = {}
    for part in share.parts:
        headers = _changed(headers, part.response_headers_to_add, part.response_headers_to_remove)
    return headers


def copies(route: Any) -> Iterator[tuple[str, float]]:
    """The clusters that get copies, with the percentage of the requests."""
    for policy in route.route.request_mirror_policies:
        whole = not policy.HasField("runtime_fraction")
        yield policy.cluster, 100.0 if whole else percent(policy.runtime_fraction.default_value)


def _changed(headers: Mapping[str, str], added: Iterable[Any], removed: Iterable[str]) -> dict[str, str]:
    gone = {name.lower() for name in removed}
    result = {name: value for name, value in headers.items() if name not in gone}
    for each in added:
        name, value = each.header.key.lower(), each.header.value
        appends = each.append_action == each.APPEND_IF_EXISTS_OR_ADD
        result[name] = f"{result[name]},{value}" if appends and name in result else value
    return result


def _rewritten(route: Any, request: Request) -> str:
    action = route.route
    bare, mark, query = request.path.partition("?")
    if action.HasField("regex_rewrite"):
        pattern = action.regex_rewrite.pattern.regex
        text = re.sub(r"\\([0-9])", r"\\g<\1>", action.regex_rewrite.substitution)
        return re.sub(pattern, text, bare, flags=re.ASCII) + mark + query
    if not action.prefix_rewrite:
        return request.path
    kind = route.match.WhichOneof("path_specifier")
    matched = len(bare) if kind == "safe_regex" else len(getattr(route.match, kind))
    return str(action.prefix_rewrite) + bare[matched:] + mark + query
