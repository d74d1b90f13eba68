"""One node for all tests of this folder that want one."""

from tests.lab.node.fixtures import node

__all__ = ["node"]
