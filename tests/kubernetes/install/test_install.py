"""`laneway install`: what it prints, and what it does to a real cluster.

`UPDATE_GOLDEN=1 pytest tests/kubernetes/install` writes the golden file anew: read the diff first.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

import anyio.to_thread
import pytest
import yaml
from click.testing import CliRunner, Result
from tests.kubernetes.install.cluster import Cluster

from laneway import __version__
from laneway.cli.install import install
from laneway.kubernetes.install.bundle import Options, bundle

GOLDEN = Path(__file__).parent / "golden" / "install.yaml"


def run(*arguments: str, **environment: str) -> Result:
    """The command by itself."""
    return CliRunner().invoke(install, arguments, env=environment)


async def run_on(cluster: Cluster, *arguments: str) -> Result:
    """The command against a cluster, which goes on meanwhile."""
    return await anyio.to_thread.run_sync(lambda: run(*arguments, KUBECONFIG=str(cluster.lab.kubeconfig)))


def test_what_is_printed_is_the_golden_file() -> None:
    """Every change of what is installed shows in review."""
    printed = run("--dry-run", "--image", "laneway:golden").stdout
    if os.environ.get("UPDATE_GOLDEN"):
        GOLDEN.write_text(printed)
    assert printed == GOLDEN.read_text()


def test_what_is_printed_is_what_would_be_applied() -> None:
    """Document by document, in this order."""
    printed = list(yaml.safe_load_all(run("--dry-run", "--keda", "--replicas", "3").stdout))
    assert printed == bundle(Options(image=f"laneway:{__version__}", replicas=3, keda=True))


def test_kinds_come_first_and_the_controller_last() -> None:
    """Who applies from top to bottom needs no second try."""
    kinds = [each["kind"] for each in bundle(Options(image="a"))]
    assert kinds[0] == "CustomResourceDefinition"
    assert kinds.index("ServiceAccount") < kinds.index("Deployment")


def test_the_kinds_alone() -> None:
    """For who may only install these, or runs the controller elsewhere."""
    printed = json.loads(run("--dry-run", "--crds-only", "-o", "json").stdout)
    assert {each["kind"] for each in printed["items"]} == {"CustomResourceDefinition"}
    assert run("--dry-run", "--crds-only", "-o", "name").stdout.split() == [
        f"customresourcedefinition/{plural}.laneway.dev" for plural in ("apps", "lanes", "meshes", "releases")
    ]


def test_another_namespace_is_said_everywhere() -> None:
    """Accounts, bindings and the policy that knows the account."""
    printed = run("--dry-run", "-n", "mesh-root").stdout
    assert "istio-system" not in printed
    assert "system:serviceaccount:mesh-root:laneway" in printed


def test_no_namespace_is_installed() -> None:
    """Who deletes what was installed must not delete Istio with it."""
    assert all(each["kind"] != "Namespace" for each in bundle(Options(image="a")))


def test_where_there_is_no_kubeconfig_the_command_says_so(tmp_path: Path) -> None:
    """In a line, and with exit code 1."""
    result = run(KUBECONFIG=str(tmp_path / "none"))
    assert result.exit_code == 1
    assert result.stderr.startswith("Error: ") and "none" in result.stderr


@pytest.mark.cluster
async def test_installing_again_changes_nothing(cluster: Cluster) -> None:
    """And says so."""
    assert set(cluster.operations.values()) == {"created"}
    result = await run_on(cluster, "--image", "laneway:test", "--keda", "-o", "json")
    assert result.exit_code == 0, result.stderr
    done = json.loads(result.stdout)["objects"]
    assert {each["operation"] for each in done} == {"unchanged"}
    assert len(done) == len(cluster.operations)


@pytest.mark.cluster
async def test_installing_again_takes_back_what_was_changed(cluster: Cluster) -> None:
    """What is said holds, whoever has written there meanwhile."""
    await cluster.lab.kubectl("scale", "deployment", "laneway", "-n", "istio-system", "--replicas=0")
    result = await run_on(cluster, "--image", "laneway:test", "--keda", "--cluster", "lab", "-o", "json")
    done = {(each["kind"], each["name"]): each["operation"] for each in json.loads(result.stdout)["objects"]}
    assert [name for name, operation in done.items() if operation != "unchanged"] == [
        ("Deployment", "laneway")
    ]


@pytest.mark.cluster
async def test_istio_comes_first(cluster: Cluster) -> None:
    """Laneway runs in a namespace that is there already."""
    result = await run_on(cluster, "-n", "nowhere")
    assert result.exit_code == 1
    assert "has no namespace nowhere; install Istio first" in result.stderr


@pytest.mark.cluster
async def test_the_printed_file_can_be_applied_by_kubectl(cluster: Cluster, tmp_path: Path) -> None:
    """As a client does by itself, too: no definition is too large for its annotation."""
    file = tmp_path / "install.yaml"
    file.write_text(run("--dry-run", "--image", "laneway:test", "--keda").stdout)
    for way in ([], ["--server-side", "--force-conflicts"]):
        said = await cluster.lab.kubectl("apply", "--dry-run=server", *way, "-f", str(file))
        assert len(said.splitlines()) == len(cluster.operations)
