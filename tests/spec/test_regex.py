"""RE2, approximated."""

from __future__ import annotations

import pytest

from laneway.spec.regex import regex_fault


@pytest.mark.parametrize(
    "pattern",
    [
        "a", "/v[0-9]+/.*", "(?i)abc", "a(?i)b", "(?i:a)b", "(?:a|b)", r"\pL+", r"\p{Greek}x", r"[\pL_]+",
        "[[:alpha:]]+",        "(?P<name>a)", "(?<name>a)", r"\Qa.(\E", "a{2,5}",
        "[]a]", "[^/]+", r"\d+\.\z", r"\++", r"[*+?]+",
        "a{1000}",        r"(?:.*,)?\s*lane\s*=\s*green\s*(?:[;,].*)?",
    ],
)  # fmt: skip
def test_expressions_of_re2_are_accepted(pattern: str) -> None:
    """Also those that Python writes otherwise."""
    assert regex_fault(pattern) is None


@pytest.mark.parametrize(
    ("pattern", "fault"),
    [
        ("a(?=b)", "a look-ahead is not part of RE2"),
        ("(?!a)", "a look-ahead is not part of RE2"),
        ("(?<=a)b", "a look-behind is not part of RE2"),
        ("(?<!a)b", "a look-behind is not part of RE2"),
        (r"(a)\1", r"the backreference \1 is not part of RE2"),
        ("(?P<n>a)(?P=n)", "a backreference is not part of RE2"),
        ("(?>a)", "an atomic group is not part of RE2"),
        ("a++", "the possessive ++ is not part of RE2"),
        ("a{1001}", "RE2 repeats at most 1000 times"),
        ("*", "nothing to repeat at position 0"),
        ("(a", "missing ), unterminated subpattern at position 0"),
        ("[a", "unterminated character set at position 0"),
        ("[z-a]", "bad character range z-a at position 1"),
    ],
)
def test_others_are_refused_with_the_reason(pattern: str, fault: str) -> None:
    """What RE2 lacks is named."""
    assert regex_fault(pattern) == fault


def test_escaped_look_ahead_is_text() -> None:
    """Escapes and classes hide nothing."""
    assert regex_fault(r"\(\?=a") is None
    assert regex_fault(r"[(]x") is None
