"""Objects as they are compared and exported: what people mean by them, on one machine or on a cluster.

Must not print, nor know any command.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from laneway.spec.defaults import with_defaults, without_server_fields
from laneway.spec.load import Ref, parse
from laneway.spec.meta import key_of
from laneway.spec.world import FOLDER

if TYPE_CHECKING:
    from laneway.cli.engine import Engine
    from laneway.cli.loading import Batch
    from laneway.control.status import Json

_KEPT_BY_OTHERS = frozenset({"finalizers", "ownerReferences", "generateName", "deletionTimestamp"})
"""Fields of metadata that are somebody's bookkeeping."""


def both(client: Engine, batch: Batch, stored: Iterable[Json]) -> tuple[dict[Ref, Json], dict[Ref, Json]]:
    """The objects of a batch as they are stored, as far as they are, and as they would be.

    A cluster is asked for both, so that its defaults are in both; of one machine the models know them.
    Raises ApiError where the cluster refuses one.
    """
    if client.on_cluster:
        given = client.trial(batch.objects())
        there = {ref_of(body): portable(body) for body in client.stored(batch.objects())}
        return there, {ref_of(body): portable(body) for body in given}
    before = {ref_of(body): shown(body) for body in stored}
    after = {ref_of(body): shown(body) for body in batch.objects()}
    return {ref: body for ref, body in before.items() if ref in after}, after


def ref_of(body: Json) -> Ref:
    """What names an object."""
    return body["kind"], key_of(body)


def shown(body: Json) -> Json:
    """An object as it is meant: with its defaults, without what the store sets and where it was read."""
    return with_defaults(parse(portable(body)))


def portable(body: Json) -> Json:
    """As somebody would write it, in any folder, and for any cluster."""
    from laneway.kubernetes.service.applying import BY, REASON
    from laneway.kubernetes.template_hold import HELD, is_held, size_of

    written: dict[str, Any] = without_server_fields(body)
    if body["kind"] == "Deployment" and is_held(body) and HELD in (body["metadata"].get("annotations") or {}):
        written["spec"] = written["spec"] | {"replicas": size_of(body)}
    said = written["metadata"].get("annotations") or {}
    annotations = {name: value for name, value in said.items() if name not in {FOLDER, BY, REASON, HELD}}
    metadata = {name: value for name, value in written["metadata"].items() if name not in _KEPT_BY_OTHERS}
    written["metadata"] = {name: value for name, value in metadata.items() if name != "annotations"}
    if annotations:
        written["metadata"]["annotations"] = annotations
    return written
