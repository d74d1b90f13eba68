"""What runs for a pod."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.local.samples import START, changed, pod

from laneway.local.container.commands import Find, application, folder_of, folder_of_app
from laneway.local.container.references import CannotStartError
from laneway.local.network.addresses import Pair
from laneway.local.pod.pods import Pod, new_pod, read_pod
from laneway.manifests import names
from laneway.spec.kubernetes import Container
from laneway.spec.meta import Key
from laneway.spec.world import FOLDER

IMAGE = "registry.example/shop/web:1.2"
APP_LABELS = {names.APP: "web", names.REVISION: "r1"}


PAIR = Pair("127.1.0.1", "127.1.0.2")


def stored(folder: Path | None, kind: str = "Deployment", name: str = "web", **spec: Any) -> dict[str, Any]:
    """An object that was applied from a file in this folder."""
    annotations = {FOLDER: str(folder)} if folder else {}
    metadata = {"name": name, "namespace": "shop", "annotations": annotations}
    return {"kind": kind, "metadata": metadata, "spec": spec}


def finder(*bodies: dict[str, Any]) -> Find:
    """A store of these objects."""
    known = {(body["kind"], Key("shop", body["metadata"]["name"])): body for body in bodies}
    return lambda kind, key: known.get((kind, key))


def container(labels: dict[str, str] | None = None, **fields: Any) -> Pod:
    """A pod whose container says this, with no labels but these."""
    said = Container.model_validate({"name": "main"} | fields)
    return changed(pod(labels=labels or {"app": "web"}), container=said)


def test_a_containers_own_command_runs_with_its_args_in_the_folder_of_its_file(tmp_path: Path) -> None:
    """Nothing needs to be mapped."""
    found = application(container(command=["serve"], args=["-v"]), finder(stored(tmp_path)))
    assert (found.argv, found.cwd) == (["serve", "-v"], tmp_path)


def test_without_a_file_it_runs_where_the_state_is() -> None:
    """As an object that was applied through the API."""
    assert application(container(command=["serve"]), finder(stored(None))).cwd is None


@pytest.mark.parametrize(("working_dir", "expected"), [("sub", "sub"), ("/srv", "/srv")])
def test_a_working_directory_is_seen_from_the_folder(tmp_path: Path, working_dir: str, expected: str) -> None:
    """An absolute one stays as it is, also without a folder."""
    given = container(command=["serve"], workingDir=working_dir)
    assert application(given, finder(stored(tmp_path))).cwd == tmp_path / expected
    assert application(given, finder(stored(None))).cwd == Path(expected)


def test_an_image_runs_as_the_command_that_it_is_mapped_to(tmp_path: Path) -> None:
    """The tag is filled in, the container's args follow."""
    (tmp_path / "laneway.yaml").write_text(
        'images: {registry.example/shop/web: "python web.py --version {tag}"}'
    )
    found = application(container(image=IMAGE, args=["-v"]), finder(stored(tmp_path)))
    assert found.argv == ["python", "web.py", "--version", "1.2", "-v"]


@pytest.mark.parametrize("folder", [True, False])
def test_an_unmapped_image_says_which_line_to_add(tmp_path: Path, folder: bool) -> None:
    """So the remedy can be copied."""
    with pytest.raises(CannotStartError) as refused:
        application(container(image=IMAGE), finder(stored(tmp_path if folder else None)))
    assert "image registry.example/shop/web:1.2 has no command to run on this machine" in str(refused.value)
    assert 'registry.example/shop/web: "COMMAND --version {tag}"' in str(refused.value)


def test_a_wrong_laneway_yaml_says_what_is_wrong_in_it(tmp_path: Path) -> None:
    """With the place."""
    (tmp_path / "laneway.yaml").write_text("imges: {}\n")
    with pytest.raises(CannotStartError, match=r"laneway\.yaml:1:1: error LW201"):
        application(container(image=IMAGE), finder(stored(tmp_path)))


def test_a_container_with_neither_is_refused() -> None:
    """There is nothing to run."""
    with pytest.raises(CannotStartError, match="neither command nor image"):
        application(container(), finder(stored(None)))


def test_the_folder_is_the_one_that_its_deployment_names(tmp_path: Path) -> None:
    """Of a revision that is not the newest too: its Deployment has the folder of its own template."""
    newest = stored(tmp_path / "new", "App", workload={"template": {}})
    of_app = changed(container(APP_LABELS), deployment="web-r1")
    assert folder_of(of_app, finder(newest, stored(tmp_path / "old", name="web-r1"))) == tmp_path / "old"


def test_pods_whose_deployment_is_gone_keep_its_folder(tmp_path: Path) -> None:
    """They are draining; their preStop hook runs where they do."""
    made = new_pod(
        stored(tmp_path, template={"spec": {"containers": [{"name": "main"}]}}),
        "t1",
        "web-1",
        PAIR,
        int,
        START,
    )
    assert folder_of(read_pod(made), finder()) == tmp_path


def test_the_commands_of_gates_run_in_the_folder_of_the_apps_newest_template(tmp_path: Path) -> None:
    """Of the App where the template is inline, else of the Deployment that it names."""
    inline = stored(tmp_path / "app", "App", workload={"template": {}})
    by_name = stored(tmp_path / "app", "App", workload={"deployment": "web-template"})
    named = stored(tmp_path / "deployment", name="web-template")
    assert folder_of_app(Key("shop", "web"), finder(inline)) == tmp_path / "app"
    assert folder_of_app(Key("shop", "web"), finder(by_name, named)) == tmp_path / "deployment"
