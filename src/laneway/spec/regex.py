"""Whether a regular expression is one of RE2, which Envoy matches with. Approximated by Python's own engine.

RE2's syntax: https://github.com/google/re2/wiki/Syntax. What RE2 lacks is found by scanning; what Python
lacks is replaced before compiling.
"""

from __future__ import annotations

import re
import warnings

_TOKEN = re.compile(
    r"\\Q.*?(?:\\E|$)"  # literal text
    r"|\\."
    r"|\[\^?\]?(?:\[:\^?\w+:\]|\\.|[^\]\\])*\]"  # a class of characters
    r"|\(\?P?<\w+>|\(\?[^:)]*"  # the head of a group
    r"|[*+?}]\+"
    r"|.",
    re.DOTALL,
)
_LACKING = {
    "(?=": "a look-ahead",
    "(?!": "a look-ahead",
    "(?<=": "a look-behind",
    "(?<!": "a look-behind",
    "(?>": "an atomic group",
    "(?(": "a condition",
    "(?P=": "a backreference",
    "(?#": "a comment",
}
_CLASS_LACKING = re.compile(r"\[:\^?\w+:\]|\\[pP](?:\{\^?\w+\}|\w)")
_REPEAT_MAX = 1000
"""RE2's bound on `{n}`."""


def regex_fault(pattern: str) -> str | None:
    """Why RE2 would refuse the expression; None where it would not."""
    python = []
    for token in _TOKEN.findall(pattern):
        lacking = _lacking(token)
        if lacking:
            return f"{lacking} is not part of RE2"
        python.append(_in_python(token))
    if any(int(count) > _REPEAT_MAX for count in re.findall(r"\{([0-9]{1,9})", pattern)):
        return f"RE2 repeats at most {_REPEAT_MAX} times"
    return _compile_fault("".join(python))


def _lacking(token: str) -> str | None:
    if re.fullmatch(r"\\[1-9]", token):
        return f"the backreference {token}"
    if re.fullmatch(r"[*+?}]\+", token):
        return f"the possessive {token}"
    return next((name for start, name in _LACKING.items() if token.startswith(start)), None)


def _in_python(token: str) -> str:
    """The token as Python writes it, or one that stands in the same place."""
    if token.startswith("\\Q"):
        return re.escape(token[2:].removesuffix("\\E"))
    if token.startswith("[") and token.endswith("]"):
        return _CLASS_LACKING.sub("x", token)
    if token.startswith("(?") and not token.startswith(("(?P<", "(?<")):
        return "(?:" if len(token) > 2 else token
    return {"\\z": "\\Z", "\\C": ".", "\\p": "", "\\P": ""}.get(token, token.replace("(?<", "(?P<"))


def _compile_fault(pattern: str) -> str | None:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            re.compile(pattern)
    except (re.error, OverflowError, RecursionError) as error:
        return str(error)
    return None
