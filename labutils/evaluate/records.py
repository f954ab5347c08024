"""Conclusions as records that anyone can judge again on runs of their own; docs/claims.md describes the file."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple

from pydantic import BaseModel, ConfigDict, ValidationError, model_validator

from labutils.config import RunConfig
from labutils.errors import ParameterError
from labutils.evaluate.claims import BUILT_IN, CLAIMS, MISSING, RIVAL, WORDS, Claim, judge, judge_claim
from labutils.evaluate.findings import MEASURES, Condition
from labutils.evaluate.rules import HOLDS

if TYPE_CHECKING:
    from labutils.runs.run import Run

SAME, OTHER, NOT_JUDGED, ALTERED = "same", "other", "cannot be judged", "altered"
"""What comes of a record that is judged again."""

_NEEDS = {
    "wide gap": (1, 0),
    "over-fitting": (1, 1),
    "onset of over-fitting": (1, 2),
    "training accuracy": (1, 2),
    "near the ceiling": (1, 0),
}
"""How many settings a quantity is of, and limits it takes, where that is not two and none."""


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Asked(_Part):
    """One condition: a quantity of some settings, what is said of it, and the test in words."""

    quantity: Literal[tuple(MEASURES)]  # type: ignore[valid-type]
    of: tuple[str, ...]
    says: Literal[tuple(HOLDS)]  # type: ignore[valid-type]
    limits: tuple[int | float, ...] = ()
    rule: str

    @model_validator(mode="after")
    def _fits(self) -> Asked:
        n, (settings, limits) = len(self.of), _NEEDS.get(self.quantity, (2, 0))
        several = {"best": n >= 2, "narrower gap": n >= 2 and n % 2 == 0}.get(self.quantity, n == settings)
        if several and len(self.limits) == limits:
            return self
        raise ValueError(f"{self.quantity} does not go with {n} settings and {len(self.limits)} limits")

    @property
    def condition(self) -> Condition:
        """What the judge takes."""
        return Condition(self.quantity, self.of, self.says, self.limits)


class Judged(_Part):
    """What was found: on the validation images and one seed, on the exam and all seeds; whose images, which numbers."""

    validation: Literal[WORDS]  # type: ignore[valid-type]
    exam: Literal[WORDS]  # type: ignore[valid-type]
    source: str
    numbers: str


class Record(_Part):
    """A conclusion; `hash` is that of all but what was found."""

    id: str
    task: str
    text: str
    kind: Literal["document", "ours", "built in"]
    built_in: str = ""
    conditions: tuple[Asked, ...]
    runs: dict[str, RunConfig]
    verdict: Judged
    hash: str = ""

    @model_validator(mode="after")
    def _named(self) -> Record:
        if not self.conditions:
            raise ValueError("it has no condition to judge")
        for asked in self.conditions:
            for name in asked.of:
                if name not in self.runs and (name != RIVAL or name == asked.of[0]):
                    raise ValueError(f"{name!r} is not among the runs")
        return self

    def made_of(self) -> str:
        """The hash of everything but what was found: SHA-256 of canonical JSON, settings at their default left out."""
        asked = self.model_dump(mode="json", exclude={"verdict", "hash"}, exclude_defaults=True)
        return hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()


class Records(_Part):
    """A file of them."""

    format: Literal[1]
    claims: tuple[Record, ...]


class Again(NamedTuple):
    """A record judged again: its id, `SAME`, `OTHER`, `NOT_JUDGED` or `ALTERED`, and why."""

    id: str
    word: str
    why: str


def write_records(file: Path, runs: Mapping[str, Run]) -> None:
    """Write what the lab's claims come to on some runs, by any names."""
    records = []
    for name, claim in CLAIMS.items():
        found = judge(name, runs)
        asked = [
            {"quantity": one.measure, "of": one.names, "says": one.rule, "limits": one.limits, "rule": one.words}
            for one in claim.conditions
        ]
        verdict = {"validation": found.verdict, "exam": found.holds, "source": found.source, "numbers": found.exam}
        about = {name: getattr(claim, name) for name in ("task", "text", "kind", "built_in")}
        record = Record.model_validate(
            {"id": name, **about, "conditions": asked, "runs": claim.needs, "verdict": verdict}
        )
        records.append(record.model_copy(update={"hash": record.made_of()}))
    text = Records(format=1, claims=tuple(records)).model_dump_json(indent=1, exclude_defaults=True)
    file.write_text(text + "\n", encoding="utf-8", newline="\n")


def read_records(file: Path) -> tuple[Record, ...]:
    """The records of a file; a ParameterError has a sentence for everything that is wrong in it."""
    try:
        return Records.model_validate_json(file.read_bytes()).claims
    except OSError as error:
        raise ParameterError(f"{file} cannot be read: {(error.strerror or str(error)).lower()}.") from None
    except ValidationError as error:
        said = []
        for one in error.errors(include_url=False):
            where = ".".join(str(part + 1 if isinstance(part, int) else part) for part in one["loc"])
            said.append(f"{file}, {where or 'the whole'}: {one['msg'].removeprefix('Value error, ').rstrip('.')}.")
        raise ParameterError("\n".join(said)) from None


def judge_again(record: Record, runs: Mapping[str, Run]) -> Again:
    """What a record says of other runs: the same, something else, or nothing."""
    if record.hash != record.made_of():
        return Again(record.id, ALTERED, "its text, conditions or runs are not those that its hash was made of.")
    for asked in record.conditions:
        if asked.rule != asked.condition.words:
            return Again(record.id, NOT_JUDGED, f"here the rule is: {asked.condition.words}.")
    conditions = tuple(asked.condition for asked in record.conditions)
    ours = record.kind == "ours"
    claim = Claim(record.task, record.text, conditions, dict(record.runs), record.built_in, ours)
    found = judge_claim(record.id, claim, runs)
    if not found.known:
        return Again(record.id, NOT_JUDGED, found.evidence)
    pairs = {"validation": (record.verdict.validation, found.verdict), "exam": (record.verdict.exam, found.holds)}
    no_word = MISSING, BUILT_IN
    both = {on: pair for on, pair in pairs.items() if pair[0] == pair[1] or not {*pair} & {*no_word}}
    told = [f"{here} ({on})" for on, (there, here) in both.items() if here == there != MISSING]
    moved = [f"{there}, here {here} ({on})" for on, (there, here) in both.items() if here != there]
    if moved:
        return Again(record.id, OTHER, f"{'; '.join(moved)}. {found.exam if 'exam' in both else found.evidence}")
    if not told:
        return Again(record.id, NOT_JUDGED, "where one has a verdict, the other has none.")
    return Again(record.id, SAME, "; ".join(told) + ".")
