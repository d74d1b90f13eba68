"""A Service may say its address, but not that it has none."""

from __future__ import annotations

import pytest

from laneway.spec.load import Source, load


def texts(address: str) -> list[str]:
    spec = f"spec: {{clusterIP: {address}, ports: [{{port: 80}}]}}"
    text = f"apiVersion: v1\nkind: Service\nmetadata: {{name: web}}\n{spec}\n"
    return [problem.text for problem in load([Source("web.yaml", text)]).problems]


def test_a_service_may_say_its_address() -> None:
    assert texts("10.96.7.7") == []


@pytest.mark.parametrize(
    ("address", "said"), [("None", "headless"), ("10.96.7", "10.96.7"), ("fd00::1", "fd00::1")]
)
def test_what_is_no_address_of_its_own_is_refused(address: str, said: str) -> None:
    (text,) = texts(f'"{address}"')
    assert said in text
