"""Values that a template refers to."""

from __future__ import annotations

from typing import Any

import pytest
from tests.local.samples import changed, pod

from laneway.local.container.containers import Command, application
from laneway.local.container.references import CannotStartError, MissingValueError, finder
from laneway.local.pod.pods import Pod
from laneway.spec.kubernetes import Container
from laneway.spec.meta import Key

STORED = {
    ("ConfigMap", Key("shop", "colors")): {
        "apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "colors", "namespace": "shop"},
        "data": {"COLOR": "green", "HOST": "0.0.0.0"}, "binaryData": {"ZERO": "AA=="},
    },
    ("Secret", Key("shop", "keys")): {
        "apiVersion": "v1", "kind": "Secret", "metadata": {"name": "keys", "namespace": "shop"},
        "data": {"PASSWORD": "JChDT0xPUik="},
    },
}  # fmt: skip
FIND = finder(lambda kind, key: STORED.get((kind, key)), "shop")


def with_container(**fields: Any) -> Pod:
    """A pod whose container says this."""
    return changed(pod(), container=Container.model_validate({"name": "main"} | fields))


def variables(**fields: Any) -> dict[str, str]:
    """What the pod's application gets."""
    return dict(application(with_container(**fields), Command(["serve"]), FIND).env)


def key_of(kind: str, name: str, key: str, **more: Any) -> dict[str, Any]:
    """A variable A of a key."""
    return {"name": "A", "valueFrom": {f"{kind}KeyRef": {"name": name, "key": key, **more}}}


def test_variables_have_the_values_of_keys_which_later_ones_may_refer_to() -> None:
    """A value from elsewhere is not itself expanded."""
    env = [key_of("secret", "keys", "PASSWORD"), {"name": "B", "value": "<$(A)>"}]
    found = variables(env=env)
    assert (found["A"], found["B"]) == ("$(COLOR)", "<$(COLOR)>")


def test_a_whole_object_is_imported_with_a_prefix_before_the_containers_own() -> None:
    """Which win over it; where the application listens is not for it to say."""
    group = {"prefix": "X_", "secretRef": {"name": "keys"}}
    plain = {"configMapRef": {"name": "colors"}}
    with pytest.raises(CannotStartError, match="variable ZERO contains a zero byte: mount the value"):
        variables(envFrom=[plain])
    STORED["ConfigMap", Key("shop", "text")] = STORED["ConfigMap", Key("shop", "colors")] | {"binaryData": {}}
    plain = {"configMapRef": {"name": "text"}}
    found = variables(envFrom=[group, plain], env=[{"name": "COLOR", "value": "not $(COLOR)"}])
    assert found["X_PASSWORD"] == "$(COLOR)"
    assert found["COLOR"] == "not green"
    assert found["HOST"] == "127.64.33.0"


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("metadata.name", "web-abcde"),
        ("metadata.namespace", "shop"),
        ("metadata.labels['laneway.dev/app']", "web"),
        ("metadata.annotations['none']", ""),
        ("status.podIP", "127.64.1.0"),
        ("spec.nodeName", "localhost"),
    ],
)
def test_a_variable_may_be_a_field_of_the_pod(path: str, expected: str) -> None:
    """By its path."""
    env = [{"name": "A", "valueFrom": {"fieldRef": {"fieldPath": path}}}]
    assert variables(env=env)["A"] == expected


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        (
            {"env": [key_of("secret", "no", "K")]},
            "there is no Secret no: apply it, or write `optional: true`",
        ),
        (
            {"env": [key_of("configMap", "colors", "SIZE")]},
            "ConfigMap colors has no key SIZE: add it, or write `optional: true`; "
            "its keys are COLOR, HOST, ZERO",
        ),
        (
            {"envFrom": [{"configMapRef": {"name": "no"}}]},
            "there is no ConfigMap no: apply it, or write `optional: true`",
        ),
    ],
)
def test_what_is_missing_is_named(fields: dict[str, Any], message: str) -> None:
    """With Kubernetes' word for it."""
    with pytest.raises(MissingValueError) as failure:
        variables(**fields)
    assert str(failure.value) == message
    assert failure.value.trouble == "CreateContainerConfigError"


def test_what_is_optional_may_be_missing() -> None:
    """The variable is unset, then."""
    found = variables(
        env=[key_of("secret", "keys", "NO", optional=True)],
        envFrom=[{"secretRef": {"name": "no", "optional": True}}],
    )
    assert "A" not in found
