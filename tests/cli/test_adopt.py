"""`laneway adopt`: files in, files out."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from tests.adoption.systems import GATEWAY, deployment, rule, rules, service, to
from tests.cli.conftest import Laneway

IMAGES = "images: {registry/page: python3 page.py, registry/ratings: python3 ratings.py}"


@pytest.fixture
def plain(tmp_path: Path) -> Path:
    """A folder with two services behind a gateway, one of which has two versions."""
    folder = tmp_path / "k8s"
    folder.mkdir()
    entry = rules("entry", f"[{rule(to('page'))}]", "shop.example", "[public]")
    page, ratings = (service(name) + "---" + deployment(name) for name in ("page", "ratings"))
    texts = (page, ratings, deployment("ratings", "v2"), GATEWAY, entry)
    (folder / "all.yaml").write_text("---".join(texts))
    (folder / "laneway.yaml").write_text(IMAGES)
    return folder


def test_a_file_for_each_app_and_one_for_the_rest(plain: Path, laneway: Laneway, tmp_path: Path) -> None:
    """What is written is right, and can be adopted again without change."""
    to_folder = tmp_path / "k8s" / "apps"
    done = laneway("adopt", "-f", str(plain), "--to", str(to_folder))
    assert done.code == 0, done.err
    assert sorted(file.name for file in to_folder.iterdir()) == ["others.yaml", "page.yaml"]
    assert [body["kind"] for body in yaml.safe_load_all((to_folder / "page.yaml").read_text())] == [
        "App",
        "Deployment",
    ]
    assert "stays as it is: ratings.shop.svc.cluster.local: ratings-v1, ratings-v2 are behind it" in done.out
    assert done.out.splitlines()[-1] == "3 route tables compared, all equal"
    assert laneway("check", "-f", str(to_folder)).code == 0


def test_without_a_folder_the_yaml_goes_to_standard_output(plain: Path, laneway: Laneway) -> None:
    """And the report to standard error."""
    done = laneway("adopt", "-f", str(plain))
    assert next(yaml.safe_load_all(done.out))["kind"] == "App"
    assert "all equal" in done.err
    found = laneway("adopt", "-f", str(plain), "-o", "json").json
    assert found["apps"] == [{"namespace": "shop", "name": "page"}]
    assert all(table["equal"] for table in found["tables"])


def test_a_folder_that_holds_something_is_left_alone(plain: Path, laneway: Laneway) -> None:
    """Nothing is overwritten."""
    done = laneway("adopt", "-f", str(plain), "--to", str(plain))
    assert done.code == 1
    assert "error LW612" in done.err
    assert sorted(file.name for file in plain.iterdir()) == ["all.yaml", "laneway.yaml"]


def test_where_nothing_can_be_adopted_the_reasons_are_told(laneway: Laneway, tmp_path: Path) -> None:
    """As an error."""
    file = tmp_path / "lone.yaml"
    file.write_text(service("lone"))
    done = laneway("adopt", "-f", str(file))
    assert done.code == 1
    assert "error LW611" in done.err
    assert "lone.shop.svc.cluster.local: no Deployment is behind it" in done.err
