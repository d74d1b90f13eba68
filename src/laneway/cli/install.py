"""`laneway install`: what a cluster needs of Laneway, printed or applied."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import click

from laneway.cli import options
from laneway.cli.options import Format

if TYPE_CHECKING:
    from laneway.control.status import Json
    from laneway.kubernetes.install.bundle import Options


@click.command(
    "install",
    epilog=options.example(
        "laneway install --dry-run > laneway-install.yaml", "laneway install --cluster stage --image IMAGE"
    ),
)
@click.option("--dry-run", is_flag=True, help="Print the objects as YAML, and ask no cluster.")
@click.option("--crds-only", is_flag=True, help="The kinds alone, without the controller and its rights.")
@click.option(
    "--image", metavar="IMAGE", show_default="laneway:VERSION, this one's", help="Image of the controller."
)
@click.option("--replicas", type=click.IntRange(min=1), default=2, help="Pods of the controller; one leads.")
@click.option("--keda", is_flag=True, help="Let Laneway write ScaledObjects of KEDA too.")
@click.option("--prometheus", metavar="URL", help="Who counts requests, for guardrails of releases.")
@options.cluster
@options.timeout("1m")
@options.output
@options.namespace
def install(
    dry_run: bool,
    crds_only: bool,
    image: str | None,
    replicas: int,
    keda: bool,
    prometheus: str | None,
    cluster: str | None,
    limit: timedelta,
    output: Format,
    namespace: str | None,
) -> None:
    """Install Laneway in a cluster with Istio: its kinds, its rights and its controller.

    It may be run again: what is there is changed to what is said. The namespace is Istio's own, istio-system
    if none is given, since istiod tells only its own namespace what proxies have confirmed.
    """
    from laneway import __version__
    from laneway.kubernetes.install.bundle import Options, bundle
    from laneway.spec.naming import ROOT_NAMESPACE

    chosen = Options(
        image=image or f"laneway:{__version__}",
        namespace=namespace or ROOT_NAMESPACE,
        replicas=replicas,
        keda=keda,
        crds_only=crds_only,
        prometheus=prometheus,
    )
    if dry_run:
        _print(output, bundle(chosen))
    else:
        _show(output, _applied(chosen, cluster, limit))


def _print(output: Format, objects: list[Json]) -> None:
    from laneway.cli.output import as_yaml, emit, listed, names_of

    text = "---\n".join(as_yaml(obj) for obj in objects)
    if output in {Format.TABLE, Format.YAML}:
        click.echo(text, nl=False)
    else:
        emit(output, listed(objects), table=lambda: text, names=names_of(objects))


def _applied(chosen: Options, context: str | None, limit: timedelta) -> list[Json]:
    """What was done to each object. Raises click.ClickException where the cluster does not let us."""
    import anyio

    from laneway.kubernetes.api.access import AccessError
    from laneway.kubernetes.api.errors import ApiError, Unreachable
    from laneway.kubernetes.install.applying import NotEstablishedError

    try:
        return anyio.run(_apply, chosen, context, limit)
    except TimeoutError:
        raise click.ClickException("the cluster did not take everything in time: see --timeout") from None
    except (AccessError, ApiError, Unreachable, NotEstablishedError) as error:
        raise click.ClickException(str(error)) from error


async def _apply(chosen: Options, context: str | None, limit: timedelta) -> list[Json]:
    import anyio

    from laneway.cli.output import say
    from laneway.kubernetes.api.access import access
    from laneway.kubernetes.api.server import Server
    from laneway.kubernetes.install.applying import install as applying
    from laneway.kubernetes.install.bundle import bundle
    from laneway.spec.meta import Key

    way = access(context)
    done: list[Json] = []
    with anyio.fail_after(limit.total_seconds()):
        async with Server.open(way) as server:
            if not chosen.crds_only and await server.get("Namespace", Key("", chosen.namespace)) is None:
                raise click.ClickException(
                    f"{way.context} has no namespace {chosen.namespace}; install Istio first, or name its "
                    "namespace: -n NAME"
                )
            say(f"installing in {way.context}")
            async for manifest, operation in applying(server, bundle(chosen)):
                done.append(_change(manifest, operation))
    return done


def _change(manifest: Json, operation: str) -> Json:
    metadata = manifest["metadata"]
    return {
        "kind": manifest["kind"],
        "namespace": metadata.get("namespace", ""),
        "name": metadata["name"],
        "operation": operation,
    }


def _show(output: Format, changes: list[Json]) -> None:
    from laneway.cli.output import emit, grid

    columns = ("kind", "namespace", "name", "operation")
    emit(
        output,
        {"objects": changes},
        table=lambda: grid(columns, [[change[column] for column in columns] for change in changes]),
        names=[f"{change['kind'].lower()}/{change['name']}" for change in changes],
    )
