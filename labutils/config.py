"""What determines one training run, and nothing else."""

import hashlib
import json
import reprlib
from collections.abc import Iterable
from contextlib import suppress
from functools import cached_property
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from labutils.errors import ParameterError
from labutils.paths import ALLOWED_NAME, dataset_name

ModelName = Literal["lenet", "alexnet", "vgg16"]

DENSE_UNITS: dict[str, tuple[int, ...]] = {"lenet": (128,), "alexnet": (64, 64), "vgg16": (64, 64)}
"""Hidden dense layers of each network unless a run says otherwise."""

_NUMBERS = {"learning_rate", "dropout", "spatial_dropout", "epochs", "batch_size", "n_base", "image_size"}
_NUMBERS |= {"n_train", "n_val", "seed"}

NOTEBOOK_NAMES = {"learning_rate": "lr", "epochs": "n_epoch", "batch_size": "batch_s"}
"""Package name -> the word that the notebooks use for it."""


class _Settings(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    def __init__(self, **values: Any) -> None:
        try:
            super().__init__(**values)
        except ValidationError as error:
            raise ParameterError(_sentence(type(self), error)) from None


class Augmentation(_Settings):
    """Random changes to every training image, drawn anew in every epoch (Tasks 8 and 9)."""

    rotation: float = Field(0.0, ge=0, le=180, description="degrees from 0 to 180: each image turns by up to this much")
    shift: float = Field(0.0, ge=0, lt=1, description="a fraction of the side, at least 0 and below 1")
    horizontal_flip: bool = Field(False, description="True or False")
    vertical_flip: bool = Field(False, description="True or False")


class RunConfig(_Settings):
    """One training run: everything that determines its result.

    Two configurations that differ in `epochs` only are the same run at different lengths: they share a `key`.

    Raises
    ------
    ParameterError
        If a value is out of range; the sentence names the parameter, the value and what is allowed.
    """

    dataset: str = Field(description=ALLOWED_NAME)
    model: ModelName = Field(description="lenet, alexnet or vgg16")
    learning_rate: float = Field(gt=0, le=1, description="a number above 0 and at most 1, for example 1e-5")
    epochs: int = Field(ge=1, le=100_000, description="a whole number from 1")
    batch_size: int = Field(8, ge=1, le=65_536, description="a whole number from 1")
    n_base: int = Field(8, ge=1, le=1024, description="a whole number from 1 to 1024 (filters of the first block)")
    dense: tuple[int, ...] | None = Field(None, description="units of each hidden dense layer, for example (64, 64)")
    dropout: float = Field(0.0, ge=0, lt=1, description="a rate, at least 0 and below 1")
    batch_norm: bool = Field(False, description="True or False")
    spatial_dropout: float = Field(0.0, ge=0, lt=1, description="a rate, at least 0 and below 1")
    augmentation: Augmentation | None = Field(None, description="an Augmentation or None")
    image_size: int = Field(128, ge=32, le=1024, description="a whole number from 32 to 1024 (pixels)")
    channels: Literal[1, 3] = Field(1, description="1 (grey) or 3 (colour)")
    n_train: int | None = Field(None, ge=2, description="a whole number from 2, or None for all images")
    n_val: int | None = Field(None, ge=2, description="a whole number from 2, or None for all images")
    seed: int = Field(0, ge=0, lt=2**31, description="a whole number from 0 to 2147483647")

    @field_validator("dataset", mode="before")
    @classmethod
    def _name(cls, value: Any) -> str:
        if (name := dataset_name(value)) is None:
            raise ValueError("name")
        return name

    @field_validator(*_NUMBERS, mode="before")
    @classmethod
    def _number(cls, value: Any) -> Any:
        if isinstance(value, str | bool):  # they would become numbers without a word
            raise ValueError("text")
        return value

    @model_validator(mode="after")
    def _fill_dense(self) -> "RunConfig":
        units = DENSE_UNITS[self.model] if self.dense is None else self.dense
        if not 1 <= len(units) <= 16 or min(units) < 1 or max(units) > 65_536:
            allowed = "whole numbers from 1 to 65536, one for each hidden dense layer, at most 16 of them"
            raise ValueError(f"dense is {reprlib.repr(units)}: it must be {allowed}.")
        # The same network asked for in two ways is one run.
        object.__setattr__(self, "dense", tuple(units))
        return self

    @property
    def hidden(self) -> tuple[int, ...]:
        """Units of the hidden dense layers, never None."""
        return self.dense or DENSE_UNITS[self.model]

    @cached_property
    def key(self) -> str:
        """Eight hexadecimal digits that stand for everything but `epochs`.

        Settings at their default do not enter: one added later leaves the keys of stored runs as they are.
        """
        text = json.dumps(self.model_dump(mode="json", exclude={"epochs"}, exclude_defaults=True), sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:8]

    @property
    def slug(self) -> str:
        """The run in words, for people: `skin-vgg16-b8-lr1e-05-do0.2`; what is at its default is left out."""
        size = f"{self.image_size}px" + ("rgb" if self.channels == 3 else "")
        parts = [
            (True, f"{self.dataset}-{self.model}-b{self.n_base}-lr{self.learning_rate:g}"),
            (self.hidden != DENSE_UNITS[self.model], "dense" + "x".join(map(str, self.hidden))),
            (self.dropout, f"do{self.dropout:g}"),
            (self.batch_norm, "bn"),
            (self.spatial_dropout, f"sd{self.spatial_dropout:g}"),
            (self.augmentation, "aug"),
            (self.batch_size != 8, f"batch{self.batch_size}"),
            (self.image_size != 128 or self.channels != 1, size),
            (self.n_train or self.n_val, f"n{self.n_train or 'all'}-{self.n_val or 'all'}"),
            (self.seed, f"seed{self.seed}"),
        ]
        return "-".join(part for is_said, part in parts if is_said)

    def with_(self, **changes: Any) -> "RunConfig":
        """A copy with some settings changed, checked like a new one."""
        values = {name: getattr(self, name) for name in type(self).model_fields}
        if "model" in changes and "dense" not in changes:
            changes["dense"] = None
        return type(self)(**{**values, **changes})


def scientific(value: float) -> str:
    """A learning rate as it is written by hand.

    Examples
    --------
    >>> scientific(1e-5), scientific(0.0001), scientific(0.00025)
    ('1e-5', '1e-4', '2.5e-4')
    """
    mantissa, exponent = f"{value:e}".split("e")
    return f"{float(mantissa):g}e{int(exponent)}"


def as_list(value: Any) -> list:
    """`value` as a list, so that a notebook parameter takes one value or several.

    Examples
    --------
    >>> as_list(1e-5), as_list([1e-4, 1e-5])
    ([1e-05], [0.0001, 1e-05])
    """
    return list(value) if isinstance(value, Iterable) and not isinstance(value, str) else [value]


def _sentence(settings: type[BaseModel], error: ValidationError) -> str:
    """One sentence for the first thing that is wrong."""
    first = error.errors()[0]
    if not first["loc"]:
        return str(first["ctx"]["error"])
    name, value = str(first["loc"][0]), first["input"]
    field = settings.model_fields.get(name)
    shown = f"{NOTEBOOK_NAMES[name]} ({name})" if name in NOTEBOOK_NAMES else name
    if field is None:
        return f"{name} is not a setting of a run; there are {', '.join(settings.model_fields)}."
    if first["type"] == "missing":
        return f"{shown} is missing: give {field.description}."
    hint = ""
    if isinstance(value, str) and field.annotation is float:  # YAML 1.1 reads `lr: 1e-5` as text
        with suppress(ValueError):
            hint = f" (a YAML file reads it as text: write {float(value):.1e} with a decimal point)"
    return f"{shown} is {value!r}: it must be {field.description}{hint}."
