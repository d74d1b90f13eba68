"""A pydantic model as a structural schema of OpenAPI v3, which is what a CustomResourceDefinition takes.

Owns how types, defaults and refused fields are said there. A null counts as a field left out, so nothing is
nullable: the API server drops such nulls, and refuses them in a server-side apply. Must not know any kind but
pod templates, which are kept whole.

Defaults stand only where a field is in no list and its model is Laneway's own: tools of GitOps compare
lists as a whole, and what is Istio's or Kubernetes' has their defaults. All are told in words.
Source: Kubernetes, "Extend the Kubernetes API with CustomResourceDefinitions", structural schemas.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema

from laneway.kubernetes.install.descriptions import description
from laneway.kubernetes.install.forms import ANYTHING, FORMS, INT_OR_TEXT, Schema
from laneway.kubernetes.install.limits import limits
from laneway.kubernetes.install.validations import validations
from laneway.kubernetes.install.wording import words_of
from laneway.spec.kubernetes import PodTemplate
from laneway.spec.meta import Model
from laneway.spec.release import ReleaseStatus

_FOREIGN = ("laneway.spec.istio", "laneway.spec.kubernetes", "laneway.spec.autoscaling")
_TOLD_BY_ENGINES = "laneway.kubernetes.install.statuses"
_WHOLE = "x-laneway-whole"
_KEPT = frozenset(
    {
        "type", "format", "description", "default", "enum", "pattern", "items", "properties", "required",
        "additionalProperties", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum",
        "minItems", "maxItems", "minLength", "maxLength", "maxProperties",
    }
)  # fmt: skip
"""Words of a structural schema that a model can say, besides those of Kubernetes (`x-kubernetes-…`)."""


def schema_of(model: type[Model]) -> Schema:
    """The schema of a model, complete in itself."""
    found = model.model_json_schema(by_alias=True, schema_generator=_Generator)
    return _structural(found, found.pop("$defs", {}), in_list=False)


class _Generator(GenerateJsonSchema):
    """Says types as a structural schema does, and adds what the room knows of each model."""

    def nullable_schema(self, schema: core_schema.NullableSchema) -> JsonSchemaValue:
        return self.generate_inner(schema["schema"])

    def default_schema(self, schema: core_schema.WithDefaultSchema) -> JsonSchemaValue:
        return self.generate_inner(schema["schema"])

    def function_before_schema(self, schema: core_schema.BeforeValidatorFunctionSchema) -> JsonSchemaValue:
        form = FORMS.get(schema["function"]["function"])
        return dict(form) if form else super().function_before_schema(schema)

    def literal_schema(self, schema: core_schema.LiteralSchema) -> JsonSchemaValue:
        found = super().literal_schema(schema)
        return {"type": found["type"], "enum": found.get("enum", [found.get("const")])}

    def union_schema(self, schema: core_schema.UnionSchema) -> JsonSchemaValue:
        found = super().union_schema(schema)
        types = {each.get("type") for each in found.get("anyOf", ())}
        return {INT_OR_TEXT: True} if types == {"integer", "string"} else found

    def model_schema(self, schema: core_schema.ModelSchema) -> JsonSchemaValue:
        found = super().model_schema(schema)
        return _of_model(schema["cls"], found) if issubclass(schema["cls"], Model) else found


def _of_model(model: type[Model], found: JsonSchemaValue) -> JsonSchemaValue:
    properties = found.setdefault("properties", {})
    defaults = {} if model.__module__ == _TOLD_BY_ENGINES or model is ReleaseStatus else _defaults(model)
    own = not model.__module__.startswith(_FOREIGN)
    for name, info in model.model_fields.items():
        alias = info.alias or name
        said: Schema = {"default": defaults[alias]} if own and alias in defaults else {}
        if text := " ".join(filter(None, (description(model, name), _told(defaults.get(alias))))):
            said["description"] = text
        properties[alias] = {**properties[alias], **limits(model, name), **said}
    properties |= {name: _refused(remedy) for name, remedy in model.unsupported.items()}
    found["description"] = words_of(model).whole
    if rules := validations(model):
        found["x-kubernetes-validations"] = rules
    return found | ({_WHOLE: True} if model is PodTemplate else {})


def _defaults(model: type[Model]) -> Mapping[str, Any]:
    """The defaults as people write them; none of what is empty, or has defaults in its own parts."""
    dumped = model.model_construct().model_dump(mode="json", by_alias=True, warnings=False)
    found = {}
    for name, info in model.model_fields.items():
        alias = info.alias or name
        value = info.get_default(call_default_factory=True, validated_data={})
        if isinstance(value, tuple) and value and isinstance(value[0], Model):
            found[alias] = [part.written() for part in value]
        elif not isinstance(value, Model) and dumped.get(alias) not in (None, "", [], {}):
            found[alias] = dumped[alias]
    return found


def _told(default: Any) -> str:
    """A default in words. Nobody wonders at false or 0, and several are the docstring's to tell."""
    return "" if not default or isinstance(default, list) else f"Default: {default}."


def _refused(remedy: str) -> Schema:
    """A field that is refused rather than dropped: it has a value that only its remedy is."""
    text = f"not supported by Laneway; {remedy}"
    return {ANYTHING: True, "enum": [text], "description": f"N{text[1:]}."}


def _structural(found: Schema, definitions: Mapping[str, Schema], *, in_list: bool) -> Schema:
    """A schema with every reference replaced by what it names."""
    if "$ref" in found:
        found = {**definitions[found["$ref"].rpartition("/")[2]], **found}
    kept = {name: value for name, value in found.items() if name in _KEPT or name.startswith("x-kubernetes-")}
    if in_list:
        kept.pop("default", None)
    if "items" in kept:
        kept["items"] = _structural(kept["items"], definitions, in_list=True)
    if kept.get("additionalProperties") is False:
        del kept["additionalProperties"]
    elif kept.get("additionalProperties") is True:
        del kept["additionalProperties"]
        kept[ANYTHING] = True
    elif "additionalProperties" in kept:
        kept["additionalProperties"] = _structural(kept["additionalProperties"], definitions, in_list=True)
    if "properties" in kept:
        kept["properties"] = {
            name: _structural(part, definitions, in_list=in_list) for name, part in kept["properties"].items()
        }
    return _whole(kept) if _WHOLE in found else _bounded(kept)


def _bounded(found: Schema) -> Schema:
    """OpenAPI v3.0 says of a bound whether it is exclusive, where JSON Schema has a bound of its own."""
    for exclusive, bound in (("exclusiveMinimum", "minimum"), ("exclusiveMaximum", "maximum")):
        if exclusive in found:
            found |= {bound: found[exclusive], exclusive: True}
    return found


def _whole(found: Schema) -> Schema:
    """A part of which everything is kept, and nothing refused: the API server checks it where it is used."""
    kept = {name: found[name] for name in ("type", "description", INT_OR_TEXT, ANYTHING) if name in found}
    for name in ("items", "additionalProperties"):
        if name in found:
            kept[name] = _whole(found[name])
    if "properties" in found:
        kept["properties"] = {
            name: _whole(part) for name, part in found["properties"].items() if not _is_refused(part)
        }
        kept[ANYTHING] = True
    return kept


def _is_refused(part: Schema) -> bool:
    return ANYTHING in part and "enum" in part
