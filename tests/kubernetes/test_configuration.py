"""What is kept of the ConfigMaps and Secrets that a template names."""

from __future__ import annotations

import json
from typing import Any

import pytest

from laneway.kubernetes.configuration import (
    COPY_OF,
    Content,
    Copy,
    Reference,
    content,
    copied,
    digest_of,
    frozen,
    references,
)
from laneway.spec.meta import Key

APP = Key("shop", "page")
KEPT = Content(Key("shop", "x"), "1", "1", "abcdef0123", "")


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


def template(**spec: Any) -> dict[str, Any]:
    return {"metadata": {"labels": {"app": "page"}}, "spec": {"containers": [{"name": "page"}], **spec}}


def container(**fields: Any) -> dict[str, Any]:
    return template(containers=[{"name": "page", **fields}])


def variable(field: str) -> dict[str, Any]:
    return container(env=[{"name": "A", "valueFrom": {field: {"name": "x", "key": "a"}}}])


def projected(field: str) -> dict[str, Any]:
    return template(volumes=[{"name": "v", "projected": {"sources": [{field: {"name": "x"}}]}}])


@pytest.mark.parametrize(
    "reads, kind",
    [
        (container(envFrom=[{"configMapRef": {"name": "x"}}]), "ConfigMap"),
        (container(envFrom=[{"prefix": "A_", "secretRef": {"name": "x"}}]), "Secret"),
        (variable("configMapKeyRef"), "ConfigMap"),
        (variable("secretKeyRef"), "Secret"),
        (template(initContainers=[{"name": "i", "envFrom": [{"secretRef": {"name": "x"}}]}]), "Secret"),
        (template(volumes=[{"name": "v", "configMap": {"name": "x"}}]), "ConfigMap"),
        (template(volumes=[{"name": "v", "secret": {"secretName": "x"}}]), "Secret"),
        (projected("configMap"), "ConfigMap"),
        (projected("secret"), "Secret"),
    ],
    ids=[
        "envFrom map", "envFrom secret", "env map", "env secret", "init", "map", "secret", "projected map",
        "projected secret",
    ],
)  # fmt: skip
def test_every_place_where_pods_read_one_leads_to_a_copy(reads: dict[str, Any], kind: str) -> None:
    assert references(reads) == {Reference(kind, "x")}
    found, (copy,) = frozen(APP, reads, lambda *_: KEPT)
    assert references(found) == {Reference(kind, copy.key.name)}
    assert copy == Copy(kind, Key("shop", "page-x-abcdef01"), "x", KEPT.digest)


def test_what_pods_do_not_read_as_configuration_is_left_alone() -> None:
    reads = template(
        containers=[{"name": "page", "env": [{"name": "A", "value": "1"}, {"name": "B", "valueFrom": None}]}],
        volumes=[{"name": "v", "emptyDir": {}}, {"name": "s", "secret": {}}],
        imagePullSecrets=[{"name": "registry"}],
        serviceAccountName="page",
    )
    assert references(reads) == frozenset()
    found, copies = frozen(APP, reads, lambda *_: KEPT)
    assert found is reads and not copies


def test_the_template_that_was_given_is_not_changed() -> None:
    reads = template(volumes=[{"name": "v", "configMap": {"name": "x"}}])
    frozen(APP, reads, lambda *_: KEPT)
    assert references(reads) == {Reference("ConfigMap", "x")}


def test_what_is_not_there_yet_keeps_its_name() -> None:
    """Its pods wait for it, as they do without Laneway."""
    reads = template(volumes=[{"name": "v", "configMap": {"name": "x"}}])
    found, copies = frozen(APP, reads, lambda *_: None)
    assert references(found) == {Reference("ConfigMap", "x")} and not copies


def test_a_copy_is_not_copied() -> None:
    """As an undo has it: the kept template names copies."""
    reads = template(volumes=[{"name": "v", "configMap": {"name": "x"}}])
    of_ours = Content(KEPT.key, KEPT.uid, "1", KEPT.digest, "page")
    assert not frozen(APP, reads, lambda *_: of_ours)[1]


def test_one_that_is_read_twice_is_copied_once() -> None:
    volume = {"name": "v", "configMap": {"name": "x"}}
    reads = template(volumes=[volume, volume | {"name": "w"}])
    assert len(frozen(APP, reads, lambda *_: KEPT)[1]) == 1


def test_a_copy_says_the_same_and_never_changes() -> None:
    source = {"data": {"a": "RVVS"}, "binaryData": {"b": "AA=="}, "type": "Opaque"}
    copy = Copy("Secret", Key("shop", "page-x-abcdef01"), "x", digest_of(source))
    body = copied(APP, copy, source)
    assert body["immutable"] is True
    assert digest_of(body) == digest_of(source)
    assert body["metadata"]["annotations"] == {COPY_OF: "x"}
    assert content(json.dumps(body).encode()).app == "page", "it is known as a copy"
    assert "ownerReferences" not in body["metadata"]
