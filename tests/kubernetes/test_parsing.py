"""Models are kept while an app moves, and shared where every app needs them."""

from __future__ import annotations

from typing import Any

from tests.kubernetes.stored import app

from laneway.kubernetes.parsing import Parsing
from laneway.kubernetes.part import read_template
from laneway.spec.meta import Key

SHOP, CAFE = Key("town", "shop"), Key("town", "cafe")


def _lane() -> dict[str, Any]:
    metadata = {"name": "blue", "namespace": "town", "resourceVersion": "7"}
    return {"apiVersion": "laneway.dev/v1alpha1", "kind": "Lane", "metadata": metadata, "spec": {}}


def test_a_lane_is_one_model_for_all_apps() -> None:
    parsing = Parsing(read_template)
    models = [parsing.of_apps((app,)).object(_lane()) for app in (SHOP, CAFE)]
    assert models[0] is models[1]


def test_a_lane_that_is_gone_is_not_kept() -> None:
    parsing = Parsing(read_template)
    before = parsing.of_apps((SHOP,)).object(_lane())
    parsing.lane_gone(Key("town", "blue"))
    assert parsing.of_apps((SHOP,)).object(_lane()) is not before


def test_nothing_is_kept_of_an_app_at_rest() -> None:
    parsing = Parsing(read_template)
    parsing.of_apps((SHOP,))
    parsing.forget("App", SHOP)
    assert len(parsing) == 0


def test_apps_that_are_planned_together_from_now_on_are_kept_once() -> None:
    parsing = Parsing(read_template)
    parsing.of_apps((SHOP,))
    parsing.of_apps((CAFE, SHOP))
    assert len(parsing) == 1


def test_an_object_that_is_as_it_was_is_not_decoded_again() -> None:
    moving = Parsing(read_template).of_apps((SHOP,))
    body = moving.body(app("shop"))
    assert moving.body(app("shop")) is body
    assert moving.body(app("shop", 2)) is not body
