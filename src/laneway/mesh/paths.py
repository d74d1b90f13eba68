"""A request's path as a proxy reads it, before any rule does: no detours, nothing escaped in vain.

As Envoy with `normalize_path`, which Istio sets, too. Source: googleurl's CanonicalizePath; tests ask Envoy.
"""

from __future__ import annotations

import re
import string

UNRESERVED = frozenset(string.ascii_letters + string.digits + "-._~")
"""Characters that mean the same whether they are escaped or not."""

_PARAMETERS = re.compile(r"(?<=/)(\.\.?);[^/]*")
"""Of `.` and `..`, as they stand: Envoy forgets these before it reads anything else."""

_ESCAPE = re.compile(r'%([0-9A-Fa-f]{2})|([\\"<>`{}|^ ])')


def normalised(path: str) -> str:
    """The path, with the query as it was; what is no path, like `*`, stays."""
    bare, mark, query = path.partition("?")
    if not bare.startswith("/"):
        return path
    plain = _ESCAPE.sub(_plain, _PARAMETERS.sub(r"\1", bare))
    segments = plain.removeprefix("/").split("/")
    return "/" + "/".join(_direct(segments)) + mark + query


def _plain(found: re.Match[str]) -> str:
    digits, unsafe = found.groups()
    if unsafe:
        return "/" if unsafe == "\\" else f"%{ord(unsafe):02X}"
    character = chr(int(digits, 16))
    return character if character in UNRESERVED else found[0]


def _direct(segments: list[str]) -> list[str]:
    """The segments without `.` and `..`, which as the last one leave a slash."""
    found: list[str] = []
    for segment in segments:
        if segment == "..":
            del found[-1:]
        elif segment != ".":
            found.append(segment)
    return [*found, ""] if segments[-1] in {".", ".."} else found
