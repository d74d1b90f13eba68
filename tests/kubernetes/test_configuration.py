"""What is kept of the ConfigMaps and Secrets that a template names."""

from __future__ import annotations

import json
from typing import Any

import pytest

from laneway.kubernetes.configuration import content, digest_of
from laneway.spec.meta import Key


def configured(**content: Any) -> dict[str, Any]:
    return {"metadata": {"name": "prices", "namespace": "shop"}, **content}


@pytest.mark.parametrize(
    "body",
    [
        configured(),
        configured(data={"currency": "EUR"}),
        configured(data={"currency": "EUR"}, binaryData={"seal": "AA=="}),
        configured(data={"currency": "RVVS"}, type="Opaque"),
    ],
    ids=["empty", "text", "both", "secret"],
)
def test_what_is_heard_has_the_digest_of_the_whole_object(body: dict[str, Any]) -> None:
    heard = content(json.dumps(body).encode())
    assert heard.key == Key("shop", "prices")
    assert heard.digest == digest_of(body)


def test_another_content_is_another_digest() -> None:
    euro, pound = (configured(data={"currency": each}) for each in ("EUR", "GBP"))
    assert digest_of(euro) != digest_of(pound)
