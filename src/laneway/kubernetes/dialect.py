"""How a cluster has objects: with defaults, normalised, and with rules that bear a marker.

Owns when a stored object is what a manifest says. Must not know how it is written.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from hashlib import sha256
from typing import Any

import orjson

from laneway.control.observe import Body
from laneway.kubernetes.confirm.markers import marked
from laneway.spec.meta import Key, key_of

WHOLE = frozenset({"selector", "matchLabels"})
"""Maps in which a further entry changes the meaning."""


ALIKE_MAX = 10_000
"""Comparisons that are remembered, about 300 bytes each."""

DIGESTS_MAX = 1_000
"""Digests that are remembered, with what they are of: about 700 bytes each."""

WRITTEN = "laneway.dev/written"
"""Annotation: digests of the labels and the spec that were written last; tells our changes from others'."""

AS_SENT = frozenset({"VirtualService", "DestinationRule"})
"""Kinds that the API server keeps as they were sent: nothing of their spec is added or written otherwise."""


def formed(manifest: dict[str, Any]) -> dict[str, Any]:
    """A manifest as it is written: with its digest, the rules of a VirtualService with a marker."""
    if manifest["kind"] == "VirtualService":
        spec, _ = marked(key_of(manifest), manifest["spec"])
        manifest = manifest | {"spec": spec}
    metadata = manifest["metadata"]
    annotations = metadata.get("annotations", {}) | {WRITTEN: _content(manifest)}
    return manifest | {"metadata": metadata | {"annotations": annotations}}


def _content(manifest: Body) -> str:
    """The digests of what is wanted; of a Deployment without its size, which changes by itself."""
    spec = (_unsized(manifest) if manifest["kind"] == "Deployment" else manifest).get("spec")
    return f"{_short(manifest['metadata'].get('labels'))}.{_short(spec)}"


def _short(value: Any) -> str:
    return _digest_of(orjson.dumps(value or {}))


@lru_cache(maxsize=DIGESTS_MAX)
def _digest_of(value: bytes) -> str:
    """Of a value as JSON. Most manifests are the same in one pass after the other."""
    kept = _as_kept(orjson.loads(value))
    return sha256(orjson.dumps(kept, option=orjson.OPT_SORT_KEYS)).hexdigest()[:12]


def _as_kept(value: Any) -> Any:
    """The value with numbers as the API server writes them: 5.0 as 5."""
    match value:
        case Mapping():
            return {name: _as_kept(each) for name, each in value.items()}
        case list() | tuple():
            return [_as_kept(each) for each in value]
        case float() if value.is_integer():
            return int(value)
    return value


def is_drift(stored: Body | None, manifest: Body) -> bool:
    """Whether an object is not what its manifest says only because somebody else has changed it since.

    A Deployment of another size alone was not: its size is not in the digest, for releases change it.
    """
    if stored is None or (manifest["kind"] == "Deployment" and covers(stored, _unsized(manifest))):
        return False
    return bool(_written(stored) == manifest["metadata"]["annotations"][WRITTEN])


def is_edited(stored: Body | None) -> bool:
    """Whether rules are not as they were written.

    They are planned from those that stand, so a manifest may follow an edit, and differ from both.
    """
    if stored is None or stored["kind"] not in AS_SENT or not (written := _written(stored)):
        return False
    return written.rpartition(".")[2] != _short(stored.get("spec"))


def _written(stored: Body) -> str:
    return str((stored["metadata"].get("annotations") or {}).get(WRITTEN, ""))


def _unsized(deployment: Body) -> Body:
    spec = {name: value for name, value in deployment["spec"].items() if name != "replicas"}
    return {**deployment, "spec": spec}


def covers(stored: Any, wanted: Any, name: str = "") -> bool:
    """Whether a stored value is the wanted one, apart from fields that nobody has asked for."""
    if stored == wanted:  # most of it is, and that costs little to find out
        return True
    if stored is None:
        return isinstance(wanted, dict | list | tuple) and not wanted
    if isinstance(wanted, dict):
        if not isinstance(stored, dict) or (name in WHOLE and stored.keys() != wanted.keys()):
            return False
        return all(covers(stored.get(field), value, field) for field, value in wanted.items())
    if isinstance(wanted, list | tuple):
        same_size = isinstance(stored, list) and len(stored) == len(wanted)
        return same_size and all(covers(*pair) for pair in zip(stored, wanted, strict=True))
    return False


class Normalised:
    """What the API server has made of our manifests where it writes values otherwise (`0.5` as `500m`).

    Learned from its answers; without an answer of this life the object is written once more.
    """

    def __init__(self) -> None:
        self._known: dict[tuple[str, Key], tuple[bytes, str]] = {}
        self._alike: dict[tuple[str, Key], tuple[int, int]] = {}
        """What was the same when it was last compared: to hash both costs a tenth of comparing them."""

    def learn(self, manifest: Body, answer: Body) -> None:
        """The API server took this manifest, and answered with the object."""
        known = manifest["kind"], key_of(manifest)
        if covers(answer, manifest):
            self._known.pop(known, None)
        else:
            self._known[known] = _digest(manifest), _state(answer)

    def same(self, stored: Body | None, manifest: Body) -> bool:
        """Whether an object, as it is stored, is what the manifest says."""
        if stored is None:
            return False
        known, said = (manifest["kind"], key_of(manifest)), (_said(stored), hash(orjson.dumps(manifest)))
        if self._alike.get(known) == said:
            return True
        found = self._known.get(known)
        if covers(stored, manifest) or (found and found == (_digest(manifest), _state(stored))):
            self._remember(known, said)
            return True
        return False

    def _remember(self, known: tuple[str, Key], said: tuple[int, int]) -> None:
        self._alike.pop(known, None)
        self._alike[known] = said
        if len(self._alike) > ALIKE_MAX:
            del self._alike[next(iter(self._alike))]


def _digest(manifest: Body) -> bytes:
    return sha256(orjson.dumps(manifest, option=orjson.OPT_SORT_KEYS)).digest()


def _said(stored: Body) -> int:
    """Changes with everything in an object but its status and its bookkeeping."""
    metadata = stored["metadata"]
    rest = [value for name, value in stored.items() if name not in {"metadata", "status"}]
    return hash(orjson.dumps([metadata.get("labels"), metadata.get("annotations"), rest]))


def _state(stored: Body) -> str:
    """Changes with each change of what is wanted; of kinds without a generation, with any."""
    metadata = stored["metadata"]
    return str(metadata.get("generation") or metadata["resourceVersion"])
