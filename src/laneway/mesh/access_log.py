"""What proxies write of each request and connection: Istio's lines. Must not know who writes them."""

from __future__ import annotations

from typing import Any

from laneway.mesh.protos import any_of, message

ACCESS_LOG = (
    '[%START_TIME%] "%REQ(:METHOD)% %REQ(X-ENVOY-ORIGINAL-PATH?:PATH)% %PROTOCOL%" %RESPONSE_CODE% '
    "%RESPONSE_FLAGS% %RESPONSE_CODE_DETAILS% %CONNECTION_TERMINATION_DETAILS% "
    '"%UPSTREAM_TRANSPORT_FAILURE_REASON%" %BYTES_RECEIVED% %BYTES_SENT% %DURATION% '
    '%RESP(X-ENVOY-UPSTREAM-SERVICE-TIME)% "%REQ(X-FORWARDED-FOR)%" "%REQ(USER-AGENT)%" '
    '"%REQ(X-REQUEST-ID)%" '
    '"%REQ(:AUTHORITY)%" "%UPSTREAM_HOST%" %UPSTREAM_CLUSTER_RAW% %UPSTREAM_LOCAL_ADDRESS% '
    "%DOWNSTREAM_LOCAL_ADDRESS% %DOWNSTREAM_REMOTE_ADDRESS% %REQUESTED_SERVER_NAME% %ROUTE_NAME%\n"
)
"""Istio's default format of a line."""


def access_loggers(path: str | None) -> list[Any]:
    """Loggers for the `access_log` field of a filter. path: a file; None: no log."""
    if path is None:
        return []
    log = message("envoy.extensions.access_loggers.file.v3.FileAccessLog")(path=path)
    log.log_format.text_format_source.inline_string = ACCESS_LOG
    logger = message("envoy.config.accesslog.v3.AccessLog")
    return [logger(name="envoy.access_loggers.file", typed_config=any_of(log))]
