"""What the files of a run must say: types, ranges, lengths, and names that are harmless wherever they are shown.

`provenance.json` by pydantic models; `config.json` is checked by `RunConfig` itself. Nothing here opens a file, that is
the business of `reading`.
"""

import reprlib
from collections.abc import Mapping
from datetime import datetime
from itertools import pairwise
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

LONGEST_RUN = 100_000
"""Epochs that a run may have, as in `RunConfig`."""


def _harmless(text: str) -> str:
    # A name is printed to terminals, where an escape sequence is a command.
    if not text.isprintable():
        raise ValueError("it holds control characters")
    return text


def _time(text: str) -> str:
    try:
        datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ")
    except ValueError:
        raise ValueError("it should be a time such as 2026-01-31T12:00:00Z") from None
    return text


Name = Annotated[str, Field(min_length=1, max_length=300), AfterValidator(_harmless)]
Whole = Annotated[int, Field(ge=0, lt=2**53)]


class _FromDisk(BaseModel):
    # A later version may say more: what is not known here is left alone, and shown by nobody.
    model_config = ConfigDict(strict=True, extra="ignore", allow_inf_nan=False)


class Stretch(_FromDisk):
    """Epochs that were trained in one go, and on what."""

    first_epoch: int = Field(ge=1, le=LONGEST_RUN)
    seconds: float = Field(ge=0, le=1e10)
    backend: Literal["tensorflow", "jax", "torch"]
    device: Name
    threads: int = Field(ge=1, le=65_536)
    ended: Annotated[str, AfterValidator(_time)] | None = None
    precision: Literal["float32", "bfloat16"] = "float32"
    image_data_format: Literal["channels_last", "channels_first"] = "channels_last"
    onednn: bool = False
    commit: Name = "unknown"
    versions: dict[Name, Name] = Field(default={}, max_length=50)


class Provenance(_FromDisk):
    """Where a run came from."""

    source: Name
    fingerprint: str = Field(pattern=r"\A[0-9a-f]{2,64}\z")
    class_names: list[Name] = Field(min_length=2, max_length=1000)
    stretches: list[Stretch] = Field(min_length=1, max_length=LONGEST_RUN)
    counts: dict[Name, dict[Name, Whole]] = {}
    parameters: Annotated[int, Field(ge=1, lt=2**53)] | None = None
    # A training that diverges at once says so in these.
    first_losses: list[Annotated[float, Field(allow_inf_nan=True)]] = Field(default=[], max_length=8)


def check_provenance(values: Mapping[str, Any]) -> None:
    """Refuse a provenance that the rest of the lab could not rely on.

    Raises
    ------
    ValueError
        Names the first thing that is wrong: where it stands, what was found, what was expected.
    """
    try:
        provenance = Provenance.model_validate(dict(values))
    except ValidationError as error:
        raise ValueError(_first_fault(error)) from None
    if len(set(provenance.class_names)) < len(provenance.class_names):
        raise ValueError("class_names holds one name twice")
    starts = [stretch.first_epoch for stretch in provenance.stretches]
    if any(late <= early for early, late in pairwise(starts)):
        raise ValueError(f"the stretches start with epochs {reprlib.repr(starts)}, later ones were expected to follow")


def check_history(history: Mapping[str, np.ndarray]) -> None:
    """Refuse a history with values that no training gives; losses may be infinite or no number where it diverged.

    Raises
    ------
    ValueError
    """
    for name, values in history.items():
        highest = 1.0 if name.endswith("accuracy") else 1e10 if name == "seconds" else np.inf
        wrong = ~((values >= 0) & (values <= highest))
        if name.endswith("loss"):
            wrong &= ~np.isnan(values)
        for index in np.flatnonzero(wrong)[:1]:
            raise ValueError(f"{name} of epoch {index + 1} is {values[index]:g}, 0 to {highest:g} was expected")


def check_probabilities(predictions: np.ndarray) -> None:
    """Refuse predictions outside 0 to 1; those of a training that diverged are no numbers.

    Raises
    ------
    ValueError
    """
    for index in np.argwhere((predictions < 0) | (predictions > 1))[:1]:
        raise ValueError(f"holds {predictions[tuple(index)]:g}, probabilities from 0 to 1 were expected")


def _first_fault(error: ValidationError) -> str:
    first = error.errors()[0]
    place = ".".join(str(part) if str(part).isprintable() else repr(part) for part in first["loc"])
    if first["type"] == "missing":
        return f"{place[:100]} is missing"
    said = first["msg"].removeprefix("Value error, ").split(" or instance of ")[0]
    return f"{place[:100]} is {reprlib.repr(first['input'])}: {said[:1].lower()}{said[1:200]}"
