"""The lab's own tests use its fixtures."""

from tests.lab.fixtures import anyio_backend, lab, namespace

__all__ = ["anyio_backend", "lab", "namespace"]
