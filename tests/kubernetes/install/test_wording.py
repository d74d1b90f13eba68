"""Docstrings taken apart into the words of a model and of its fields."""

from __future__ import annotations

from pydantic import Field

from laneway.kubernetes.install.wording import words_of
from laneway.spec.meta import Model
from laneway.spec.release_policy import ReleasePolicy, Step, StepGate


class Plain(Model):
    """Where a request goes: to a host, or a part of it."""

    host: str


class Told(Model):
    """What is told. kept_for: how long; a day at most; others, more: of no use: none.

    first: the `other_name` of it, see
    the second; third_one: ends `kept_for` here.

    Of several: fourth: by name.
    """

    kept_for: str
    others: str
    more: str
    first: str
    third_one: str
    fourth: str
    silent: str = Field(default="")


class Narrower(Told):
    """Another whole. silent: not any more."""


def test_a_docstring_without_fields_is_about_the_whole() -> None:
    """A colon alone makes no field."""
    assert words_of(Plain).whole == "Where a request goes: to a host, or a part of it."
    assert words_of(Plain).fields == {}


def test_parts_are_of_the_fields_that_they_name() -> None:
    """A semicolon before anything but a field belongs to the sentence."""
    words = words_of(Told)
    assert words.whole == "What is told."
    assert words.fields["kept_for"] == "How long; a day at most."
    assert words.fields["others"] == words.fields["more"] == "Of no use: none."
    assert words.fields["first"] == "The `other_name` of it, see the second."
    assert "silent" not in words.fields


def test_names_stand_as_in_yaml() -> None:
    """A field that is named in a sentence has the name that people write."""
    assert words_of(Told).fields["third_one"] == "Ends `keptFor` here."


def test_a_scope_before_the_first_field_goes_along() -> None:
    """`Of several: ` says of which objects the fields tell."""
    assert words_of(Told).fields["fourth"] == "Of several: by name."


def test_inherited_fields_keep_their_words() -> None:
    """A model says of its base's fields what it says itself, else what the base says."""
    words = words_of(Narrower)
    assert words.whole == "Another whole."
    assert words.fields["silent"] == "Not any more."
    assert words.fields["kept_for"] == "How long; a day at most."


def test_the_kinds_are_told_as_they_are_meant() -> None:
    """Real docstrings, whose form this depends on."""
    assert words_of(Step).fields["on_unsure"] == (
        "What becomes of the release where the weight is not reached, or a gate not passed, in time."
    )
    assert words_of(StepGate).fields["timeout"] == "Of the command."
    assert (
        words_of(ReleasePolicy).fields["on_new"] == "What becomes of a release when a newer revision comes."
    )
