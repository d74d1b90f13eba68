"""The definitions: names, columns, subresources."""

from __future__ import annotations

import json
from typing import Any

from laneway.kubernetes.api.kinds import RESOURCES
from laneway.kubernetes.install.crds import KINDS, crds

ANNOTATION_BYTES_MAX = 262_144
"""Of all annotations of an object: kubectl's client-side apply keeps what it applied in one."""


def by_kind() -> dict[str, dict[str, Any]]:
    """The specs of the definitions."""
    return {each["spec"]["names"]["kind"]: each["spec"] for each in crds()}


def test_kinds_are_where_the_engine_looks_for_them() -> None:
    """Group, version, plural and scope are those of the client."""
    for kind, spec in by_kind().items():
        resource = RESOURCES[kind]
        assert (spec["group"], spec["names"]["plural"]) == (resource.group, resource.plural)
        assert [version["name"] for version in spec["versions"]] == [resource.version]
        assert (spec["scope"] == "Namespaced") == resource.namespaced


def test_names_for_people() -> None:
    """Short names do not meet those of others, and `kubectl get laneway` lists everything."""
    names = {kind: spec["names"] for kind, spec in by_kind().items()}
    shorts = {kind: each["shortNames"] for kind, each in names.items()}
    assert shorts == {"App": ["lwapp"], "Lane": ["lwlane"], "Mesh": ["lwmesh"], "Release": ["lwrel"]}
    assert all(each["categories"] == ["laneway"] for each in names.values())


def test_status_is_a_subresource() -> None:
    """Who may write an App may not thereby write its status."""
    for spec in by_kind().values():
        assert spec["versions"][0]["subresources"]["status"] == {}


def test_definitions_fit_into_an_annotation() -> None:
    """So that `kubectl apply -f` works without --server-side."""
    for definition in crds():
        assert len(json.dumps(definition)) < ANNOTATION_BYTES_MAX / 2


def test_each_kind_says_what_it_is() -> None:
    """In a sentence that begins with its name."""
    for kind in KINDS:
        name = kind.model.__name__
        assert kind.about.split()[:2][-1] == name and kind.about.endswith(".")
