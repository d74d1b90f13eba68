"""What every pod of a node shares. Must not know any one pod."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.lab.api import Api
from tests.lab.node.images import Images
from tests.lab.node.network import Network

from laneway.local.container.volumes import Volumes
from laneway.spec.meta import Key


@dataclass(frozen=True, slots=True)
class Surroundings:
    """run: the folder of sockets, which applications find empty; find: a ConfigMap or a Secret as it is now.

    secrets: the socket that Envoys get their certificates from; istiods: for the next Envoy, the first to be
    asked first.
    """

    api: Api
    authority: Path
    network: Network
    images: Images
    node: str
    run: Path
    logs: Path
    secrets: Path
    volumes: Volumes
    find: Callable[[str, Key], Mapping[str, Any] | None]
    istiods: Callable[[], Sequence[str]]
