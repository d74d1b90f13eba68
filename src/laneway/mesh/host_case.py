"""Host names in upper case: Envoy finds a scoped table by the exact text of a name, yet names have no case.

So a filter makes such a name lower case and lets the route be found anew. All other requests skip the filter
by one regular expression. Must not know what the routes are.
"""

from __future__ import annotations

from typing import Any

from laneway.mesh.conditions import AUTHORITY
from laneway.mesh.protos import any_of, message

LOWER_CASE = """function envoy_on_request(request)
  local headers = request:headers()
  headers:replace(":authority", headers:get(":authority"):lower())
  request:clearRouteCache()
end
"""


def lower_case_filter() -> Any:
    """The HTTP filter, as a google.protobuf.Any."""
    wrapper = message("envoy.extensions.common.matching.v3.ExtensionWithMatcher")()
    lua = message("envoy.extensions.filters.http.lua.v3.Lua")()
    lua.default_source_code.inline_string = LOWER_CASE
    wrapper.extension_config.name = "envoy.filters.http.lua"
    wrapper.extension_config.typed_config.CopyFrom(any_of(lua))
    skip = wrapper.xds_matcher.matcher_list.matchers.add()
    predicate = skip.predicate.single_predicate
    predicate.input.name = "authority"
    header = message("envoy.type.matcher.v3.HttpRequestHeaderMatchInput")(header_name=AUTHORITY)
    predicate.input.typed_config.CopyFrom(any_of(header))
    predicate.value_match.safe_regex.google_re2.SetInParent()
    predicate.value_match.safe_regex.regex = "[^A-Z]*"
    action = message("envoy.extensions.filters.common.matcher.action.v3.SkipFilter")()
    skip.on_match.action.name = "skip"
    skip.on_match.action.typed_config.CopyFrom(any_of(action))
    return any_of(wrapper)
