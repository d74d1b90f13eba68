"""Commands with `--cluster`, as a person types them, on a real API server; the tests play the controller."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from anyio import to_thread
from tests.kubernetes.service.objects import NEW, version
from tests.kubernetes.service.played import APP, TEMPLATE, Shop

from laneway.cli.main import run

pytestmark = [pytest.mark.cluster, pytest.mark.anyio]

DEADLINE_SECONDS = 60.0


@dataclass(frozen=True)
class Done:
    """A command that has ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """Its result."""
        return json.loads(self.out)


Laneway = Callable[..., Coroutine[Any, Any, Done]]


@pytest.fixture
def laneway(shop: Shop, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Laneway:
    """Runs a command line on the cluster, in the shop's namespace."""
    monkeypatch.setenv("KUBECONFIG", str(shop.lab.kubeconfig))
    monkeypatch.delenv("LANEWAY_CLUSTER", raising=False)
    monkeypatch.setenv("USER", "ada")
    monkeypatch.setenv("LOGNAME", "ada")

    async def command(*words: str, at: tuple[str, ...] = ("--cluster",)) -> Done:
        capsys.readouterr()
        arguments = [*words, "-n", shop.namespace, *at]
        async with asyncio.timeout(DEADLINE_SECONDS):
            code = await to_thread.run_sync(run, arguments)
        said = capsys.readouterr()
        return Done(code, said.out, said.err)

    return command


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """The shop's files."""
    (tmp_path / "pharmacy.yaml").write_text(f"{TEMPLATE}---{APP}")
    return tmp_path / "pharmacy.yaml"


def changed(file: Path, *replaced: tuple[str, str]) -> None:
    """The file says something else."""
    text = file.read_text()
    for old, new in replaced:
        assert old in text
        text = text.replace(old, new)
    file.write_text(text)


async def test_apply_says_what_became_of_each_object(laneway: Laneway, shop: Shop, files: Path) -> None:
    """And returns when the controller has taken it up."""
    playing = asyncio.create_task(_serves_when_there(shop))
    done = await laneway("apply", "-f", str(files), "-o", "json")
    await playing
    assert done.code == 0, done.err
    assert [(each["kind"], each["operation"]) for each in done.json["objects"]] == [
        ("Deployment", "created"),
        ("App", "created"),
    ]


async def _serves_when_there(shop: Shop) -> None:
    """What a controller does first."""
    await shop.until(lambda: shop.get("App", "pharmacy"))
    template = await shop.revision()
    await shop.serves(stable=template, versions=[version(template)])


async def test_every_error_is_told_at_once_with_its_place(laneway: Laneway, shop: Shop, files: Path) -> None:
    """Those of Laneway's rules, and the cluster's own."""
    changed(files, ("affinity: {podAntiAffinity: {}}", "afinity: {}"), ("port: 80,", "prt: 80,"))
    done = await laneway("apply", "-f", str(files))
    assert done.code == 1
    where = [line.partition(" ")[0] for line in done.err.splitlines()]
    assert f"{files}:19:22:" in where  # prt
    assert f"{files}:11:7:" in where  # afinity
    assert "nothing was applied" in done.err
    assert await shop.get("Deployment", "pharmacy") is None


async def test_check_says_what_apply_would(laneway: Laneway, files: Path) -> None:
    """And writes nothing."""
    assert (await laneway("check", "-f", str(files))).code == 0
    changed(files, (TEMPLATE, ""))
    done = await laneway("check", "-f", str(files), "-o", "json")
    assert done.code == 1
    assert [problem["code"] for problem in done.json["problems"]] == ["LW301"]


async def test_diff_ignores_what_the_cluster_adds(laneway: Laneway, shop: Shop, files: Path) -> None:
    """Exit codes are those of kubectl diff."""
    assert (await laneway("diff", "-f", str(files))).code == 1
    await shop.serves_file(f"{TEMPLATE}---{APP}")
    done = await laneway("diff", "-f", str(files))
    assert (done.code, done.out.strip()) == (0, "no difference")
    changed(files, ("pharmacy:1", "pharmacy:2"))
    done = await laneway("diff", "-f", str(files))
    assert done.code == 1
    lines = [line for line in done.out.splitlines() if line[:1] in "+-" and line[:3] not in ("+++", "---")]
    assert [line.partition("image: ")[2] for line in lines] == ["pharmacy:1", "pharmacy:2"]
    changed(files, ("kind: App", "kind: ["))
    assert (await laneway("diff", "-f", str(files))).code == 2


async def test_export_is_what_people_have_written(laneway: Laneway, shop: Shop, files: Path) -> None:
    """A template with its size, though it is held."""
    await shop.serves_file(f"{TEMPLATE}---{APP}")
    await shop.holds_template()
    items = (await laneway("export", "-o", "json")).json["items"]
    found = {each["kind"]: each for each in items if each["kind"] in {"App", "Deployment"}}
    assert found["Deployment"]["spec"]["replicas"] == 2
    assert found["App"]["metadata"] == {"name": "pharmacy", "namespace": shop.namespace}


async def test_status_and_get_tell_of_what_the_controller_wrote(
    laneway: Laneway, shop: Shop, files: Path
) -> None:
    """As on one machine."""
    await shop.serves_file(f"{TEMPLATE}---{APP}")
    done = await laneway("status", "-o", "json")
    assert done.json["apps"][0]["versions"][0]["served"] == 100
    assert "100%" in (await laneway("get", "app")).out
    described = await laneway("describe", "pharmacy", "-o", "json")
    assert described.json["state"]["confirmed"]


async def test_wait_ends_with_the_release(laneway: Laneway, shop: Shop, files: Path) -> None:
    """With the exit code of how it ended."""
    await shop.serves_file(f"{TEMPLATE}---{APP}")
    await shop.releases()
    waiting = asyncio.create_task(laneway("release", "wait", "pharmacy", "-o", "json"))
    await shop.releases("RolledBack", finishedAt="2030-01-01T00:01:00Z", reason="it failed")
    done = await waiting
    assert done.code == 3
    assert (done.json["phase"], done.json["revision"]) == ("RolledBack", NEW)


async def test_a_verb_is_written_and_waited_for(laneway: Laneway, shop: Shop, files: Path) -> None:
    """The controller hears it."""
    await shop.serves_file(f"{TEMPLATE}---{APP}")
    await shop.releases()

    async def hear() -> None:
        request = await shop.until(shop.request)
        await shop.releases("Paused", heard=request, reason="paused by ada: logs")

    hearing = asyncio.create_task(hear())
    done = await laneway("release", "pause", "pharmacy", "--reason", "logs", "-o", "json")
    await hearing
    assert (done.code, done.json["phase"]) == (0, "Paused")


async def test_where_nobody_acts_that_is_said(laneway: Laneway, shop: Shop, files: Path) -> None:
    """At once, with what to do; what is written stays written."""
    await shop.led("")
    done = await laneway("apply", "-f", str(files))
    assert done.code == 1
    assert "LW622" in done.err
    assert "laneway install" in done.err
    assert await shop.get("App", "pharmacy") is not None
    assert "nobody holds Lease" in (await laneway("status")).out


async def test_a_context_that_is_not_there_is_an_error(laneway: Laneway) -> None:
    """With those that are."""
    done = await laneway("status", at=("--cluster", "nowhere"))
    assert done.code == 1
    assert "the kubeconfig has no context nowhere" in done.err
    assert "it has lab" in done.err


async def test_the_variable_is_as_if_the_option_stood_there(
    laneway: Laneway, monkeypatch: pytest.MonkeyPatch
) -> None:
    """For a whole shell."""
    monkeypatch.setenv("LANEWAY_CLUSTER", "lab")
    assert (await laneway("status", at=())).code == 0


async def test_a_lane_is_made_changed_and_removed(laneway: Laneway, shop: Shop, files: Path) -> None:
    """An object of the cluster."""
    await shop.serves_file(f"{TEMPLATE}---{APP}")

    async def take_up() -> None:
        lane = await shop.until(lambda: shop.get("Lane", "green"))
        said = {"observedGeneration": lane["metadata"]["generation"], "header": {"x-lane": "green"}}
        await shop.says("Lane", "green", said)

    taking = asyncio.create_task(take_up())
    words = ("lane", "up", "green", "--app", "pharmacy", "--image", "pharmacy:green", "--ttl", "1h")
    made = await laneway(*words, "-o", "json")
    await taking
    assert (made.code, made.json["header"]) == (0, {"x-lane": "green"}), made.err
    assert [each["name"] for each in (await laneway("lane", "ls", "-o", "json")).json["lanes"]] == ["green"]
    assert (await laneway("lane", "rm", "green", "--wait")).code == 0
    assert await shop.get("Lane", "green") is None


async def test_exec_is_kubectl_s(laneway: Laneway, shop: Shop) -> None:
    """And says how it is written."""
    done = await laneway("exec", at=("--cluster", "lab", "pharmacy", "--", "env"))
    assert done.code == 1
    assert "LW626" in done.err
    assert f"kubectl exec -n {shop.namespace} --context lab" in done.err
