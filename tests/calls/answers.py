"""What came back for a call that was made, against what the table expects. Must not know how it was made."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Sequence

from tests.acceptance.binomial import interval
from tests.calls.app import CALL, ONWARD, WHO
from tests.calls.asking import Answer, Asked
from tests.calls.call import Call, Expect, Row, To
from tests.calls.outcome import headers_unlike

DRAWN_OFTEN, SURE_OFTEN = 300, 3
"""How often a call is made: one whose answer is drawn, and every other."""

CONFIDENCE = 1 - 1e-6
"""That a share which is right is not called wrong."""


def asked(row: Row, mark: str = "") -> Asked:
    """The request of a row, as it is sent. mark: what it is remembered by, its row where that is not said."""
    call, count = row.call, DRAWN_OFTEN if len(row.expect.to) > 1 else SURE_OFTEN
    return Asked(
        call.authority, call.path, {**call.headers, **_own(mark or row.id, call)}, call.method, count
    )


def _own(name: str, call: Call) -> dict[str, str]:
    return {CALL: name, **({ONWARD: call.onward} if call.onward else {})}


def wrongs(expect: Expect, answers: Sequence[Answer]) -> list[str]:
    """Every way in which answers are others than expected, in words."""
    found = [text for answer in answers for text in _wrong(expect, answer)]
    counts = Counter(answer.headers.get(WHO, "") for answer in answers)
    return list(dict.fromkeys([*found, *_unbalanced(expect, counts, len(answers))]))


def _wrong(expect: Expect, answer: Answer) -> Iterator[str]:
    who = answer.headers.get(WHO, "")
    if answer.status != expect.status:
        yield f"status {answer.status} from {who or 'a proxy'}, not {expect.status}"
    if who:
        share = next((share for share in expect.to if who in share.members), None)
        yield from _unlike(share, answer) if share else [f"went to {who}"]
    elif expect.to:
        yield f"a proxy answered: {answer.status} {answer.body!r}"
    else:
        yield from _unlike_a_proxy(expect, answer)


def _unlike_a_proxy(expect: Expect, answer: Answer) -> Iterator[str]:
    if answer.headers.get("location", "") != expect.location:
        yield f"location {answer.headers.get('location')!r}, not {expect.location!r}"
    if answer.body.strip() != expect.body:
        yield f"body {answer.body!r}, not {expect.body!r}"
    yield from headers_unlike(expect.gives, answer.headers, "the answer's header")


def _unlike(share: To, answer: Answer) -> Iterator[str]:
    seen = json.loads(answer.body)
    for name, wanted in (("path", share.path), ("host", share.host)):
        if wanted and seen[name] != wanted:
            yield f"the {name} {seen[name]}, not {wanted}"
    yield from headers_unlike(share.sees, seen["headers"], "header")
    yield from headers_unlike(share.gives, answer.headers, "the answer's header")
    if share.then is not None:
        for text in _wrong(share.then, Answer(**seen["then"])):
            yield f"{share.versions} then {text}"


def _unbalanced(expect: Expect, counts: Counter[str], trials: int) -> Iterator[str]:
    for share in expect.to:
        count = sum(counts[member] for member in share.members)
        low, high = (
            interval(trials, min(share.percent / 100, 1.0), CONFIDENCE)
            if share.percent < 100
            else (trials, trials)
        )
        if not low <= count <= high:
            yield f"{count} of {trials} went to {share.versions}, not {low} to {high}"
