"""Which answers are errors to a judge: codes of HTTP and statuses of gRPC. Must not know who counts them."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from laneway.spec.meta import Model

GrpcStatus = Literal[
    "OK", "CANCELLED", "UNKNOWN", "INVALID_ARGUMENT", "DEADLINE_EXCEEDED", "NOT_FOUND", "ALREADY_EXISTS",
    "PERMISSION_DENIED", "RESOURCE_EXHAUSTED", "FAILED_PRECONDITION", "ABORTED", "OUT_OF_RANGE",
    "UNIMPLEMENTED", "INTERNAL", "UNAVAILABLE", "DATA_LOSS", "UNAUTHENTICATED",
]  # fmt: skip
"""In the order of their numbers, from 0: https://grpc.github.io/grpc/core/md_doc_statuscodes.html"""

_CODE = re.compile(r"[1-5]([0-9][0-9]|xx)")


def _http_code(value: Any) -> str:
    text = str(value)
    if isinstance(value, bool) or not isinstance(value, int | str) or not _CODE.fullmatch(text):
        raise ValueError(f"{value!r} is no code of HTTP; write one like 429, or all of a class like 5xx")
    return text


HttpCode = Annotated[str, BeforeValidator(_http_code)]
"""A code (429), or all of a class (5xx)."""


class FailureCodes(Model):
    """Which answers count as errors. What a pod leaves unanswered its caller's proxy answers: 503 or 504.

    Each of the two lists replaces its default, and the other keeps it.
    """

    http: tuple[HttpCode, ...] = Field(default=("5xx",))
    grpc: tuple[GrpcStatus, ...] = Field(
        default=("UNKNOWN", "DEADLINE_EXCEEDED", "UNIMPLEMENTED", "INTERNAL", "UNAVAILABLE", "DATA_LOSS")
    )

    def has_code(self, code: int) -> bool:
        """Whether this code of HTTP is an error."""
        return not {str(code), f"{code // 100}xx"}.isdisjoint(self.http)

    def has_status(self, status: int) -> bool:
        """Whether this number of a gRPC status is an error."""
        return status in _numbers(self.grpc)


def _numbers(names: Collection[str]) -> frozenset[int]:
    known = GrpcStatus.__args__  # type: ignore[attr-defined]
    return frozenset(known.index(name) for name in names)
