"""Pods of the world, as the mesh knows them, and the callers that the table names."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from tests.calls.world import IMAGES, UNREADY, Made

from laneway.mesh.world import Pod
from laneway.spec.images import repository_of, tag_of

Body = Mapping[str, Any]


def version_of(spec: Body) -> str:
    """Of a pod's spec: `pharmacy:1`; empty for a gateway's."""
    image: str = spec["containers"][0].get("image") or ""
    repository = repository_of(image)
    return f"{repository.removeprefix(IMAGES + '/')}:{tag_of(image)}" if repository.startswith(IMAGES) else ""


def pods(
    made: Made, address: str = "127.0.0.1", ports: Mapping[str, Mapping[int, int]] | None = None
) -> list[Pod]:
    """One for each replica. ports: by pod's name, where each container port is; as they are by default."""
    found = []
    for workload in made.workloads:
        spec = workload["spec"]["template"]["spec"]
        own = [each["containerPort"] for each in spec["containers"][0]["ports"]]
        for number in range(workload["spec"]["replicas"]):
            name = f"{workload['metadata']['name']}-{number}"
            found.append(
                Pod(
                    workload["metadata"]["namespace"],
                    name,
                    workload["spec"]["template"]["metadata"]["labels"],
                    address,
                    ports[name] if ports else {port: port for port in own},
                    ready=not version_of(spec).endswith(f":{UNREADY}"),
                )
            )
    return found


def versions(made: Made) -> dict[str, str]:
    """By pod's name, the version that it is of."""
    return {
        f"{workload['metadata']['name']}-{number}": version_of(workload["spec"]["template"]["spec"])
        for workload in made.workloads
        for number in range(workload["spec"]["replicas"])
    }


def of_version(found: Iterable[Pod], named: Mapping[str, str], version: str) -> Pod:
    """The first pod of a version. Raises StopIteration."""
    return next(pod for pod in found if named[pod.name] == version)
