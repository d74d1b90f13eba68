"""ConfigMap and Secret: values beside the template, by key. A Secret's are in no message of ours."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal

from pydantic import AfterValidator, Field, model_validator

from laneway.spec.meta import Object

_KEY = re.compile(r"[-._A-Za-z0-9]{1,253}")


def _key(key: str) -> str:
    if not _KEY.fullmatch(key) or key in {".", ".."}:
        raise ValueError("not a key; use letters, digits, dashes, dots and underscores")
    return key


def _base64(text: str) -> str:
    try:
        base64.b64decode("".join(text.split()), validate=True)
    except binascii.Error:
        raise ValueError("not base64; encode the value: printf %s VALUE | base64") from None
    return "".join(text.split())


ConfigKey = Annotated[str, AfterValidator(_key)]
Base64 = Annotated[str, AfterValidator(_base64)]


class ConfigMap(Object):
    """v1 ConfigMap."""

    api_version: Literal["v1"] = "v1"
    kind: Literal["ConfigMap"] = "ConfigMap"
    data: dict[ConfigKey, str] = Field(default_factory=dict)
    binary_data: dict[ConfigKey, Base64] = Field(default_factory=dict)
    immutable: bool = False

    @property
    def values(self) -> Mapping[str, bytes]:
        """Every value by its key."""
        binary = {key: base64.b64decode(value) for key, value in self.binary_data.items()}
        return {key: value.encode() for key, value in self.data.items()} | binary


class Secret(Object):
    """v1 Secret. `stringData` is read into `data`, as an API server does."""

    confidential: ClassVar[frozenset[str]] = frozenset({"data", "stringData"})

    api_version: Literal["v1"] = "v1"
    kind: Literal["Secret"] = "Secret"
    type: str = "Opaque"
    data: dict[ConfigKey, Base64] = Field(default_factory=dict, repr=False)
    string_data: dict[ConfigKey, str] = Field(default_factory=dict, repr=False)
    immutable: bool = False

    @model_validator(mode="wrap")
    @classmethod
    def _encoded(cls, value: Any, read: Any) -> Secret:
        secret: Secret = read(value)
        if not secret.string_data:
            return secret
        encoded = {key: base64.b64encode(text.encode()).decode() for key, text in secret.string_data.items()}
        said = secret.model_fields_set - {"string_data"} | {"data"}
        fields = {name: getattr(secret, name) for name in said} | {"data": {**secret.data, **encoded}}
        return cls.model_construct(_fields_set=set(said), **fields)

    @property
    def values(self) -> Mapping[str, bytes]:
        """Every value by its key, decoded."""
        return {key: base64.b64decode(value) for key, value in self.data.items()}
