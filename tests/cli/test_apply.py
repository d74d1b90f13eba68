"""`laneway apply`: all or nothing, the releases that it starts, and when it returns."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.cli.conftest import Daemon, Laneway
from tests.cli.statuses import app, lane, release, status, version

from laneway.spec.world import FOLDER

DEPLOYMENT = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: pharmacy, namespace: shop}
spec:
  selector: {matchLabels: {app: pharmacy}}
  template:
    metadata: {labels: {app: pharmacy}}
    spec:
      containers:
      - {name: pharmacy, command: [serve], ports: [{containerPort: 8080}]}
"""
LANE = """
apiVersion: laneway.dev/v1alpha1
kind: Lane
metadata: {name: green, namespace: shop}
spec: {apps: []}
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A Deployment in a folder."""
    path = tmp_path / "yaml" / "pharmacy.yaml"
    path.parent.mkdir()
    path.write_text(DEPLOYMENT)
    return path


def test_apply_lists_the_objects_and_the_releases_it_started(
    daemon: Daemon, laneway: Laneway, file: Path
) -> None:
    """Not those that were there before."""
    old = release("pharmacy-1", phase="Promoted")
    daemon.says(status(lag=1, releases=[old]))
    new = release("pharmacy-2", revision="r3")
    started = status(observed=2, apps=[app(release="pharmacy-2")], releases=[old, new])
    with daemon.answering("apply", started):
        done = laneway("apply", "-f", str(file), "--wait", "-o", "json")
    assert done.code == 0
    assert done.json["objects"] == [
        {"kind": "Deployment", "namespace": "shop", "name": "pharmacy", "operation": "created"}
    ]
    (found,) = done.json["releases"]
    assert (found["app"], found["namespace"], found["revision"]) == ("pharmacy", "shop", "r3")
    assert found["name"] == "pharmacy-2"


def test_apply_says_in_which_folder_commands_run(daemon: Daemon, laneway: Laneway, file: Path) -> None:
    """The folder of the file, else the nearest one upwards with a laneway.yaml."""
    laneway("apply", "-f", str(file))
    (file.parents[1] / "laneway.yaml").write_text("images: {}\n")
    laneway("apply", "-f", str(file))
    first, second = (
        asked["objects"][0]["metadata"]["annotations"][FOLDER] for asked in daemon.asked("apply")
    )
    assert first == str(file.parent)
    assert second == str(file.parents[1])


def test_apply_refuses_everything_when_anything_is_wrong(
    daemon: Daemon, laneway: Laneway, file: Path
) -> None:
    """Each problem with its place, its code and its remedy; exit code 1."""
    file.write_text(DEPLOYMENT.replace("containers", "containrs") + "---" + LANE)
    done = laneway("apply", "-f", str(file))
    assert done.code == 1
    assert f"{file}:10:7: error LW201: unknown field spec.template.spec.containrs" in done.err
    assert "nothing was applied" in done.err
    assert daemon.asked("apply") == []


def test_apply_checks_with_what_is_applied_already(daemon: Daemon, laneway: Laneway, file: Path) -> None:
    """What one object needs may stand in another file, applied before."""
    file.write_text(LANE.replace("apps: []", "apps: [{name: pharmacy}]"))
    assert "error LW311" in laneway("apply", "-f", str(file)).err
    template = {
        "metadata": {"labels": {"app": "a"}},
        "spec": {"containers": [{"name": "a", "command": ["a"]}]},
    }
    daemon.stores(
        {
            "apiVersion": "laneway.dev/v1alpha1",
            "kind": "App",
            "metadata": {"name": "pharmacy", "namespace": "shop"},
            "spec": {
                "workload": {"template": template},
                "service": {"ports": [{"port": 80, "targetPort": 8080}]},
            },
        }
    )
    assert laneway("apply", "-f", str(file)).code == 0


def test_apply_with_wait_returns_when_a_changed_lane_serves(
    daemon: Daemon, laneway: Laneway, file: Path
) -> None:
    """Until then it waits, and says for what."""
    file.write_text(LANE)
    daemon.says(status(lanes=[lane(confirmed=False)]))
    done = laneway("apply", "-f", str(file), "--wait", "--timeout", "50ms")
    assert done.code == 1
    assert "error LW605: applied, but not in effect everywhere in time:" in done.err
    assert "lane shop/green: not every proxy serves its rules yet" in done.err
    assert laneway("apply", "-f", str(file), "--timeout", "1s").code == 0


def test_apply_with_wait_does_not_wait_for_a_release(daemon: Daemon, laneway: Laneway, file: Path) -> None:
    """Releases go on; `release wait` is for them."""
    moving = app(release="pharmacy-1", ready=False, versions=[version(ready=0)])
    daemon.says(status(apps=[moving], releases=[release()]))
    assert laneway("apply", "-f", str(file), "--wait", "--timeout", "1s").code == 0


def test_apply_needs_a_file(laneway: Laneway) -> None:
    """That is wrong usage."""
    assert laneway("apply").code == 2


def test_apply_reads_standard_input(
    daemon: Daemon, laneway: Laneway, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What `kustomize build` writes can be piped in; commands run in the current folder."""
    source = tmp_path / "piped"
    source.write_text(DEPLOYMENT)
    monkeypatch.chdir(tmp_path)
    with source.open() as stream:
        monkeypatch.setattr("sys.stdin", stream)
        assert laneway("apply", "-f", "-").code == 0
    (asked,) = daemon.asked("apply")
    assert asked["objects"][0]["metadata"]["annotations"][FOLDER] == str(tmp_path)


def test_apply_without_a_running_laneway_says_how_to_start_one(laneway: Laneway, file: Path) -> None:
    """The state is named."""
    done = laneway("apply", "-f", str(file))
    assert done.code == 1
    assert "error LW601: no Laneway runs on" in done.err
    assert "start it: laneway up -f PATH" in done.err
