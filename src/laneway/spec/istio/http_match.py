"""What a request must be for a rule of a VirtualService to hold.

Field meanings and defaults: Istio's API reference (networking.istio.io/v1).
"""

from __future__ import annotations

from pydantic import Field

from laneway.spec.meta import Model


class StringMatch(Model):
    """Exactly one of the three; none at all (`{}`) on a header or parameter means that it is present."""

    exact: str | None = None
    prefix: str | None = None
    regex: str | None = None


class HTTPMatchRequest(Model):
    """Conditions that must all hold.

    `port`, `gateways`, `sourceLabels` and `sourceNamespace` are decided when the rule is translated; the last
    two count only where the match names no gateways.
    """

    name: str | None = None
    uri: StringMatch | None = None
    ignore_uri_case: bool = False
    scheme: StringMatch | None = None
    method: StringMatch | None = None
    authority: StringMatch | None = None
    headers: dict[str, StringMatch] = Field(default_factory=dict)
    without_headers: dict[str, StringMatch] = Field(default_factory=dict)
    query_params: dict[str, StringMatch] = Field(default_factory=dict)
    port: int | None = None
    gateways: list[str] = Field(default_factory=list)
    source_labels: dict[str, str] = Field(default_factory=dict)
    source_namespace: str | None = None
    stat_prefix: str | None = None
