"""ConfigMaps and Secrets, by who reads them."""

from __future__ import annotations

from tests.kubernetes.stored import SHOP

from laneway.kubernetes.configuration import Content
from laneway.kubernetes.content_index import ContentIndex
from laneway.spec.meta import Key

PAGE, PHARMACY = Key(SHOP, "page"), Key(SHOP, "pharmacy")


def prices(digest: str, of: str = "") -> Content:
    return Content(Key(SHOP, "prices"), "1", "1", digest, of)


def test_a_config_map_concerns_the_apps_whose_templates_name_it_when_it_says_something_else() -> None:
    known, key = ContentIndex(), Key(SHOP, "prices")
    known.reads(PAGE, [("ConfigMap", key)])
    assert known.take("ConfigMap", key, prices("a")) == {PAGE}
    assert known.take("ConfigMap", key, prices("a")) == frozenset()
    assert known.take("ConfigMap", key, prices("b")) == {PAGE}
    assert known.take("Secret", key, prices("b")) == frozenset(), "of that name, but no ConfigMap"
    known.reads(PAGE, [])
    assert known.take("ConfigMap", key, prices("c")) == frozenset()


def test_copies_are_found_by_their_app() -> None:
    known = ContentIndex()
    known.take("ConfigMap", Key(SHOP, "prices"), prices("a"))
    copy = Content(Key(SHOP, "page-prices-1"), "1", "1", "a", "page")
    known.take("ConfigMap", copy.key, copy)
    assert known.copies([PAGE]) == [("ConfigMap", copy)]
    assert not known.copies([PHARMACY])
