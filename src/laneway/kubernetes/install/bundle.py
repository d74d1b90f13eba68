"""Everything that a cluster needs, in the order in which it is applied. Must not know how that is done."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from laneway.kubernetes.confirm.surroundings import witness_sidecar
from laneway.kubernetes.install.admission import policies
from laneway.kubernetes.install.crds import crds
from laneway.kubernetes.install.deployment import REPLICAS, deployment
from laneway.kubernetes.install.rights import rights, roles_for_people
from laneway.kubernetes.places import ACCOUNT
from laneway.spec.naming import ROOT_NAMESPACE

Manifest = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Options:
    """What may be chosen. namespace: Istio's root namespace, from which alone istiod answers questions.

    keda: whether Laneway may write ScaledObjects; crds_only: for who runs the controller elsewhere.
    """

    image: str
    namespace: str = ROOT_NAMESPACE
    replicas: int = REPLICAS
    keda: bool = False
    crds_only: bool = False
    prometheus: str | None = None


def bundle(options: Options) -> list[Manifest]:
    """The objects: kinds first, then who may do what, then the controller.

    The namespace is not one of them: it is Istio's, and who deletes what was installed must not delete it.
    """
    if options.crds_only:
        return crds()
    return [
        *crds(),
        *policies(options.namespace, ACCOUNT),
        witness_sidecar(options.namespace),
        *rights(options.namespace, keda=options.keda),
        *roles_for_people(),
        *deployment(options.namespace, options.image, options.replicas, options.prometheus),
    ]
