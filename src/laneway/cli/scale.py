"""`laneway scale`: another size, or other bounds for an autoscaler."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, NoReturn

import click

from laneway.cli import options
from laneway.cli.options import Format

if TYPE_CHECKING:
    from laneway.cli.engine import Engine
    from laneway.cli.places import Place
    from laneway.control.status import Json

_COUNT = click.IntRange(min=1)


@click.command(
    "scale",
    epilog=options.example("laneway scale pharmacy --replicas 4 --wait", "laneway scale pharmacy --max 20"),
)
@options.app
@click.option("--replicas", type=click.IntRange(min=0), metavar="N", help="A fixed number of pods.")
@click.option("--min", "least", type=_COUNT, metavar="N", help="The fewest pods of its autoscaler.")
@click.option("--max", "most", type=_COUNT, metavar="N", help="The most pods of its autoscaler.")
@options.wait
@options.timeout("2m")
@options.reason
@options.output
@options.namespace
@options.place
def scale(
    app: str,
    replicas: int | None,
    least: int | None,
    most: int | None,
    wait: bool,
    limit: timedelta,
    reason: str,
    output: Format,
    namespace: str | None,
    place: Place,
) -> None:
    """Change how many pods an app has.

    Changes `scale` of the App, or a Deployment outside any App and its autoscaler, as `laneway apply` would.
    A file that is applied later says it anew.
    """
    from laneway.cli import finding, loading, places
    from laneway.cli.apply import taken_up
    from laneway.cli.output import emit

    bounds = {name: value for name, value in (("min", least), ("max", most)) if value is not None}
    if (replicas is None) == (not bounds):
        raise click.BadParameter("write either --replicas, or --min and --max", param_hint="--replicas")
    with places.connected(place, app) as client:
        status = client.status()
        found = finding.runs(status, app, namespace)
        key = found["namespace"], found["name"]
        if found in status["workloads"]:
            changed = _workload(client, *key, replicas, bounds)
        else:
            changed = _app(finding.single(client.objects("App", *key), "App", app), replicas, bounds)
        changes = loading.send_objects(client, [changed], reason or "laneway scale")
        taken_up(client, changes, wait, limit)
    size = bounds if replicas is None else {"replicas": replicas}
    name = {"kind": changed["kind"], "namespace": key[0], "name": changed["metadata"]["name"]}
    said = ", ".join(f"{field} {value}" for field, value in size.items())
    emit(
        output,
        name | {"scale": size},
        table=lambda: f"{name['kind']} {key[0]}/{name['name']}: {said}",
        names=[f"{changed['kind'].lower()}/{name['name']}"],
    )


def _app(body: Json, replicas: int | None, bounds: dict[str, int]) -> Json:
    """The App with another `scale`."""
    scale = dict(body["spec"].get("scale") or {})
    if replicas is None:
        scale.pop("replicas", None)
        return _changed(body, scale=scale | bounds)
    if replicas == 0:
        raise click.BadParameter("an App has at least 1 pod", param_hint="--replicas")
    if scale.get("metrics"):
        _refuse_fixed(body, replicas)
    kept = {name: value for name, value in scale.items() if name not in ("min", "max")}
    return _changed(body, scale=kept | {"replicas": replicas})


def _workload(
    client: Engine, namespace: str, name: str, replicas: int | None, bounds: dict[str, int]
) -> Json:
    """A Deployment of another size, or its autoscaler with other bounds."""
    from laneway.cli import finding
    from laneway.cli.failure import Failure
    from laneway.spec.problems import Code

    deployment = finding.single(client.objects("Deployment", namespace, name), "Deployment", name)
    scalers = client.objects("HorizontalPodAutoscaler", namespace)
    scaler = next((each for each in scalers if each["spec"]["scaleTargetRef"]["name"] == name), None)
    if replicas is not None:
        if scaler and replicas:
            _refuse_fixed(deployment, replicas)
        return _changed(deployment, replicas=replicas)
    if scaler is None:
        text = f"Deployment {namespace}/{name} has no autoscaler, whose bounds these could be"
        raise Failure(Code.NOT_FOUND, text, "apply a HorizontalPodAutoscaler, or write --replicas")
    return _changed(scaler, **{f"{bound}Replicas": value for bound, value in bounds.items()})


def _refuse_fixed(body: Json, replicas: int) -> NoReturn:
    from laneway.cli.failure import Failure
    from laneway.spec.problems import Code

    name = body["metadata"]["name"]
    text = f"an autoscaler decides how many pods {name} has, and would change {replicas} again"
    raise Failure(Code.SCALE_TWICE, text, f"write: laneway scale {name} --min {replicas} --max {replicas}")


def _changed(body: Json, **spec: object) -> Json:
    from laneway.spec.defaults import without_server_fields

    written = without_server_fields(body)
    if "generation" in body["metadata"]:
        written["metadata"]["generation"] = body["metadata"]["generation"]  # of which this is a change
    return written | {"spec": written["spec"] | spec}
