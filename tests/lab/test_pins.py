"""The pins in `modules/`: what they name, and when they ask for a new build."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from tests.lab import cache, pins
from tests.lab.pins import EVERY, Module


def test_every_program_that_the_lab_starts_is_built_from_a_pin() -> None:
    programs = {program for module in EVERY if not module.peer for program in module.packages}
    assert programs == {
        "etcd",
        "kube-apiserver",
        "kube-controller-manager",
        "kubectl",
        "kwok",
        "pilot-discovery",
    }


def test_kubernetes_is_told_its_version() -> None:
    kubernetes = next(module for module in EVERY if module.name == "kubernetes")
    version = kubernetes.version("k8s.io/kubernetes")
    assert kubernetes.linker_flags() == f"-s -w -X k8s.io/component-base/version.gitVersion={version}"


def test_every_folder_of_pins_is_known() -> None:
    assert {path.name for path in pins.MODULES.iterdir()} == {module.name for module in EVERY}


def test_other_pins_are_another_build(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    etcd = Module("etcd")
    before = etcd.key()
    shutil.copytree(pins.MODULES / "etcd", tmp_path / "etcd")
    monkeypatch.setattr(pins, "MODULES", tmp_path)
    assert etcd.key() == before
    with (tmp_path / "etcd" / "go.sum").open("a") as sums:
        sums.write("\n")
    assert etcd.key() != before


def test_a_program_that_is_not_built_is_named_with_what_builds_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LANEWAY_LAB_CACHE", str(tmp_path))
    with pytest.raises(cache.NotBuilt, match="no kube-apiserver: `make lab` gets it"):
        cache.program("kube-apiserver")
    with pytest.raises(cache.NotBuilt, match=r"no flagger-crds.yaml: .*--peers"):
        cache.document("flagger-crds.yaml")
