"""Files for a cluster, and what is wrong between them and what it has."""

from __future__ import annotations

from typing import Any

from tests.kubernetes.service.objects import app, deployment

from laneway.kubernetes.service.checking import check, missed
from laneway.kubernetes.service.files import Files, load
from laneway.kubernetes.service.reading import read
from laneway.spec.load import Source
from laneway.spec.meta import Key, Object

APP = """
apiVersion: laneway.dev/v1alpha1
kind: App
metadata: {name: pharmacy}
spec:
  workload: {deployment: pharmacy}
  service: {ports: [{port: 80, name: http, targetPort: 8080}]}
"""
MESH = "\napiVersion: laneway.dev/v1alpha1\nkind: Mesh\nmetadata: {name: default}\nspec: {}\n"
DEPLOYMENT = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: pharmacy}
spec:
  selector: {matchLabels: {app: pharmacy}}
  template:
    metadata: {labels: {app: pharmacy}}
    spec:
      affinity: {nodeAffinity: {}}
      hostNetwork: true
      containers: [{name: one, image: a, lifecycle: {}}, {name: two, image: b}]
"""


def loaded(*texts: str, namespace: str = "shop") -> Files:
    """What these documents say."""
    return load([Source("shop.yaml", "---".join(texts))], namespace)


def models(*bodies: dict[str, Any]) -> list[Object]:
    """Stored objects, as far as they can be read."""
    return [found for body in bodies if (found := read(body)[0])]


def said(files: Files, *stored: dict[str, Any]) -> list[str]:
    """What is wrong, and where."""
    return [f"{each.line}: {each.code.id}" for each in check(files.loaded, models(*stored))]


def test_what_one_machine_refuses_goes_to_a_cluster_as_it_is_written() -> None:
    """Affinity, several containers, kinds that no model knows."""
    files = loaded(
        DEPLOYMENT, "\napiVersion: batch/v1\nkind: CronJob\nmetadata: {name: nightly}\nspec: {x: 1}\n"
    )
    assert [body["kind"] for body in files.bodies] == ["Deployment", "CronJob"]
    assert files.bodies[0]["spec"]["template"]["spec"]["hostNetwork"] is True
    assert files.bodies[1]["spec"] == {"x": 1}
    assert not said(files)


def test_objects_without_a_namespace_get_the_one_that_is_meant() -> None:
    """But for those of a whole cluster."""
    found = loaded(APP, MESH)
    assert [body["metadata"].get("namespace") for body in found.bodies] == ["shop", None]


def test_the_mesh_that_is_there_is_the_one_of_the_file() -> None:
    """Whatever namespace is meant."""
    mesh = "\napiVersion: laneway.dev/v1alpha1\nkind: Mesh\nmetadata: {name: default}\nspec: {}\n"
    stored = {
        "apiVersion": "laneway.dev/v1alpha1",
        "kind": "Mesh",
        "metadata": {"name": "default"},
        "spec": {},
    }
    assert not said(loaded(mesh), stored)


def test_laneway_s_own_kinds_are_read_strictly() -> None:
    """With line and column, all of it at once."""
    files = loaded(
        APP.replace("workload:", "worklaod:"),
        APP.replace("port: 80", "port: http").replace("name: pharmacy", "name: page"),
    )
    assert [problem.code.id for problem in files.loaded.problems] == ["LW201", "LW204"]
    assert all(problem.file == "shop.yaml" and problem.line for problem in files.loaded.problems)


def test_an_inline_template_may_say_what_no_model_knows() -> None:
    """It goes to the cluster as it is written."""
    template = "{metadata: {labels: {a: b}}, spec: {hostPID: true, containers: [{name: a}, {name: b}]}}"
    files = loaded(APP.replace("{deployment: pharmacy}", f"{{template: {template}}}"))
    assert not said(files)
    assert files.bodies[0]["spec"]["workload"]["template"]["spec"]["hostPID"] is True


def test_a_file_s_app_finds_its_deployment_in_the_cluster() -> None:
    """And is told where there is none."""
    assert not said(loaded(APP), deployment())
    assert said(loaded(APP)) == ["6: LW301"]


def test_what_was_wrong_before_is_not_this_file_s_matter() -> None:
    """Somebody else's App without a Deployment does not stop anybody."""
    assert not said(loaded(APP, DEPLOYMENT), app("broken"))


def test_an_object_that_an_app_needs_is_missed() -> None:
    """By name."""
    stored = models(app() | {"spec": app()["spec"] | {"routing": {}}}, deployment(), deployment("other"))
    (problem,) = missed(stored, {("Deployment", Key("shop", "pharmacy"))})
    assert problem.code.id == "LW301"
    assert not missed(stored, {("Deployment", Key("shop", "other"))})


def test_one_object_twice_is_an_error_of_any_kind() -> None:
    """The second would silently win."""
    assert said(loaded(DEPLOYMENT, DEPLOYMENT)) == ["16: LW210"]


def test_an_object_needs_a_kind_and_a_name() -> None:
    """Whatever it is."""
    assert said(loaded("\nkind: Thing\nmetadata: {}\n")) == ["2: LW205", "3: LW205"]
