"""Conclusions as records that anyone can judge again on runs of their own; docs/claims.md describes the file."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ValidationError, model_validator

from labutils.config import RunConfig
from labutils.errors import ParameterError
from labutils.evaluate.claims import BUILT_IN, CLAIMS, MISSING, RIVAL, WORDS, Claim, judge, judge_claim
from labutils.evaluate.findings import MEASURES, Condition
from labutils.evaluate.rules import HOLDS
from labutils.runs.run import Run

SAME, OTHER, NOT_JUDGED, ALTERED = "same", "other", "cannot be judged", "altered"
"""What comes of a record that is judged again."""

_LIMITS = {"over-fitting": 1, "onset of over-fitting": 2, "training accuracy": 2}
_ALONE = {*_LIMITS, "wide gap", "near the ceiling"}


class Judged(BaseModel, frozen=True, extra="forbid"):
    """What was found: on the validation images and one seed, on the exam and all seeds; whose images, which numbers."""

    validation: Literal[WORDS]  # type: ignore[valid-type]
    exam: Literal[WORDS]  # type: ignore[valid-type]
    source: str
    numbers: str


class Record(BaseModel, frozen=True, extra="forbid"):
    """A conclusion; `hash` is that of all but what was found."""

    id: str
    task: str
    text: str
    kind: Literal["document", "ours", "built in"]
    built_in: str = ""
    conditions: tuple[Condition, ...]
    rule: str
    runs: dict[str, RunConfig]
    verdict: Judged
    hash: str = ""

    @model_validator(mode="after")
    def _sound(self) -> Record:
        if not self.conditions:
            raise ValueError("it has no condition to judge")
        for one in self.conditions:
            n, measure = len(one.names), one.measure
            several = {"best": n >= 2, "narrower gap": n >= 2 and n % 2 == 0}
            if measure not in MEASURES or one.rule not in HOLDS:
                raise ValueError(f"{measure!r}, {one.rule!r} is nothing that is measured here")
            if not several.get(measure, n == (1 if measure in _ALONE else 2)):
                raise ValueError(f"{measure} is not of {n} settings")
            if len(one.limits) != _LIMITS.get(measure, 0):
                raise ValueError(f"{measure} takes {_LIMITS.get(measure, 0)} limits, not {len(one.limits)}")
            for name in one.names:
                if name not in self.runs and (name != RIVAL or name == one.names[0]):
                    raise ValueError(f"{name!r} is not among the runs")
        return self

    @property
    def claim(self) -> Claim:
        """What the judge takes."""
        return Claim(self.task, self.text, self.conditions, dict(self.runs), self.built_in, self.kind == "ours")

    def made_of(self) -> str:
        """SHA-256 of everything but what was found, as canonical JSON without what is at its default."""
        asked = self.model_dump(mode="json", exclude={"verdict", "hash"}, exclude_defaults=True)
        return hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()


class Records(BaseModel, frozen=True, extra="forbid"):
    """A file of them."""

    format: Literal[1]
    claims: tuple[Record, ...]


def write_records(file: Path, runs: Mapping[str, Run]) -> None:
    """Write what the lab's claims come to on some runs, by any names."""
    records = []
    for name, claim in CLAIMS.items():
        found = judge(name, runs)
        verdict = {"validation": found.verdict, "exam": found.holds, "source": found.source, "numbers": found.exam}
        about = {own: getattr(claim, own) for own in ("task", "text", "kind", "built_in", "conditions", "rule")}
        record = Record.model_validate({"id": name, **about, "runs": claim.needs, "verdict": verdict})
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


def judge_again(record: Record, runs: Mapping[str, Run]) -> tuple[str, str]:
    """What comes of a record on other runs, `SAME`, `OTHER`, `NOT_JUDGED` or `ALTERED`, and why."""
    if record.hash != record.made_of():
        return ALTERED, "its text, rule or runs are not those that its hash was made of."
    if record.rule != record.claim.rule:
        return NOT_JUDGED, f"here the rule is: {record.claim.rule}"
    found = judge_claim(record.id, record.claim, runs)
    if not found.known:
        return NOT_JUDGED, found.evidence
    pairs = {"validation": (record.verdict.validation, found.verdict), "exam": (record.verdict.exam, found.holds)}
    both = {on: pair for on, pair in pairs.items() if pair[0] == pair[1] or not {MISSING, BUILT_IN} & {*pair}}
    told = [f"{here} ({on})" for on, (there, here) in both.items() if here == there != MISSING]
    moved = [f"{there}, here {here} ({on})" for on, (there, here) in both.items() if here != there]
    if moved:
        return OTHER, f"{'; '.join(moved)}. {found.exam if 'exam' in both else found.evidence}"
    return (SAME, "; ".join(told) + ".") if told else (NOT_JUDGED, "where one has a verdict, the other has none.")
