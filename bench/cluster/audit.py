"""Requests that a controller has sent, as the API server itself has noted them: the same count for everybody.

Must not know who is measured.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import orjson
import yaml
from tests.lab.api import Object

READS = frozenset({"get", "list", "watch"})


class Audit:
    """The notes of one API server, in a folder. users: whose requests are noted."""

    def __init__(self, folder: Path, users: list[str]) -> None:
        self._log = folder / "audit.log"
        self._policy = folder / "audit.yaml"
        self._read = 0
        rules: list[Object] = [{"level": "Metadata", "users": users}, {"level": "None"}]
        policy = {
            "apiVersion": "audit.k8s.io/v1",
            "kind": "Policy",
            "omitStages": ["RequestReceived", "ResponseStarted"],
            "rules": rules,
        }
        folder.mkdir(parents=True, exist_ok=True)
        self._policy.write_text(yaml.safe_dump(policy))

    @property
    def flags(self) -> list[str]:
        """For the API server."""
        return [f"--audit-policy-file={self._policy}", f"--audit-log-path={self._log}"]

    def since(self) -> Counter[str]:
        """What was answered since this was last asked: how often each `verb resource[/subresource]`."""
        with self._log.open("rb") as log:
            log.seek(self._read)
            lines = log.read()
        whole = lines[: lines.rfind(b"\n") + 1]
        self._read += len(whole)
        return Counter(filter(None, map(_named, whole.splitlines())))


def _named(line: bytes) -> str:
    event = orjson.loads(line)
    about = event.get("objectRef") or {}
    if about.get("resource") == "leases":  # leadership: as many in a quiet minute
        return ""
    below = f"/{about['subresource']}" if about.get("subresource") else ""
    return f"{event['verb']} {about.get('resource', event['requestURI'])}{below}"


def writes(requests: Counter[str]) -> int:
    """How many requests change something."""
    return changing(requests).total()


def changing(requests: Counter[str]) -> Counter[str]:
    """The requests that change something."""
    return Counter({name: count for name, count in requests.items() if name.split()[0] not in READS})


def gets(requests: Counter[str]) -> int:
    """Requests for one object."""
    return sum(count for name, count in requests.items() if name.split()[0] == "get")
