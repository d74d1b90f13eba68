"""What is asked of whoever is measured. Must not know how anything is measured."""

from __future__ import annotations

from typing import Protocol

from tests.lab.api import Object
from tests.lab.program import Program

from bench.cluster.field import Field


class Contender(Protocol):
    """A controller that brings new versions out.

    name: for people; watched: where the API server lists what tells that an app has arrived;
    profiled: a signal begins a profile of it.
    """

    name: str
    watched: str
    profiled: bool

    async def install(self, field: Field) -> None:
        """Its kinds and its rights."""

    async def start(self, field: Field) -> Program:
        """Its process."""

    def app(self, name: str, replicas: int, version: str) -> list[Object]:
        """What people write for an app."""

    def change(self, name: str, version: str) -> Object:
        """What they merge into it for another version."""

    def arrived(self, body: Object, version: str) -> bool:
        """Whether an object that is watched says that the version has all requests, and nothing moves."""
