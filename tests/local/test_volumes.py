"""The files of pods' volumes."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from tests.local.samples import changed, pod

from laneway.local.container.references import Find, MissingValueError
from laneway.local.container.volumes import File, Mount, Volumes, contents
from laneway.local.pod.pods import Pod
from laneway.spec.kubernetes import Container
from laneway.spec.kubernetes.volume import Volume
from laneway.spec.meta import Key

STORED = {
    ("ConfigMap", "colors"): {"a.conf": b"green", "b.conf": b"blue"},
    ("Secret", "keys"): {"pin": b"77"},
}


def finding(stored: Mapping[tuple[str, str], Mapping[str, bytes]]) -> Find:
    """A namespace with these values."""
    return lambda kind, name: stored.get((kind, name))


FIND = finding(STORED)


def volume(**said: Any) -> Volume:
    """A volume `v` of this kind."""
    return Volume.model_validate({"name": "v"} | said)


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ({"configMap": {"name": "colors"}}, {"a.conf": ("green", 0o644), "b.conf": ("blue", 0o644)}),
        (
            {
                "configMap": {
                    "name": "colors",
                    "defaultMode": 0o600,
                    "items": [{"key": "a.conf", "path": "x/y"}],
                }
            },
            {"x/y": ("green", 0o600)},
        ),
        ({"secret": {"secretName": "keys"}}, {"pin": ("77", 0o400)}),
        (
            {"secret": {"secretName": "keys", "items": [{"key": "pin", "path": "p", "mode": 0o440}]}},
            {"p": ("77", 0o440)},
        ),
        ({"configMap": {"name": "no", "optional": True}}, {}),
        ({"emptyDir": {}}, {}),
        (
            {"downwardAPI": {"items": [{"path": "name", "fieldRef": {"fieldPath": "metadata.name"}}]}},
            {"name": ("web-abcde", 0o644)},
        ),
        (
            {
                "projected": {
                    "sources": [
                        {"configMap": {"name": "colors", "items": [{"key": "a.conf", "path": "a"}]}},
                        {"secret": {"name": "keys"}},
                        {
                            "downwardAPI": {
                                "items": [{"path": "ip", "fieldRef": {"fieldPath": "status.podIP"}}]
                            }
                        },
                    ]
                }
            },
            {"a": ("green", 0o644), "pin": ("77", 0o400), "ip": ("127.64.1.0", 0o644)},
        ),
    ],
)
def test_a_volume_has_a_file_for_each_value(
    said: dict[str, Any], expected: dict[str, tuple[str, int]]
) -> None:
    """A Secret's for nobody else's eyes, unless it says otherwise."""
    found = contents(volume(**said), pod(), FIND)
    assert found == {path: File(text.encode(), mode) for path, (text, mode) in expected.items()}


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ({"secret": {"secretName": "no"}}, "there is no Secret no: apply it, or write `optional: true`"),
        (
            {"configMap": {"name": "colors", "items": [{"key": "c", "path": "c"}]}},
            "ConfigMap colors has no key c: add it, or `optional: true`",
        ),
    ],
)
def test_what_is_missing_is_named(said: dict[str, Any], message: str) -> None:
    """As at check time."""
    with pytest.raises(MissingValueError, match=f"^{message}$"):
        contents(volume(**said), pod(), FIND)


def with_volumes() -> Pod:
    """A pod that sees three volumes."""
    mounts = [
        {"name": "colors", "mountPath": "/etc/colors"},
        {"name": "keys", "mountPath": "/etc/keys"},
        {"name": "scratch", "mountPath": "/scratch", "subPath": "mine"},
    ]
    volumes = [
        {"name": "colors", "configMap": {"name": "colors"}},
        {"name": "keys", "secret": {"secretName": "keys"}},
        {"name": "scratch", "emptyDir": {}},
    ]
    return changed(
        pod(),
        container=Container.model_validate({"name": "main", "volumeMounts": mounts}),
        volumes=[Volume.model_validate(each) for each in volumes],
    )


def test_files_are_written_for_the_owner_alone(tmp_path: Path) -> None:
    """And what is not an emptyDir can only be read."""
    given, folder = with_volumes(), tmp_path / "shop_web-abcde"
    assert Volumes(tmp_path).mounts(given, FIND) == [
        Mount(folder / "colors", "/etc/colors", read_only=True),
        Mount(folder / "keys", "/etc/keys", read_only=True),
        Mount(folder / "scratch/mine", "/scratch", read_only=False),
    ]
    assert folder.stat().st_mode & 0o777 == 0o700
    assert (folder / "keys/pin").stat().st_mode & 0o777 == 0o400
    assert (folder / "keys/pin").read_bytes() == b"77"
    assert (folder / "scratch/mine").is_dir()


def test_files_follow_their_values_while_the_pod_runs(tmp_path: Path) -> None:
    """Changed, added and removed ones; what the pod wrote itself stays, as do files whose source is gone."""
    given, folder, volumes = with_volumes(), tmp_path / "shop_web-abcde", Volumes(tmp_path)
    volumes.mounts(given, FIND)
    (folder / "scratch/mine/own").write_text("x")
    volumes.update(given, finding({("ConfigMap", "colors"): {"a.conf": b"red", "c.conf": b"white"}}))
    there = {path.name: path.read_text() for path in (folder / "colors").iterdir()}
    assert there == {"a.conf": "red", "c.conf": "white"}
    assert (folder / "keys/pin").read_bytes() == b"77"
    assert (folder / "scratch/mine/own").read_text() == "x"


def test_files_go_with_their_pod(tmp_path: Path) -> None:
    """Also with one that went while nobody looked."""
    volumes = Volumes(tmp_path)
    volumes.mounts(with_volumes(), FIND)
    volumes.keep([Key("shop", "web-abcde")])
    assert (tmp_path / "shop_web-abcde").exists()
    volumes.keep([])
    assert not list(tmp_path.iterdir())
    volumes.remove(Key("shop", "web-abcde"))


def test_a_part_of_a_volume_that_is_not_there_is_named(tmp_path: Path) -> None:
    """By the mount that wants it."""
    mounts = [{"name": "colors", "mountPath": "/etc/colors", "subPath": "d.conf"}]
    given = changed(
        with_volumes(), container=Container.model_validate({"name": "main", "volumeMounts": mounts})
    )
    with pytest.raises(MissingValueError, match=r"volume colors has no d\.conf: correct `subPath`"):
        Volumes(tmp_path).mounts(given, FIND)
