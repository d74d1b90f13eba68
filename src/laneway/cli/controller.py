"""`laneway controller`: what acts in a cluster, as a process."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from laneway.cli import options

if TYPE_CHECKING:
    from laneway.kubernetes.run import Options

PORT = click.IntRange(1, 65_535)


@click.command(
    "controller", epilog=options.example("laneway controller", "laneway controller --cluster stage -n istio")
)
@click.option("--host", metavar="ADDRESS", show_default="127.0.0.1; in a pod all", help="Where to listen.")
@click.option("--health-port", type=PORT, metavar="PORT", default=8081, help="Of /healthz and /readyz.")
@click.option("--metrics-port", type=PORT, metavar="PORT", default=8080, help="Of /metrics.")
@click.option(
    "--token-file",
    type=click.Path(path_type=Path),
    metavar="PATH",
    show_default="where laneway install mounts it",
    help="Token for istiod; where there is none, the API server is asked for one.",
)
@click.option(
    "--prometheus",
    metavar="URL",
    show_default="nobody",
    help="Who counts requests, for guardrails: the Prometheus that scrapes the proxies.",
)
@click.option(
    "--prometheus-token",
    type=click.Path(path_type=Path),
    metavar="PATH",
    help="File of a bearer token for it.",
)
@click.option(
    "--log-format",
    type=click.Choice(["text", "json"]),
    show_default="text; in a pod json",
    help="How to write what happens, on standard error.",
)
@options.cluster
@options.namespace
def controller(
    host: str | None,
    health_port: int,
    metrics_port: int,
    token_file: Path | None,
    prometheus: str | None,
    prometheus_token: Path | None,
    log_format: str | None,
    cluster: str | None,
    namespace: str | None,
) -> None:
    """Act in a cluster: watch Apps, Lanes and Releases, and make true what they say.

    Several may run; one leads, and another takes over when it ends. The cluster is the one in which it runs,
    or that of the kubeconfig. The namespace is Istio's own. SIGTERM ends it, and lets another lead at once.
    """
    import os

    from laneway.cli import places
    from laneway.control.metrics.prometheus import Source
    from laneway.kubernetes.api.access import inside
    from laneway.kubernetes.run import CERTIFICATE_FILE, TOKEN_FILE, Options
    from laneway.kubernetes.writing_logs import write_logs
    from laneway.spec.naming import ROOT_NAMESPACE

    in_a_pod = cluster is None and inside(os.environ)
    write_logs(as_json=(log_format or ("json" if in_a_pod else "text")) == "json")
    _run(
        Options(
            access=places.cluster(cluster).access,
            identity=identity(),
            root=namespace or os.environ.get("POD_NAMESPACE") or ROOT_NAMESPACE,
            token=token_file or TOKEN_FILE,
            certificate=CERTIFICATE_FILE,
            host=host or ("0.0.0.0" if in_a_pod else "127.0.0.1"),
            health_port=health_port,
            metrics_port=metrics_port,
            prometheus=Source(prometheus, prometheus_token) if prometheus else None,
        )
    )


def identity() -> str:
    """The name of this process in the Lease: the pod's, or the machine's with something of its own."""
    import os
    import secrets
    import socket

    return os.environ.get("POD_NAME") or f"{socket.gethostname()}-{secrets.token_hex(4)}"


def _run(chosen: Options) -> None:
    """Run until SIGTERM or SIGINT. Raises Failure where it cannot begin."""
    import asyncio

    from laneway.cli.failure import Failure
    from laneway.kubernetes.api.credentials import AccessError
    from laneway.kubernetes.api.errors import ApiError, Unreachable
    from laneway.kubernetes.trust import NotTrustedError
    from laneway.spec.problems import Code

    try:
        asyncio.run(_until_ended(chosen))
    except NotTrustedError as error:
        raise Failure(Code.NOT_INSTALLED, str(error)) from None
    except (AccessError, ApiError, Unreachable) as error:
        raise Failure(Code.NO_CLUSTER, f"{chosen.access.context}: {error}") from None
    except OSError as error:
        raise Failure(
            Code.PORT_TAKEN, str(error), "choose others: --health-port PORT, --metrics-port PORT"
        ) from None


async def _until_ended(chosen: Options) -> None:
    import asyncio
    import signal
    from contextlib import suppress

    from laneway.kubernetes.run import run

    running = asyncio.ensure_future(run(chosen))
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, running.cancel)
    with suppress(asyncio.CancelledError):
        await running
