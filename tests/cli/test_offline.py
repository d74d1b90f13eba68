"""`laneway check` and `laneway render`, without a running Laneway."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from tests.cli.conftest import Laneway

GOOD = """
apiVersion: laneway.dev/v1alpha1
kind: App
metadata: {name: web}
spec:
  workload:
    template:
      metadata: {labels: {app: web}}
      spec: {containers: [{name: web, image: "registry/web:1", ports: [{containerPort: 8080}]}]}
  service: {ports: [{name: http, port: 80, targetPort: 8080}]}
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """An App whose image is mapped to a command."""
    (tmp_path / "laneway.yaml").write_text('images: {registry/web: "serve {tag}"}\n')
    path = tmp_path / "web.yaml"
    path.write_text(GOOD)
    return path


def test_check_of_good_files_is_quiet(laneway: Laneway, file: Path) -> None:
    """One line, exit code 0."""
    done = laneway("check", "-f", str(file))
    assert (done.code, done.out, done.err) == (0, "1 object: 0 errors\n", "")


def test_check_prints_problems_and_ends_with_1(laneway: Laneway, file: Path) -> None:
    """On standard output: they are its result."""
    file.write_text(GOOD.replace("labels", "lables"))
    done = laneway("check", "-f", str(file))
    assert done.code == 1
    assert f"{file}:8:18: error LW201: unknown field spec.workload.template.metadata.lables" in done.out


def test_check_as_json_lists_problems_with_their_places(laneway: Laneway, file: Path) -> None:
    """So that an editor can jump there."""
    (file.parent / "laneway.yaml").write_text("images: {}\n")
    done = laneway("check", "-f", str(file), "-o", "json")
    assert done.json["ok"] is False
    (problem,) = done.json["problems"]
    assert (problem["code"], problem["file"], problem["line"]) == ("LW501", str(file), 9)


def test_check_finds_what_is_wrong_in_the_configuration(laneway: Laneway, file: Path) -> None:
    """laneway.yaml has places too."""
    configuration = file.parent / "laneway.yaml"
    configuration.write_text('image: {registry/web: "serve"}\n')
    out = laneway("check", "-f", str(file)).out
    assert f"{configuration}:1:1: error LW201: unknown field image" in out


def test_a_container_without_command_and_image_is_a_problem(laneway: Laneway, file: Path) -> None:
    """Nothing says what to run."""
    file.write_text(GOOD.replace('image: "registry/web:1", ', ""))
    assert (
        "the container has neither a command nor an image; write its `command`"
        in laneway("check", "-f", str(file)).out
    )


def test_objects_that_name_no_namespace_get_the_one_given(laneway: Laneway, file: Path) -> None:
    """`default` without one."""
    done = laneway("render", "-f", str(file), "-n", "shop", "-o", "json")
    assert {item["metadata"]["namespace"] for item in done.json["items"]} == {"shop"}


def test_render_prints_what_an_engine_applies(laneway: Laneway, file: Path) -> None:
    """As a stream of YAML documents, which kubectl reads."""
    done = laneway("render", "-f", str(file))
    kinds = [document["kind"] for document in yaml.safe_load_all(done.out)]
    assert {"Deployment", "Service", "DestinationRule", "VirtualService"} <= set(kinds)
    names = laneway("render", "-f", str(file), "-o", "name").out.split()
    assert len(names) == len(kinds)
    assert "virtualservice/web" in names


def test_render_refuses_wrong_files(laneway: Laneway, file: Path) -> None:
    """Nothing on standard output, which may be piped on."""
    file.write_text(GOOD.replace("labels", "lables"))
    done = laneway("render", "-f", str(file))
    assert (done.code, done.out) == (1, "")
    assert "error LW201" in done.err


@pytest.mark.parametrize("command", ["check", "render"])
def test_files_have_to_be_named(laneway: Laneway, command: str) -> None:
    """That is wrong usage."""
    assert laneway(command).code == 2
