"""Redirects as Envoy writes them, and the address that a client is sent to. Must not know rules."""

from __future__ import annotations

from typing import Any

from laneway.mesh.matching import Request
from laneway.mesh.protos import enum, message
from laneway.spec.istio import HTTPRedirect

_CODES = {
    301: "MOVED_PERMANENTLY",
    302: "FOUND",
    303: "SEE_OTHER",
    307: "TEMPORARY_REDIRECT",
    308: "PERMANENT_REDIRECT",
}
_DEFAULT_PORTS = {"http": 80, "https": 443}


def redirect_of(redirect: HTTPRedirect, port: int) -> Any:
    """The action of a route. port: where the rule is read, which `FROM_REQUEST_PORT` stands for."""
    action = message("envoy.config.route.v3.RedirectAction")(
        host_redirect=redirect.authority or "",
        path_redirect=redirect.uri or "",
        port_redirect=_port(redirect, port),
        response_code=enum(
            "envoy.config.route.v3.RedirectAction.RedirectResponseCode", _CODES[redirect.redirect_code]
        ),
    )
    if redirect.scheme is not None:
        action.scheme_redirect = redirect.scheme
    return action


def _port(redirect: HTTPRedirect, port: int) -> int:
    """The port that is written; 0 for none, as where it is the scheme's own."""
    chosen = port if redirect.derive_port == "FROM_REQUEST_PORT" else redirect.port or 0
    return 0 if chosen == _DEFAULT_PORTS[redirect.scheme or "http"] else chosen


def location(redirect: HTTPRedirect, port: int, request: Request) -> str:
    """Where the client of a request is sent. Source of the rules: Envoy's RedirectEntry."""
    scheme = redirect.scheme or request.scheme
    number = _port(redirect, port)
    host = redirect.authority or _host(request, scheme, renumbered=bool(number))
    path, mark, query = request.path.partition("?")
    if redirect.uri is not None:
        path = redirect.uri
        mark, query = ("", "") if "?" in path else (mark, query)
    return f"{scheme}://{host}{f':{number}' if number else ''}{path}{mark}{query}"


def _host(request: Request, scheme: str, renumbered: bool) -> str:
    """The host that was called, with its port unless that is replaced, or was the old scheme's own."""
    name, colon, number = request.authority.partition(":")
    implied = scheme != request.scheme and number == str(_DEFAULT_PORTS[request.scheme])
    return name if renumbered or implied else f"{name}{colon}{number}"
