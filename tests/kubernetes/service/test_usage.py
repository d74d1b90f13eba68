"""What pods use, as the metrics API has it."""

from __future__ import annotations

from typing import Any

import pytest

from laneway.kubernetes.service.pods import Pod
from laneway.kubernetes.service.usage import quantity, usage


@pytest.mark.parametrize(
    ("text", "value"), [("250m", 0.25), ("2", 2), ("1500000n", 0.0015), ("64Mi", 2**26), ("1e3", 1000)]
)
def test_quantities_are_numbers(text: str, value: float) -> None:
    """Cores and bytes."""
    assert quantity(text) == pytest.approx(value)


def test_what_is_no_quantity_is_an_error() -> None:
    """Not zero."""
    with pytest.raises(ValueError, match="no quantity"):
        quantity("many")


def test_a_pod_s_use_is_that_of_its_application() -> None:
    """Its sidecar's is not counted; what is not measured is not known."""
    labels = {"laneway.dev/app": "pharmacy", "laneway.dev/revision": "b"}

    def pod(name: str) -> Pod:
        return Pod({"kind": "Pod", "metadata": {"namespace": "shop", "name": name, "labels": labels}})

    containers: list[dict[str, Any]] = [
        {"name": "app", "usage": {"cpu": "100m", "memory": "1Mi"}},
        {"name": "istio-proxy", "usage": {"cpu": "900m", "memory": "9Mi"}},
    ]
    measured = {"metadata": {"namespace": "shop", "name": "one"}, "containers": containers}
    one, two = usage([pod("one"), pod("two")], [measured])
    assert (one["app"], one["revision"], one["cpu"], one["memory"]) == ("pharmacy", "b", 0.1, 2**20)
    assert (two["cpu"], two["memory"], two["requestsPerSecond"]) == (None, None, None)
